"""A cache of translated statements.

fakesnow runs about eighty passes over each statement: 15 to 200 ms of Python, in which the other stand-ins can hardly
answer. Every job runs the same few statements, so their translations are kept, by text and by the state of the session
that they depend on.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import fakesnow.server as server
from fakesnow import cursor
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from sqlglot import exp

from leadflow.local import rights
from leadflow.local.session import session_of

ignores_case: ContextVar[bool] = ContextVar("ignores_case", default=False)
_MOST_KEPT = 200
_LONGEST = 100_000
_KINDS = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Describe)


class _Translations(dict[Any, list[Any]]):
    """The translations of a statement, by the state of a session. A copy of the statement has the same ones."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Translations:
        return self


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
    return (_kept(text) if len(text) < _LONGEST else None) or parse_one(text)


@lru_cache(maxsize=_MOST_KEPT)
def _kept(text: str) -> Any:
    """Return a statement that keeps its translations; None if they depend on more than the state of the session."""
    statement = parse_one(text)
    if not _depends_on_text_and_session(statement):
        return None
    statement.meta["translations"] = _Translations()
    return statement


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
        translations = expression.meta.get("translations")
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
