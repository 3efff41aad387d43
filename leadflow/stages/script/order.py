"""Find the columns in a query's ORDER BY, so that leadflow can number the rows in that order.

Snowflake does not keep the order of a subquery, nor that of a result that RESULT_SCAN reads:
https://docs.snowflake.com/en/sql-reference/constructs/order-by
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp


@dataclass(frozen=True)
class OrderTerm:
    """An ORDER BY term: a result column by name or place (from 0; both None if neither), and DESC and NULLS as SQL."""

    name: str | None = None
    place: int | None = None
    how: str = ""

    def column(self, names: Sequence[str]) -> str | None:
        """Return the column's name if it is one of `names`, else None."""
        if self.place is not None:
            return names[self.place] if 0 <= self.place < len(names) else None
        return self.name if self.name in names else None


def order_of(query: exp.Expr) -> tuple[OrderTerm, ...]:
    """Return the terms of a query's own ORDER BY; () without one."""
    while isinstance(query, exp.Subquery) and query.args.get("order") is None:
        query = query.this
    order = query.args.get("order")
    return tuple(_term(ordered, query) for ordered in order.expressions) if isinstance(order, exp.Order) else ()


def _term(ordered: exp.Expr, query: exp.Expr) -> OrderTerm:
    how = " DESC" if ordered.args.get("desc") else ""
    nulls_first = bool(ordered.args.get("nulls_first"))
    if nulls_first != bool(how):  # Snowflake's nulls are larger than any value
        how += " NULLS FIRST" if nulls_first else " NULLS LAST"
    wanted = ordered.this
    if isinstance(wanted, exp.Literal):
        return OrderTerm(place=int(wanted.this) - 1 if wanted.is_int else -1, how=how)
    picked = query.expressions if isinstance(query, exp.Select) else []
    stars = [p for p in picked if p.is_star]
    for n, expression in enumerate(picked):
        if isinstance(expression, exp.Alias) and _is_plain(wanted) and _folded(wanted) == _folded(expression):
            return OrderTerm(_folded(expression), how=how)
        if not stars and expression.unalias() == wanted:
            return OrderTerm(place=n, how=how)
    if isinstance(wanted, exp.Column) and _is_among(wanted, picked, stars):
        return OrderTerm(_folded(wanted), how=how)
    return OrderTerm(how=how)


def _is_plain(wanted: exp.Expr) -> bool:
    return isinstance(wanted, exp.Column) and not wanted.table


def _is_among(wanted: exp.Column, picked: Sequence[exp.Expr], stars: Sequence[exp.Expr]) -> bool:
    """Whether the query selects a column, by the column's name or by a star of its table."""
    if not picked:  # of a set operation
        return not wanted.table
    same = [p for p in picked if isinstance(p, exp.Column) and not p.is_star and _folded(p) == _folded(wanted)]
    if same:
        return any(not (p.table and wanted.table) or p.table.upper() == wanted.table.upper() for p in same)
    tables = [star.table if isinstance(star, exp.Column) else "" for star in stars]
    return any(not table or not wanted.table or table.upper() == wanted.table.upper() for table in tables)


def _folded(named: exp.Expr) -> str:
    """Return the name of a column or an alias as Snowflake reads it."""
    identifier = named.args.get("alias") or named.this
    if not isinstance(identifier, exp.Identifier):
        return str(named.alias_or_name).upper()
    return identifier.this if identifier.quoted else identifier.this.upper()
