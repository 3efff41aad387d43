"""Read the phones of a frame: from its phone columns, and from the other columns that a script selects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import cast

import polars as pl

from leadflow.errors import ColumnsError
from leadflow.leads.columns import script_columns
from leadflow.leads.phone_columns import is_named, names_phones_only
from leadflow.leads.phone_text import IS_DATE, MAY_HOLD_PHONE, phones_in, places_in
from leadflow.leads.phones import E164, is_assigned
from leadflow.settings import Policy
from leadflow.stages.frames import as_text, text_of
from leadflow.stages.list_columns import TEXTS, lists_of

_MOSTLY, _EXISTING = 0.5, 0.9
# A lead with another status has no answer, needs a review, or is not one known person.
_OPEN = ("found", "no_match")
# The lists beside `phones`, and their entry for a phone of the script.
PHONE_DETAILS = {"phone_types": "script", "phone_last_seen": "", "phone_ranks": ""}


def with_phones(leads: pl.DataFrame) -> pl.DataFrame:
    """Add `phones`, lists of E.164. A phone that cannot be read becomes "", which is never checked.

    The phones come from the column `phones` if there is one, else from every column with a name like "Phone 1" or with
    cells that are mostly phones, in the order of the columns. Raises ColumnsError if there is no such column.
    """
    if "phones" in leads.columns and _is_read(leads["phones"]):
        return leads
    return leads.with_columns_seq(lists_of("phones", phone_lists(leads)))


def _is_read(phones: pl.Series) -> bool:
    """Whether a column consists of lists of E.164 and ""."""
    if phones.dtype != TEXTS or phones.null_count():
        return False
    entry = pl.col(phones.name).explode(empty_as_null=False)
    return bool(phones.to_frame().select_seq(entry.str.contains(rf"{E164}|^$").fill_null(False).all()).item())


def phone_lists(leads: pl.DataFrame) -> list[list[str]]:
    """List each lead's phones, "" for one that cannot be read; see with_phones."""
    if "phones" in leads.columns:
        return [_listed(cell) for cell in leads["phones"].to_list()]
    names = _phone_columns(leads)
    if not names:
        raise ColumnsError.missing(["phones"], leads.columns)
    rows = zip(*(map(places_in, column) for column in as_text(leads, names)), strict=True)
    return [_once(place for cell in row for place in cell) for row in rows]


def _listed(cell: object) -> list[str]:
    """Read the phones of one cell, a list or a text; a list entry without a phone is ""."""
    if isinstance(cell, Mapping):
        cell = text_of(list(cast(Mapping[object, object], cell).values()))
    if isinstance(cell, Iterable) and not isinstance(cell, str | bytes):
        entries = cast(Iterable[object], cell)
        return [place for entry in entries if entry is not None for place in places_in(text_of(entry)) or [""]]
    return _once(places_in(text_of(cell)))


def _once(places: Iterable[str]) -> list[str]:
    """Remove repeated phones; each "" stays, since two unreadable phones may differ."""
    seen: set[str] = set()
    return [place for place in places if not place or not (place in seen or seen.add(place))]


def _phone_columns(leads: pl.DataFrame) -> list[str]:
    """List the columns that hold phones, by their names or their cells."""
    return [name for name in script_columns(leads.columns) if names_phones_only(name) or _holds_phones(leads, name)]


def _holds_phones(leads: pl.DataFrame, name: str) -> bool:
    """Whether at least half of the cells that are not blank hold a phone, and nine in ten of these are assigned."""
    texts = as_text(leads, [name])[name]
    texts = texts.filter(texts.str.strip_chars() != "")
    likely = texts.filter(texts.str.contains(MAY_HOLD_PHONE) & ~texts.str.contains(IS_DATE))
    if likely.len() < _MOSTLY * texts.len():
        return False
    read = [found for text in likely if (found := phones_in(text))]
    return (
        bool(read)
        and len(read) >= _MOSTLY * texts.len()
        and sum(map(is_assigned, chain(*read))) >= _EXISTING * sum(map(len, read))
    )


def with_script_phones(leads: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """If policy.script_phones is "check", append the phones in the script's own columns, with type "script".

    Only leads with lookup_status found or no_match get them.
    """
    own = [name for name in script_columns(leads.columns) if not is_named(name, policy.not_phones)]
    if policy.script_phones != "check" or not own or leads.is_empty():
        return leads
    likely = as_text(leads, own).with_columns_seq(
        pl.when(pl.all().str.contains(MAY_HOLD_PHONE)).then(pl.all()).otherwise(pl.lit(""))
    )
    own_phones = [_once(phone for text in row if text for phone in phones_in(text)) for row in likely.iter_rows()]
    is_open = leads["lookup_status"].is_in(_OPEN).to_list()
    bought = leads["phones"].to_list()
    more = [
        [p for p in mine if p not in theirs] if open_ else []
        for mine, theirs, open_ in zip(own_phones, bought, is_open, strict=True)
    ]
    if not any(more):
        return leads
    details = {name: word for name, word in PHONE_DETAILS.items() if name in leads.columns}
    return leads.with_columns_seq(
        lists_of("phones", [[*theirs, *mine] for theirs, mine in zip(bought, more, strict=True)]),
        *(_extended(leads[name], more, word) for name, word in details.items()),
    )


def _extended(details: pl.Series, more: list[list[str]], word: str) -> pl.Series:
    """Append a word for each further phone, so that the details stay aligned with the phones."""
    rows = zip(details.to_list(), more, strict=True)
    return lists_of(details.name, [[*theirs, *[word] * len(mine)] for theirs, mine in rows])
