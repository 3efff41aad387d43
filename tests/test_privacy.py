"""No sample person and no secret is in the history, in a DEBUG log, in what is printed, or in a traceback."""

from __future__ import annotations

import json

import pytest
from outcome import SCRIPT
from privacy import forbidden_words, history_text, last_lead, traceback_text, words_in

import leadflow as lf
from leadflow.errors import JobFailedError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import connector_major

pytestmark = pytest.mark.connector

_FAULTS = {
    "none": [],
    "vendors": [
        ("idicore", "500", {}),
        ("idicore", "truncated", {}),
        ("litigator", "html", {}),
        ("dnc", "500", {}),
        ("dnc", "malformed_number", {}),
        ("idicore", "400", {}),
    ],
    "odd shapes": [
        ("idicore", "lie", {"set": {"result": [{"name": 7, "phone": [{"meta": "x"}]}]}}),
        ("litigator", "lie", {"set": {"Phone": "Ann"}}),
        ("dnc", "lie", {"set": {"ResultCode": "Ann Lee"}}),
    ],
    "sheet": [("sheets", "applied_then_503", {}), ("sheets", "html", {"on": "write"}), ("sheets", "drop", {})],
    "sheet refuses": [("sheets", "400", {"on": "write", "after": 2})],
    "warehouse": [("snowflake", "503", {}), ("snowflake", "html", {}), ("snowflake", "drop", {})],
    "warehouse refuses": [("snowflake", "sql_error", {"code": 3001, "key": "MERGE", "times": 100})],
    "credentials": [("dnc", "403", {"times": 100})],
}


@pytest.mark.parametrize("faults", _FAULTS.values(), ids=_FAULTS)
def test_nobody_is_named_anywhere(world, capfd, logged, faults):
    for service, kind, options in faults:
        world.fail(service, kind, **{"times": 2, **options})
    quick = {
        name: getattr(world.settings, name).model_copy(update={"attempts": 2, "timeout_s": 5.0})
        for name in ("idicore", "litigator", "dnc")
    }
    said = {}
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20, **quick})) as engine:
        try:
            engine.run(SCRIPT, limit_rows=60, progress=False)
        except JobFailedError as error:
            said["tracebacks"] = traceback_text(error)
        job_id = lf.jobs()["id"].iloc[0]
        engine.history.flush()
        said["trace"] = engine.trace(job_id, full=True).to_csv() + lf.jobs(full=True).to_csv()
        said["report"] = engine.report(job_id).to_markdown() + engine.report(job_id)._repr_html_()
        said["reprs"] = repr(engine.settings) + repr(engine.history) + repr(engine.idicore) + repr(engine.checkpoints)
    said["history"] = history_text(world.settings.history_file)
    said["printed"] = "".join(capfd.readouterr())
    for name, text in logged.records:
        said[f"log {name}"] = said.get(f"log {name}", "") + text + "\n"
    connectors = "log snowflake.connector._core" if connector_major() >= 5 else "log snowflake.connector.cursor"
    assert {"log httpx", "log urllib3.connectionpool", connectors} <= said.keys()
    assert len(said["history"]) > 2_000
    words = forbidden_words()
    leaks = {where: found[:5] for where, text in said.items() if (found := words_in(text, words))}
    assert not leaks


def test_what_a_compiler_quotes_of_a_script_is_not_said(world):
    said = "SQL compilation error:\nsyntax error line 1 at position 7 unexpected ''{}''. Object 'NO_TABLE', number {}"
    number = 5_045_550_143
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        for address in ("12 Elm St", "1 O''Neill\n Way"):
            answer = {
                "data": {"errorCode": "001003", "sqlState": "42000"},
                "code": "001003",
                "success": False,
                "message": said.format(address, number),
            }
            world.fail("snowflake", "body", body=json.dumps(answer))
            with pytest.raises(lf.errors.RefusedError, match="NO_TABLE") as caught:
                warehouse.execute(f"SELECT 1 '{address}' FROM NO_TABLE WHERE phone = {number}")
            assert not words_in(traceback_text(caught.value), {"12 Elm St", "Neill Way", str(number)})


@pytest.mark.parametrize(
    "script",
    [
        'SELECT CAST("Address" AS INTEGER) AS n, r.* FROM RAW_LEADS r',
        "SELECT nobody FROM RAW_LEADS WHERE \"Address\" = '{}'",
        "SELEC '{}'",
        "SELECT '{}'",
    ],
)
def test_nobody_is_named_when_a_script_fails(world, logged, capfd, script):
    address = last_lead()["Address"].strip()
    with lf.Engine(world.settings) as engine, pytest.raises((JobFailedError, lf.errors.InputError)) as caught:
        engine.run(script.format(address), progress=False)
    said = {
        "tracebacks": traceback_text(caught.value),
        "printed": "".join(capfd.readouterr()),
        "history": history_text(world.settings.history_file),
    }
    for name, text in logged.records:
        said[f"log {name}"] = said.get(f"log {name}", "") + text + "\n"
    leaks = {where: found[:5] for where, text in said.items() if (found := words_in(text, forbidden_words()))}
    assert not leaks
