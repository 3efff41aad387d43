"""What can never run is refused before a job is recorded, so that no failed job is offered for a resume."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.engine import runs
from leadflow.errors import ColumnsError, InputError, JobFailedError, ScriptError

_NEVER = {
    "bad SQL": ("SELEC * FRM X", ScriptError, "begins with SELEC"),
    "bad SQL that only Snowflake finds": ("SELECT * FROM RAW_LEADS WHERE", ScriptError, "did not run"),
    "no such table": ("SELECT * FROM NO_SUCH_TABLE", ScriptError, "NO_SUCH_TABLE"),
    "a misspelled column": ('SELECT "Frist Name" FROM RAW_LEADS', ScriptError, "(?i)frist name"),
    "refused statement": (
        "DELETE FROM RAW_LEADS; SELECT * FROM RAW_LEADS",
        ScriptError,
        "statement 1 of the script writes",
    ),
    "refused after its own table": (
        "CREATE TEMPORARY TABLE T AS SELECT * FROM RAW_LEADS; DROP TABLE RAW_LEADS; SELECT * FROM T",
        ScriptError,
        "statement 2 of the script writes",
    ),
    "no query at the end": ("SET d = 1", ScriptError, "last statement must be a query"),
    "missing columns": ("SELECT 1 AS a", ColumnsError, "no column for"),
    "two columns of one name": (
        "SELECT *, 'x' AS \"Zip\" FROM RAW_LEADS",
        ColumnsError,
        "several columns could be Zip",
    ),
    "no file": ("missing.sql", ScriptError, "there is no script file"),
    "frame without the columns": (pd.DataFrame({"First Name": ["Ann"]}), ColumnsError, "no column for"),
    "no rows": (pd.DataFrame({"First Name": []}), InputError, "no row"),
    "variable without a value": ('SELECT * FROM RAW_LEADS WHERE "State" = $nowhere', ScriptError, "(?i)nowhere"),
}


@pytest.mark.parametrize("case", _NEVER)
def test_what_can_never_run_is_refused_and_no_job_is_recorded(world, case):
    script, error, said = _NEVER[case]
    with lf.Engine(world.settings) as engine:
        for verb in (engine.run, engine.submit):
            with pytest.raises(error, match=said):
                verb(script)
        assert lf.jobs().empty
        assert engine.running == []
        assert engine.history.resumable() == []
    assert world.stats()["idicore"]["calls"] == 0


def test_a_file_that_cannot_be_read(world, tmp_path):
    (tmp_path / "a.sql").write_bytes(b"SELECT \x00")
    with lf.Engine(world.settings) as engine:
        with pytest.raises(ScriptError, match="is not text"):
            engine.run(tmp_path / "a.sql")
        assert lf.jobs().empty


def test_params_are_set_before_snowflake_compiles_the_script(world):
    script = 'SELECT * FROM RAW_LEADS WHERE "State" = $state'
    with lf.Engine(world.settings) as engine:
        assert engine.run(script, params={"state": "ME"}, limit_rows=3, progress=False).ok


def test_a_script_of_several_statements_is_found_out_by_its_job_which_is_not_offered_first(world):
    script = "CREATE TEMPORARY TABLE T AS SELECT * FROM RAW_LEADS; SELECT * FROM T WHERE NOPE = 1"
    with lf.Engine(world.settings) as engine:
        stopped = engine.run(SCRIPT, limit_rows=10, max_lookups=5, progress=False)
        with pytest.raises(JobFailedError, match=r"(?i)nope"):
            engine.run(script, progress=False)
        assert lf.jobs(full=True)["status"].tolist() == ["FAILED", "STOPPED"]
        assert next(job["id"] for job in engine.history.resumable()) == stopped.id
        assert world.stats()["idicore"]["calls"] <= 7


def test_a_queue_refuses_what_may_not_run_before_it_records_a_job(world):
    with lf.Engine(world.settings) as engine:
        for never in ("DROP TABLE RAW_LEADS", pd.DataFrame({"First Name": ["Ann"]})):
            with pytest.raises(InputError):
                engine.queue([SCRIPT, never])
        assert lf.jobs().empty


class _Refuses(BaseHTTPRequestHandler):
    """Snowflake's answer to a wrong password, and how often it was given."""

    sign_ins = 0

    def do_POST(self):
        type(self).sign_ins += "login-request" in self.path
        said = {"success": False, "code": "390100", "message": "Incorrect username or password was specified."}
        body = json.dumps({**said, "data": {}}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_a_sign_in_that_is_refused_is_no_fault_of_the_script_and_is_not_tried_again(world):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = world.settings.warehouse.model_copy(update={"port": server.server_port})
    with lf.Engine(world.settings.model_copy(update={"warehouse": there})) as engine:
        with pytest.raises(JobFailedError, match="Incorrect username or password"):
            engine.run(SCRIPT, progress=False)
        assert lf.jobs(full=True)["status"].tolist() == ["FAILED"]
    server.shutdown()
    server.server_close()
    assert _Refuses.sign_ins == 1, "a second attempt could lock the user out"


def _statements(world, engine):
    before = world.stats()["snowflake"]["calls"]
    assert engine.run(SCRIPT, limit_rows=10, progress=False).ok
    return world.stats()["snowflake"]["calls"] - before


def test_a_run_has_at_most_one_statement_more_than_without_the_check(world, monkeypatch):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=10, progress=False)  # makes the tables
        checked = _statements(world, engine)
        monkeypatch.setattr(runs, "check_source", lambda *_: None)
        unchecked = _statements(world, engine)
    assert unchecked <= checked <= unchecked + 1
