"""The tab, its header and its key column, made once and followed when people rename them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from outcome import SCRIPT, observe
from sheet_rows import NAMES, keys_in, rows_of

import leadflow as lf
from leadflow.errors import DeliveryError, JobFailedError
from leadflow.services.sheets import Sheet


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "drop", "html", "429", "truncated"])
@pytest.mark.parametrize("what", ["addSheet", "Lead Key"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_doubtful_tab_or_header_is_made_once(world, kind, what, times):
    world.fail("sheets", kind, times=times, key=what, on="write")
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 1.0, "worksheet": "new tab"}))
    sheet.connect(prove=True)
    sheet.prepare(NAMES)
    assert sheet.append(rows_of(1, 2)) == 2
    header, *rows = world.sheet_values("new tab")
    assert header == NAMES
    assert [row[0] for row in rows] == ["k0001", "k0002"]
    assert [tab.title for tab in sheet.tab.spreadsheet.worksheets()].count("new tab") == 1


def test_jobs_that_make_tab_and_header_at_once_make_one(world):
    """Two machines share no lock: here, two addresses of one server."""
    base = world.settings.sheets.model_copy(update={"worksheet": "new tab", "timeout_s": 5.0})
    made = [base, base.model_copy(update={"base_url": base.base_url.replace("127.0.0.1", "localhost")})]
    together = threading.Barrier(2)

    def work(number):
        sheet = Sheet(made[number])
        together.wait(30)
        sheet.connect(prove=True)
        together.wait(30)
        sheet.prepare(NAMES)
        return sum(sheet.append([{"Lead Key": f"k{number}{n}", "Name": "x", "Zip": f"0{n}"}]) for n in range(3))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [3, 3]
    header, *rows = world.sheet_values("new tab")
    assert header == NAMES
    assert sorted(rows) == sorted([f"k{a}{n}", "x", f"0{n}"] for a in range(2) for n in range(3))


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("renamed", ["Key", "", "lead key"])
def test_a_key_column_that_was_renamed_is_said_and_nothing_is_doubled(world, sheet, renamed, fresh):
    sheet.append(rows_of(1, 2))
    world.edit_sheet(lambda rows: [[renamed, *rows[0][1:]], *rows[1:]])
    before = world.sheet_values()
    later = Sheet(world.settings.sheets) if fresh else sheet
    with pytest.raises(DeliveryError, match="name it so again"):
        later.append(rows_of(1, 2, 3))
    with pytest.raises(DeliveryError, match="name it so again"):
        later.prepare(NAMES)
    assert world.sheet_values() == before
    world.edit_sheet(lambda rows: [NAMES, *rows[1:]])
    assert later.append(rows_of(1, 2, 3)) == 1
    assert keys_in(world) == ["k0001", "k0002", "k0003"]


def test_a_person_s_own_table_gets_our_columns_at_its_right(world):
    world.edit_sheet(lambda rows: [["Mine", "Zip"], ["a", "04013"]])
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(NAMES)
    assert sheet.append(rows_of(1)) == 1
    assert world.sheet_values()[0] == ["Mine", "Zip", "Lead Key", "Name"]


def test_a_key_column_renamed_in_mid_job_fails_it_and_doubles_nothing(world, engine):
    world.configure(latency={"idicore": 0.1})
    handle = engine.submit(SCRIPT, limit_rows=120)
    deadline = time.monotonic() + 60
    while len(world.sheet_values()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    world.edit_sheet(lambda rows: [["Key" if name == "Lead Key" else name for name in rows[0]], *rows[1:]])
    with pytest.raises(JobFailedError, match="name it so again"):
        handle.result(120)
    world.configure(latency={"idicore": 0.0})
    with pytest.raises(JobFailedError, match="name it so again"):
        engine.resume(handle.id, progress=False)
    world.edit_sheet(lambda rows: [["Lead Key" if name == "Key" else name for name in rows[0]], *rows[1:]])
    job = engine.resume(handle.id, progress=False)
    assert observe(world, engine, job.id).clean
