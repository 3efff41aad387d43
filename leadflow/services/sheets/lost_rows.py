"""Find the rows that a delete took by mistake, because a person sorted the tab in that moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from leadflow.services.sheets.client import letters

Row = dict[str, str]
Grid = Sequence[Sequence[str]]


def column_names(header: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """Return a name of its own for each column: people leave headers blank, and use a name twice.

    >>> column_names(["Lead Key", "", "Notes", "Notes"], ["Why"])
    ['Lead Key', 'Column B', 'Notes', 'Notes (2)']
    """
    names, seen = list[str](), set(taken)
    for number, title in enumerate(header):
        name, count = title or f"Column {letters(number)}", 2
        plain = name
        while name in seen:
            name, count = f"{plain} ({count})", count + 1
        seen.add(name)
        names.append(name)
    return names


def named_rows(grid: Grid, numbers: Iterable[int], taken: Iterable[str] = ()) -> list[Row]:
    """Return rows of a tab, by number from 1, as the cells that are not blank by column name."""
    names = column_names(grid[0], taken)
    return [{name: cell for name, cell in zip(names, grid[n - 1], strict=False) if cell} for n in numbers]


def lost_rows(before: Grid, deleted: Collection[int], now: Grid, key_column: str) -> list[Row]:
    """Return the rows that should be in a tab after a delete and are not, named as in `before`.

    `deleted` are the numbers of the rows that were to go. A row that has only changed is not lost: a person edited it
    in that moment. The rows of one key, and the rows without a key, are compared as a whole, since people copy rows.

    >>> before = [["Lead Key", "Notes"], ["a", ""], ["b", "call"], ["", "mine"]]
    >>> lost_rows(before, [2], [["Lead Key", "Notes"], ["a", ""], ["", "mine"]], "Lead Key")
    [{'Lead Key': 'b', 'Notes': 'call'}]
    """
    gone = set(deleted)
    wanted = named_rows(before, (n for n in range(2, len(before) + 1) if n not in gone))
    there = named_rows(now, range(2, len(now) + 1)) if now else []
    missing, surplus = _without(wanted, there), _without(there, wanted)
    surplus = _without(surplus, named_rows(before, gone))  # a row that was to go and is still there was not edited
    return _without_edited(missing, surplus, key_column)


def _without(rows: Iterable[Row], others: Iterable[Row]) -> list[Row]:
    """Return the rows without one for each equal row among the others, and without blank rows."""
    left = Counter(map(_frozen, others))
    found: list[Row] = []
    for row in rows:
        if left[_frozen(row)] > 0:
            left[_frozen(row)] -= 1
        elif row:
            found.append(row)
    return found


def _frozen(row: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(row.items())


def _without_edited(missing: list[Row], surplus: list[Row], key_column: str) -> list[Row]:
    """Return the missing rows without one for each surplus row of the same key that may be an edit of it."""
    edits: dict[str, list[Row]] = {}
    for row in surplus:
        edits.setdefault(row.get(key_column, ""), []).append(row)
    lost: list[Row] = []
    for row in missing:
        key = row.get(key_column, "")
        edit = next((other for other in edits.get(key, ()) if key or _frozen(other) & _frozen(row)), None)
        if edit is None:
            lost.append(row)
        else:
            edits[key].remove(edit)
    return lost
