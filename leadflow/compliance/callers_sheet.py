"""Read opt-outs that callers typed into a column of their sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leadflow.compliance.requests import Request
from leadflow.errors import InputError
from leadflow.leads.phone_columns import names_phones_only
from leadflow.leads.phone_text import places_in
from leadflow.settings.nearest import nearest, plain, similarity

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet

_NEAR = 0.75  # of difflib's similarity, from 0 to 1, of letters and digits
_LONGER = 4  # a longer text may be a note about a person, so it is counted and not shown


@dataclass
class TypedOptOuts:
    """What a column says: the requests, and what the user has to look at."""

    requests: list[Request] = field(default_factory=list[Request])
    notes: list[str] = field(default_factory=list[str])


def read_typed(sheet: Sheet, column: str, values: Sequence[str]) -> TypedOptOuts:
    """Return the phones and lead keys of the rows whose cell is one of `values`, blind to case and outer blanks.

    Notes say which values matched no row, which texts are nearly one of them, and how many rows have neither a phone
    nor a key. Raises InputError for a column that is not in the sheet, and RefusedError, DeliveryError.
    """
    wanted = {_folded(value): str(value) for value in _texts(values)}
    sheet.key_list()
    name = _column(sheet.header, column)
    phones = [title for title in sheet.header if names_phones_only(title)]
    now = sheet.read_columns([name, *phones])
    cells = now.cells.get(name, [])
    found, matched, unreadable = TypedOptOuts(), set[str](), 0
    for row, cell in enumerate(cells):
        if _folded(cell) not in wanted:
            continue
        matched.add(_folded(cell))
        numbers = [place for title in phones for place in places_in(now.cells[title][row])]
        own = [Request(row + 2, phone=phone) for phone in numbers if phone]
        own += [Request(row + 2, lead_key=now.keys[row])] if now.keys[row] else []
        unreadable += "" in numbers or not own
        found.requests += own
    found.notes += [f"{text!r} is in no row of column {name!r}" for key, text in wanted.items() if key not in matched]
    found.notes += _near_notes(cells, wanted, name)
    if unreadable:
        found.notes.append(
            f"{unreadable} rows with such a cell have a phone that cannot be read, or neither a phone nor a lead key; "
            "look at them in the sheet"
        )
    return found


def _texts(values: object) -> list[str]:
    texts = [values] if isinstance(values, str) else list(values) if isinstance(values, Iterable) else []
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise InputError("values must be texts that callers type, as in values=['DNC', 'Do not call']")
    return [str(text) for text in texts]


def _column(header: Sequence[str], column: str) -> str:
    """Return the column's name as the sheet has it. Raises InputError if there is none, or several."""
    hits = [title for title in header if _folded(title) == _folded(column)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise InputError(f"the sheet has {len(hits)} columns named {column!r}; give each a name of its own")
    known = [title for title in header if title.strip()]
    hint = f"; the nearest is {nearest(column, known)!r}" if known else "; it has no header yet"
    raise InputError(f"the sheet has no column {column!r}{hint}. Its name is given as in column='Disposition'")


def _near_notes(cells: Iterable[str], wanted: dict[str, str], name: str) -> list[str]:
    """Warn of texts that are nearly one of the values. Long ones, and those with digits, are not shown."""
    shown: Counter[tuple[str, str]] = Counter()
    hidden: Counter[str] = Counter()
    for cell in cells:
        if not cell.strip() or _folded(cell) in wanted:
            continue
        near = max(wanted.values(), key=lambda value: _likeness(cell, value))
        if _likeness(cell, near) < _NEAR:
            continue
        if len(cell.strip()) <= len(near) + _LONGER and not any(map(str.isdigit, cell)):
            shown[cell.strip(), near] += 1
        else:
            hidden[near] += 1
    notes = [
        f"{rows} rows of column {name!r} have {text!r}, which is not {value!r}: these people were NOT suppressed. Add "
        f"{text!r} to values if it means the same"
        for (text, value), rows in shown.most_common()
    ]
    return notes + [
        f"{rows} rows of column {name!r} have a longer text with {value!r} in it: these people were NOT suppressed. "
        "Look at them in the sheet"
        for value, rows in hidden.most_common()
    ]


def _likeness(cell: str, value: str) -> float:
    """Return how much a cell is like a value, from 0 to 1; 1 if it has the value's words among others."""
    text, wanted = plain(cell), plain(value)
    if not text or not wanted:
        return 0.0
    words = " ".join(cell.casefold().split())
    among = any(
        words[start : start + len(value)] == " ".join(value.casefold().split())
        and not (words[start - 1 : start].isalpha() or words[start + len(value) : start + len(value) + 1].isalpha())
        for start in range(len(words) - len(value) + 1)
    )
    return 1.0 if among else similarity(text, wanted)


def _folded(text: str) -> str:
    return text.strip().casefold()
