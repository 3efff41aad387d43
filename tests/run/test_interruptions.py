"""Snowflake ends a session or cancels a statement in the middle of a job: the job signs in again and goes on."""

from __future__ import annotations

from itertools import cycle

import pytest
from outcome import SCRIPT, observe, table_keys

import leadflow as lf
from leadflow.errors import JobFailedError, ServiceError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.interruption import InterruptedWork
from leadflow.stages import extract, filter_unprocessed

_LEADS = 40
# A text of each kind of statement that a job runs, as it is in the request's JSON.
_STATEMENTS = {
    "describe": "DESCRIBE TABLE",
    "create": "CREATE TABLE IF NOT EXISTS",
    "script": 'TABLE \\"LEADS_DB\\".\\"PUBLIC\\".\\"LF_SCRIPT\\"',
    "count": "SELECT COUNT(*) FROM",
    "keyed": 'TABLE \\"LEADS_DB\\".\\"PUBLIC\\".\\"LF_KEYED\\"',
    "identity": 'TABLE \\"LEADS_DB\\".\\"PUBLIC\\".\\"LF_IDENTITY\\"',
    "leads": 'TABLE \\"LEADS_DB\\".\\"PUBLIC\\".\\"LF_LEADS\\"',
    "page": 'ORDER BY \\"lf_seq\\" LIMIT',
    "upload": "INSERT OVERWRITE INTO",
    "begin": "BEGIN",
    "merge": 'MERGE INTO \\"LEADS_DB\\".\\"PUBLIC\\".\\"UNIQUE_CONSOLIDATED_DATA\\"',
    "second merge": 'MERGE INTO \\"LEADS_DB\\".\\"PUBLIC\\".\\"PERSON_CACHE\\"',
    "ledger": 'INSERT INTO \\"LEADS_DB\\".\\"PUBLIC\\".\\"SCRUB_LEDGER\\"',
    "commit": "COMMIT",
}
_MERGING = ("upload", "begin", "merge", "second merge", "ledger", "commit")


def _engine(world, **changes):
    warehouse = world.settings.warehouse.model_copy(update=changes)
    return lf.Engine(world.settings.model_copy(update={"batch_size": 20, "warehouse": warehouse}))


def _proven(world, engine, job):
    assert job.ok
    assert job.counts.balanced
    assert (job.counts.bought, job.counts.extracted) == (_LEADS, 2_200)
    outcome = observe(world, engine, job.id)
    assert outcome.clean, outcome
    assert engine.report(job.id).ok
    trace = engine.trace(job.id)
    return trace[trace["message"].str.contains("leadflow signs in", regex=False)]


@pytest.mark.parametrize(
    ("statement", "code"), list(zip(_STATEMENTS, cycle(["390111", "390112", "390114", "390104"]), strict=False))
)
def test_a_session_that_ends_at_any_statement_is_replaced(world, statement, code):
    # The first merge proves the rights, before anything is bought. All batches may share the second.
    after = 1 if statement in _MERGING else 0
    world.fail("snowflake", "session_ended", code=code, key=_STATEMENTS[statement], after=after)
    with _engine(world) as engine:
        said = _proven(world, engine, engine.run(SCRIPT, limit_rows=_LEADS, progress=False))
    assert world.stats()["snowflake"]["faults"] == 1
    if statement != "upload":  # a failed upload ahead of its merge is done again by the merge
        assert said["level"].tolist() == ["warning"]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("script", 630),
        ("identity", 604),
        ("page", 604),
        ("merge", 604),
        ("second merge", 625),
        ("ledger", 604),
        ("commit", 630),
    ],
)
def test_a_statement_that_snowflake_cancels_is_run_again(world, statement, code):
    world.fail("snowflake", "sql_error", code=code, key=_STATEMENTS[statement])
    with _engine(world) as engine:
        said = _proven(world, engine, engine.run(SCRIPT, limit_rows=_LEADS, progress=False))
    assert str(code) in said["message"].iloc[0]


@pytest.mark.parametrize("statement", ["second merge", "ledger", "commit"])
def test_a_merge_that_was_done_before_its_session_ended_is_done_once(world, statement):
    world.fail("snowflake", "session_ended", key=_STATEMENTS[statement], after=1, applied=True)
    with _engine(world) as engine:
        _proven(world, engine, engine.run(SCRIPT, limit_rows=_LEADS, progress=False))


@pytest.mark.parametrize("statement", ["script", "page", "commit"])
def test_a_second_end_in_a_row_is_survived_too(world, statement):
    world.fail("snowflake", "session_ended", key=_STATEMENTS[statement], times=2)
    with _engine(world) as engine:
        _proven(world, engine, engine.run(SCRIPT, limit_rows=_LEADS, progress=False))
    assert world.stats()["snowflake"]["faults"] == 2


