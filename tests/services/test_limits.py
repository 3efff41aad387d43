"""Limits belong to the service: they hold over threads, give way when the vendor refuses, and come back."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import polars as pl
import pytest

from leadflow.errors import Stopped
from leadflow.leads.columns import IDENTITY
from leadflow.leads.people import Person
from leadflow.services.dncscrub import DncScrub
from leadflow.services.idicore import Idicore
from leadflow.services.transport.http import Caller, json_request
from leadflow.services.transport.limits import Breaker, Limiter, shared_limiter
from leadflow.services.transport.request_batcher import RequestBatcher
from leadflow.stages import lookup_people


def _people(count):
    return [Person(f"{n:032x}", "Ann", "Lee", f"{n + 1} Elm St", "Bath", "ME", "04530") for n in range(count)]


def _leads(count):
    return pl.DataFrame([astuple(person) for person in _people(count)], ["person_key", *IDENTITY], orient="row")


def _starts(limiter, count, threads=8):
    """When each of `count` calls was let through."""
    started = []

    def call(_):
        with limiter.slot():
            started.append(time.monotonic())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(call, range(count)))
    return sorted(started)


def test_a_vendor_s_cookie_is_sent_to_it_by_no_later_call():
    sent = []

    class Vendor(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            sent.append(self.headers.get("Cookie"))
            self.send_response(200)
            self.send_header("Set-Cookie", "who=ann; Path=/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        caller = Caller("vendor", Limiter("vendor", 1), Breaker("vendor", 3), 30, 1)
        for _ in range(2):
            answer = caller.call(
                lambda client: client.get(f"http://127.0.0.1:{server.server_port}/"), lambda answer: answer
            )
            assert answer.headers["set-cookie"]
        caller.close()
        server.shutdown()
    assert sent == [None, None]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99/x/search", "https://vendor.example.com/search?v=2", "https://vendor.example.com:8443"]
)
@pytest.mark.parametrize("timeout", [7, None])
def test_a_request_made_in_short_is_the_one_that_httpx_makes(url, timeout):
    body, headers = {"lastName": "Müller", "fields": ["name", None]}, {"authorization": "t"}
    with httpx.Client(timeout=timeout) as client:
        short, long = (
            json_request(client, httpx.URL(url), body, headers),
            client.build_request("POST", url, json=body, headers=headers),
        )
    assert (short.method, short.url, short.extensions) == (long.method, long.url, long.extensions)
    assert sorted(short.headers.items()) == sorted(long.headers.items())
    assert short.read() == long.read()


def test_calls_in_flight_never_pass_the_cap():
    limiter = Limiter("x", 3)
    now, most, lock = [0], [0], threading.Lock()

    def call(_):
        with limiter.slot():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.002)
            with lock:
                now[0] -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(call, range(100)))
    assert most[0] == 3


def test_two_calls_start_at_least_every_s_apart():
    started = _starts(Limiter("x", 4, every_s=0.1), 5)
    assert all(later - earlier >= 0.1 for earlier, later in itertools.pairwise(started))


def test_a_quota_a_minute_is_kept(monkeypatch):
    monkeypatch.setattr("leadflow.services.transport.limits._WINDOW_S", 0.4)
    started = _starts(Limiter("x", 8, per_minute=5), 15)
    assert all(later - earlier >= 0.4 for earlier, later in zip(started, started[5:], strict=False))


def test_a_service_that_is_closed_keeps_no_lookup_waiting_and_loses_no_answer(world):
    world.configure(latency={"idicore": 0.5})
    idicore = Idicore(world.settings.idicore.model_copy(update={"max_in_flight": 4}))
    answers = []

    def answered(answer):
        answers.append(answer)
        if len(answers) == 4:
            threading.Thread(target=idicore.close).start()

    done = lookup_people(_leads(40), idicore, on_answer=answered)
    bought = world.stats()["idicore"]["bought"]
    assert 4 <= len(answers) == sum(bought.values()) < 40
    assert done.filter(pl.col("lookup_status") != "skipped")["person_key"].to_list() == sorted(bought)


@pytest.mark.usefixtures("sigint")
def test_ctrl_c_buys_no_more_than_what_is_in_flight_and_keeps_that(world):
    world.configure(latency={"idicore": 0.5})
    answers = []

    def answered(answer):
        answers.append(answer)
        if len(answers) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with Idicore(world.settings.idicore.model_copy(update={"max_in_flight": 4})) as idicore:
        with pytest.raises(KeyboardInterrupt):
            lookup_people(_leads(40), idicore, on_answer=answered)
        assert 4 <= len(answers) == sum(world.stats()["idicore"]["bought"].values()) <= 12


def test_calls_refused_together_count_as_one_refusal():
    limiter = Limiter("x", 32)
    for _ in range(32):
        limiter.slow_down(0.0)
    assert limiter.width == 16


def test_a_waiting_call_can_be_stopped():
    limiter, stop = Limiter("x", 1), threading.Event()
    threading.Timer(0.1, stop.set).start()
    with limiter.slot(), pytest.raises(Stopped), limiter.slot(stop):
        pass


def test_the_newest_settings_hold_for_a_shared_limiter():
    first = shared_limiter(("test", "adopt"), lambda: Limiter("x", 32, 10))
    assert shared_limiter(("test", "adopt"), lambda: Limiter("x", 4, 5)) is first
    assert (first.max_in_flight, first.width, first.per_minute) == (4, 4, 5)


def test_a_vendor_with_a_lower_cap_than_was_known_is_found_and_given_back_its_speed(world):
    settings = world.settings.idicore.model_copy(update={"max_in_flight": 16, "attempts": 10})
    world.configure(latency={"idicore": 0.01}, in_flight={"idicore": 6})
    with Idicore(settings) as idicore:
        found = [f.result() for f in idicore.queue(idicore.lookup, _people(150)).values()]
        slowed = idicore.limiter.width
        refused = world.stats()["idicore"]["refused"]
        world.configure(in_flight={"idicore": None})
        [f.result() for f in idicore.queue(idicore.lookup, _people(600)).values()]
        assert len(found) == 150
        assert refused > 0
        assert slowed < 16
        assert idicore.limiter.width > slowed
        assert world.stats()["idicore"]["refused"] == refused
        assert world.stats()["idicore"]["max_in_flight"] <= 16


def test_a_known_cap_is_never_run_into(world):
    settings = world.settings.idicore.model_copy(update={"max_in_flight": 6})
    world.configure(latency={"idicore": 0.01}, in_flight={"idicore": 6})
    with Idicore(settings) as idicore:
        [f.result() for f in idicore.queue(idicore.lookup, _people(200)).values()]
    stats = world.stats()["idicore"]
    assert (stats["refused"], stats["max_in_flight"]) == (0, 6)


def test_the_second_half_of_a_quota_is_spread_over_the_rest_of_its_minute(monkeypatch):
    monkeypatch.setattr("leadflow.services.transport.limits._WINDOW_S", 1.0)
    started = _starts(Limiter("x", 8, per_minute=8), 16)
    gaps = [later - earlier for earlier, later in itertools.pairwise(started)]
    assert all(later - earlier >= 1.0 for earlier, later in zip(started, started[8:], strict=False))
    assert max(gaps) < 0.6


def test_checks_that_wait_for_the_quota_share_a_call(world):
    world.configure(latency={"dnc": 0.05}, quotas={"dnc": 5, "window_s": 60})
    settings = world.settings.dnc.model_copy(update={"max_per_minute": 5, "max_numbers": 300})
    service = DncScrub(settings)
    phones = [f"+1504555{n:04}" for n in range(100, 200)]
    service._bulk.limiter._not_before = time.monotonic() + 0.5
    with ThreadPoolExecutor(10) as pool:
        parts = list(pool.map(lambda n: service.check(phones[n * 10 : n * 10 + 10]), range(10)))
    service.close()
    assert [set(part) for part in parts] == [set(phones[n * 10 : n * 10 + 10]) for n in range(10)]
    assert world.stats()["dnc"]["calls"] < 5
    assert world.stats()["dnc"]["refused"] == 0


def test_a_stopped_job_does_not_stop_a_check_that_shares_its_call():
    limiter, stop = Limiter("x", 1), threading.Event()
    gatherer = RequestBatcher(limiter, 100)
    asked = []

    def ask(phones, flag):
        asked.append(phones)
        return dict.fromkeys(phones, "answer")

    with ThreadPoolExecutor(2) as pool, limiter.slot():
        stopped = pool.submit(gatherer.check, ["a"], ask, stop)
        time.sleep(0.1)
        other = pool.submit(gatherer.check, ["b"], ask, threading.Event())
        time.sleep(0.1)
        stop.set()
        with pytest.raises(Stopped):
            stopped.result(5)
        limiter._flying = 0
        assert other.result(5) == {"b": "answer"}
        limiter._flying = 1
