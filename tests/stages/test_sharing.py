"""A phone that stands in several rows is marked in each, whichever batch, job or machine delivered them."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError
from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.sheets import Sheet
from leadflow.services.sheets.client import letters
from leadflow.stages import check_dnc, check_litigators, deliver
from leadflow.stages.shared_phones import SharedPhones, mark_shared, shared_counts

_PHONES = [f"Phone {n}" for n in (1, 2, 3)]
_CLEAN = [
    phone for phone in (f"21255501{n:02}" for n in range(100)) if not is_litigator(phone) and dnc_code(phone) == "C"
]
# The sample's leads that share a phone are among the first by number.
_ORDERED = f'{SCRIPT} ORDER BY "Lead Number"'


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


def _expected(rows):
    """By brute force: each row against each other."""
    shown = {row["Lead Key"]: {row.get(name, "") for name in _PHONES} - {""} for row in rows}
    return {
        key: str(n) if (n := sum(1 for other in shown if other != key and phones & shown[other])) else ""
        for key, phones in shown.items()
    }


def _marks(rows):
    return {row["Lead Key"]: row.get("Shared With", "") for row in rows}


def _right(world):
    rows = sheet_rows(world)
    assert _marks(rows) == _expected(rows)
    return sum(map(bool, _marks(rows).values()))


def test_rows_of_several_batches_and_of_several_jobs_are_marked(world, engine):
    engine.run(_ORDERED, limit_rows=30, progress=False)
    first = _right(world)
    engine.run(_ORDERED, limit_rows=60, progress=False)
    second = _right(world)
    job = engine.run(_ORDERED, limit_rows=60, progress=False)
    third = _right(world)
    assert first < second < third
    assert engine.trace(job.id)["message"].str.contains("other rows show one of their phones").any()
    assert observe(world, engine, job.id).clean


def test_rows_of_one_batch_are_marked_as_they_are_appended(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 300})) as engine:
        job = engine.run(_ORDERED, limit_rows=150, progress=False)
        assert _right(world)
        assert not engine.trace(job.id)["message"].str.contains("other rows show one of their phones").any()


def test_a_sorted_sheet_and_a_person_s_own_columns_are_left_as_they_are(world, engine):
    engine.run(_ORDERED, limit_rows=60, progress=False)
    width = len(sheet_rows(world)[0])

    def person(rows):
        rows = [
            [*row, *[""] * (len(rows[0]) - len(row)), "Mine" if n == 0 else f"note {row[0][:6]}"]
            for n, row in enumerate(rows)
        ]
        return [rows[0], *sorted(rows[1:], reverse=True)]

    world.edit_sheet(person)
    before = [{**row, "Shared With": ""} for row in sheet_rows(world)]
    engine.run(_ORDERED, limit_rows=90, progress=False)
    assert _right(world)
    after = [{**row, "Shared With": ""} for row in sheet_rows(world)]
    assert len(after[0]) == width + 1
    assert after[: len(before)] == before


def test_a_run_killed_between_append_and_marks_is_marked_by_its_resume(world, engine, monkeypatch):
    engine.run(_ORDERED, limit_rows=60, progress=False)
    finish = SharedPhones.finish

    def killed(self, emit):
        raise lf.errors.DeliveryError("no more, then resume")

    monkeypatch.setattr(SharedPhones, "finish", killed)
    with pytest.raises(JobFailedError, match="no more"):
        engine.run(_ORDERED, limit_rows=90, progress=False)
    rows = sheet_rows(world)
    assert _marks(rows) != _expected(rows)
    monkeypatch.setattr(SharedPhones, "finish", finish)
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert job.ok
    assert _right(world)


def test_a_sheet_from_before_the_column_gets_it(world, engine):
    engine.run(_ORDERED, limit_rows=150, progress=False)
    column = world.sheet_values()[0].index("Shared With")
    world.edit_sheet(lambda rows: [[*row[:column], *row[column + 1 :]] for row in rows])
    engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.sheet_values()[0][-1] == "Shared With"
    assert _right(world)


def test_rows_that_are_gone_count_no_more(world, engine):
    engine.run(_ORDERED, limit_rows=150, progress=False)
    assert _right(world)
    world.edit_sheet(lambda rows: [rows[0], *(row for n, row in enumerate(rows[1:]) if n % 2)])
    engine.run(SCRIPT, limit_rows=5, progress=False)
    _right(world)


def test_nothing_is_written_or_read_at_the_end_if_no_phone_is_shared(world):
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(["Lead Key", "Phone 1", "Shared With"])
    sheet.append([{"Lead Key": "a", "Phone 1": "+12125550101"}])
    sharing = SharedPhones(sheet)
    sharing.begin()
    sheet.append([{"Lead Key": "b", "Phone 1": "+12125550102"}])
    sharing.add(pl.DataFrame({"delivered": [True], "phones": [["+12125550102", ""]]}))
    before = world.stats()["sheets"]
    sharing.finish()
    assert world.stats()["sheets"] == before
    sharing.add(pl.DataFrame({"delivered": [False, True], "phones": [["+12125550102"], ["+12125550101"]]}))
    sheet.append([{"Lead Key": "c", "Phone 1": "+12125550101"}])
    sharing.finish()
    assert _marks(sheet_rows(world)) == {"a": "1", "b": "", "c": "1"}


def test_rows_that_another_machine_appended_meanwhile_are_marked_too(world):
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(["Lead Key", "Phone 1", "Shared With"])
    sharing = SharedPhones(sheet)
    sharing.begin()
    sheet.append([{"Lead Key": "a", "Phone 1": "+12125550101"}])
    world.edit_sheet([("append", ["b", "+12125550102"])])
    sheet.append([{"Lead Key": "c", "Phone 1": "+12125550102"}])
    sharing.finish()
    assert _marks(sheet_rows(world)) == {"a": "", "b": "1", "c": "1"}


def _appended(world, count):
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(["Lead Key", "Phone 1", "Shared With"])
    sheet.append([{"Lead Key": f"k{n:03}", "Phone 1": f"+1212555{n:04}"} for n in range(count)])
    return sheet


def _row(key, number):
    return {"Lead Key": key, "Phone 1": f"+1212555{number:04}"}


def _delivered(*numbers):
    return pl.DataFrame({"delivered": [True], "phones": [[f"+1212555{n:04}" for n in numbers]]})


def test_the_phones_of_the_sheet_are_read_once(world):
    _appended(world, 500)
    sheet = Sheet(world.settings.sheets)
    sheet.connect()
    sharing, before = SharedPhones(sheet), world.stats()["sheets"]["bytes"]
    sharing.begin()
    once = world.stats()["sheets"]["bytes"] - before
    sheet.append([_row("new", 7), _row("other", 1007)])
    sharing.add(_delivered(7, 1007))
    sharing.finish()
    assert world.stats()["sheets"]["bytes"] - before < 1.2 * once
    marks = _marks(sheet_rows(world))
    assert {key: mark for key, mark in marks.items() if mark} == {"k007": "1", "new": "1"}


def test_the_rows_of_a_new_sheet_are_marked_with_one_write_and_one_read(world):
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(["Lead Key", "Phone 1", "Shared With"])
    sharing = SharedPhones(sheet)
    sharing.begin()
    for key in ("a", "b"):
        sheet.append([_row(key, 7)])
        sharing.add(_delivered(7))
    before = world.stats()["sheets"]
    sharing.finish()
    after = world.stats()["sheets"]
    assert [after[kind] - before[kind] for kind in ("reads", "writes")] == [1, 1]
    assert _marks(sheet_rows(world)) == {"a": "1", "b": "1"}


@pytest.mark.parametrize(
    "person", ["sorts", "deletes", "inserts", "moves a column", "drops a column", "cuts the grid", "appends"]
)
@pytest.mark.parametrize("when", ["before the append", "after the append"])
def test_what_people_do_between_reading_and_marking_leads_no_mark_astray(world, person, when):
    sheet = _appended(world, 40)
    sharing = SharedPhones(sheet)
    sharing.begin()
    edits = {
        "sorts": lambda rows: [rows[0], *sorted(rows[1:], reverse=True)],
        "deletes": lambda rows: [*rows[:3], *rows[9:]],
        "inserts": lambda rows: [rows[0], ["", "a note"], *rows[1:]],
        "moves a column": lambda rows: [[*row, "", ""][:3][::-1] for row in rows],
        "drops a column": lambda rows: [[row[0], *row[2:]] for row in rows],
        "cuts the grid": lambda rows: rows[:20],
        "appends": lambda rows: [*rows, ["mine", "+12125550003"]],
    }
    if when == "before the append":
        world.edit_sheet(edits[person])
    sheet.append([_row("new", 7), _row("other", 1007)])
    sharing.add(_delivered(7, 1007))
    if when == "after the append":
        world.edit_sheet(edits[person])
    if person == "cuts the grid":
        world.resize_sheet()
    sharing.finish()
    rows = sheet_rows(world)
    expected = {key: mark for key, mark in _expected(rows).items() if key}
    found = {key: mark for key, mark in _marks(rows).items() if key}
    if person == "appends" and when == "after the append":
        expected |= {"k003": found["k003"], "mine": found["mine"]}  # the next job marks what came too late
    assert found == expected


def test_a_row_that_the_job_itself_took_out_leads_no_mark_astray(world):
    sheet = _appended(world, 40)
    sharing = SharedPhones(sheet)
    sharing.begin()
    assert sheet.withdraw({"k003": {"+12125550003"}}) == 1
    sheet.append([_row("new", 7)])
    sharing.add(_delivered(7))
    sharing.finish()
    rows = sheet_rows(world)
    assert _marks(rows) == _expected(rows)


def test_a_person_s_text_in_the_column_stays(world):
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(["Lead Key", "Phone 1", "Shared With"])
    sheet.append(
        [
            {"Lead Key": key, "Phone 1": "+12125550101", "Shared With": mark}
            for key, mark in (("a", ""), ("b", "the Lees"), ("c", "7"))
        ]
    )
    assert mark_shared(sheet) == 2
    assert _marks(sheet_rows(world)) == {"a": "2", "b": "the Lees", "c": "2"}


def test_a_frame_delivered_by_itself_is_marked_within_itself(world):
    who = {
        "First Name": "Ann",
        "Last Name": "Lee",
        "Address": "1 Elm St",
        "City": "Bath",
        "State": "NH",
        "Zip": "03740",
    }
    people = [
        {**who, "First Name": name, "Phone 1": phone, "Shared With": "mine"}
        for name, phone in (("Ann", _CLEAN[0]), ("Bob", _CLEAN[0]), ("Cid", _CLEAN[1]))
    ]
    litigators, dnc = LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)
    deliver(check_dnc(check_litigators(pd.DataFrame(people), litigators), dnc), Sheet(world.settings.sheets))
    assert [(row["Shared With"], row["Script Shared With"]) for row in sheet_rows(world)] == [
        ("1", "mine"),
        ("1", "mine"),
        ("", "mine"),
    ]


def test_a_column_of_that_name_in_a_script_is_delivered_under_another(world, engine):
    engine.run(
        'SELECT r.*, \'mine\' AS "Shared With" FROM RAW_LEADS r ORDER BY "Lead Number"', limit_rows=150, progress=False
    )
    assert _right(world)
    assert {row["Script Shared With"] for row in sheet_rows(world)} == {"mine"}


def test_protected_marks_fail_no_job(world, engine):
    engine.run(_ORDERED, limit_rows=60, progress=False)
    column = world.sheet_values()[0].index("Shared With")
    letter = letters(column)
    world.protect_sheet(f"consolidated_data!{letter}2:{letter}40")
    job = engine.run(_ORDERED, limit_rows=90, progress=False)
    assert job.ok
    assert engine.trace(job.id)["message"].str.contains("not marked in column 'Shared With'.*protected").any()


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=2),
        st.lists(st.sampled_from(["1", "2", "3", "4", "5"]), max_size=3),
        max_size=20,
    )
)
def test_counts_are_those_of_comparing_each_row_with_each_other(phones):
    sets = {key: set(numbers) for key, numbers in phones.items()}
    expected = {key: n for key in sets if (n := sum(1 for other in sets if other != key and sets[key] & sets[other]))}
    assert shared_counts(phones) == expected


def test_a_number_in_thousands_of_rows_is_counted_quickly():
    assert set(shared_counts({str(n): ["1", "2", str(n)] for n in range(20_000)}).values()) == {19_999}
