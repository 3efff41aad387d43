"""Build the SQL and the documents that write rows into Snowflake's tables. Nothing here runs a statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import type_of

_DOCUMENT_BYTES = 4_000_000


def last_of_each(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the last row of each key."""
    return rows.unique(key, keep="last", maintain_order=True)


def documents(rows: pl.DataFrame) -> Iterator[str]:
    """Yield rows of text as JSON arrays of objects with c0, c1 ..., at least one, of about 4 MB each; "" is null.

    >>> list(documents(pl.DataFrame({"a": ["x", ""]})))
    ['[{"c0":"x"},{"c0":null}]']
    """
    named = rows.select_seq(
        pl.col(name).str.replace_all("\x00", "", literal=True).replace("", None).alias(f"c{n}")
        for n, name in enumerate(rows.columns)
    )
    texts = named.select_seq(pl.struct(pl.all()).struct.json_encode().alias("text"))
    parts = texts.with_columns_seq((pl.col("text").str.len_bytes().cum_sum() // _DOCUMENT_BYTES).alias("part"))
    for part in parts.partition_by("part", maintain_order=True) or [parts]:
        yield f"[{','.join(part['text'])}]"


def select_document_sql(columns: Sequence[str], all_text: bool = False) -> str:
    """Return the SELECT that reads a bound document of `documents`, each column with the type of its name, or as text.

    >>> select_document_sql(["Processed At"], all_text=True)
    'SELECT value:c0::VARCHAR AS "Processed At" FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))'
    """
    value_sql = _text_sql if all_text else _value_sql
    picked = ", ".join(f"{value_sql(n, name)} AS {quoted(name)}" for n, name in enumerate(columns))
    return f"SELECT {picked} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))"


def table_columns_sql(columns: Sequence[str]) -> str:
    """Return the columns of the table that takes such a document.

    >>> table_columns_sql(["a", "Processed At"])
    '"a" VARCHAR, "Processed At" TIMESTAMP_NTZ'
    """
    return ", ".join(f"{quoted(name)} {type_of(name)}" for name in columns)


def append_sql(table: str, columns: Sequence[str], key: str, time: str) -> str:
    """Return the INSERT of the rows of a bound document whose key the table does not have, bound after it: a time.

    The times of the rows, in column `time`, are not before that one. Snowflake need not read older partitions of the
    table. An INSERT asks for the rights SELECT and INSERT alone, whatever a MERGE without UPDATE may ask for.
    """
    names = ", ".join(map(quoted, columns))
    picked = ", ".join(f"n.{quoted(name)}" for name in columns)
    return (
        f"INSERT INTO {table} ({names}) SELECT {picked} FROM ({select_document_sql(columns)}) n WHERE NOT EXISTS "
        f"(SELECT 1 FROM {table} t WHERE t.{quoted(key)} = n.{quoted(key)} "
        f"AND t.{quoted(time)} >= TO_TIMESTAMP_NTZ(?, 'YYYY-MM-DD HH24:MI:SS'))"
    )


def _value_sql(n: int, column: str) -> str:
    """Return the SQL of a value; a cast of a time or a date would depend on the account's input formats."""
    text = _text_sql(n, column)
    if type_of(column) == "TIMESTAMP_NTZ":
        return f"TO_TIMESTAMP_NTZ({text}, 'YYYY-MM-DD HH24:MI:SS')"
    return f"TO_DATE({text}, 'YYYY-MM-DD')" if type_of(column) == "DATE" else text


def _text_sql(n: int, column: str) -> str:
    return f"value:c{n}::VARCHAR"


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
