"""Find the tables that a statement creates or changes, from its tokens: sqlglot need not parse the statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import TokenType

from leadflow.stages.script.source import Statement
from leadflow.stages.script.temporary_tables import folded

Parts = tuple[str, ...]
_PLAIN = re.compile(r"[A-Za-z_][\w$]*")
_AFTER_CREATE = {
    "OR REPLACE",
    "OR",
    "REPLACE",
    "ALTER",
    "LOCAL",
    "GLOBAL",
    "TEMP",
    "TEMPORARY",
    "VOLATILE",
    "TRANSIENT",
    "SECURE",
    "RECURSIVE",
    "READ",
    "ONLY",
}
_AFTER_INTO = {"LOCAL", "GLOBAL", "TEMP", "TEMPORARY", "VOLATILE", "TRANSIENT", "UNLOGGED", "TABLE"}
_TWO_WORDS = {"FILE", "DYNAMIC", "EXTERNAL", "ICEBERG", "HYBRID", "EVENT", "MATERIALIZED", "SEMANTIC", "MASKING"}


@dataclass(frozen=True)
class CreateHead:
    """The head of a CREATE: its words, the kind of object ("TABLE" ...), and the name (None if not plain)."""

    words: frozenset[str]
    kind: str
    sure: bool
    name: Parts | None

    @property
    def temporary(self) -> bool:
        """Whether the object ends with the session."""
        volatile = "VOLATILE" in self.words and self.kind in ("TABLE", "VIEW")
        return volatile or bool(self.words & {"TEMP", "TEMPORARY"})


def name_at(statement: Statement, n: int) -> Parts | None:
    """Return the dotted name at the n-th token, each part as Snowflake stores it; None if it is not a plain name."""
    parts: list[str] = []
    while n < len(statement.tokens):
        raw = statement.source.raw(statement.tokens[n])
        if statement.tokens[n].token_type != TokenType.IDENTIFIER and not _PLAIN.fullmatch(raw):
            return None
        parts.append(folded(raw))
        after = statement.words[n + 1] if n + 1 < len(statement.words) else ""
        if after != ".":
            return None if after == ".." or parts[-1] == "IDENTIFIER" else tuple(parts)
        n += 2
    return None


def create_head(statement: Statement) -> CreateHead:
    """Parse the head of a CREATE."""
    head: set[str] = set()
    n = 1
    while n < len(statement.words) and statement.words[n] in _AFTER_CREATE:
        head |= {*statement.words[n].split()}
        n += 1
    kind = statement.words[n] if n < len(statement.words) else ""
    if kind in _TWO_WORDS and n + 1 < len(statement.words):
        n += 1
        kind = f"{kind} {statement.words[n]}"
    at = after_if(statement, n + 1)
    return CreateHead(frozenset(head), kind, sure=at == n + 1 and "ALTER" not in head, name=name_at(statement, at))


def after_if(statement: Statement, n: int) -> int:
    """Return the position after IF EXISTS or IF NOT EXISTS at `n`, or `n` without either."""
    if statement.words[n : n + 1] != ("IF",):
        return n
    return next((m + 1 for m in range(n, min(n + 3, len(statement.words))) if statement.words[m].endswith("EXISTS")), n)


def changed_tables(statement: Statement) -> list[tuple[str, Parts | None]]:
    """Return the kind and the name of each table that a statement changes; None for a name that cannot be read."""
    words = statement.words
    found = [("TABLE", n + 1) for n in into_positions(statement)]
    if words[0] == "UPDATE":
        found.append(("TABLE", 1))
    elif words[0] == "DELETE":
        found.append(("TABLE", 2))
    elif words[0] in ("DROP", "ALTER"):
        found.append((words[1] if len(words) > 1 else "", after_if(statement, 2)))
    elif words[0] == "TRUNCATE":
        found.append(("TABLE", after_if(statement, 2 if words[1:2] == ("TABLE",) else 1)))
    return [(kind, name_at(statement, n)) for kind, n in found]


def into_positions(statement: Statement) -> list[int]:
    """Return the positions of the keyword INTO; after a dot it is a column's name."""
    return [n for n, word in enumerate(statement.words) if word == "INTO" and n and statement.words[n - 1] != "."]


def new_names(statement: Statement) -> Iterator[Parts | None]:
    """Yield the names that a statement gives to tables and views; None for a name that cannot be read."""
    words = statement.words
    if words[0] == "CREATE":
        head = create_head(statement)
        if head.kind.endswith(("TABLE", "VIEW")):
            yield head.name
            yield from _into_names(statement)
    elif words[0] == "UNDROP":
        yield name_at(statement, 2)
    elif words[0] == "ALTER":
        for n, pair in enumerate(pairwise(words)):
            if pair in (("RENAME", "TO"), ("SWAP", "WITH")):
                yield name_at(statement, n + 2)
    elif words[0] in ("SELECT", "WITH", "(", "SET"):
        yield from _into_names(statement)


def _into_names(statement: Statement) -> Iterator[Parts | None]:
    words = statement.words
    for n in into_positions(statement):
        yield name_at(statement, next((m for m in range(n + 1, len(words)) if words[m] not in _AFTER_INTO), n))
