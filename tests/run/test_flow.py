"""How leads flow: page by page out of the warehouse, batches overlapping, the sheet read once."""

from __future__ import annotations

import threading
import time

import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.run.coalescer import Coalescer
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extraction

pytestmark = pytest.mark.usual_quota


@pytest.mark.parametrize("size", [5, 8, 50])
def test_pages_and_batches_give_each_lead_once_and_in_order(world, monkeypatch, size):
    monkeypatch.setattr(extraction, "_PAGE", 8)
    with Warehouse(world.settings.warehouse) as warehouse:
        opened = extraction.open_extraction(SCRIPT, warehouse, limit_rows=45)
        batches = list(opened.batches(size))
        whole = [lead for batch in batches for lead in batch["person_key"]]
        monkeypatch.setattr(extraction, "_PAGE", 1000)
        assert whole == [lead for batch in opened.batches(1000) for lead in batch["person_key"]]
    assert [batch.height for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert len(set(whole)) == 45


def test_to_read_a_script_s_rows_makes_no_table(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        assert len(extraction.extract(SCRIPT, warehouse))
        tables = warehouse.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'PUBLIC'")
    assert [name for (name,) in tables if name != "RAW_LEADS"] == []


def test_stages_overlap_and_the_first_batch_is_through_before_the_last_begins(world):
    world.configure(latency={"idicore": 0.05, "litigator": 0.1, "dnc": 0.1, "sheets": 0.1})
    settings = world.settings.model_copy(
        update={"batch_size": 40, "idicore": world.settings.idicore.model_copy(update={"max_in_flight": 8})}
    )
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=400, progress=False)
        trace = engine.trace(job.id, full=True)
        checked = trace[(trace["stage"] == "DNC") & (trace["batch"] == 1)]["elapsed"].max()
        assert checked < trace[(trace["stage"] == "idiCORE") & (trace["batch"] == 10)]["elapsed"].max()
        spent = engine.history.batches(job.id)[["lookup_s", "check_s", "deliver_s", "cache_s"]].sum().sum()
        lasted = trace["elapsed"].max() - trace[trace["stage"] == "idiCORE"]["elapsed"].min()
        assert lasted < 0.8 * spent
        assert observe(world, engine, job.id).clean


def test_appends_are_merged_when_the_quota_of_the_sheet_is_the_bottleneck(world):
    settings = world.settings.model_copy(
        update={"batch_size": 10, "sheets": world.settings.sheets.model_copy(update={"write_every_s": 2.0})}
    )
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=200, progress=False)
        assert observe(world, engine, job.id).clean
    assert len(sheet_rows(world)) == job.counts.delivered
    assert world.stats()["sheets"]["writes"] < 15


def test_the_last_batches_go_out_in_one_append_if_another_would_keep_it_waiting(world):
    world.configure(latency={"idicore": 0.1})
    parts = {
        "idicore": world.settings.idicore.model_copy(update={"max_in_flight": 8}),
        "sheets": world.settings.sheets.model_copy(update={"write_every_s": 8.0}),
    }
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20, **parts})) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        appends = [m for m in engine.trace(job.id)["message"] if m.startswith("Uploaded batch")]
        assert len(appends) == 1, appends
        assert observe(world, engine, job.id).clean


def test_a_sheet_that_is_slow_to_be_looked_at_keeps_no_check_waiting(world, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(Sheet, "look_ahead", lambda self: answers.wait(120))
    settings = world.settings.model_copy(
        update={"batch_size": 10, "sheets": world.settings.sheets.model_copy(update={"write_every_s": 1.0})}
    )
    with lf.Engine(settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=200)
        until = time.monotonic() + 110
        while handle.progress.stages.get("DNC", 0) < 200 and time.monotonic() < until:
            time.sleep(0.02)
        checked = handle.progress.stages.get("DNC", 0)
        answers.set()
        job = handle.result()
        assert checked == 200
        assert observe(world, engine, job.id).clean


def test_a_call_that_waited_for_its_quota_waits_on_if_by_then_another_item_is_near():
    calls, pauses = [], iter([0.05, 30.0])
    merger = Coalescer("test", calls.append, linger=lambda: next(pauses, 0.0))
    merger.put(1)
    time.sleep(0.5)
    merger.put(2)
    merger.finish()
    assert calls == [[1, 2]]


def test_a_call_waits_no_longer_for_items_that_do_not_come():
    calls = []
    merger = Coalescer("test", calls.append, linger=lambda: 0.05)
    merger.put(1)
    until = time.monotonic() + 60
    while not calls and time.monotonic() < until:
        time.sleep(0.01)
    assert calls == [[1]]
    merger.finish()


def test_the_key_column_is_read_once_while_nobody_else_writes(world, monkeypatch):
    looks = []
    look = Sheet._look
    monkeypatch.setattr(Sheet, "_look", lambda self: looks.append(1) or look(self))
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(["Lead Key", "Name"])
    for n in range(5):
        assert sheet.append([{"Lead Key": f"k{n}", "Name": "x"}]) == 1
    before = len(looks)
    for n in range(5, 10):
        assert sheet.append([{"Lead Key": f"k{n}", "Name": "x"}, {"Lead Key": "k0", "Name": "x"}]) == 1
    assert len(looks) == before
    world.edit_sheet([("append", ["k10", "by a person"])])
    assert sheet.append([{"Lead Key": "k10", "Name": "x"}]) == 0
    assert len(looks) == before + 1


def test_a_sheet_of_the_same_tab_sees_what_another_appended(world):
    first, second = Sheet(world.settings.sheets), Sheet(world.settings.sheets)
    for sheet in (first, second):
        sheet.prepare(["Lead Key", "Name"])
        sheet.look_ahead()
    assert first.append([{"Lead Key": "k1", "Name": "x"}]) == 1
    second.look_ahead()
    assert second.append([{"Lead Key": "k1", "Name": "x"}, {"Lead Key": "k2", "Name": "x"}]) == 1
    assert first.append([{"Lead Key": "k2", "Name": "x"}]) == 0
    assert [row["Lead Key"] for row in sheet_rows(world)] == ["k1", "k2"]
