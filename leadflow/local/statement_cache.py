"""A cache of translated statements.

fakesnow parses a MERGE twice, makes five statements of it and runs about eighty passes over each. That takes 45 ms of
Python, in which the other stand-ins can hardly answer. So the translation of a MERGE, and of a long statement that
makes a table, is cached for the next statement with the same text.
"""

from __future__ import annotations

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
_MOST_KEPT = 100
_LONG = 10_000
_kept: dict[str, Any] = {}


def patch_translation() -> None:
    """Put the cache in front of fakesnow's parser and of its translation."""
    _patch_explode()
    _patch_transform()
    server.parse_one = cursor.parse_one = _parse  # pyright: ignore[reportPrivateImportUsage] - the module's own name


def _parse(text: str) -> Any:
    if text in _kept:
        return _kept[text]
    statement = parse_one(text)
    if ignores_case.get():
        for name in statement.find_all(exp.Identifier):
            name.set("this", name.this.upper())
        return statement
    if _is_worth_keeping(statement, text) and len(_kept) < _MOST_KEPT:
        statement.meta["translations"] = {}
        _kept[text] = statement
    return statement


def _is_worth_keeping(statement: Any, text: str) -> bool:
    """Return whether a statement is a MERGE, or a long one that makes a table, and has no bound values."""
    is_long = isinstance(statement, exp.Create) and len(text) > _LONG
    return (isinstance(statement, exp.Merge) or is_long) and not statement.find(exp.Placeholder)


def _patch_explode() -> None:
    explode, transform = FakeSnowflakeCursor._transform_explode, FakeSnowflakeCursor._transform

    def exploded(self: FakeSnowflakeCursor, expression: Any) -> list[Any]:
        translations = expression.meta.get("translations")
        if translations is None:
            return explode(self, expression)
        place = self._conn.database, self._conn.schema
        if place not in translations:
            parts = explode(self, expression.copy())
            translations[place] = [_rendered(transform(self, part, None)) for part in parts]
        else:
            rights.use_named_database(expression, self._conn)
            rights.note_temporary_table(session_of(self._conn), expression, self._conn)
        return translations[place]

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
