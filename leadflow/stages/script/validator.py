"""Validate that statements only read: every word and every node of the syntax tree must be known to read.

A script may make and change its own temporary tables, which end with the session. Anything else needs allow_writes.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from sqlglot import Token, exp

from leadflow.errors import ScriptError
from leadflow.stages.script.node_types import unknown_in_change, unknown_in_create, unknown_in_query
from leadflow.stages.script.parsing import node_name, parse_tokens
from leadflow.stages.script.session_parameters import raise_if_protected
from leadflow.stages.script.side_effects import raise_if_command_words, raise_if_side_effects
from leadflow.stages.script.source import Statement
from leadflow.stages.script.table_names import Parts, changed_tables, create_head, into_positions, name_at, new_names
from leadflow.stages.script.temporary_tables import TemporaryTables

QUERIES = ("SELECT", "WITH", "(", "VALUES")
_SHOWS = ("SHOW", "DESC", "DESCRIBE", "EXPLAIN", "LIST", "LS", "UNSET")
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DROP", "ALTER", "COPY")
_WRITES = (*_CHANGES, "CREATE", "UNDROP", "GRANT", "REVOKE", "COMMENT", "PUT", "REMOVE", "RM", "EXECUTE")
_TRANSACTION = ("COMMIT", "ROLLBACK", "START")
_BLOCKS = (
    "BEGIN",
    "DECLARE",
    "IF",
    "FOR",
    "WHILE",
    "LOOP",
    "REPEAT",
    "LET",
    "RETURN",
    "CASE",
    "END",
    "ELSE",
    "ELSEIF",
    "EXCEPTION",
    "AWAIT",
    "OPEN",
    "CLOSE",
)
_TEMPORARY_KINDS = ("TABLE", "VIEW", "FUNCTION", "FILE FORMAT", "STAGE")
_NO_DROP = "remove it, CREATE OR REPLACE TEMPORARY TABLE needs none before it"


# The reason to refuse a statement. Key: whether it is a CALL.
_NOT_READING = {
    False: "it opens or ends a transaction, which a script that only reads does not need; remove it",
    True: "leadflow cannot see what the procedure does; remove it, or select from what it makes",
}


class Validator:
    """Validates the statements of one script in order; later ones may change the temporary tables of earlier ones."""

    def __init__(self, allow_writes: bool, home: tuple[str, str] = ("", "")) -> None:
        self.allow_writes = allow_writes
        self.writes = False  # whether a statement may write to permanent objects
        self.temporaries = TemporaryTables(home)

    def validate(self, part: Statement) -> list[Parts]:
        """Raise ScriptError if a statement may not run; return the names of the tables and views that it makes."""
        first = part.words[0]
        if first in QUERIES:
            self._query(part)
        elif first == "USE":
            self._use(part)
        elif first == "SET":
            self._raise_if_into(part)
            self._raise_if_side_effects(part)
            self._reads(part, _value_of(part))
        elif part.words[:2] == ("ALTER", "SESSION"):
            raise_if_protected(part)
        elif first == "CREATE":
            self._create(part)
        elif first in _CHANGES:
            self._change(part)
        elif first not in _SHOWS:
            self._other(part)
        return self.new_names(part)

    def validate_query(self, part: Statement) -> str:
        """Validate the last statement, a query; return the place where sqlglot cannot parse it, or ""."""
        self._raise_if_into(part)
        try:
            tree = parse_tokens(part, part.tokens)
        except ScriptError as error:
            if part.words[0] not in ("SELECT", "WITH", "("):
                raise
            problem = str(error)
        else:
            unknown = unknown_in_query(tree)
            problem = f"it has a {node_name(unknown)}" if unknown is not None else ""
        if problem:
            raise_if_command_words(part)
            self._raise_if_side_effects(part)
        else:
            self._query(part)
        return problem

    def new_names(self, part: Statement) -> list[Parts]:
        """List the tables and views that a validated statement makes."""
        return _known_names(part)

    def _raise_if_into(self, part: Statement) -> None:
        """Refuse INTO, which makes a table, unless writes are allowed."""
        if into_positions(part):
            self._raise_unless_allowed(part, "INTO")

    def _query(self, part: Statement) -> None:
        self._raise_if_into(part)
        self._raise_if_side_effects(part)
        tree = parse_tokens(part, part.tokens)
        unknown = unknown_in_query(tree)
        if unknown is not None and not (self.allow_writes and isinstance(unknown, exp.Into)):
            raise ScriptError(
                f"{part} cannot be judged: leadflow does not know what {node_name(unknown)} does in a query; "
                "only the last statement may have it"
            )

    def _reads(self, part: Statement, tokens: tuple[Token, ...]) -> None:
        unknown = unknown_in_query(parse_tokens(part, tokens))
        if unknown is not None:
            raise ScriptError(
                f"{part} cannot be judged: leadflow does not know what {node_name(unknown)} does in an expression"
            )

    def _raise_if_side_effects(self, part: Statement) -> None:
        try:
            raise_if_side_effects(part)
        except ScriptError:
            if not self.allow_writes:
                raise
            self.writes = True

    def _use(self, part: Statement) -> None:
        kind = (
            part.words[1]
            if part.words[1:2] and part.words[1] in ("ROLE", "WAREHOUSE", "DATABASE", "SCHEMA", "SECONDARY")
            else ""
        )
        self.temporaries.use(kind or "DATABASE", name_at(part, 2 if kind else 1) or ("",))

    def _create(self, part: Statement) -> None:
        head = create_head(part)
        if not head.temporary or head.kind not in _TEMPORARY_KINDS or "ALTER" in head.words:
            hint = "make it a TEMPORARY one" if head.kind in ("TABLE", "VIEW") else "remove it"
            self._raise_unless_allowed(part, f"CREATE {head.kind}".strip(), hint)
            return
        self._raise_if_into(part)
        self._raise_if_side_effects(part)
        if head.name is None:
            raise ScriptError(
                f"{part} makes a {head.kind.lower()} without a plain name; write its name out, "
                "so that leadflow can see that it hides no other"
            )
        tree = parse_tokens(part, _without_scope(part))
        unknown = unknown_in_create(tree)
        if unknown is not None:
            raise ScriptError(
                f"{part} cannot be judged: leadflow does not know what {node_name(unknown)} does in a CREATE"
            )
        self.temporaries.make(head.kind, head.name, surely=head.sure)

    def _change(self, part: Statement) -> None:
        """Validate a change: without allow_writes, only the script's own temporary tables may change."""
        found = changed_tables(part)
        own = bool(found) and all(name is not None and self.temporaries.owns(kind, name) for kind, name in found)
        if not own or (part.words[0] == "COPY" and "PURGE" in part.words):
            reasons = [self.temporaries.why_not(name) for _, name in found if name is not None]
            self._raise_unless_allowed(
                part, part.words[0], next(filter(None, reasons), "remove it" if part.words[0] != "DROP" else _NO_DROP)
            )
            return
        self._raise_if_side_effects(part)
        if part.words[0] != "COPY":
            tree = parse_tokens(part, part.tokens)
            unknown = unknown_in_change(tree)
            if unknown is not None or (part.words[0] == "DROP" and "," in part.words):
                self._raise_unless_allowed(part, part.words[0])
        if part.words[0] == "DROP":
            self.temporaries.drop(found[0][1] or ())

    def _other(self, part: Statement) -> None:
        """Refuse other commands, with the reason; allow_writes permits those that write, CALL and transactions."""
        first = part.words[0]
        if part.words[:2] == ("EXECUTE", "IMMEDIATE"):
            raise ScriptError(
                f"{part} (EXECUTE IMMEDIATE) is not a query: it runs SQL that leadflow cannot read; "
                "write that SQL out as statements"
            )
        if first in _WRITES:
            self._raise_unless_allowed(part, first)
        elif _is_transaction(part) or first == "CALL":
            if not self.allow_writes:
                raise ScriptError(f"{part} ({first}) is not a query: {_NOT_READING[first == 'CALL']}")
            self.writes = True
        elif first in _BLOCKS:
            raise ScriptError(
                f"{part} ({first}) is not a query but part of a Snowflake Scripting block, which leadflow cannot read; "
                "write its statements out one by one"
            )
        elif first == "GET":
            raise ScriptError(f"{part} (GET) is not a query: it copies files to this computer; remove it")
        else:
            raise ScriptError(
                f"{part} cannot be read: {part.places(part.tokens)}: it begins with {_shown(first)}. "
                "Queries, SHOW, DESCRIBE, EXPLAIN, LIST, SET, USE, ALTER SESSION and temporary tables run"
            )

    def _raise_unless_allowed(self, part: Statement, what: str, hint: str = "remove it") -> None:
        if not self.allow_writes:
            raise ScriptError(f"{part} writes ({what}); {hint}, or set LEADFLOW_WAREHOUSE__ALLOW_WRITES=true")
        self.writes = True
        if part.words[0] in (*QUERIES, "INSERT", "UPDATE", "DELETE", "MERGE"):
            parse_tokens(part, part.tokens)


