"""Scripts run against the local Snowflake."""

from __future__ import annotations

import pytest
from outcome import sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError, ScriptError
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract
from leadflow.stages.script import parse_script

pytestmark = pytest.mark.connector


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def _tables(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        return {
            name
            for (name,) in warehouse.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'PUBLIC'"
            )
        }


def _rows(world, script):
    with Warehouse(world.settings.warehouse) as warehouse:
        return extract(script, warehouse).values.tolist()


@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ("SET (a, b) = ('%A%', 3); SELECT $a AS x, $B AS y", [["%A%", "3"]]),
        ("SET s = 'TX'; SET state = 'LA'; SELECT $s AS x, $State AS y", [["TX", "LA"]]),
        ("SET (a, b) = (SELECT 'q', 7); SELECT $a AS x, $b AS y", [["q", "7"]]),
        ("SET (a, b) = (1, 2); UNSET (a, b); SET a = 3; SELECT $a AS x", [["3"]]),
        ("SELECT '$foo' AS a, 'US$abc' AS b, $$c$d$$ AS c", [["$foo", "US$abc", "c$d"]]),
    ],
)
def test_session_variables_are_filled_in_and_a_dollar_sign_in_a_literal_stays(world, script, rows):
    assert _rows(world, script) == rows


def test_a_variable_that_is_not_set_is_said(world):
    with pytest.raises(ScriptError, match=r"'\$A' does not exist"):
        _rows(world, "SET a = 1; UNSET a; SELECT $a AS x")


@pytest.mark.parametrize("into", ["KEPT_LEADS", "TEMP PERSON_CACHE", "TABLE KEPT_LEADS"])
def test_select_into_leaves_nothing_and_buys_nothing(world, engine, into):
    script = f"SELECT * INTO {into} FROM RAW_LEADS; SELECT * FROM RAW_LEADS"
    before = _tables(world)
    with pytest.raises(ScriptError, match="statement 1 of the script writes"):
        engine.estimate(script)
    with pytest.raises(ScriptError, match="statement 1 of the script writes"):
        engine.run(script, progress=False)
    assert _tables(world) - before <= {"PERSON_CACHE", "UNIQUE_CONSOLIDATED_DATA", "SCRUB_LEDGER", "SUPPRESSIONS"}
    assert world.stats()["idicore"]["calls"] == 0
    assert sheet_rows(world) == []


def test_a_filter_means_what_it_says(world):
    made = (
        "CREATE TEMP TABLE l AS SELECT column1 AS n, column2 AS opted_out FROM VALUES (1, TRUE), (2, FALSE), (3, NULL)"
    )
    assert _rows(world, f"{made}; SELECT n FROM l WHERE opted_out IS NOT TRUE ORDER BY n") == [["2"], ["3"]]
    assert _rows(world, f"{made}; SELECT n FROM l WHERE opted_out IS NOT FALSE ORDER BY n") == [["1"], ["3"]]
    assert _rows(world, f"{made}; SELECT 2 * MOD(n, 2) AS m FROM l ORDER BY n") == [["2"], ["0"], ["2"]]


def test_a_scalar_subquery_over_flatten_runs(world):
    made = 'CREATE TEMP TABLE l AS SELECT 1 AS n, PARSE_JSON(\'[{"tag":"a"},{"tag":"b"}]\') AS tags'
    assert _rows(
        world, f"{made}; SELECT (SELECT MAX(f.value:tag::string) FROM TABLE(FLATTEN(INPUT => l.tags)) f) AS t FROM l"
    ) == [["b"]]


@pytest.mark.parametrize(
    "script",
    [
        'SHOW TABLES; SELECT "name" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = \'RAW_LEADS\' -- Ann',
        'SHOW TABLES; SELECT 1 AS b; SELECT s."name" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2))) s',
        'SHOW TABLES ->> SELECT "name" FROM $1 WHERE "name" = \'RAW_LEADS\';',
        'SHOW TABLES ->> SELECT 1 AS b ->> SELECT "name" FROM $2',
        "SHOW TABLES; SET q = LAST_QUERY_ID(); SELECT 'RAW_LEADS' AS \"name\"",
    ],
)
def test_results_of_earlier_statements_are_the_script_s_own(world, script):
    assert ["RAW_LEADS"] in _rows(world, script)


def test_a_whole_job_over_an_earlier_result(world, engine):
    job = engine.run(
        "SELECT * FROM RAW_LEADS; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))", limit_rows=5, progress=False
    )
    assert job.ok
    assert job.counts.extracted > 5
    piped = engine.run(
        "ALTER SESSION SET TIMEZONE = 'UTC'; SELECT * FROM RAW_LEADS ->> SELECT * FROM $1 -- all",
        limit_rows=5,
        progress=False,
    )
    assert piped.ok
    assert piped.counts.already_processed > 0


@pytest.mark.parametrize(
    "script",
    [
        "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))",
        "SELECT 1 AS a; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2)))",
        "SELECT 1 AS a; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(1)))",
    ],
)
def test_a_result_that_is_not_the_script_s_is_refused(script):
    with pytest.raises(ScriptError, match="not in the script before it"):
        parse_script(script)


def test_its_own_temporary_tables_are_the_script_s_to_change(world):
    script = (
        "CREATE TEMP TABLE l (n INT); INSERT INTO l VALUES (1), (2); UPDATE L SET n = 5 WHERE n = 1; "
        'DELETE FROM "L" WHERE n = 2; SELECT * FROM l'
    )
    assert _rows(world, script) == [["5"]]


def test_snowflake_is_asked_of_a_last_query_that_sqlglot_cannot_read(world, engine):
    script = "SELECT 1 AS x;\nSELECT a, FROM WHERE b = 'Ann Lee'"
    assert "line 2, column 16, near WHERE" in parse_script(script).unread
    with pytest.raises(JobFailedError, match="the script did not run") as caught:
        engine.run(script, progress=False)
    assert "Ann Lee" not in str(caught.value)
    assert world.stats()["idicore"]["calls"] == 0
    with pytest.raises(ScriptError, match="more than a query"):
        parse_script("SELECT a FROM WHERE DELETE FROM t")


def test_an_error_of_a_setup_statement_names_the_statement_and_its_line(world):
    with pytest.raises(ScriptError, match="statement 2 of the script, on line 3, did not run"):
        _rows(world, "SELECT 1 AS a;\n\nCREATE TEMP TABLE x AS SELECT * FROM NO_SUCH_TABLE; SELECT 1 AS a")
