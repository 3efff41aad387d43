"""Find leads of one frame that name one person: by identity before the lookup, by idiCORE's person id after it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import polars as pl

from leadflow.leads.counts import DUPLICATE
from leadflow.leads.identity import identity_text
from leadflow.stages.list_columns import TEXTS

if TYPE_CHECKING:
    from leadflow.leads.people import Person


def find_duplicates(people: Sequence[Person], known: Collection[str]) -> dict[str, str]:
    """Map the key of each duplicate lead to the key of the lead that is looked up for the same person.

    A lead whose key is in `known` has an answer and is never a duplicate. Identities are computed only for leads that
    share a ZIP and their initials, since the computation is slow.

    >>> from leadflow.leads.people import Person
    >>> where = "Bath", "ME", "04530"
    >>> people = Person("k1", "Ann", "Lee", "1 Elm St", *where), Person("k2", "ANN", "Lee", "1 Elm Street", *where)
    >>> find_duplicates(people, ())
    {'k2': 'k1'}
    """
    alike: dict[tuple[str, str, str], dict[str, Person]] = {}
    for person in people:
        first, last = person.first_name.strip()[:1].lower(), person.last_name.strip()[:1].lower()
        alike.setdefault((person.zip, first, last), {})[person.person_key] = person
    repeats: dict[str, str] = {}
    for group in alike.values():
        firsts: dict[str, str] = {}
        for person in sorted(group.values(), key=lambda p: p.person_key not in known) if len(group) > 1 else ():
            parts = person.first_name, person.last_name, person.address, person.city, person.state, person.zip
            first = firsts.setdefault(identity_text(*parts), person.person_key)
            if first != person.person_key and person.person_key not in known:
                repeats[person.person_key] = first
    return repeats


def hold_duplicate_pids(leads: pl.DataFrame) -> pl.DataFrame:
    """Hold back all deliverable leads with the same lookup_pid except the first; the reason is duplicate_person.

    They have no row, so they show no phones.
    """
    if leads.schema.get("lookup_pid") != pl.String:
        return leads
    is_named = (pl.col("disposition") == "deliver") & (pl.col("lookup_pid") != "")
    first = pl.when(is_named).then("person_key").drop_nulls().first().over("lookup_pid")
    doubled = leads.select_seq((is_named & (first != pl.col("person_key"))).fill_null(False)).to_series()
    if not doubled.any():
        return leads
    held = {"disposition": pl.lit("held"), "reason": pl.lit(DUPLICATE)}
    no_row = {"shown_phones": pl.lit([], TEXTS), "callable_until": pl.lit("")}
    held |= {name: value for name, value in no_row.items() if name in leads.columns}
    return leads.with_columns_seq(
        pl.when(doubled).then(value).otherwise(name).alias(name) for name, value in held.items()
    )
