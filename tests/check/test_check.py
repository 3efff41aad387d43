"""engine.check(): each thing that is wrong by itself has its row, and the other rows are still there."""

from __future__ import annotations

import time

import pytest
from account_check import ALL_ROWS, VENDOR_ROWS, WAREHOUSE_ROWS, changed, check, not_ok, ready
from dnc_lists import today
from warehouse_tables import READ, RIGHTS, TABLES, make_tables

import leadflow as lf
from leadflow.check import rows, vendors
from leadflow.settings import DncSettings


def test_everything_right(world):
    found = check(world, ready(world))
    assert not_ok(found) == {}
    assert all(row.found and not row.what_to_do for row in found.values())
    assert "signed in as LEADFLOW" in found["Snowflake sign-in"].found
    assert found["Snowflake database and schema"].found == "LEADS_DB.PUBLIC"
    assert "COMPUTE_WH" in found["Snowflake warehouse"].found
    assert "PUBLIC" in found["Snowflake role"].found
    assert "0 rows" in found["Table PERSON_CACHE"].found
    assert "glba=otheruse" in found["idiCORE login"].found
    assert "billed" in found["Litigator list"].found
    assert "billed" in found["Do-not-call scrub"].found
    assert "billed" in found["Do-not-call canary"].found
    assert "as a writer" in found["Spreadsheet sharing"].found
    assert "$60.00 a job" in found["Limits on money"].found


def test_what_a_check_costs_and_leaves(world):
    settings = ready(world)
    before = world.stats()
    check(world, settings)
    after = world.stats()
    assert after["idicore"]["logins"] - before["idicore"]["logins"] == 1
    assert after["idicore"]["calls"] == 0
    assert after["litigator"]["numbers"] == 1
    assert after["dnc"]["numbers"] == 2  # the reserved number and the canary
    assert after["sheets"]["writes"] - before["sheets"]["writes"] == 1  # a null, which changes nothing


def test_a_new_user_s_world_has_warnings_alone(world):
    found = check(world, world.settings)
    assert set(not_ok(found).values()) == {"warning"}
    for table in TABLES:
        assert "a run would make it" in found[f"Table {table}"].found
    assert "not checked, since table PERSON_CACHE is not there" in found["MERGE right"].found
    assert "a run would write" in found["Header"].found
    assert "LEADFLOW_DNC__CANARY" in found["Do-not-call canary"].what_to_do
    assert "LEADFLOW_MAX_COST" in found["Limits on money"].what_to_do
    assert set(world.stats()["snowflake"]["rows"]) == {"RAW_LEADS"}


def test_a_job_runs_after_a_check_and_a_check_after_a_job(world):
    with lf.Engine(ready(world)) as engine:
        assert engine.check().ok
        job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=20, progress=False)
        assert job.report().ok
        found = {row.what: row for row in engine.check()}
    assert not_ok(found) == {}
    assert "20 rows" in found["Table PERSON_CACHE"].found
    assert f"{job.counts.delivered} leads below them" in found["Header"].found


# Snowflake.


@pytest.mark.parametrize(
    ("held", "failing"),
    [
        (["SELECT"], {"MERGE right": "failed"}),
        (["SELECT", "INSERT"], {"MERGE right": "failed"}),
        (["INSERT", "UPDATE"], {"Table PERSON_CACHE": "failed", "MERGE right": "warning"}),
        ([], {"Table PERSON_CACHE": "warning", "MERGE right": "warning"}),
    ],
    ids=lambda held: "+".join(held) or "none",
)
def test_a_right_that_is_missing(world, held, failing):
    settings = ready(world, warehouse={"role": "ANALYST"})
    world.configure(roles={"ANALYST": {**RIGHTS, "PERSON_CACHE": held}})
    found = check(world, settings)
    assert not_ok(found) == failing
    wrong = found[next(iter(failing))]
    assert "ANALYST" in wrong.found + wrong.what_to_do
    assert "SELECT, INSERT and UPDATE" in wrong.what_to_do
    assert "bought" not in wrong.found


def test_a_user_without_a_warehouse(world):
    settings = ready(world)
    world.configure(default_warehouse=False)
    try:
        found = check(world, settings)
    finally:
        world.configure(default_warehouse=True)
    assert found["Snowflake warehouse"].status == "failed"
    assert "no default warehouse" in found["Snowflake warehouse"].found
    assert "LEADFLOW_WAREHOUSE__WAREHOUSE" in found["Snowflake warehouse"].what_to_do
    for what in ("Temporary tables", "Table PERSON_CACHE", "Table UNIQUE_CONSOLIDATED_DATA"):
        assert found[what].found == "not checked, since Snowflake warehouse failed"
    assert found["MERGE right"].found == "not checked, since Table PERSON_CACHE was not checked"
    assert found["Snowflake database and schema"].status == "ok"


