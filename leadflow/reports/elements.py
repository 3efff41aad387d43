"""The HTML elements that several sections of a report use. They escape all text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def html_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table that scrolls in its own frame."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(v))}</td>' for v in row)}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><tr>{head}</tr>{body}</table></div>'


def muted(text: str) -> str:
    """Return a line of less important text."""
    return f'<div class="mute">{escape(text)}</div>'


def folded(title: str, content: str) -> str:
    """Return HTML that is hidden until its title is clicked."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"
