"""Made-up leads of different people; their phones follow from their keys (leadflow/local/people.py)."""

from __future__ import annotations

from pathlib import Path

import polars as pl

_FIRST = ["James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth"]
_LAST = ["Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Martinez", "Lopez", "Lee"]
_STREETS = ["Elm St", "Oak Ave", "Calle Sol", "St. Charles Ave", "Main St", "Canal St", "Magazine St"]
_PLACES = [
    ("New Orleans", "LA", "70115"),
    ("Chicago", "IL", "60671"),
    ("Boston", "MA", "02108"),
    ("Tampa", "FL", "33602"),
]


def write_leads(path: Path, count: int) -> Path:
    """A CSV file with the columns of data_samples/leads.csv."""
    number = pl.int_range(count, eager=True).alias("n")
    pl.DataFrame(number).select(
        pl.format("L{}", pl.col("n")).alias("Lead Number"),
        pl.lit("2026-07-07").alias("Campaign Date"),
        pl.lit("FHA; Expired").alias("Lead Campaign"),
        pl.lit("List Broker").alias("Lead Source"),
        pl.format("R{}", pl.col("n")).alias("Ref ID"),
        _pick(_FIRST, 1).alias("First Name"),
        _pick(_LAST, 3).alias("Last Name"),
        pl.format("{} {}", pl.col("n") + 1, _pick(_STREETS, 5)).alias("Address"),
        *(_pick([place[i] for place in _PLACES], 2).alias(name) for i, name in enumerate(("City", "State", "Zip"))),
    ).write_csv(path)
    return path


def _pick(words: list[str], step: int) -> pl.Expr:
    return pl.lit(pl.Series(words)).gather((pl.col("n") * step + pl.col("n") // 7) % len(words))