def test_no_database(world):
    settings = ready(world, warehouse={"database": None})
    found = check(world, settings)
    assert found["Snowflake database and schema"].status == "failed"
    assert "LEADFLOW_WAREHOUSE__DATABASE" in found["Snowflake database and schema"].what_to_do
    assert found["Table PERSON_CACHE"].found == "not checked, since Snowflake database and schema failed"


def test_no_database_and_tables_named_in_full(world):
    names = {"person_cache": "LEADS_DB.PUBLIC.PERSON_CACHE", "consolidated": "leads_db.public.unique_consolidated_data"}
    names |= {"ledger": "LEADS_DB.PUBLIC.SCRUB_LEDGER", "suppressions": "LEADS_DB.PUBLIC.SUPPRESSIONS"}
    rows = [f"Table {name}" for name in names.values()]
    expected = [*ALL_ROWS[:5], *rows, *ALL_ROWS[9:]]
    found = check(world, ready(world, warehouse={"database": None, **names}), expected)
    assert not_ok(found) == {}


@pytest.mark.parametrize(
    ("types", "table", "words"),
    [
        ({"phones": "NUMBER(38,0)"}, "PERSON_CACHE", '"phones" is NUMBER(38,0) and must be VARCHAR'),
        ({"Phone 2": "VARCHAR(10)"}, "UNIQUE_CONSOLIDATED_DATA", "at least VARCHAR(12)"),
        ({"checked_at": "BOOLEAN"}, "PERSON_CACHE", "TIMESTAMP_NTZ"),
        ({"own_id": "NUMBER(38,0) NOT NULL"}, "PERSON_CACHE", "NOT NULL without a default"),
    ],
)
def test_a_column_of_a_wrong_type(world, types, table, words):
    settings = ready(world)
    make_tables(world, **types)
    found = check(world, settings)
    assert not_ok(found) == {f"Table {table}": "failed", "MERGE right": "warning"}
    assert words in found[f"Table {table}"].found
    assert f"not checked, since Table {table} failed" == found["MERGE right"].found


def test_a_column_that_is_missing(world):
    settings = ready(world)
    from leadflow.services.warehouse import Warehouse

    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute('ALTER TABLE PERSON_CACHE DROP COLUMN "emails"')
    found = check(world, settings)
    assert not_ok(found) == {"Table PERSON_CACHE": "failed", "MERGE right": "warning"}
    assert "has no column emails" in found["Table PERSON_CACHE"].found


def test_a_column_of_a_later_version_is_added_by_a_run(world):
    settings = ready(world)
    from leadflow.services.warehouse import Warehouse

    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute('ALTER TABLE UNIQUE_CONSOLIDATED_DATA DROP COLUMN "Callable Until"')
    found = check(world, settings)["Table UNIQUE_CONSOLIDATED_DATA"]
    assert found.status == "warning"
    assert "it lacks Callable Until, which a run adds" in found.found
    assert "Callable Until DATE" in found.what_to_do


def test_snowflake_that_cannot_be_reached(world):
    settings = ready(world, warehouse={"port": 1, "network_timeout_s": 2})
    found = check(world, settings)
    assert found["Snowflake sign-in"].status == "failed"
    assert "check again" in found["Snowflake sign-in"].what_to_do
    waiting = [found[what].found for what in WAREHOUSE_ROWS[1:]]
    assert all(text.startswith("not checked, since ") for text in waiting)
    assert set(not_ok(found)) == set(WAREHOUSE_ROWS)


def test_a_statement_that_fails_stops_no_other_row(world):
    settings = ready(world)
    world.fail("snowflake", "422", times=1, key="LF_STAGE")
    found = check(world, settings)
    assert not_ok(found) == {"Temporary tables": "failed", "MERGE right": "warning"}


# The vendors.


@pytest.mark.parametrize(
    ("service", "row", "needing"),
    [
        ("idicore", "idiCORE login", {}),
        ("litigator", "Litigator list", {}),
        ("dnc", "Do-not-call scrub", {"Do-not-call canary": "warning"}),
    ],
)
@pytest.mark.parametrize(("kind", "words"), [("401", "(401)"), ("403", "(403)"), ("404", "(404)"), ("503", "503")])
def test_a_vendor_that_refuses_or_is_down(world, service, row, needing, kind, words):
    settings = ready(world)
    world.fail(service, kind, times=50, on="login" if service == "idicore" else "check")
    found = check(world, settings)
    assert not_ok(found) == {row: "failed", **needing}
    assert words in found[row].found
    wanted = "check again" if kind == "503" else f"LEADFLOW_{service.upper()}__"
    assert wanted in found[row].what_to_do
    for what in needing:
        assert found[what].found == f"not checked, since {row} failed"
    world.heal()


@pytest.mark.parametrize("kind", ["html", "drop", "empty", "unknown_code", "missing_row", "truncated"])
def test_a_list_that_answers_nonsense(world, kind):
    settings = ready(world)
    world.fail("litigator", kind, times=50)
    found = check(world, settings)
    assert not_ok(found) == {"Litigator list": "failed"}
    world.heal()


