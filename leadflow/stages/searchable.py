"""Searchable leads: those that an answer could match. The others are held back before anything is bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from leadflow.leads.columns import IDENTITY
from leadflow.leads.matching import UNSEARCHABLE, unsearchable

_KEYS_TOLD = 3


class SearchableFilter:
    """Takes the searchable leads out of a stream, as many as wanted, and counts the others.

    `announced` is how many leads the stream is to bring, `limit` how many searchable ones are wanted (None: all). Leads
    that cannot be searched for do not use up the limit; what comes after it is not looked at.
    """

    def __init__(self, announced: int, limit: int | None = None) -> None:
        self.announced = announced
        self._wanted = announced if limit is None else min(limit, announced)
        self._taken = 0
        self._held: dict[str, list[str]] = {reason: [] for reason in UNSEARCHABLE}

    def apply(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The searchable leads of each piece; ends with the last one wanted."""
        for piece in pieces:
            taken = self._take(piece)
            if taken.height:
                yield taken
            if self._taken == self._wanted:
                return

    def _take(self, piece: pl.DataFrame) -> pl.DataFrame:
        from leadflow.leads.people import Person

        places: list[int] = []
        for place, row in enumerate(piece.select("person_key", *IDENTITY).iter_rows()):
            if self._taken == self._wanted:
                break
            if reason := unsearchable(Person(*(value or "" for value in row))):
                self._held[reason].append(row[0])
            else:
                places.append(place)
                self._taken += 1
        return piece if len(places) == piece.height else piece[places]

    @property
    def counts(self) -> dict[str, int]:
        """How many leads are to be processed (todo), are held back for each reason, and are over the limit."""
        held = {reason: len(keys) for reason, keys in self._held.items()}
        over = self.announced - self._taken - sum(held.values()) if self._taken == self._wanted else 0
        return {**held, "over_limit": over, "todo": self._taken}

    @property
    def missing(self) -> int:
        """How many leads were announced and did not come."""
        return self.announced - sum(self.counts.values())

    def summary(self) -> str:
        """How many leads are held back for each reason, and some of their keys; "" if none is."""
        return ", ".join(f"{len(keys)} {reason} ({_some(keys)})" for reason, keys in self._held.items() if keys)


def _some(keys: list[str]) -> str:
    more = ", ..." if len(keys) > _KEYS_TOLD else ""
    return ", ".join(keys[:_KEYS_TOLD]) + more
