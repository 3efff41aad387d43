"""Process list columns (one entry for each phone) as flat columns, without Python code for each row.

Arrow builds the lists: polars takes thirty times as long to build them from Python lists.
Stages evaluate expressions with select_seq and with_columns_seq: for the few hundred rows of a batch, handing the work
to polars' threads costs more CPU time than the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

TEXTS = pl.List(pl.String)
_EMPTY = pl.lit([], dtype=TEXTS)


def _arrow() -> Any:
    """Import pyarrow, which has no type stubs, when it is first needed."""
    import pyarrow  # pyright: ignore[reportMissingTypeStubs] - pyarrow ships none

    return pyarrow


def per_phone(leads: pl.DataFrame, *lists: str) -> pl.DataFrame:
    """Explode to one row for each phone: `row` (position of its lead), `phones`, and the entries of `lists` beside it.

    The entry is null where the list is too short.
    """
    phones = pl.col("phones").cast(TEXTS)
    row = pl.int_range(pl.len(), dtype=pl.Int64).repeat_by(phones.list.len()).alias("row")
    at = pl.int_ranges(0, phones.list.len())
    beside = [_whole(leads, name).list.gather(at, null_on_oob=True) for name in lists]
    return leads.select_seq(column.explode(keep_nulls=False) for column in (row, phones, *beside))


def _whole(leads: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name).cast(TEXTS)
    return column.fill_null(_EMPTY) if leads[name].null_count() else column


def per_lead(phones: pl.DataFrame, height: int, /, **values: pl.Expr) -> pl.DataFrame:
    """Collect one row for each phone, ordered by lead, into lists for each of `height` leads; none is null.

    >>> phones = pl.DataFrame({"row": [0, 0, 2], "phones": ["a", "b", "c"]})
    >>> per_lead(phones, 3, phones=pl.col("phones"))["phones"].to_list()
    [['a', 'b'], [], ['c']]
    """
    import numpy as np

    pa = _arrow()
    ends = np.searchsorted(phones["row"].to_numpy(), np.arange(height + 1))
    texts = phones.select_seq(value.cast(pl.String).alias(name) for name, value in values.items())
    return pl.DataFrame(
        [pl.Series(text.name, pa.LargeListArray.from_arrays(ends, text.to_arrow()), TEXTS) for text in texts]
    )


def lists_of(name: str, rows: Sequence[Sequence[str]]) -> pl.Series:
    """Make a column of lists of text."""
    pa = _arrow()
    return pl.Series(name, pa.array(rows, pa.large_list(pa.large_string())), TEXTS)


def nth(name: str, count: int, titles: str) -> list[pl.Expr]:
    """Select the first `count` entries of a list as columns, "" where there is none; `titles` is as in "Email {}"."""
    return [pl.col(name).list.get(n, null_on_oob=True).fill_null("").alias(titles.format(n + 1)) for n in range(count)]


def as_json(name: str) -> pl.Expr:
    """Convert a list to JSON; null becomes []."""
    text = pl.struct(pl.col(name).cast(TEXTS).fill_null(_EMPTY).alias("x")).struct.json_encode()
    return text.str.slice(5, text.str.len_chars() - 6)
