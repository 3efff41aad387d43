"""Which leads of one frame are one person: by how they are written, before a search, and by idiCORE's pid, after it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import polars as pl

from leadflow.leads.counts import DUPLICATE
from leadflow.leads.identity import identity_text

if TYPE_CHECKING:
    from leadflow.leads.people import Person


def find_duplicates(people: Sequence[Person], known: Collection[str]) -> dict[str, str]:
    """By key, the leads that need no search of their own, each with the key of the lead that is the same person.

    A lead whose key is in `known` is answered already, and is nobody's repeat. Identities are worked out only of leads
    that share a ZIP and their initials, since that takes longer than all else here.

    >>> from leadflow.leads.people import Person
    >>> where = "Bath", "ME", "04530"
    >>> find_duplicates([Person("k1", "Ann", "Lee", "1 Elm St", *where), Person("k2", "ANN", "Lee", "1 Elm Street", *where)], ())
    {'k2': 'k1'}
    """
    alike: dict[tuple[str, str, str], dict[str, Person]] = {}
    for person in people:
        initials = (name.strip()[:1].lower() for name in (person.first_name, person.last_name))
        alike.setdefault((person.zip, *initials), {})[person.person_key] = person
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
    """Of the leads to deliver that have one lookup_pid, hold all but the first as duplicate_person."""
    if leads.schema.get("lookup_pid") != pl.String:
        return leads
    is_named = (pl.col("disposition") == "deliver") & (pl.col("lookup_pid") != "")
    first = pl.when(is_named).then("person_key").drop_nulls().first().over("lookup_pid")
    doubled = leads.select((is_named & (first != pl.col("person_key"))).fill_null(False).alias("doubled"))["doubled"]
    if not doubled.any():
        return leads
    return leads.with_columns(
        pl.when(doubled).then(pl.lit("held")).otherwise("disposition").alias("disposition"),
        pl.when(doubled).then(pl.lit(DUPLICATE)).otherwise("reason").alias("reason"),
    )
