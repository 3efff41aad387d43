"""Bad input: a clear error before money is spent, or the row held back with its reason."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcome import SCRIPT, observe, personal_words, sheet_rows

import leadflow as lf
from leadflow.errors import ColumnsError, JobFailedError, LeadflowError, ScriptError
from leadflow.leads.phones import to_e164
from leadflow.services.warehouse import Warehouse
from leadflow.stages.script import parse_script, without_literals


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.mark.parametrize(
    ("script", "match"),
    [
        ("SELEC 1", "script"),
        ("SELECT 1; DELETE FROM RAW_LEADS; SELECT * FROM RAW_LEADS", "statement 2 of the script writes"),
        ("WITH x AS (SELECT 1) INSERT INTO RAW_LEADS SELECT * FROM x", "writes|cannot be read"),
        ("SELECT * FROM RAW_LEADS; SET a = 1", "last statement must be a query"),
        ("SELECT 'a", "cannot be read"),
        ("SELECT 1 \x00", "NUL"),
        ("-- only a comment", "no statement"),
        ("SELECT * FROM NO_SUCH_TABLE", "NO_SUCH_TABLE"),
        ('SELECT "First Name" FROM RAW_LEADS', "no column for"),
        ('SELECT *, "First Name" AS FNAME FROM RAW_LEADS', "several columns"),
        ("CALL some_procedure()", "not a query"),
        ("CREATE TABLE keep_me AS SELECT 1", "not a query|writes"),
    ],
)
def test_a_script_that_cannot_run_fails_before_money_is_spent(world, engine, script, match):
    with pytest.raises((ScriptError, ColumnsError), match=match):
        engine.run(script, progress=False)
    assert lf.jobs().empty
    stats = world.stats()
    assert stats["idicore"]["calls"] == 0
    assert sheet_rows(world) == []


def test_several_statements_run_in_order(engine):
    script = "SET wanted = 'TX'; CREATE TEMPORARY TABLE mine AS SELECT * FROM RAW_LEADS; SELECT * FROM mine;"
    assert engine.run(script, limit_rows=3, progress=False).ok


@pytest.mark.parametrize(
    ("service", "kind", "on", "match"),
    [("sheets", "403", "write", "no permission"), ("sheets", "404", "read", "SPREADSHEET_ID")],
)
def test_a_sheet_that_cannot_be_written_fails_before_money_is_spent(world, engine, service, kind, on, match):
    world.fail(service, kind, times=50, on=on)
    with pytest.raises(JobFailedError, match=match):
        engine.run(SCRIPT, limit_rows=5, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    world.heal()
    assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_a_full_sheet_fails_before_money_is_spent(world, engine):
    from leadflow.services.sheets import Sheet

    tab = Sheet(world.settings.sheets).tab
    tab.resize(rows=199_999, cols=50)
    with pytest.raises(JobFailedError, match="cells in use"):
        engine.run(SCRIPT, limit_rows=40, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


_ODD = {
    "formula": '=HYPERLINK("http://x")',
    "plus": "+1-800",
    "at": "@SUM(1)",
    "emoji": "\U0001f469\u200d\U0001f680 ok",
    "rtl": "\u0645\u0631\u062d\u0628\u0627 \u202e abc",
    "newline": "two\nlines\ttab",
    "zeros": "000123",
    "date": "1/2",
    "long": "x" * 10_000,
}


def test_odd_cells_stand_in_the_sheet_as_they_are(world, engine):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute('CREATE OR REPLACE TABLE ODD_CELLS ("n" VARCHAR, "v" VARCHAR)')
        cells = pl.DataFrame({"n": list(_ODD), "v": list(_ODD.values())})
        warehouse.merge(cells, "n", {"ODD_CELLS": {"n": "n", "v": "v"}})
    picked = ", ".join(f'(SELECT "v" FROM ODD_CELLS WHERE "n" = \'{name}\') AS "Note {name}"' for name in _ODD)
    job = engine.run(f"SELECT r.*, {picked} FROM RAW_LEADS r", limit_rows=10, progress=False)
    assert job.counts.delivered > 0
    for row in sheet_rows(world):
        assert {name: row[f"Note {name}"] for name in _ODD} == _ODD
    assert observe(world, engine, job.id).clean


def test_a_cell_too_long_for_a_sheet_holds_its_lead_back(world, engine):
    script = "SELECT r.*, REPEAT('x', 50001) AS \"Note\" FROM RAW_LEADS r"
    job = engine.run(script, limit_rows=5, progress=False)
    assert job.ok
    assert job.counts.delivered == 0
    assert job.counts.held.get("bad_cell", 0) > 0
    assert sheet_rows(world) == []


def test_a_lead_without_a_key_is_held_back_unpaid(world, engine):
    null = (
        'NULL AS "First Name", NULL AS "Last Name", NULL AS "Address", NULL AS "City", NULL AS "State", NULL AS "Zip"'
    )
    job = engine.run(f"SELECT {null}", progress=False)
    assert job.ok
    assert job.counts.held == {"no_identity": 1}
    assert job.counts.balanced
    assert world.stats()["idicore"]["calls"] == 0


def test_an_empty_result_is_said_and_writes_nothing(world, engine):
    job = engine.run(f"{SCRIPT} WHERE 1 = 0", progress=False)
    assert (job.counts.extracted, sheet_rows(world)) == (0, [])


def test_a_data_error_of_snowflake_quotes_no_cell(world, engine):
    with pytest.raises(JobFailedError) as caught:
        engine.run('SELECT r.*, CAST("Address" AS INTEGER) AS n FROM RAW_LEADS r', limit_rows=5, progress=False)
    said = str(caught.value) + lf.trace(lf.jobs()["id"].iloc[0]).to_csv()
    assert not [word for word in personal_words() if word in said]


# Properties.

digits = st.text("0123456789", min_size=10, max_size=10).filter(
    lambda d: d[0] in "23456789" and d[3] in "23456789" and d[1:3] != "11"
)


@given(
    digits,
    st.sampled_from(
        [
            "{0}",
            "+1{0}",
            "1{0}",
            "({1}) {2}-{3}",
            "{1}.{2}.{3}",
            " {1} {2} {3} ",
            "+1 ({1}) {2}-{3} x12",
            "{1}-{2}-{3} ext. 9",
        ]
    ),
)
def test_a_phone_however_written_is_one_number_or_none(number, form):
    written = form.format(number, number[:3], number[3:6], number[6:])
    assert to_e164(written) in (f"+1{number}", None)
    assert to_e164(written) == to_e164(number)


@given(
    digits,
    st.sampled_from(
        [
            "{0}",
            "+1{0}",
            "({1}) {2}-{3}",
            "({1}){2}{3}",
            "{1}.{2}.{3}",
            "{1} {2}-{3}",
            "+1 ({1}) {2}-{3}",
            "+1-{1}-{2}-{3}",
            "1-{1}-{2}-{3}",
            "1{0}",
            " ({1}){2}-{3} ",
            "+1 ({1}) {2}-{3} x12",
            "{1}.{2}.{3}x123456",
            "{1}-{2}-{3} x1234567",
        ]
    ),
)
def test_the_usual_ways_are_read_as_the_library_reads_them(number, form):
    import phonenumbers

    written = form.format(number, number[:3], number[3:6], number[6:])
    parsed = phonenumbers.parse(written, "US")
    assert to_e164(written) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@given(st.text(max_size=40))
def test_any_text_is_a_us_phone_or_none(text):
    found = to_e164(text)
    assert found is None or (found.startswith("+1") and len(found) == 12 and found[2:].isdigit())
    assert to_e164(found) == found


@given(st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_text_is_a_script_or_a_script_error(text):
    try:
        parsed = parse_script(text)
    except ScriptError:
        return
    assert parsed.select


@given(
    st.sampled_from(
        [
            "INSERT INTO t SELECT * FROM x",
            "UPDATE t SET a = 1",
            "DELETE FROM t",
            "MERGE INTO t USING x ON t.a = x.a WHEN MATCHED THEN DELETE",
            "DROP TABLE t",
            "TRUNCATE TABLE t",
            "ALTER TABLE t ADD COLUMN b INT",
            "COPY INTO t FROM @s",
            "GRANT SELECT ON t TO ROLE r",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CALL p()",
            "EXECUTE IMMEDIATE 'DROP TABLE t'",
        ]
    ),
    st.lists(st.sampled_from(["SELECT 1", "SET a = 1", "USE SCHEMA s", "-- DELETE FROM t"]), max_size=3),
    st.sampled_from(["", " ", "\n", "/* x */ ", "-- c\n"]),
    st.booleans(),
)
@settings(deadline=None)
def test_a_script_that_writes_is_refused_wherever_it_writes(write, others, space, upper):
    parts = [*others, space + (write if upper else write.lower()), "SELECT * FROM t"]
    with pytest.raises(ScriptError):
        parse_script("\n;\n".join(parts))


@given(st.text(max_size=30).filter(lambda t: "\x00" not in t))
@settings(deadline=None)
def test_constants_of_a_script_are_not_kept(value):
    literal = value.replace("\\", "\\\\").replace("'", "''")
    kept = without_literals(f"SELECT a FROM t WHERE b = '{literal}' AND c = 5045550143 -- Ann Lee")
    assert "5045550143" not in kept
    assert "Ann Lee" not in kept
    assert len(value) < 4 or value.strip() not in kept or value.strip() in "SELECT a FROM t WHERE b = '?' AND c = '?'"


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=60), min_size=1))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_stands_in_a_cell_as_it_is_or_is_refused(local_world, cells):
    from leadflow.errors import InputError
    from leadflow.services.sheets import Sheet, raise_for_cells

    try:
        raise_for_cells(cells, "k")
    except InputError:
        return
    local_world.configure(quotas={"sheets_reads": 60_000, "sheets_writes": 60_000})
    local_world.reset()
    sheet = Sheet(
        local_world.settings.sheets.model_copy(update={"reads_per_minute": 60_000, "writes_per_minute": 60_000})
    )
    sheet.ensure_columns(["Lead Key", "a", "b"])
    try:
        sheet.append([{"Lead Key": "k", **cells}])
    except LeadflowError:
        raise
    row = dict(zip(local_world.sheet_values()[0], local_world.sheet_values()[1], strict=False))
    assert {name: row.get(name, "") for name in cells} == cells
