"""Reading an analyst's script: several statements, the last a query, none that writes unless allowed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from leadflow.errors import ScriptError

_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Drop, exp.Alter, exp.TruncateTable, exp.Copy, exp.Grant)
_HARMLESS = (exp.Set, exp.Use, exp.Query)


@dataclass(frozen=True)
class Script:
    """The statements that run first, the query whose rows are the leads, and the names of the tables and views made."""

    setup: tuple[str, ...]
    select: str
    creates: tuple[str, ...] = ()


def read_script(script: str | Path, name: str | None = None) -> tuple[str, str]:
    """The text of a script, given as text or as the path of a .sql file, and the name of its job; raises ScriptError."""
    if isinstance(script, Path) or (re.fullmatch(r"[^\n;]+\.sql", script.strip())):
        path = Path(script)
        if not path.is_file():
            raise ScriptError(f"there is no script file {path}")
        return path.read_text(encoding="utf-8-sig"), name or path.stem
    if not script.strip():
        raise ScriptError("the script is empty")
    return script, name or "script"


def script_id(text: str) -> str:
    """A short, stable id of a script's text, the same for the same script on any machine."""
    return hashlib.sha256(text.strip().replace("\r\n", "\n").encode()).hexdigest()[:12]


def parse_script(text: str, *, allow_writes: bool = False) -> Script:
    """Split and check a script; raises ScriptError with the number of the statement at fault.

    >>> parse_script("SET d = 1; SELECT ';' AS a;").select
    "SELECT ';' AS a"
    """
    cleaned = text.replace("\r\n", "\n").lstrip("\ufeff")
    if "\x00" in cleaned:
        raise ScriptError("the script has a NUL byte; save it as plain text")
    statements = [s for s in _parsed(cleaned) if s is not None and not isinstance(s, exp.Semicolon)]
    if not statements:
        raise ScriptError("the script holds no statement")
    for number, statement in enumerate(statements, 1):
        _raise_if_writing(number, statement, allow_writes)
    if not isinstance(statements[-1], exp.Query):
        raise ScriptError("the script's last statement must be a query: its rows are the leads")
    texts = [s.sql(dialect="snowflake", comments=False) for s in statements]
    return Script(tuple(texts[:-1]), texts[-1], tuple(name for s in statements if (name := _created(s))))


def _created(statement: exp.Expression) -> str:
    """The name of the table or view that a statement makes, or nothing."""
    if not isinstance(statement, exp.Create):
        return ""
    table = statement.find(exp.Table)
    return table.name if table else ""


def _parsed(text: str) -> list[Any]:
    try:
        return list(sqlglot.parse(text, read="snowflake"))
    except SqlglotError as error:
        failure = ScriptError(f"the script cannot be read: {_first_line(error)}")
    except RecursionError:
        failure = ScriptError("the script is nested too deeply to be read")
    # Raised here, it does not carry the parser's error along, which quotes the script.
    raise failure


def without_literals(text: str) -> str:
    """The script for the record, without its comments and constants: those may name people.

    >>> without_literals("SELECT * FROM LEADS WHERE email = 'ann@example.com' -- Ann")
    "SELECT * FROM LEADS WHERE email = '?'"
    """
    try:
        parsed = sqlglot.parse(text, read="snowflake")
    except (SqlglotError, RecursionError):
        return ""
    return ";\n".join(s.transform(_blank).sql(dialect="snowflake", comments=False) for s in parsed if s is not None)


def _blank(node: exp.Expression) -> exp.Expression:
    return exp.Literal.string("?") if isinstance(node, exp.Literal) else node


def _first_line(error: SqlglotError) -> str:
    errors = getattr(error, "errors", None)
    if errors:
        first = errors[0]
        return f"line {first.get('line')}, column {first.get('col')}: {first.get('description')}"
    return str(error).splitlines()[0]


def _raise_if_writing(number: int, statement: exp.Expression, allow_writes: bool) -> None:
    if allow_writes or _is_temporary(statement):
        return
    inner = next(statement.find_all(*_WRITES), None)
    if inner is not None:
        raise ScriptError(f"statement {number} of the script writes ({inner.key.upper()}); remove it, or set LEADFLOW_WAREHOUSE__ALLOW_WRITES=true")
    if not isinstance(statement, _HARMLESS):
        raise ScriptError(f"statement {number} of the script ({statement.key.upper()}) is not a query; only queries, SET, USE and temporary tables run")


def _is_temporary(statement: exp.Expression) -> bool:
    if not isinstance(statement, exp.Create):
        return False
    properties = statement.args.get("properties")
    return properties is not None and any(isinstance(p, exp.TemporaryProperty) for p in properties.expressions)
