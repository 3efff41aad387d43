"""Read a do-not-call list from a table dnc_list of a SQLite or DuckDB file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from leadflow.errors import RefusedError
from leadflow.leads.area_codes import STATE_OF
from leadflow.services.dnc_list.rows import CELL_END, Faults, Numbers, RowReader

_PLAIN_GLOB = "[2-9][0-9][0-9][2-9]" + "[0-9]" * 6
_CHANGES = re.compile(r"(?:change|action|delta|operation|add.*del)[a-z]*|op|flag|adddelete", re.IGNORECASE)
_KEYS_A_QUERY = 400
_ROWS = 50_000


def phone_columns(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the phone columns: those that the settings name, else full_phone; none if one of them is missing.

    >>> phone_columns(["id", "Full_Phone", "added"], []), phone_columns(["id", "Phone"], ["phone"])
    (['Full_Phone'], ['Phone'])
    """
    by_name = {name.casefold(): name for name in names}
    asked = [name.strip().casefold() for name in wanted] or ["full_phone"]
    return [by_name[name] for name in asked] if all(name in by_name for name in asked) else []


def change_column(names: Iterable[str]) -> str:
    """Return a column that only a change list has, such as "Add/Delete" or "change_type"; "" if there is none."""
    return next((name for name in names if _CHANGES.fullmatch(re.sub(r"[^A-Za-z]", "", name))), "")


def _columns(path: Path, names: Sequence[str], wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns to read phones from (all if none is known), and the others."""
    if mark := change_column(names):
        raise _refused(path, f"has a column {mark} of a change list; download the full list")
    phones = phone_columns(names, wanted)
    if wanted and not phones:
        raise _refused(path, f"has no column {', '.join(wanted)}, which LEADFLOW_DNC__LIST_PHONE_COLUMNS names")
    return phones or list(names), [name for name in names if phones and name not in phones]


@dataclass(frozen=True)
class IndexedTable:
    """A SQLite file with ten plain digits in an indexed column. It is queried on disk, since it may be of any size."""

    path: Path
    column: str
    area_codes: frozenset[str]

    def among(self, digits: Sequence[str]) -> set[str]:
        """Return which of these ten-digit numbers are listed."""
        wanted = list(digits)
        parts = (wanted[start : start + _KEYS_A_QUERY] for start in range(0, len(wanted), _KEYS_A_QUERY))
        with closing(_sqlite(self.path)) as db:
            return {found for part in parts for found in self._part(db, part)}

    def _part(self, db: sqlite3.Connection, part: list[str]) -> Iterator[str]:
        # Both as text and as integers: in a column without a type, a number never equals a text.
        values = [*part, *(int(number) for number in part)]
        marks = ", ".join("?" * len(values))
        found = db.execute(f"SELECT {self.column} FROM dnc_list WHERE {self.column} IN ({marks})", values)
        return (str(number) for (number,) in found)


def indexed_sqlite(path: Path, wanted: Sequence[str]) -> IndexedTable | None:
    """Return the table if one indexed column holds ten plain digits in every row; else None."""
    with closing(_sqlite(path)) as db:
        phones, _ = _columns(path, _names(db), wanted)
        if len(phones) != 1 or phones[0] not in _indexed(db):
            return None
        column = _quoted(phones[0])
        plain = f"typeof({column}) IN ('text', 'integer') AND {column} GLOB '{_PLAIN_GLOB}'"
        rows, plain_rows = db.execute(f"SELECT count(*), coalesce(sum({plain}), 0) FROM dnc_list").fetchone()
        if not rows or plain_rows != rows:
            return None
        return IndexedTable(path, column, frozenset(code for code in STATE_OF if _has_code(db, column, code)))


def _has_code(db: sqlite3.Connection, column: str, code: str) -> bool:
    texts = (f"{code}0000000", f"{code}9999999")
    ranges = f"{column} BETWEEN ? AND ?"
    return any(
        db.execute(f"SELECT 1 FROM dnc_list WHERE {ranges} LIMIT 1", ends).fetchone()
        for ends in (texts, tuple(map(int, texts)))
    )


def _indexed(db: sqlite3.Connection) -> set[str]:
    """Return the columns that are the table's key, or the first column of an index without a WHERE."""
    columns = db.execute("PRAGMA table_info(dnc_list)").fetchall()
    keys = {name for _, name, kind, _, _, key in columns if key and kind.upper() == "INTEGER"}
    indexes = [name for _, name, _, _, partial in db.execute("PRAGMA index_list(dnc_list)") if not partial]
    firsts = {db.execute(f"PRAGMA index_info({_quoted(name)})").fetchone()[2] for name in indexes}
    return keys | {name for name in firsts if name is not None}


def read_sqlite(path: Path, numbers: Numbers, wanted: Sequence[str]) -> Faults:
    """Add the numbers of every row of the table."""
    reader = RowReader(numbers, has_header=False, has_blanks=False)
    with closing(_sqlite(path)) as db:
        phones, others = _columns(path, _names(db), wanted)
        cursor = db.execute(f"SELECT {', '.join(map(_quoted, [*phones, *others]))} FROM dnc_list")
        while rows := cursor.fetchmany(_ROWS):
            texts = pa.array([_text(row[: len(phones)], ",") for row in rows], pa.string())
            beside = pa.array([_text(row[len(phones) :], CELL_END) for row in rows], pa.string()) if others else None
            if not reader.read(texts, beside):
                break
    return _not_empty(path, reader)


def _text(cells: Sequence[Any], between: str) -> str:
    texts = (cell.decode("latin-1") if isinstance(cell, bytes) else str(cell) for cell in cells if cell is not None)
    return between.join(texts)


def read_duckdb(path: Path, numbers: Numbers, wanted: Sequence[str]) -> Faults:
    """Add the numbers of every row of the table."""
    import duckdb

    reader = RowReader(numbers, has_header=False, has_blanks=False)
    with duckdb.connect(str(path), read_only=True) as db:
        names = db.sql("SELECT * FROM dnc_list LIMIT 0").columns
        phones, others = _columns(path, names, wanted)
        beside = f"concat_ws(chr(31), {_texts(others)})" if others else "NULL"
        rows = db.sql(f"SELECT concat_ws(',', {_texts(phones)}), {beside} FROM dnc_list")
        for batch in pa.RecordBatchReader.from_stream(rows):
            marks = batch.column(1).cast(pa.string()) if others else None
            if not reader.read(batch.column(0).cast(pa.string()), marks):
                break
    return _not_empty(path, reader)


def _texts(names: Sequence[str]) -> str:
    return ", ".join(f"CAST({_quoted(name)} AS VARCHAR)" for name in names)


def _not_empty(path: Path, reader: RowReader) -> Faults:
    if not reader.faults.rows and not reader.numbers.count:
        raise _refused(path, "is empty: its table dnc_list has 0 rows")
    return reader.faults


def _refused(path: Path, what: str) -> RefusedError:
    return RefusedError(f"the do-not-call list {path.name} {what}")


def _names(db: sqlite3.Connection) -> list[str]:
    return [column[0] for column in db.execute("SELECT * FROM dnc_list LIMIT 0").description]


def _quoted(name: str) -> str:
    """Return a column's name in double quotes, for SQLite and DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def _sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
