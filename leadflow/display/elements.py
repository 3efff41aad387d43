"""The HTML elements that displays are made of. They escape all text, and load no script, font or picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib import resources

# Dark enough for white text at a contrast of 4.5 : 1.
_COLORS = {
    "COMPLETED": "#1e7a45",
    "FAILED": "#b83227",
    "STOPPED": "#8f5a06",
    "RUNNING": "#2471a3",
    "PENDING": "#2471a3",
    "QUEUED": "#2471a3",
    "DEAD": "#b83227",
}
_GREY = "#616e7c"


@cache
def style() -> str:
    """Return the style sheet of all displays. It takes ink and background from the notebook or the browser."""
    return resources.files("leadflow.display").joinpath("style.css").read_text(encoding="utf-8")


def framed(content: str) -> str:
    """Return content with its style, in a frame of its own."""
    return f'<div class="lf"><style>{style()}</style>{content}</div>'


def card(title: str, content: str, status: str = "") -> str:
    """Return content under a title, with the badge of a status, in a frame of its own. The content is HTML.

    Text without a style, as GitHub shows it, is readable too: a heading, tables and lines.
    """
    head = f"<h2>{escape(title)}{f' {badge(status)}' if status else ''}</h2>"
    return framed(f"{head}{content}")


def badge(status: str) -> str:
    """Return the status of a job as a badge."""
    color = _COLORS.get(status, _GREY)
    return f'<span class="badge" style="background:{color}">{escape(status)}</span>'


def said(text: str) -> str:
    """Return a sentence as a paragraph."""
    return f'<p class="said">{escape(text)}</p>'


def html_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table that scrolls in its own frame."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(v))}</td>' for v in row)}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><tr>{head}</tr>{body}</table></div>'


def stacked_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table whose rows become blocks of lines, each with its column's name, where there is little room."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = (
        "".join(f'<td data-name="{escape(name)}">{escape(str(v))}</td>' for name, v in zip(header, row, strict=True))
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll" tabindex="0"><table class="stack"><tr>{head}</tr>{body}</table></div>'


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Return names with their values, one line each, as a table without a header."""
    lines = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>' for name, value in rows)
    return f'<table class="pairs">{"".join(lines)}</table>'


def bar(name: str, percent: float, said: str, amber: float = 0.0) -> str:
    """Return a progress bar, `percent` of it filled, of which `amber` percent are not certain yet, and its words."""
    green = max(0.0, percent - amber)
    fills = f'<i class="fill" style="width:{green:.1f}%"></i><i class="fill amber" style="width:{amber:.1f}%"></i>'
    role = 'role="progressbar" aria-valuemin="0" aria-valuemax="100"'
    label = f'aria-label="{escape(name)}" aria-valuenow="{percent:.0f}" aria-valuetext="{escape(said)}"'
    return f'<div class="bar" {role} {label}>{fills}</div><div class="bar-said">{escape(said)}</div>'


def muted(text: str) -> str:
    """Return a line of less important text."""
    return f'<div class="mute">{escape(text)}</div>'


def noted(text: str) -> str:
    """Return a line that a reader must not miss."""
    return f'<div class="note">{escape(text)}</div>'


def folded(title: str, content: str) -> str:
    """Return HTML that is hidden until its title is clicked."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"
