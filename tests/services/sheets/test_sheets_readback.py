"""No answer of Google's is believed: what counts is what is read in the sheet afterwards."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcome import SCRIPT, observe, sheet_rows
from sheet_rows import NAMES, keys_in, keys_of, rows_of

import leadflow as lf
from leadflow.errors import DeliveryError, JobFailedError, LeadflowError
from leadflow.services.sheets import Sheet

_TAB = "consolidated_data"


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


# Appends.


@pytest.mark.parametrize("lie", [{}, {"rows": 1}, {"rows": 19}, {"place": "top"}, {"s": 30}], ids=str)
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("there", [0, 30])
def test_an_append_that_is_claimed_and_not_done_is_sent_again(world, sheet, lie, times, there):
    sheet.append(rows_of(*range(100, 100 + there)))
    world.fail("sheets", "claimed", times=times, key="k0019", **lie)
    assert sheet.append(rows_of(*range(20))) == 20
    assert sorted(keys_in(world)) == keys_of(*range(20), *range(100, 100 + there))
    assert sheet.append(rows_of(*range(25))) == 5
    assert sorted(keys_in(world)) == keys_of(*range(25), *range(100, 100 + there))


def test_an_append_that_never_arrives_says_that_a_filter_may_be_on(world, sheet):
    world.filter_sheet(_TAB)
    with pytest.raises(DeliveryError, match=f"turn off the filter of tab {_TAB} .*then resume"):
        sheet.append(rows_of(1, 2))
    assert keys_in(world) == []
    world.filter_sheet(None)
    assert sheet.append(rows_of(1, 2)) == 2
    assert keys_in(world) == keys_of(1, 2)


def test_an_append_that_fails_for_want_of_a_connection_says_nothing_of_a_filter(world, sheet):
    world.fail("sheets", "503", times=100, on="write")
    with pytest.raises(DeliveryError, match="could not be proven") as failed:
        sheet.append(rows_of(1, 2))
    assert "filter" not in str(failed.value)


@pytest.mark.parametrize("late_s", [0.2, 1.5])
@pytest.mark.parametrize("times", [1, 2])
def test_rows_that_come_late_are_one_row_each_when_the_job_has_ended(world, engine, late_s, times):
    engine.run(SCRIPT, limit_rows=5, progress=False)
    world.fail("sheets", "claimed", times=times, key="+1", s=late_s)
    job = engine.run(SCRIPT, limit_rows=8, progress=False)
    time.sleep(2.5)
    keys = [row["Lead Key"] for row in sheet_rows(world)]
    assert len(keys) == len(set(keys))
    assert observe(world, engine, job.id).clean


def test_rows_that_come_after_all_are_taken_out_at_the_end(world, sheet):
    world.fail("sheets", "claimed", s=1.0)
    assert sheet.append(rows_of(1, 2, 3)) == 3
    deadline = time.monotonic() + 30
    while len(keys_in(world)) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(keys_in(world)) == 6, "the late append never came; this test tests nothing"
    assert sheet.settle_doubts() == 3
    assert keys_in(world) == keys_of(1, 2, 3)


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_an_append_written_over_other_rows_is_said_with_what_to_do(world, sheet, count):
    sheet.append(rows_of(*range(100, 105)))
    world.fail("sheets", "claimed", place="over")
    with pytest.raises(DeliveryError, match=r"written over .* such as that of lead k0.*Version history") as failed:
        sheet.append(rows_of(*range(count)))
    assert f"over {min(count, 5)} rows" in str(failed.value)


def test_a_filter_that_lets_rows_be_replaced_ends_the_job_at_once(world, sheet):
    sheet.append(rows_of(1, 2, 3))
    world.filter_sheet(_TAB, appends="over")
    with pytest.raises(DeliveryError, match="written over"):
        sheet.append(rows_of(4, 5))
    assert len(keys_in(world)) == 3


def test_rows_whose_keys_the_sheet_changes_are_taken_back(world, sheet):
    sheet.append(rows_of(1))
    world.fail("sheets", "claimed", times=100, key="k0002", alter=0)
    with pytest.raises(DeliveryError, match=r"did not keep the keys .* taken back"):
        sheet.append(rows_of(2, 3))
    assert keys_in(world) == keys_of(1)


def test_other_cells_that_the_sheet_changes_are_no_doubt_about_the_row(world, sheet):
    world.fail("sheets", "claimed", alter=1)
    assert sheet.append(rows_of(2, 3)) == 2
    assert keys_in(world) == keys_of(2, 3)


@pytest.mark.parametrize("person", ["sorts", "inserts a row at the top", "appends a row", "deletes an old row"])
def test_people_at_work_between_append_and_read_back_cause_no_doubt(world, sheet, monkeypatch, person):
    sheet.append(rows_of(1, 2, 3))
    edits = {
        "sorts": lambda rows: [rows[0], *reversed(rows[1:])],
        "inserts a row at the top": lambda rows: [rows[0], ["", "a note"], *rows[1:]],
        "appends a row": lambda rows: [*rows, ["k0009", "by hand"]],
        "deletes an old row": lambda rows: [rows[0], *rows[2:]],
    }
    shown = Sheet._is_shown

    def meanwhile(self, *args):
        world.edit_sheet(edits[person])
        return shown(self, *args)

    monkeypatch.setattr(Sheet, "_is_shown", meanwhile)
    assert sheet.append(rows_of(4, 5)) == 2
    monkeypatch.undo()
    assert sheet.append(rows_of(4, 5, 6)) == 1
    assert keys_in(world).count("k0004") == keys_in(world).count("k0006") == 1


def _moving_columns(world, monkeypatch, times):
    ensure, moved = Sheet.ensure_columns, []

    def too_late(self, names):
        done = ensure(self, names)
        if len(moved) < times:
            moved.append(world.edit_sheet(lambda rows: [[row[0], row[2], row[1]] for row in rows]))
        return done

    monkeypatch.setattr(Sheet, "ensure_columns", too_late)


def test_columns_moved_just_before_an_append_have_it_taken_back_and_sent_again(world, sheet, monkeypatch):
    sheet.append(rows_of(1))
    _moving_columns(world, monkeypatch, 1)
    assert sheet.append(rows_of(2)) == 1
    assert world.sheet_values() == [["Lead Key", "Zip", "Name"], ["k0001", "00001", "=1+1"], ["k0002", "00002", "=1+2"]]


def test_columns_that_keep_moving_are_said(world, sheet, monkeypatch):
    sheet.append(rows_of(1))
    _moving_columns(world, monkeypatch, 100)
    with pytest.raises(DeliveryError, match="keep moving"):
        sheet.append(rows_of(2))
    monkeypatch.undo()
    assert sheet.append(rows_of(1, 2)) == 1
    assert keys_in(world) == keys_of(1, 2)


def test_columns_moved_just_after_an_append_leave_it(world, sheet, monkeypatch):
    sheet.append(rows_of(1))
    shown = Sheet._is_shown

    def meanwhile(self, *args):
        world.edit_sheet(lambda rows: [[row[2], row[1], row[0]] for row in rows])
        return shown(self, *args)

    monkeypatch.setattr(Sheet, "_is_shown", meanwhile)
    assert sheet.append(rows_of(2)) == 1
    monkeypatch.undo()
    assert world.sheet_values()[2] == ["00002", "=1+2", "k0002"]


def test_a_read_back_costs_one_read_and_spares_the_next_look(world, sheet):
    sheet.append(rows_of(0))
    reads = world.stats()["sheets"]["reads"]
    for n in range(1, 6):
        assert sheet.there(keys_of(n - 1, n)) == set(keys_of(n - 1))
        sheet.append(rows_of(n))
        sheet.look_ahead()
    assert world.stats()["sheets"]["reads"] == reads + 1 + 5


def test_a_lead_that_another_machine_appended_since_the_last_look_is_there_once_at_the_end(world, sheet):
    sheet.append(rows_of(1))
    sheet.look_ahead()
    world.edit_sheet([("append", ["k0002", "=1+2", "00002"])])
    sheet.append(rows_of(2, 3))
    sheet.settle_doubts()
    assert sorted(keys_in(world)) == keys_of(1, 2, 3)


def test_a_grid_that_people_made_shorter_is_looked_at_again(world, sheet):
    sheet.append(rows_of(*range(10)))
    sheet.tab.delete_rows(5, 1000)
    world.filter_sheet(None)
    sheet._looked_ahead = None
    assert sheet.append(rows_of(20)) == 1
    assert keys_in(world) == keys_of(0, 1, 2, 20)


def test_a_claim_beyond_the_end_of_the_grid_is_no_error(world, sheet):
    sheet.append(rows_of(1))
    world.fail(
        "sheets",
        "body",
        body='{"updates": {"updatedRows": 2, "updatedRange": "consolidated_data!A90000:C90001"}}',
        key="k0002",
    )
    assert sheet.append(rows_of(2, 3)) == 2
    assert keys_in(world) == keys_of(1, 2, 3)


# Every other write.


def test_a_header_that_is_claimed_and_not_written_is_written_again(world):
    world.fail("sheets", "claimed", times=2, key="Lead Key")
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(NAMES)
    assert world.sheet_values() == [NAMES]


def test_a_header_that_is_never_written_is_said(world):
    world.fail("sheets", "claimed", times=100, key="Lead Key")
    with pytest.raises(DeliveryError, match="header"):
        Sheet(world.settings.sheets).prepare(NAMES)


def test_a_tab_that_is_claimed_and_not_made_is_made(world):
    world.fail("sheets", "claimed", times=2, key="addSheet")
    sheet = Sheet(world.settings.sheets.model_copy(update={"worksheet": "new tab"}))
    sheet.prepare(NAMES)
    assert sheet.append(rows_of(1)) == 1
    assert keys_in(world, "new tab") == keys_of(1)


def test_a_wider_grid_that_is_claimed_and_not_made_loses_nothing(world, sheet):
    sheet.append(rows_of(1))
    names = [*NAMES, *(f"Column {n}" for n in range(40))]
    world.fail("sheets", "claimed", times=2, key="appendDimension")
    assert Sheet(world.settings.sheets).ensure_columns(names)
    assert world.sheet_values()[0] == names


def test_a_forbidden_row_is_gone_when_withdraw_returns(world, sheet):
    sheet.append(rows_of(1, 2, 3))
    world.fail("sheets", "claimed", times=3, key="deleteDimension")
    assert sheet.withdraw({"k0002": {"00002"}}) == 1
    assert keys_in(world) == keys_of(1, 3)


def test_a_forbidden_row_that_stays_is_said_by_its_key(world, sheet):
    sheet.append(rows_of(1, 2, 3))
    world.fail("sheets", "claimed", times=1000, key="deleteDimension")
    with pytest.raises(
        DeliveryError, match="may not be called any more could not be taken out, such as that of lead k0002"
    ):
        sheet.withdraw({"k0002": {"00002"}})


def test_doubles_that_stay_are_said(world, sheet):
    sheet.append(rows_of(1, 2))
    rows = world.sheet_values()
    few = world.settings.sheets.model_copy(update={"attempts": 2})
    world.edit_sheet([("append", rows[1])])
    world.fail("sheets", "claimed", key="deleteDimension")
    assert Sheet(few).prepare(NAMES) == 1
    assert keys_in(world) == keys_of(1, 2)
    world.edit_sheet([("append", rows[1])])
    world.fail("sheets", "claimed", times=1000, key="deleteDimension")
    with pytest.raises(DeliveryError, match="repeat a lead could not be taken out, such as row"):
        Sheet(few).prepare(NAMES)


def test_an_append_beside_its_columns_that_cannot_be_taken_back_is_said(world, sheet, monkeypatch):
    sheet.append(rows_of(1))
    ensure = Sheet.ensure_columns

    def too_late(self, names):
        done = ensure(self, names)
        world.edit_sheet(lambda rows: [["", *row] for row in rows])
        world.fail("sheets", "claimed", times=100, key="deleteDimension")
        return done

    monkeypatch.setattr(Sheet, "ensure_columns", too_late)
    with pytest.raises(DeliveryError, match="which wrote rows 2 to 2; delete them"):
        sheet.append(rows_of(2))


# A job.


def test_no_lead_counts_as_delivered_while_a_filter_swallows_the_rows(world, engine):
    engine.run(f'{SCRIPT} ORDER BY "Lead Number"', limit_rows=20, progress=False)
    world.filter_sheet(_TAB)
    rows = len(sheet_rows(world))
    with pytest.raises(JobFailedError, match=f"turn off the filter of tab {_TAB}"):
        engine.run(SCRIPT, limit_rows=40, progress=False)
    job_id = lf.jobs()["id"].iloc[0]
    assert engine.checkpoints.keys(job_id, "delivered") == []
    assert len(sheet_rows(world)) == rows
    world.filter_sheet(None)
    bought = world.stats()["idicore"]["calls"]
    job = engine.resume(job_id, progress=False)
    assert job.ok
    assert world.stats()["idicore"]["calls"] == bought
    assert observe(world, engine, job.id).clean
    assert engine.report(job.id).ok


@pytest.mark.parametrize(("hides", "words"), [(True, "has a filter on, which hides rows"), (False, "has a filter on")])
def test_a_filter_is_warned_of_once_a_job(world, engine, hides, words):
    engine.run(SCRIPT, limit_rows=5, progress=False)
    world.filter_sheet(f"{_TAB}!A:F", hides=hides, appends="kept")
    job = engine.run(SCRIPT, limit_rows=60, progress=False)
    assert job.ok
    trace = engine.trace(job.id)
    said = trace[trace["message"].str.contains(words)]
    assert len(said) == 1
    assert said["level"].tolist() == ["warning"]


def test_without_a_filter_nothing_is_warned_of(world, engine):
    job = engine.run(SCRIPT, limit_rows=5, progress=False)
    assert not engine.trace(job.id)["message"].str.contains("filter").any()


_LIES = st.sampled_from(
    [{}, {"rows": 0}, {"rows": 1}, {"rows": 7}, {"place": "top"}, {"place": "top", "rows": 3}, {"s": 0.05}, {"s": 0.4}]
)
_FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["claimed", "applied_then_503", "503", "drop", "applied_late"]), _LIES, st.integers(0, 4)
    ),
    max_size=6,
)


@given(_FAULTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_counted_as_delivered_is_what_the_sheet_shows(world, faults):
    world.configure(quotas={"sheets_reads": 60_000, "sheets_writes": 60_000})
    world.reset()
    quick = world.settings.sheets.model_copy(
        update={"timeout_s": 2.0, "attempts": 4, "reads_per_minute": 60_000, "writes_per_minute": 60_000}
    )
    sheet = Sheet(quick)
    sheet.prepare(NAMES)
    for kind, lie, after in faults:
        world.fail("sheets", kind, after=after, on="write", **(lie if kind == "claimed" else {"s": lie.get("s", 0.1)}))
    delivered, wanted = set(), []
    for start in range(0, 40, 10):
        wanted = rows_of(*range(start, start + 10))
        try:
            sheet.append(wanted)
            delivered |= {row["Lead Key"] for row in wanted}
            assert delivered <= set(keys_in(world))
        except LeadflowError:
            break
    world.heal()
    while world.stats()["sheets"]["waiting"]:
        time.sleep(0.05)
    sheet.append(wanted)
    sheet.settle_doubts()
    found = keys_in(world)
    assert sorted(found) == sorted(delivered | {row["Lead Key"] for row in wanted})
