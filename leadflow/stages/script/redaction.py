"""Remove comments and constants from SQL for records and messages: they may name people."""

from __future__ import annotations

from sqlglot import TokenType

from leadflow.errors import ScriptError
from leadflow.stages.script.source import STRINGS, Source, Statement


def without_literals(text: str) -> str:
    """Return the script for the records, without comments and constants, since they may name people.

    >>> without_literals("SELECT * FROM LEADS WHERE email = 'ann@example.com' -- Ann")
    "SELECT * FROM LEADS WHERE email = '?'"
    """
    try:
        source = Source.of(text.lstrip("\ufeff"))
    except ScriptError as error:
        return f"-- not kept: {error}"
    return ";\n".join(map(_without_literals, source.statements))


def without_constants(message: str, sql: str) -> str:
    """Return a message without the strings of the statement, since they may name people.

    >>> without_constants("unexpected 'Ann'", "SELECT 'Ann'")
    "unexpected '...'"
    """
    try:
        source = Source.of(sql)
    except ScriptError:
        return message
    strings = {source.raw(token).strip("'$") for token in source.tokens if token.token_type in STRINGS}
    for string in sorted(filter(str.strip, strings), key=len, reverse=True):
        message = (
            message.replace(string, "...").replace(" ".join(string.split()), "...") if len(string) > 1 else message
        )
    return message


def _without_literals(statement: Statement) -> str:
    pieces: list[str] = []
    end = statement.tokens[0].start
    for token in statement.tokens:
        pieces.append(" " if token.start > end else "")
        constant = token.token_type in STRINGS or (token.token_type == TokenType.NUMBER and pieces[-2:-1] != ["$"])
        pieces.append("'?'" if constant else statement.source.raw(token))
        end = token.end + 1
    return "".join(pieces)
