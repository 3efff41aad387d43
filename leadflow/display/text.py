"""Tables as plain text, for a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as text, left-aligned; its last column is as wide as its longest text.

    >>> print(text_table(("id", "message"), [("a", "done"), ("bcd", "stopped")]))
    id   message
    a    done
    bcd  stopped
    """
    cells = [[str(cell).replace("\n", " ") for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def text_pairs(title: str, pairs: Iterable[tuple[str, object]]) -> str:
    """Return a title, and below it names with their values.

    >>> print(text_pairs("Engine", [("home", "~/.leadflow"), ("runs", 1)]))
    Engine
      home  ~/.leadflow
      runs  1
    """
    listed = [(name, str(value)) for name, value in pairs]
    width = max((len(name) for name, _ in listed), default=0)
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in listed)])
