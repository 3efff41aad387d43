"""The tables that Google finds in a grid: blocks of cells in use with blank cells, or the edge, on every side.

Sources: https://developers.google.com/workspace/sheets/api/guides/values#appending_values (A1:C2 and B4:D6 are two
tables, and A4 is in neither); requests recorded by gspread's tests: with a row `x, "", x`, an append to A1 finds A1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Box = tuple[int, int, int, int]  # top, left, bottom, right: from 0, the last two exclusive
Rows = Sequence[Sequence[Any]]
BLANK = ("", None)
OPEN = 10_000_000  # a bound of this size or more is open: a spreadsheet has fewer cells


def region_at(cells: Rows, row: int, column: int) -> Box:
    """Return the table around a cell in use."""
    top, left, bottom, right = row, column, row + 1, column + 1
    while True:
        before = top, left, bottom, right
        low, high = max(left - 1, 0), right + 1
        while bottom < len(cells) and _in_use(cells[bottom], low, high):
            bottom += 1
        while top and _in_use(cells[top - 1], low, high):
            top -= 1
        rows = cells[max(top - 1, 0) : bottom + 1]
        while any(len(row) > right and row[right] not in BLANK for row in rows):
            right += 1
        while left and any(len(row) >= left and row[left - 1] not in BLANK for row in rows):
            left -= 1
        if before == (top, left, bottom, right):
            return before


def last_region(cells: Rows, wanted: Box) -> Box | None:
    """Return the last table that has a cell in common with an area."""
    top, left, bottom, right = wanted
    if (bottom - top, right - left) == (1, 1) and top < len(cells) and _in_use(cells[top], left, right):
        return region_at(cells, top, left)
    return next((box for box in reversed(list(_regions(cells[:bottom], cells))) if meet(box, wanted)), None)


def meet(one: Box, other: Box) -> bool:
    """Return whether two boxes have a cell in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def moved(box: Box, axis: int, start: int, count: int) -> Box | None:
    """Return a box after rows (axis 0) or columns (axis 1) were inserted at `start`, or deleted (`count` below 0).

    An open bound stays open: whole columns remain whole columns.
    """
    bounds, is_open = list(box), box[axis + 2] >= OPEN
    if count > 0:
        bounds[axis] += count if start <= box[axis] and not (is_open and box[axis] == 0) else 0
        bounds[axis + 2] += count if start < box[axis + 2] and not is_open else 0
    else:
        for n in (axis,) if is_open else (axis, axis + 2):
            bounds[n] -= max(0, min(start - count, box[n]) - start)
    return (bounds[0], bounds[1], bounds[2], bounds[3]) if bounds[axis] < bounds[axis + 2] else None


def _regions(starts: Rows, cells: Rows) -> Iterator[Box]:
    """Yield the tables that begin in the rows `starts`, from top to bottom and from left to right."""
    open_boxes: list[Box] = []
    for number, row in enumerate(starts):
        open_boxes = [box for box in open_boxes if number < box[2]]
        for column, cell in enumerate(row):
            if any(box[1] <= column < box[3] for box in open_boxes):
                if len(open_boxes) == 1 and len(row) <= open_boxes[0][3]:
                    break
                continue
            if cell not in BLANK:
                open_boxes.append(region_at(cells, number, column))
                yield open_boxes[-1]


def _in_use(row: Sequence[Any], left: int, right: int) -> bool:
    return any(cell not in BLANK for cell in row[left:right])
