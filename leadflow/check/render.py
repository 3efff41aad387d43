"""Renders the rows of a check as text for a terminal and as a self-contained page for a notebook."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib import resources

from leadflow.check.rows import Row

_MARKS = {"ok": "&#10003;", "warning": "!", "failed": "&#10007;"}
_WIDTH = 100


def headline(rows: Iterable[Row]) -> str:
    """Return the number of rows with each status.

    >>> headline([Row("Clock", "ok", "right"), Row("Tab", "failed", "not there")])
    '1 failed, 0 warnings, 1 ok'
    """
    counts = Counter(row.status for row in rows)
    warnings = "1 warning" if counts["warning"] == 1 else f"{counts['warning']} warnings"
    return f"{counts['failed']} failed, {warnings}, {counts['ok']} ok"


def to_text(rows: Sequence[Row], width: int = _WIDTH) -> str:
    """Return the rows as text: the status, the name and the finding, and below them what to do."""
    name_width = max((len(row.what) for row in rows), default=0)
    indent = " " * (9 + name_width + 2)
    lines: list[str] = []
    for row in rows:
        head = f"{row.status:<9}{row.what:<{name_width}}  "
        lines += textwrap.wrap(head + row.found, width, subsequent_indent=indent, break_long_words=False)
        lines += textwrap.wrap(
            row.what_to_do,
            width,
            initial_indent=f"{indent}-> ",
            subsequent_indent=f"{indent}   ",
            break_long_words=False,
        )
    return "\n".join([*lines, "", headline(rows)])


def to_html(rows: Sequence[Row]) -> str:
    """Return the rows as HTML, in light and dark themes, for a wide or a narrow output."""
    body = "".join(map(_row, rows))
    head = f'<div class="lf-check-head">Accounts, rights and limits: {escape(headline(rows))}</div>'
    return f'<div class="lf-check"><style>{_style()}</style>{head}{body}</div>'


@cache
def _style() -> str:
    return resources.files("leadflow.check").joinpath("check.css").read_text(encoding="utf-8")


def _row(row: Row) -> str:
    to_do = f'<div class="to-do">{escape(row.what_to_do)}</div>' if row.what_to_do else ""
    return (
        f'<div class="row {row.status}"><b class="mark" title="{row.status}">{_MARKS[row.status]}</b>'
        f'<div class="what">{escape(row.what)} <span class="status">{row.status}</span></div>'
        f'<div class="found">{escape(row.found)}{to_do}</div></div>'
    )
