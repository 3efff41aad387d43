"""The stand-ins, over real sockets and with the real client libraries."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from standins import litigators, login, rows_of, scrub, search

from leadflow.leads.columns import person_key
from leadflow.local import World, start
from leadflow.local.world import SAMPLES
from leadflow.services.warehouse import Warehouse
from leadflow.settings import Settings

IDENTITY = ("First Name", "Last Name", "Address", "City", "State", "Zip")


def test_samples_hold_the_dirt_of_real_exports():
    leads, truth = rows_of("leads.csv"), rows_of("truth.csv")
    text = (SAMPLES / "leads.csv").read_text(encoding="utf-8")
    keys = [person_key(*(lead[c] for c in IDENTITY)) for lead in leads]
    phones = [p for row in truth for p in json.loads(row["phones"])]
    numbers = [p["number"] for p in phones]
    assert len(leads) >= 2000
    assert len(set(keys)) < len(keys)
    assert any(lead["Zip"].startswith("0") for lead in leads)
    assert "O'Brien" in text
    assert "Muñoz" in text
    assert any(v.startswith("=") for lead in leads for v in lead.values())
    assert any(not lead["Address"].strip() for lead in leads)
    assert all(n[3:8] == "55501" for n in numbers)
    assert len(numbers) - len(set(numbers)) >= 50
    assert any("x12" in p["written"] for p in phones)
    assert {row["outcome"] for row in truth} == {"found", "no_match", "ambiguous", "no_phone"}
    named = {k for k, lead in zip(keys, leads, strict=True) if lead["Address"].strip() and lead["First Name"].strip()}
    assert named <= {row["person_key"] for row in truth}


def test_generator_repeats_itself(tmp_path: Path):
    repo = SAMPLES.parent
    (tmp_path / "leadflow/local").mkdir(parents=True)
    (tmp_path / "data_samples").mkdir()
    for name in ("leadflow/local/people.py", "data_samples/generate.py"):
        (tmp_path / name).write_bytes((repo / name).read_bytes())
    subprocess.run([sys.executable, "-I", str(tmp_path / "data_samples/generate.py")], check=True, capture_output=True)
    for name in ("leads.csv", "truth.csv"):
        assert (tmp_path / "data_samples" / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_idicore_wants_a_basic_login_and_a_raw_token(world: World):
    token = login(world)
    assert not token.startswith(("{", '"'))
    assert search(world, f"Bearer {token}").status_code == 401
    assert (
        httpx.post(world.settings.idicore.login_url, auth=("x", "y"), json={"glba": "a", "dppa": "b"}).status_code
        == 401
    )
    assert "result" in search(world, token).json()
    assert world.stats()["idicore"]["bought"] == {"k1": 1}


def test_idicore_answers_come_from_the_truth(world: World):
    token = login(world)
    for row in [r for r in rows_of("truth.csv") if r["outcome"] == "found"][:60]:
        result = search(world, token, row["person_key"]).json()["result"]
        mine = next(p for p in result if p["name"][0]["first"] == "ANN")
        ranked = sorted((p for p in mine["phone"] if not p["fake"]), key=lambda p: p["meta"]["rank"])
        assert [p["number"] for p in ranked] == [p["written"] for p in json.loads(row["phones"])]
        assert [m["data"] for m in mine.get("email", [])] == json.loads(row["emails"])
    for outcome, size in (("no_match", 0), ("ambiguous", 2)):
        key = next(r["person_key"] for r in rows_of("truth.csv") if r["outcome"] == outcome)
        assert len(search(world, token, key).json()["result"]) == size


def test_an_answer_goes_out_in_one_piece(world: World):
    world.configure(latency={"idicore": 0.01})
    s = world.settings.idicore
    body, host = b"{}", httpx.URL(s.search_url).host
    asked = (
        f"POST {httpx.URL(s.search_url).path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    with socket.create_connection((host, httpx.URL(s.search_url).port), timeout=10) as line:
        for _ in range(20):
            line.sendall(asked)
            head, _, said = line.recv(65_536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401")
            assert f"content-length: {len(said)}".encode() in head.lower()


def test_tokens_expire(world: World):
    world.configure(token_life_s=0.05)
    token = login(world)
    time.sleep(0.1)
    assert search(world, token).status_code == 401
    world.configure(token_life_s=900)
    token = login(world)
    world.fail("idicore", "expired_token")
    assert search(world, token).status_code == 401
    assert search(world, login(world)).status_code == 200


def test_generic_faults(world: World):
    token = login(world)
    world.fail("idicore", "503", after=1)
    assert [search(world, token).status_code for _ in range(3)] == [200, 503, 200]
    world.fail("idicore", "429", retry_after=3)
    assert search(world, token).headers["retry-after"] == "3"
    for kind in ("html", "truncated"):
        world.fail("idicore", kind)
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            search(world, token).json()
    world.fail("idicore", "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        search(world, token)
    world.fail("idicore", "truncated", short=True)
    with pytest.raises(httpx.TransportError):
        search(world, token)
    world.fail("idicore", "timeout", s=30)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(world.settings.idicore.search_url, json={}, timeout=0.2)
    world.fail("idicore", "500", key="victim")
    assert search(world, token).status_code == 200
    assert search(world, token, "victim").status_code == 500
    world.fail("idicore", "empty")
    assert search(world, token).json() == {}
    with pytest.raises(ValueError, match="no fault"):
        world.fail("idicore", "nonsense")


def test_in_flight_cap_refuses_what_is_above_it(world: World):
    token = login(world)
    world.configure(latency={"idicore": 2.0}, in_flight={"idicore": 2})
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda n: search(world, token, str(n)).status_code, range(6)))
    assert codes.count(200) == 2
    assert codes.count(429) == 4
    stats = world.stats()["idicore"]
    assert stats["max_in_flight"] == 2
    assert stats["refused"] == 4


def test_litigator_list_speaks_integers_and_scrub_strings(world: World):
    phones = [p for r in rows_of("truth.csv") for p in json.loads(r["phones"])][:500]
    text = ",".join(p["number"] for p in phones)
    assert {r["Phone"]: r["IsLitigator"] for r in litigators(world, text).json()} == {
        int(p["number"]): p["litigator"] for p in phones
    }
    rows = scrub(world, text).json()
    assert {r["Phone"]: r["ResultCode"] for r in rows} == {p["number"]: p["dnc_code"] for p in phones}
    assert all(isinstance(v, str) for r in rows for v in r.values())
    assert scrub(world, f"{phones[0]['number']}|abc").json()[0]["Reserved"] == "abc"
    assert litigators(world, text, "wrong").status_code == 401
    assert world.stats()["litigator"]["numbers"] == len(phones)


def test_one_malformed_number_fails_the_request(world: World):
    assert litigators(world, "5045550143,12").status_code == 400
    assert scrub(world, "5045550143,12").status_code == 400
    assert [r["ResultCode"] for r in scrub(world, "5045550143,12", ignoreInvalid="1").json()][1] == "M"


def test_scrub_faults(world: World):
    world.fail("dnc", "missing_row")
    assert len(scrub(world, "5045550143,5045550144").json()) == 1
    world.fail("dnc", "unknown_code")
    assert scrub(world, "5045550143").json()[0]["ResultCode"] == "Q"
    world.fail("litigator", "unknown_code")
    assert litigators(world, "5045550143").json()[0]["IsLitigator"] is None
    world.fail("litigator", "malformed_number")
    assert litigators(world, "5045550143").status_code == 400


def test_reset_makes_everything_new(world: World):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute("create table PERSON_CACHE (a int)")
        warehouse.execute("delete from RAW_LEADS")
    world.edit_sheet([("append", ["x"])])
    login(world)
    home = world.settings.home
    began = time.monotonic()
    world.reset()
    assert time.monotonic() - began < 20
    stats = world.stats()
    assert stats["snowflake"]["rows"] == {"RAW_LEADS": len(rows_of("leads.csv"))}
    assert stats["idicore"]["logins"] == stats["sheets"]["rows"] == 0
    assert world.sheet_values() == []
    assert world.settings.home != home
    assert not list(world.settings.home.iterdir())


def test_env_gives_another_process_the_same_settings(world: World, monkeypatch: pytest.MonkeyPatch):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == world.settings


def test_own_leads_and_quick_start(tmp_path: Path):
    header = rows_of("leads.csv")[0]
    (tmp_path / "mine.csv").write_text(",".join(f'"{c}"' for c in header) + "\n" + ",".join("x" for _ in header) + "\n")
    began = time.monotonic()
    with start(leads=tmp_path / "mine.csv") as world:
        assert time.monotonic() - began < 60
        assert world.stats()["snowflake"]["rows"] == {"RAW_LEADS": 1}
        assert search(world, login(world)).status_code == 200
        pid = world.pid
    assert gone(pid)


def test_child_dies_with_a_killed_parent():
    code = "from leadflow.local import start; import time; w = start(); print(w.pid, flush=True); time.sleep(60)"
    env = {**os.environ, "PYTHONPATH": str(SAMPLES.parent)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait(60)
    parent.stdout.close()
    assert gone(child)


def gone(pid: int) -> bool:
    for _ in range(600):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
