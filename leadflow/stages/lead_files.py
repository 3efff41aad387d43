"""Read a file of leads: .csv or .tsv with a header, or .parquet. The cells of a text file are not converted."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from leadflow.errors import ColumnsError, InputError, shown
from leadflow.stages.script.files import decoded

SUFFIXES = (".csv", ".tsv", ".parquet")
_SEPARATORS = ",;\t|"


def read_leads(path: Path) -> pl.DataFrame:
    """Return the rows of a file, text columns of a .csv or .tsv as they are, so that a ZIP keeps its zeros.

    The separator is a comma, semicolon, tab or bar, as in the header; the text is UTF-8, UTF-16 or Windows-1252. Raises
    InputError for a file that is not there, is empty or has rows of another length than its header, and ColumnsError
    for a header with an empty or repeated name. No error shows a cell.
    """
    path = path.expanduser()
    if not path.is_file():
        raise InputError(f"there is no file {path}; look at the path")
    try:
        return pl.read_parquet(path) if path.suffix.lower() == ".parquet" else _separated(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        failure = InputError(f"{path.name} cannot be read as {path.suffix.lower()} ({type(error).__name__})")
    raise failure


def _separated(path: Path) -> pl.DataFrame:
    text = decoded(path.read_bytes(), path, InputError)
    if not text.strip():
        raise InputError(f"{path.name} is empty")
    separator = _separator(text)
    rows = [row for row in _parsed(text, separator, path) if any(cell.strip() for cell in row)]
    header, *body = rows
    header = [name.strip() for name in header]
    _raise_for_header(header, path)
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            raise InputError(
                f"{path.name}: row {number} has {len(row)} cells, and the header has {len(header)}; mend the file. "
                "Nothing was bought"
            )
    return pl.DataFrame(body, dict.fromkeys(header, pl.String), orient="row")


def _parsed(text: str, separator: str, path: Path) -> list[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        failure = InputError(f"{path.name} has a quote that does not end, or text after one; mend the file")
    raise failure


def _separator(text: str) -> str:
    """Return the separator that splits the header into the most columns."""
    header = text.lstrip().partition("\n")[0]
    return max(_SEPARATORS, key=header.count)


def _raise_for_header(header: list[str], path: Path) -> None:
    if not all(header):
        raise ColumnsError(f"{path.name}: column {header.index('') + 1} has no name in the header; give it one")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise ColumnsError(f"{path.name} has two columns named {', '.join(map(shown, twice))}; give each its own name")
