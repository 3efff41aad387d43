"""Session variables with Snowflake's behavior, in place of fakesnow's.

fakesnow sets one variable a statement, replaces $s inside $state, reads a $ inside a literal as a variable, and loses
the backslashes of a value.
Source: https://docs.snowflake.com/en/sql-reference/session-variables
"""

from __future__ import annotations

import re
from typing import Any

from fakesnow.variables import Variables
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

# Matches a literal, a quoted name or a comment, which do not change, or a variable.
_VARIABLE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/|(?<![\w$])\$(?P<name>[A-Za-z_]\w*)""",
    re.DOTALL,
)


def patch_variables() -> None:
    """Apply the patch once in a process."""
    update, is_modifier = Variables.update_variables, Variables.is_variable_modifier

    def is_variable_modifier(cls: type[Variables], expr: Any) -> bool:
        return _unsets_several(expr) or is_modifier(expr)

    def update_variables(self: Any, expr: Any) -> None:
        if _unsets_several(expr):
            for column in expr.expressions:
                self._variables.pop(column.name.upper(), None)
        elif not (_set_several(self, expr) or _set_one(self, expr)):
            update(self, expr)
            self._variables = {name.upper(): value for name, value in self._variables.items()}

    setattr(Variables, "is_variable_modifier", classmethod(is_variable_modifier))  # noqa: B010 - pyright
    Variables.update_variables = update_variables
    Variables.inline_variables = _inline_variables
    Variables._unset = lambda self, name: self._variables.pop(name.upper(), None)


def _inline_variables(self: Any, sql: str) -> str:
    values = {name.upper(): value for name, value in self._variables.items()}

    def filled(found: re.Match[str]) -> str:
        if (name := found["name"]) is None:
            return found[0]
        if name.upper() not in values:
            raise ProgrammingError(
                msg=f"Session variable '${name.upper()}' does not exist", errno=2211, sqlstate="02000"
            )
        return values[name.upper()]

    return _VARIABLE.sub(filled, sql)


def _unsets_several(statement: Any) -> bool:
    """Return whether a statement is UNSET (a, b)."""
    return isinstance(statement, exp.Anonymous) and statement.name.upper() == "UNSET"


def _set_one(variables: Any, statement: Any) -> bool:
    """Run SET a = 1; the value stays in Snowflake's writing, with its backslashes. False for any other statement."""
    items = statement.args.get("expressions") if isinstance(statement, exp.Set) else None
    pair: Any = items[0].this if items and isinstance(items[0], exp.SetItem) else None
    if not isinstance(pair, exp.EQ):
        return False
    variables._set(pair.this.name.upper(), pair.expression.sql(dialect="snowflake"))
    return True


def _set_several(variables: Any, statement: Any) -> bool:
    """Run SET (a, b) = (1, 2). Return False for any other statement."""
    items = statement.args.get("expressions") if isinstance(statement, exp.Set) else None
    pair: Any = items[0].this if items and isinstance(items[0], exp.SetItem) else None
    if not (isinstance(pair, exp.EQ) and isinstance(pair.this, exp.Tuple)):
        return False
    names = pair.this.expressions
    values = (
        [value.sql(dialect="snowflake") for value in pair.expression.expressions]
        if isinstance(pair.expression, exp.Tuple)
        else []
    )
    if isinstance(pair.expression, exp.Subquery):
        row = pair.expression.sql(dialect="snowflake")
        values = [
            f"(SELECT lf_row.c{n} FROM {row} AS lf_row({', '.join(f'c{m}' for m in range(len(names)))}))"
            for n in range(len(names))
        ]
    if len(values) != len(names):
        raise ProgrammingError(
            msg=f"SQL compilation error: {len(names)} variables, {len(values)} values", errno=2228, sqlstate="22023"
        )
    for name, value in zip(names, values, strict=True):
        variables._set(name.name.upper(), value)
    return True
