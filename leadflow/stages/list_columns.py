"""Process list columns (one entry for each phone) as flat columns, without Python code for each row.

Arrow builds the lists: polars takes thirty times as long to build them from Python lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

TEXTS = pl.List(pl.String)


def _arrow() -> Any:
    """Import pyarrow, which has no type stubs, when it is first needed."""
    import pyarrow  # pyright: ignore[reportMissingTypeStubs] - pyarrow ships none

    return pyarrow


def per_phone(leads: pl.DataFrame, *lists: str) -> pl.DataFrame:
    """Explode to one row for each phone: `row` (position of its lead), `phones`, and the entries of `lists` beside it.

    The entry is null where the list is too short.
    """
    beside = [pl.col(name).cast(TEXTS).list.get(pl.col("at"), null_on_oob=True) for name in lists]
    return (
        leads.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), pl.col("phones").cast(TEXTS), *lists)
        .with_columns(pl.int_ranges(0, pl.col("phones").list.len()).alias("at"))
        .explode("at")
        .drop_nulls("at")
        .with_columns(pl.col("phones").list.get(pl.col("at")), *beside)
        .drop("at")
    )


def per_lead(phones: pl.DataFrame, height: int, /, **values: pl.Expr) -> pl.DataFrame:
    """Collect one row for each phone, ordered by lead, into lists for each of `height` leads; none is null.

    >>> phones = pl.DataFrame({"row": [0, 0, 2], "phones": ["a", "b", "c"]})
    >>> per_lead(phones, 3, phones=pl.col("phones"))["phones"].to_list()
    [['a', 'b'], [], ['c']]
    """
    pa = _arrow()
    bounds = pl.int_range(height + 1, dtype=pl.Int64, eager=True)
    rows: Any = phones["row"]
    ends: Any = rows.search_sorted(bounds).cast(pl.Int64).to_arrow()
    texts = phones.select(value.cast(pl.String).alias(name) for name, value in values.items())
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
    text = pl.struct(pl.col(name).cast(TEXTS).fill_null(pl.lit([], dtype=TEXTS)).alias("x")).struct.json_encode()
    return text.str.slice(5, text.str.len_chars() - 6)
