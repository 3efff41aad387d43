"""Parse an analyst's script of one or more statements. The last is a query; none may write unless allowed.

sqlglot parses the script to validate it. Snowflake receives the analyst's own text without comments, since comments may
name people.
"""

from __future__ import annotations

from dataclasses import dataclass

from leadflow.errors import ScriptError
from leadflow.stages.script.order import OrderTerm, order_of
from leadflow.stages.script.parsing import parse_tokens
from leadflow.stages.script.placeholders import raise_if_unfilled, raise_if_unfilled_text
from leadflow.stages.script.source import Source, Statement
from leadflow.stages.script.table_names import Parts
from leadflow.stages.script.validator import QUERIES, Validator


@dataclass(frozen=True)
class Script:
    """The statements to run first, the query that returns the leads, and the names of the created tables and views.

    `lines` are the lines (1-based) on which the statements begin, the query's last. `alone`: the query has a ->> or
    calls LAST_QUERY_ID(), so it must run unchanged, right after the previous statement. `unread`: the place where
    sqlglot cannot parse the query; Snowflake's compiler must accept it before it runs. `order`: the columns that the
    query is ordered by. `writes`: a statement may write to permanent objects, so the script must not run twice.
    """

    setup: tuple[str, ...]
    select: str
    creates: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    alone: bool = False
    unread: str = ""
    writes: bool = False
    order: tuple[OrderTerm, ...] = ()


def parse_script(text: str, *, allow_writes: bool = False, home: tuple[str, str] = ("", "")) -> Script:
    """Split and validate a script. Raises ScriptError with the number of the invalid statement.

    `home` is the database and the schema of the session, "" for one that is not known.

    >>> parse_script("SET d = 1; SELECT ';' AS a -- why;").select
    "SELECT ';' AS a"
    """
    source = _source(text.lstrip("\ufeff"))
    statements = source.statements
    if not statements:
        raise ScriptError("the script holds no statement")
    for statement in statements:
        _raise_if_before_the_script(statement)
    validator = Validator(allow_writes, home)
    names: list[Parts] = []
    *before, (*chained, last) = [statement.parts for statement in statements]
    for part in (*(p for parts in before for p in parts), *chained):
        names += validator.validate(part)
    if last.words[0] not in QUERIES:
        validator.validate(last)
        raise ScriptError("the script's last statement must be a query: its rows are the leads")
    unread = validator.validate_query(last)
    names += validator.new_names(last)
    return Script(
        setup=tuple(s.sent for s in statements[:-1]),
        select=statements[-1].sent,
        creates=tuple(name[-1] for name in names),
        lines=tuple(s.line for s in statements),
        alone=bool(chained) or "LAST_QUERY_ID" in statements[-1].words,
        unread=unread,
        writes=validator.writes,
        order=() if unread else order_of(parse_tokens(last, last.tokens)),
    )


def _source(text: str) -> Source:
    if "\x00" in text:
        raise ScriptError("the script has a NUL byte; save it as plain text")
    try:
        source = Source.of(text)
    except ScriptError:
        raise_if_unfilled_text(text)
        raise
    source.raise_if_comments_hide()
    raise_if_unfilled(source)
    return source


def _raise_if_before_the_script(statement: Statement) -> None:
    """Raise ScriptError if LAST_QUERY_ID() may refer to a statement before the script, which is leadflow's own."""
    for n, word in enumerate(statement.words):
        if word == "LAST_QUERY_ID":
            sign, back = (
                statement.words[n + 2 : n + 4]
                if statement.words[n + 2 : n + 3] == ("-",)
                else ("-", "1" if statement.words[n + 2 : n + 3] == (")",) else "")
            )
            if sign != "-" or not back.isdigit() or not 0 < int(back) < statement.number:
                raise ScriptError(
                    f"{statement} asks for LAST_QUERY_ID of a statement that is not in the script before it; "
                    "count back from it, as in LAST_QUERY_ID(-2)"
                )