@pytest.mark.parametrize(
    ("service", "row", "needing"),
    [
        ("litigator", "Litigator list", {}),
        ("dnc", "Do-not-call scrub", {"Do-not-call canary": "warning"}),
        ("idicore", "idiCORE login", {}),
    ],
)
def test_a_vendor_that_is_busy_does_not_hold_the_check_up(world, monkeypatch, service, row, needing):
    settings = ready(world)
    monkeypatch.setattr(rows, "LONGEST_WAIT_S", 1.0)
    world.fail(service, "429", times=1_000, retry_after=60, on="login" if service == "idicore" else "check")
    before = time.monotonic()
    found = check(world, settings)
    assert time.monotonic() - before < 30
    world.heal()
    assert not_ok(found) == {row: "failed", **needing}
    assert "no answer within 1 s: busy" in found[row].found
    assert "check again" in found[row].what_to_do


def test_a_project_that_reads_no_do_not_call_list(world):
    settings = ready(world)
    world.configure(dnc_project="litigator_only")
    found = check(world, settings)
    assert not_ok(found) == {"Do-not-call canary": "failed"}
    assert "does not cover the national list" in found["Do-not-call canary"].found
    assert "nothing was bought" not in found["Do-not-call canary"].found
    assert "LEADFLOW_DNC__PROJ_ID" in found["Do-not-call canary"].what_to_do


def test_the_number_that_is_sent_belongs_to_nobody():
    assert vendors.RESERVED[5:8] == "555"
    assert vendors.RESERVED[8:10] == "01"


# A list on disk.

_LIST_ROWS = ["idiCORE login", "Litigator list", "Do-not-call list", "Do-not-call list coverage", "Do-not-call canary"]
_WITH_LIST = [*WAREHOUSE_ROWS, *_LIST_ROWS, *ALL_ROWS[len(WAREHOUSE_ROWS) + len(VENDOR_ROWS) :]]
_EVERYTHING = "CO,FL,IN,LA,MA,MO,OK,PA,TN,TX,WY,AZ,NJ,wireless"


def _with_list(world, tmp_path, days=3, covers=_EVERYTHING, text="5045550143\n2025550199\n"):
    path = tmp_path / "list.txt"
    path.write_text(text)
    values = {"list_path": path, "list_date": today(days), "list_covers": covers, "canary": "5045550143"}
    return changed(ready(world), {"dnc": DncSettings(provider="list", **values)})


def test_a_list_that_is_right(world, tmp_path):
    found = check(world, _with_list(world, tmp_path), _WITH_LIST)
    assert not_ok(found) == {}
    assert "3 days old" in found["Do-not-call list"].found
    assert today(3) in found["Do-not-call list"].found
    assert found["Do-not-call list coverage"].found.startswith("2 of ")
    assert world.stats()["dnc"]["calls"] == 0


def test_a_list_that_expires_soon(world, tmp_path):
    found = check(world, _with_list(world, tmp_path, days=28), _WITH_LIST)
    assert not_ok(found) == {"Do-not-call list": "warning"}
    assert "3 more days" in found["Do-not-call list"].found


def test_a_list_that_is_too_old(world, tmp_path):
    found = check(world, _with_list(world, tmp_path, days=40), _WITH_LIST)
    needing = dict.fromkeys(["Do-not-call list coverage", "Do-not-call canary"], "warning")
    assert not_ok(found) == {"Do-not-call list": "failed", **needing}
    assert "31 days" in found["Do-not-call list"].found
    assert "LEADFLOW_DNC__LIST_DATE" in found["Do-not-call list"].what_to_do
    assert found["Do-not-call canary"].found == "not checked, since Do-not-call list failed"


def test_a_list_without_the_lists_of_states(world, tmp_path):
    found = check(world, _with_list(world, tmp_path, covers="LA,TX"), _WITH_LIST)
    assert not_ok(found) == {"Do-not-call list coverage": "warning"}
    assert "the lists of CO FL IN" in found["Do-not-call list coverage"].found
    assert "wireless numbers of AZ NJ WY" in found["Do-not-call list coverage"].found
    assert "LEADFLOW_DNC__LIST_COVERS" in found["Do-not-call list coverage"].what_to_do


def test_a_list_that_cannot_be_read(world, tmp_path):
    found = check(world, _with_list(world, tmp_path, text="no list at all\n"), _WITH_LIST)
    assert found["Do-not-call list"].status == "failed"


def test_reads_right_but_reads_no_more(world):
    """A role that may read the script's tables and nothing else: each row says what it may not."""
    settings = ready(world, warehouse={"role": "ANALYST"})
    world.configure(roles={"ANALYST": {"*": READ}})
    assert not_ok(check(world, settings)) == {"MERGE right": "failed"}