@pytest.mark.parametrize(("kind", "most"), [("session_ended", 4), ("sql_error", 2)])
def test_a_session_that_always_ends_ends_the_job_and_a_resume_finishes_it(world, kind, most):
    world.fail("snowflake", kind, key=_STATEMENTS["leads"], times=1_000)
    with _engine(world) as engine:
        with pytest.raises(JobFailedError, match=r"\((390111|604)\)"):
            engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert world.stats()["snowflake"]["faults"] == most
        assert world.stats()["idicore"]["calls"] == 0
        world.heal()
        _proven(world, engine, engine.resume(lf.jobs()["id"].iloc[0], progress=False))


_WITH_TABLES = """
SET top = 'Z';
CREATE TEMPORARY TABLE MINE AS SELECT * FROM RAW_LEADS;
ALTER SESSION SET WEEK_START = 1;
INSERT INTO MINE SELECT * FROM RAW_LEADS WHERE 1 = 0;
SELECT * FROM MINE WHERE $top = 'Z'
"""


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("SET top", "session_ended"),
        ("TABLE MINE", "sql_error"),
        ("INSERT INTO MINE", "session_ended"),
        ("script", "sql_error"),
        ("leads", "session_ended"),
        ("page", "sql_error"),
    ],
)
def test_a_script_is_run_again_from_its_first_statement(world, key, kind):
    world.fail("snowflake", kind, key=_STATEMENTS.get(key, key))
    with _engine(world) as engine:
        _proven(world, engine, engine.run(_WITH_TABLES, limit_rows=_LEADS, progress=False))


@pytest.mark.parametrize("key", ["FROM RAW_LEADS LIMIT 1", "script", "page"])
def test_a_script_that_writes_is_not_run_twice(world, key):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute("CREATE TABLE LOG_OF_RUNS AS SELECT * FROM RAW_LEADS WHERE 1 = 0")
    world.fail("snowflake", "session_ended", key=_STATEMENTS.get(key, key), applied=True)
    script = f"INSERT INTO LOG_OF_RUNS SELECT * FROM RAW_LEADS LIMIT 1; {SCRIPT}"
    with _engine(world, allow_writes=True) as engine:
        with pytest.raises(JobFailedError, match="does not run it a second time"):
            engine.run(script, limit_rows=_LEADS, progress=False)
        assert world.stats()["snowflake"]["rows"]["LOG_OF_RUNS"] == 1
        assert world.stats()["idicore"]["calls"] == 0
        assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok
    assert world.stats()["snowflake"]["rows"]["LOG_OF_RUNS"] == 2


def test_a_user_s_stop_is_not_followed_by_a_repeat(world):
    world.configure(latency={"snowflake": 0.2})
    world.fail("snowflake", "sql_error", code=604, key=_STATEMENTS["identity"], times=1_000)
    with _engine(world) as engine:
        handle = engine.submit(SCRIPT, limit_rows=_LEADS)
        handle.stop()
        assert str(handle.result().status) == "STOPPED"
    assert world.stats()["snowflake"]["faults"] <= 1


def test_stages_alone_survive_it(world):
    with _engine(world) as engine:
        assert engine.run(SCRIPT, limit_rows=_LEADS, progress=False).ok
    with Warehouse(world.settings.warehouse) as warehouse:
        world.fail("snowflake", "session_ended", key="RAW_LEADS")
        leads = extract(_WITH_TABLES, warehouse)
        assert len(leads) == 2_200
        world.fail("snowflake", "session_ended", key="LF_IDENTITY")
        assert len(filter_unprocessed(leads.head(100), warehouse)) < 100
        world.configure(end_sessions="390114")
        assert len(filter_unprocessed(leads.head(100), warehouse)) < 100


def test_estimate_and_report_survive_it(world):
    world.fail("snowflake", "session_ended", key=_STATEMENTS["page"])
    with _engine(world) as engine:
        assert engine.estimate(SCRIPT, limit_rows=_LEADS).lookups == _LEADS
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        world.fail("snowflake", "session_ended", key="INSERT OVERWRITE")
        assert engine.report(job.id).ok
    assert len(table_keys(world, "PERSON_CACHE", "person_key")) == _LEADS


def test_a_bare_statement_says_that_its_session_ended_and_the_next_one_signs_in(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        world.configure(end_sessions="390111")
        with pytest.raises(InterruptedWork, match="390111") as caught:
            warehouse.execute("SELECT 1")
        assert isinstance(caught.value, ServiceError)
        assert warehouse.execute("SELECT 1") == [(1,)]
