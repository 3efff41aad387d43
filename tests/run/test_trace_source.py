"""File:Line in the trace is where the message is said: not a helper that passes messages on."""

from __future__ import annotations

import ast
import re
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow import events
from leadflow.errors import JobFailedError

_PACKAGE = Path(lf.__file__).parent
_SAID = {"job_log", "job_progress"}


@lru_cache
def _functions(file: str) -> list[ast.AST]:
    """All functions of the files of a name."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _PACKAGE.rglob(file)]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]


def _patterns(node: ast.AST) -> list[re.Pattern[str]]:
    """Each text in the code as a pattern: what an f-string fills in is anything. A text without words says nothing.

    A constant of the package that the code names is its text.
    """
    found = [re.compile(re.escape(text)) for text in map(_constant, ast.walk(node)) if text]
    for part in ast.walk(node):
        values = (
            part.values
            if isinstance(part, ast.JoinedStr)
            else [part]
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
            else []
        )
        fixed = [str(v.value) for v in values if isinstance(v, ast.Constant)]
        if re.search(r"[A-Za-z]{4,}", " ".join(fixed)):
            found.append(
                re.compile(
                    "".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".*" for v in values), re.DOTALL
                )
            )
    return found


def _constant(node: ast.AST) -> str:
    """The text of a constant, such as PROVEN, that some module of the package has."""
    if not (isinstance(node, ast.Name) and node.id.isupper()):
        return ""
    modules = [module for name, module in sys.modules.items() if name.startswith("leadflow")]
    texts = [text for module in modules if isinstance(text := vars(module).get(node.id), str)]
    return texts[0] if texts and re.search(r"[A-Za-z]{4,} ", texts[0]) else ""


def _says(source: str, message: str) -> bool:
    """Whether the innermost function around a line holds the text of the message."""
    file, line = source.rsplit(":", 1)
    around = [f for f in _functions(file) if f.lineno <= int(line) <= (f.end_lineno or f.lineno)]
    return any(pattern.search(message) for function in around for pattern in _patterns(function))


def _checked(trace) -> list[tuple[str, str]]:
    return [(row.source, row.message) for row in trace.itertuples() if row.event in _SAID]


def test_every_message_of_a_job_bears_the_line_that_says_it(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=20, progress=False)
        world.fail("litigator", "503", times=200)
        job = engine.run(SCRIPT, limit_rows=20, max_lookups=10, progress=False)
        world.heal()
        first = engine.trace(job.id)
        engine.resume(job.id, progress=False)
        said = _checked(first) + _checked(engine.trace(job.id))
    assert len(said) > 30
    wrong = [(source, message) for source, message in said if not _says(source, message)]
    assert not wrong, wrong
    assert len({source for source, _ in said}) >= 15


def test_two_messages_sent_by_one_helper_have_two_lines(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=5, progress=False)
        trace = engine.trace(job.id)
    sent = [
        "Connecting to Snowflake",
        "Connected to Snowflake",
        "Connecting to Google Sheets",
        "Connected to Google Sheets",
    ]
    lines = [trace[trace["message"] == message]["source"].iloc[0] for message in sent]
    assert len(set(lines)) == len(sent)
    assert all(line.startswith(("intake.py:", "target_sheet.py:")) for line in lines)


def test_a_failure_bears_the_line_that_raised_it(world):
    with lf.Engine(world.settings) as engine:
        with pytest.raises(JobFailedError):
            engine.run("CREATE TEMPORARY TABLE T AS SELECT 1 AS a; SELECT * FROM T", progress=False)
        trace = engine.trace(lf.jobs()["id"].iloc[0])
    (error,) = trace[trace["event"] == "job_error"].itertuples()
    assert error.source.startswith("columns.py:")
    assert "no column for" in error.message


def test_a_helper_of_a_helper_is_passed_over_too():
    @events.passes_on
    def inner(message: str) -> events.JobLog:
        return events.JobLog(stage="s", message=message)

    @events.passes_on
    def outer(message: str) -> events.JobLog:
        return inner(message)

    first = outer("one")
    second = outer("two")
    assert first.source.startswith("test_trace_source.py:")
    assert int(second.source.split(":")[1]) == int(first.source.split(":")[1]) + 1
