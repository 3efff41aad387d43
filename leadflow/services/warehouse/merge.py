"""Build the SQL and the documents that write rows into Snowflake's tables. Nothing here runs a statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from leadflow.services.warehouse.names import quoted

_DOCUMENT_BYTES = 4_000_000


def last_of_each(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the last row of each key."""
    return rows.unique(key, keep="last", maintain_order=True)


def documents(rows: pl.DataFrame) -> Iterator[str]:
    """Yield rows of text as JSON arrays of objects with c0, c1 ..., at least one, of about 4 MB each; "" is null.

    >>> list(documents(pl.DataFrame({"a": ["x", ""]})))
    ['[{"c0":"x"},{"c0":null}]']
    """
    named = rows.select(
        pl.col(name).str.replace_all("\x00", "", literal=True).replace("", None).alias(f"c{n}")
        for n, name in enumerate(rows.columns)
    )
    texts = named.select(pl.struct(pl.all()).struct.json_encode().alias("text"))
    parts = texts.with_columns((pl.col("text").str.len_bytes().cum_sum() // _DOCUMENT_BYTES).alias("part"))
    for part in parts.partition_by("part", maintain_order=True) or [parts]:
        yield f"[{','.join(part['text'])}]"


def select_document_sql(columns: Sequence[str], times: Sequence[str]) -> str:
    """Return the SELECT that reads a bound document of `documents`; columns in `times` become TIMESTAMP_NTZ."""
    texts = [f"value:c{n}::VARCHAR" for n in range(len(columns))]
    picked = ", ".join(
        f"{_time_sql(text) if name in times else text} AS {quoted(name)}"
        for text, name in zip(texts, columns, strict=True)
    )
    return f"SELECT {picked} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))"


def table_columns_sql(columns: Sequence[str], times: Sequence[str]) -> str:
    """Return the columns of the table that takes such a document.

    >>> table_columns_sql(["a", "at"], ["at"])
    '"a" VARCHAR, "at" TIMESTAMP_NTZ'
    """
    return ", ".join(f"{quoted(name)} {_kind(name, times)}" for name in columns)


def _time_sql(text: str) -> str:
    """Return the SQL of a time; a cast would depend on the account's TIMESTAMP_INPUT_FORMAT."""
    return f"TO_TIMESTAMP_NTZ({text}, 'YYYY-MM-DD HH24:MI:SS')"


def _kind(name: str, times: Sequence[str]) -> str:
    return "TIMESTAMP_NTZ" if name in times else "VARCHAR"


def merge_sql(table: str, source: str, key: str, columns: Mapping[str, str]) -> str:
    """Return the MERGE of a source into a table.

    `columns` maps each column of the table to the column of the source that fills it; `key` is the source's.
    """
    on = next(name for name, filled_from in columns.items() if filled_from == key)
    sets = ", ".join(f"t.{quoted(c)} = s.{quoted(filled_from)}" for c, filled_from in columns.items() if c != on)
    names, values = ", ".join(map(quoted, columns)), ", ".join(f"s.{quoted(c)}" for c in columns.values())
    return (
        f"MERGE INTO {table} t USING {source} s ON t.{quoted(on)} = s.{quoted(key)} "
        f"WHEN MATCHED THEN UPDATE SET {sets} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )
