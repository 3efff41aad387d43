"""Parse statements into sqlglot's syntax trees."""

from __future__ import annotations

import logging
import re
from typing import Any

from sqlglot import Token, exp
from sqlglot.dialects.snowflake import Snowflake

from leadflow.errors import ScriptError
from leadflow.stages.script.source import Statement, is_literal

# sqlglot logs a warning when it falls back to a command. parse_tokens raises an error for that instead.
logging.getLogger("sqlglot").addFilter(lambda record: "contains unsupported syntax" not in str(record.msg))


def parse_tokens(part: Statement, tokens: tuple[Token, ...]) -> exp.Expr:
    """Parse tokens into a syntax tree. Raises ScriptError with line and column in the script."""
    try:
        trees = Snowflake().parser().parse(list(tokens), part.source.clean)
    except RecursionError:
        failure = ScriptError(f"{part} is nested too deeply to be read")
    except Exception as error:
        # Any exception in the parser's own code also means that it cannot parse the tokens.
        failure = ScriptError(f"{part} cannot be read: {_place(part, error)}")
    else:
        if len(trees) == 1 and trees[0] is not None and not isinstance(trees[0], exp.Command):
            return trees[0]
        failure = ScriptError(
            f"{part} cannot be read: {part.places(tokens)}: leadflow does not know this form of {part.words[0]}"
        )
    # Raised outside the handler, so that the parser's error, which quotes the script, is not attached.
    raise failure


def _place(part: Statement, error: Exception) -> str:
    """Return the line, column and keyword where the parser stopped."""
    errors: list[dict[str, Any]] = getattr(error, "errors", None) or [{}]
    found = errors[0]
    at = next((t for t in part.tokens if (t.line, t.col) == (found.get("line"), found.get("col"))), part.tokens[-1])
    raw = part.source.raw(at)
    near = "" if is_literal(at) or not re.fullmatch(r"[A-Za-z_]{1,30}|\W{1,3}", raw) else f", near {raw}"
    expects = re.match(r"Expecting [^\s'\"]{1,3}$", str(found.get("description", "")))
    return f"{part.source.place(at.start)}{near}{f' ({expects[0].lower()})' if expects else ''}"


def node_name(node: exp.Expr) -> str:
    """Return the name of a node's type for messages."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