def _is_transaction(part: Statement) -> bool:
    """Whether a statement opens or ends a transaction; BEGIN may open a block instead."""
    first, second = (*part.words, "", "")[:2]
    return first in _TRANSACTION or (first == "BEGIN" and second in ("", "TRANSACTION", "WORK", "NAME"))


def _known_names(part: Statement) -> list[Parts]:
    """List the tables that a statement makes. Raises ScriptError for a name that is not plain."""
    names = list(new_names(part))
    if None in names:
        raise ScriptError(
            f"{part} makes a table without a plain name; write its name out, "
            "so that leadflow can see that it hides no other"
        )
    return [name for name in names if name]


def _value_of(part: Statement) -> tuple[Token, ...]:
    """Return the expression that SET assigns to a variable."""
    at = next((n for n, word in enumerate(part.words) if word == "="), len(part.words))
    if at + 1 >= len(part.words):
        raise ScriptError(f"{part} cannot be read: {part.places(part.tokens)}: SET needs a name, = and a value")
    return part.tokens[at + 1 :]


def _without_scope(part: Statement) -> tuple[Token, ...]:
    """Return a CREATE's tokens without LOCAL and GLOBAL, which have no effect and which sqlglot may not parse."""
    return tuple(t for n, t in enumerate(part.tokens) if n > 4 or part.words[n] not in ("LOCAL", "GLOBAL"))


def _shown(first: str) -> str:
    """Return the first word of a statement, with the command that it may be a slip of; not what may be data."""
    if not re.fullmatch(r"[A-Z_]{1,30}", first):
        return "something else than a command"
    meant = get_close_matches(first, (*QUERIES, *_SHOWS, *_WRITES), 1, 0.75)
    return f"{first} (did you mean {meant[0]}?)" if meant else first
