"""Keep the leads that an answer could match; the others are left out before anything is bought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from leadflow.leads.columns import IDENTITY
from leadflow.leads.matching import UNSEARCHABLE, unsearchable

_KEYS_SHOWN = 3


class SearchableFilter:
    """Filters a stream of leads to the searchable ones, up to a limit, and counts the others.

    `announced` is the number of leads that the stream should contain, `limit` the number of searchable leads wanted
    (None: all). Leads that are not searchable do not count towards the limit; leads after it are not read.
    """

    def __init__(self, announced: int, limit: int | None = None) -> None:
        self.announced = announced
        self._wanted = announced if limit is None else min(limit, announced)
        self._taken = 0
        self._held: dict[str, list[str]] = {reason: [] for reason in UNSEARCHABLE}

    def apply(self, pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the searchable leads of each piece, until the limit is reached."""
        for piece in pieces:
            taken = self._take(piece)
            if taken.height:
                yield taken
            if self._taken == self._wanted:
                return

    def _take(self, piece: pl.DataFrame) -> pl.DataFrame:
        from leadflow.leads.people import Person

        places: list[int] = []
        for place, row in enumerate(piece.select_seq("person_key", *IDENTITY).iter_rows()):
            if self._taken == self._wanted:
                break
            if reason := unsearchable(Person(*(value or "" for value in row))):
                self._held[reason].append(row[0])
            else:
                places.append(place)
                self._taken += 1
        return piece if len(places) == piece.height else piece[places]

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Keys of the leads that are not searchable, by reason."""
        return {reason: keys for reason, keys in self._held.items() if keys}

    @property
    def counts(self) -> dict[str, int]:
        """Counts of leads: todo, left out for each reason, and over_limit."""
        held = {reason: len(keys) for reason, keys in self._held.items()}
        over = self.announced - self._taken - sum(held.values()) if self._taken == self._wanted else 0
        return {**held, "over_limit": over, "todo": self._taken}

    @property
    def missing(self) -> int:
        """Number of leads that were announced but did not arrive."""
        return self.announced - sum(self.counts.values())

    def summary(self) -> str:
        """Describe the leads left out for each reason, with some of their keys; "" if there are none."""
        return ", ".join(f"{len(keys)} {reason} ({_some(keys)})" for reason, keys in self._held.items() if keys)


def _some(keys: list[str]) -> str:
    more = ", ..." if len(keys) > _KEYS_SHOWN else ""
    return ", ".join(keys[:_KEYS_SHOWN]) + more
