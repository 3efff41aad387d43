"""Find the files of a do-not-call list (one file, several, a folder or a .zip), and read each of them.

A file is text in UTF-8, UTF-16 or Latin-1, plain or in .gz; CSV with a header; XML; or a DuckDB or SQLite file with a
table dnc_list.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from leadflow.errors import RefusedError
from leadflow.services.dnc_list import tables as dnc_tables
from leadflow.services.dnc_list import xml as dnc_xml
from leadflow.services.dnc_list.rows import CELL_END, Faults, Numbers, RowReader, SectionsError, section_numbers

# Files that operating systems add to folders and archives.
_SYSTEM = re.compile(r"(?i)^(?:\..*|__MACOSX|thumbs\.db|desktop\.ini)$")
_OTHER_KINDS = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save its sheet as CSV",
    b"%PDF": "a PDF; download the list as text",
    b"Rar!": "a .rar archive; unpack it",
    b"7z\xbc\xaf": "a .7z archive; unpack it",
    b"\xfd7zXZ": "an .xz archive; unpack it",
    b"BZh": "a .bz2 archive; unpack it",
    b"PAR1": "a Parquet file; export it as CSV",
}
_DATE = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(\d{1,2})\2(\d{1,2})(?!\d)")
_US_DATE = re.compile(r"(?<!\d)(\d{1,2})([-_.])(\d{1,2})\2(20\d\d)(?!\d)")
_BLOCK = 4 << 20


@dataclass(frozen=True)
class ListFile:
    """One file of a list: its name in messages, how to open it, and its path unless it is in an archive."""

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None

    @property
    def dated(self) -> date | None:
        """The day in its name, such as 2026-10-30_504.txt or list_20261030.csv; the oldest of several."""
        return min(_days(self.name), default=None)


@dataclass
class Contents:
    """What a list contains: numbers in memory, and tables that are queried on disk."""

    numbers: Numbers = field(default_factory=Numbers)
    tables: list[dnc_tables.IndexedTable] = field(default_factory=list)

    @property
    def area_codes(self) -> set[str]:
        """The area codes that occur in the list."""
        return self.numbers.area_codes.union(*(table.area_codes for table in self.tables))

    def among(self, digits: Sequence[str]) -> set[str]:
        """Return which of these ten-digit numbers are listed."""
        return self.numbers.among(digits).union(*(table.among(digits) for table in self.tables))


def _days(name: str) -> Iterator[date]:
    found = [(year, month, day) for year, _, month, day in _DATE.findall(name)]
    found += [(year, month, day) for month, _, day, year in _US_DATE.findall(name)]
    for parts in found:
        try:
            yield date(*map(int, parts))
        except ValueError:
            continue


def paths_of(places: Sequence[Path]) -> list[Path]:
    """Return the files at these places and in folders there. Raises RefusedError if a place has none."""
    found: list[Path] = []
    for place in places:
        inside = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        files = [path for path in inside if path == place or not _is_system(path.relative_to(place).parts)]
        if not files or not files[0].is_file():
            raise RefusedError(f"there is no do-not-call list at {place}; correct LEADFLOW_DNC__LIST_PATH")
        found += files
    return found


def _is_system(parts: Sequence[str]) -> bool:
    return any(_SYSTEM.match(part) for part in parts)


def files_of(path: Path) -> Iterator[ListFile]:
    """Yield the file, or the members of a .zip. Raises RefusedError for a kind that cannot be read."""
    with path.open("rb") as file:
        start = file.read(4)
    if start in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from _members(path.name, lambda: path.open("rb"))
    else:
        yield ListFile(path.name, lambda: path.open("rb"), path)


def _members(name: str, opener: Callable[[], BinaryIO]) -> Iterator[ListFile]:
    with opener() as file, zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    if any(member.filename == "[Content_Types].xml" for member in members):
        raise _refused(name, "is an Excel workbook or another Office file; save its sheet as CSV")
    members = [member for member in members if not _is_system(member.filename.split("/"))]
    if not members:
        raise _refused(name, "is an archive without files")
    for member in members:
        inner = f"{name}/{member.filename}"
        if member.flag_bits & 1:
            raise _refused(inner, "is encrypted; unpack it")
        if member.filename.lower().endswith(".zip"):
            yield from _members(inner, lambda member=member: _unzipped(opener, member))
        else:
            yield ListFile(inner, lambda member=member: _unzipped(opener, member))


def _unzipped(opener: Callable[[], BinaryIO], member: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, zipfile.ZipFile(opener()).open(member))


def read_file(file: ListFile, contents: Contents, phone_columns: Sequence[str]) -> None:
    """Add a file to `contents`. Raises RefusedError, naming the file and its first bad rows, if any row is unclear."""
    with file.open() as opened:
        start = opened.read(4096)
    if not start:
        raise _refused(file.name, "is empty: 0 rows")
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            raise _refused(file.name, f"is {kind}")
    if start[257:262] == b"ustar":
        raise _refused(file.name, "is a .tar archive; unpack it")
    if start[:16] == b"SQLite format 3\x00" or start[8:12] == b"DUCK":
        faults = _read_table(file, contents, start, phone_columns)
    else:
        faults = _read_text(file, contents.numbers, start, phone_columns)
    if faults.rows:
        raise _refused(file.name, _reason_of(faults))


def _reason_of(faults: Faults) -> str:
    if "change list" in faults.what:
        return f"has {faults.what} in row {faults.rows[0]}: it lists changes, not numbers; download the full list"
    rows = ", ".join(map(str, faults.rows))
    return (
        f"has rows that cannot be read: {rows} (the first has {faults.what}). A number in such a row would be "
        "called. Export the list again, one number a row, or name the phone column in "
        "LEADFLOW_DNC__LIST_PHONE_COLUMNS, then resume"
    )


def _refused(name: str, what: str) -> RefusedError:
    return RefusedError(f"the do-not-call list {name} {what}")


def _read_table(file: ListFile, contents: Contents, start: bytes, phone_columns: Sequence[str]) -> Faults:
    if file.path is None:
        raise _refused(file.name, "is a database in an archive; unpack it")
    if start[8:12] == b"DUCK":
        return dnc_tables.read_duckdb(file.path, contents.numbers, phone_columns)
    table = dnc_tables.indexed_sqlite(file.path, phone_columns)
    if table is None:
        return dnc_tables.read_sqlite(file.path, contents.numbers, phone_columns)
    contents.tables.append(table)
    return Faults()


def _read_text(file: ListFile, numbers: Numbers, start: bytes, phone_columns: Sequence[str]) -> Faults:
    opener = file.open
    if start.startswith(b"\x1f\x8b"):
        opener = partial(_ungzipped, file)
        with opener() as opened:
            start = opened.read(4096)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if encoding == "utf-8" and b"\x00" in start:
        raise _refused(file.name, "is no text; export it as CSV in UTF-8")
    text = start.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    before = numbers.count
    if text.startswith("<"):
        with opener() as opened:
            faults = dnc_xml.read_xml(opened, numbers)
    else:
        faults = _read_lines(opener, numbers, encoding, _layout(file.name, text, phone_columns))
    if numbers.count == before and not faults.rows:
        raise _refused(file.name, "has no number in any of its rows")
    return faults


def _ungzipped(file: ListFile) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=file.open()))


@dataclass(frozen=True)
class _Layout:
    """The layout of a CSV with a header: delimiter, columns, and phone columns. Without columns: lines of text."""

    delimiter: str = "\x01"
    columns: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


def _layout(name: str, text: str, phone_columns: Sequence[str]) -> _Layout:
    """Read the layout from a header with a column full_phone or one that the settings name as a phone column."""
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    for delimiter in ",;\t|":
        cells = tuple(cell.strip().strip('"').strip() for cell in header.split(delimiter))
        if phones := dnc_tables.phone_columns(cells, phone_columns):
            if mark := dnc_tables.change_column(cells):
                raise _refused(
                    name,
                    f"has a column {mark} of a change list, which does not hold all numbers; download the full list",
                )
            if len(set(cells)) < len(cells):
                raise _refused(name, "has two columns of one name")
            return _Layout(delimiter, cells, tuple(phones)) if len(cells) > 1 else _Layout()
    if phone_columns:
        raise _refused(name, f"has no column {', '.join(phone_columns)}, which LEADFLOW_DNC__LIST_PHONE_COLUMNS names")
    return _Layout()


def _read_lines(opener: Callable[[], BinaryIO], numbers: Numbers, encoding: str, layout: _Layout) -> Faults:
    reader = RowReader(numbers, has_blanks=not layout.columns)
    try:
        for texts, beside in _batches(opener, encoding, layout):
            if not reader.read(texts, beside):
                break
    except SectionsError:
        with opener() as opened:
            return section_numbers(io.TextIOWrapper(opened, encoding, errors="replace"), numbers)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error) and encoding == "utf-8":
            return _read_lines(opener, numbers, "latin-1", layout)
        raise
    return reader.faults


def _batches(
    opener: Callable[[], BinaryIO], encoding: str, layout: _Layout
) -> Iterator[tuple[pa.Array, pa.Array | None]]:
    """Yield the texts of rows, and the cells of their other columns, if any, joined."""
    columns = layout.columns or ("text",)
    with opener() as opened:
        batches = pacsv.open_csv(
            opened,
            read_options=pacsv.ReadOptions(
                column_names=columns, block_size=_BLOCK, encoding=encoding, use_threads=False
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char='"' if layout.columns else False,
                ignore_empty_lines=bool(layout.columns),
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )
        for batch in batches:
            if not layout.columns:
                yield batch.column(0), None
                continue
            others = [name for name in columns if name not in layout.phones]
            yield _joined(batch, layout.phones, ","), _joined(batch, others, CELL_END) if others else None


def _joined(batch: pa.RecordBatch, names: Sequence[str], between: str) -> pa.Array:
    cells = [*(batch.column(name) for name in names), pa.scalar(between)]
    return pc.call_function("binary_join_element_wise", cells, pc.JoinOptions())
