"""No sample person, and no secret, in the history, in what is logged at DEBUG, in what is printed, or in a traceback."""

from __future__ import annotations

import csv
import io
import json
import logging
import traceback

import duckdb
import pytest
from outcome import SCRIPT, personal_words, truth_phones

import leadflow as lf
from leadflow.errors import JobFailedError
from leadflow.local import sample
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import major

_SECRETS = ("local-secret", "local-token", "local-login")
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
    "warehouse refuses": [("snowflake", "422", {"key": "MERGE", "times": 100})],
    "credentials": [("dnc", "403", {"times": 100})],
}


class _Everything(logging.Handler):
    """Keeps every record as text, arguments and tracebacks with it."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.records = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record):
        extra = {k: v for k, v in record.__dict__.items() if k not in ("msg", "args", "exc_info")}
        self.records.append((record.name, f"{self.format(record)} {record.args!r} {extra!r}"))


@pytest.fixture
def logged():
    """Everything that any logger says at DEBUG."""
    root, handler = logging.getLogger(), _Everything()
    levels = {
        name: logger.level for name, logger in root.manager.loggerDict.items() if isinstance(logger, logging.Logger)
    }
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in levels:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _last_lead():
    with sample("leads.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[-1]


def _script():
    """All leads but one person's: a script that names somebody."""
    last = _last_lead()
    return f"""{SCRIPT} WHERE "Address" <> '{last["Address"].strip()}' AND "First Name" || ' ' || "Last Name" <> '{last["First Name"]} {last["Last Name"]}'"""


def _words():
    """What names a person: as in personal_words, and each phone as a vendor or a body may write it."""
    words = personal_words() | {p["number"] for p in truth_phones()} | set(_SECRETS)
    with sample("leads.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first, last = row["First Name"].strip(), row["Last Name"].strip()
            words |= {
                f"{last}, {first}",
                f'"firstName": "{first}"',
                f'"firstName":"{first}"',
                f'"lastName":"{last}"',
                f'"lastName": "{last}"',
                f"'lastName': '{last}'",
            }
            words |= {
                f"{first} {last}".upper(),
                row["Address"].strip().upper(),
                f'{first}", "{last}',
                f'{first}","{last}',
                f"{first}', '{last}",
            }
    return {word for word in words if len(word) >= 8}


def _found(text, words):
    """The words in a text; only those whose beginning is there are sought, so that thousands in megabytes are quick."""
    text += json.dumps(text)
    beginnings = {text[n : n + 8] for n in range(len(text) - 7)}
    return sorted(word for word in words if word[:8] in beginnings and word in text)


def _history(path):
    """Every table of the history, as text."""
    with duckdb.connect(str(path), read_only=True) as db:
        tables = [
            name
            for (name,) in db.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            ).fetchall()
        ]
        assert len(tables) >= 4, tables
        out = io.StringIO()
        for table in tables:
            rows = db.execute(f'SELECT * FROM "{table}"').fetchall()
            out.writelines(f"{table} {row!r}\n" for row in rows)
    return out.getvalue()


def _tracebacks(error):
    """The error as any tool may print it: its own way, and every error it came from, suppressed or not."""
    texts, todo, seen = [], [error], set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        texts += [*traceback.format_exception(one), repr(one), repr(one.args), repr(getattr(one, "__notes__", ""))]
        todo += [one.__cause__, one.__context__]
    return "".join(texts)


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
            said["tracebacks"] = _tracebacks(error)
        job_id = lf.jobs()["id"].iloc[0]
        engine.history.flush()
        said["trace"] = engine.trace(job_id).to_csv() + lf.jobs().to_csv()
        said["report"] = engine.report(job_id).to_markdown() + engine.report(job_id)._repr_html_()
        said["reprs"] = repr(engine.settings) + repr(engine.history) + repr(engine.idicore) + repr(engine.checkpoints)
    said["history"] = _history(world.settings.history_file)
    said["printed"] = "".join(capfd.readouterr())
    for name, text in logged.records:
        said[f"log {name}"] = said.get(f"log {name}", "") + text + "\n"
    connectors = "log snowflake.connector._core" if major() >= 5 else "log snowflake.connector.cursor"
    assert {"log httpx", "log urllib3.connectionpool", connectors} <= said.keys()
    assert len(said["history"]) > 2_000
    words = _words()
    leaks = {where: found[:5] for where, text in said.items() if (found := _found(text, words))}
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
            assert not _found(_tracebacks(caught.value), {"12 Elm St", "Neill Way", str(number)})


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
    address = _last_lead()["Address"].strip()
    with lf.Engine(world.settings) as engine, pytest.raises((JobFailedError, lf.errors.InputError)) as caught:
        engine.run(script.format(address), progress=False)
    said = {
        "tracebacks": _tracebacks(caught.value),
        "printed": "".join(capfd.readouterr()),
        "history": _history(world.settings.history_file),
    }
    for name, text in logged.records:
        said[f"log {name}"] = said.get(f"log {name}", "") + text + "\n"
    leaks = {where: found[:5] for where, text in said.items() if (found := _found(text, _words()))}
    assert not leaks
