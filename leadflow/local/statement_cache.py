"""A cache of translated statements.

fakesnow runs about eighty passes over each statement: 15 to 200 ms of Python, in which the other stand-ins can hardly
answer. Every job runs the same few statements, so their translations are kept, by text and by the state of the session
that they depend on.
"""

from __future__ import annotations

import gc
from collections import Counter
from contextvars import ContextVar
from typing import Any

import fakesnow.server as server
from fakesnow import cursor
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from sqlglot import exp

from leadflow.local import rights
from leadflow.local.session import session_of

ignores_case: ContextVar[bool] = ContextVar("ignores_case", default=False)
_MOST_KEPT, _MOST_COUNTED = 300, 20_000
_LONGEST = 100_000
_OFTEN = 2  # times a text was seen before it is kept
_KINDS = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Describe)
_kept: dict[str, Any] = {}
# Beside the statements and not in them: a copy of a statement has copies of all that it refers to.
_translations: dict[str, dict[Any, list[Any]]] = {}
_seen: Counter[int] = Counter()
_settled = [0]


def patch_translation() -> None:
    """Put the cache in front of fakesnow's parser and of its translation."""
    _patch_explode()
    _patch_transform()
    server.parse_one = cursor.parse_one = _parse  # pyright: ignore[reportPrivateImportUsage] - the module's own name


def _parse(text: str) -> Any:
    if ignores_case.get():
        statement = parse_one(text)
        for name in statement.find_all(exp.Identifier):
            name.set("this", name.this.upper())
        return statement
    if statement := _kept.get(text):
        return statement
    statement = parse_one(text)
    if _is_often_seen(text) and _depends_on_text_and_session(statement):
        statement.meta["kept_as"] = text
        _kept[text], _translations[text] = statement, {}
    return statement


def _is_often_seen(text: str) -> bool:
    """Return whether to keep a text's translation. Nothing that is kept is dropped: its parts refer to each other."""
    if len(_seen) > _MOST_COUNTED:
        _seen.clear()
    _seen[hash(text)] += 1
    return _seen[hash(text)] > _OFTEN and len(text) < _LONGEST and len(_kept) < _MOST_KEPT


def settle_down() -> None:
    """Between two uses of the world, exempt what is kept from garbage collections, which it would make slow."""
    count = sum(map(len, _translations.values()))
    if count != _settled[0]:
        _settled[0] = count
        gc.collect()
        gc.freeze()


def _depends_on_text_and_session(statement: Any) -> bool:
    """Return whether bound values and tables that exist have no part in the translation of a statement."""
    if not isinstance(statement, _KINDS) or any(statement.find_all(exp.DynamicIdentifier, exp.Anonymous)):
        return False
    return not isinstance(statement, exp.Create) or (
        statement.kind == "TABLE" and not (statement.expression and isinstance(statement.this, exp.Schema))
    )


def _patch_explode() -> None:
    explode, transform = FakeSnowflakeCursor._transform_explode, FakeSnowflakeCursor._transform

    def exploded(self: FakeSnowflakeCursor, expression: Any) -> list[Any]:
        translations = _translations.get(expression.meta.get("kept_as", ""))
        if translations is None:
            return explode(self, expression)
        session = session_of(self._conn)
        state = self._conn.database, self._conn.schema, session.role, frozenset(session.temporary.items())
        if state not in translations:
            parts = explode(self, expression.copy())
            translations[state] = [_rendered(transform(self, part, None)) for part in parts]
        else:
            rights.use_named_database(expression, self._conn)
            rights.note_temporary_table(session, expression, self._conn)
        return translations[state]

    FakeSnowflakeCursor._transform_explode = exploded


def _patch_transform() -> None:
    transform = FakeSnowflakeCursor._transform

    def transformed(self: FakeSnowflakeCursor, expression: Any, params: Any) -> Any:
        return expression if expression.meta.get("rendered") else transform(self, expression, params)

    FakeSnowflakeCursor._transform = transformed


def _rendered(statement: Any) -> Any:
    """Return a statement whose text is generated now, not at each run."""
    text = statement.sql(dialect="duckdb")
    statement.meta["rendered"] = True
    statement.sql = lambda *_, **__: text
    return statement
