"""Columns of lists, one entry a phone, worked on as long columns: no Python code runs for each row."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

TEXTS = pl.List(pl.String)


def per_phone(leads: pl.DataFrame, *lists: str) -> pl.DataFrame:
    """One row a phone: `row` is its lead's position, and each list gives the entry beside the phone, null where it is too short."""
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
    """Back from one row a phone, in the order of its leads, to lists a lead, by name; a lead without phones has empty ones."""
    import pyarrow as pa

    ends = phones["row"].search_sorted(pl.int_range(height + 1, dtype=pl.Int64, eager=True)).cast(pl.Int64).to_arrow()
    texts = phones.select(value.cast(pl.String).alias(name) for name, value in values.items())
    return pl.DataFrame(
        [pl.Series(text.name, pa.LargeListArray.from_arrays(ends, text.to_arrow()), TEXTS) for text in texts]
    )


def lists_of(name: str, rows: Sequence[Sequence[str]]) -> pl.Series:
    """A column of lists of text; made by Arrow, since polars takes thirty times as long to make one from Python's."""
    import pyarrow as pa

    return pl.Series(name, pa.array(rows, pa.large_list(pa.large_string())), TEXTS)


def nth(name: str, count: int, titles: str) -> list[pl.Expr]:
    """The first `count` entries of a list as columns of their own, "" where there is none; `titles` is as in "Email {}"."""
    return [pl.col(name).list.get(n, null_on_oob=True).fill_null("").alias(titles.format(n + 1)) for n in range(count)]


def as_json(name: str) -> pl.Expr:
    """A list as JSON; a missing one is []."""
    text = pl.struct(pl.col(name).cast(TEXTS).fill_null(pl.lit([], dtype=TEXTS)).alias("x")).struct.json_encode()
    return text.str.slice(5, text.str.len_chars() - 6)
