"""Where the leads of a job come from: a script, or the rows of a frame or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import polars as pl

from leadflow.errors import InputError
from leadflow.stages.frames import as_polars, as_text
from leadflow.stages.lead_files import SUFFIXES, read_leads
from leadflow.stages.script import read_script, set_statements

# The temporary table of the rows, and the column that keeps their order.
ROWS_TABLE = "LF_ROWS"
ROW_NUMBER = "lf_row"
_LONGEST_NAME = 1_000


@dataclass(frozen=True)
class LeadSource:
    """A script with the SET statements of its variables, or rows of text; `file` is where a resume reads the rows."""

    script: str
    name: str
    variables: tuple[str, ...] = ()
    rows: pl.DataFrame | None = None
    file: str = ""

    @property
    def job_type(self) -> str:
        """The type of a job with this source, as the history records it."""
        return "single_script" if self.rows is None else "frame"


def read_source(source: Any, name: str | None = None, params: Mapping[str, object] | None = None) -> LeadSource:
    """Return the source that a caller gives: SQL text, a .sql file, a .csv, .tsv or .parquet file, or a frame.

    A LeadSource is returned as it is, under another name if one is given.

    `params` are values for the script's session variables. Raises ScriptError, InputError, ColumnsError.

    >>> read_source("SELECT * FROM RAW_LEADS WHERE state = $state", "june", {"state": "ME"}).variables
    ("SET state = 'ME'",)
    """
    if isinstance(source, LeadSource):
        return replace(source, name=name or source.name)
    path = _lead_file(source)
    if path is None and not _is_frame(source):
        script, name = read_script(source, name)
        return LeadSource(script, name, tuple(set_statements(params, script)))
    if params:
        raise InputError("params are for a script's variables; these leads are rows and have none")
    frame = as_polars(source) if path is None else read_leads(path)
    file = "" if path is None else str(path.expanduser().absolute())
    return LeadSource(f"SELECT * FROM {ROWS_TABLE}", name or (path.stem if path else "frame"), (), _rows(frame), file)


def stored_source(script: str, name: str, variables: tuple[str, ...], file: str, job_type: str) -> LeadSource:
    """Return the source of a job that is resumed before its leads were listed. Raises InputError if its rows are gone.

    Rows of a frame are not kept: they are personal data, and nothing was bought yet.
    """
    if job_type != "frame":
        return LeadSource(script, name, variables)
    if not file:
        raise InputError(
            "the job broke off before its leads were listed, and the rows of a frame are not kept; nothing was bought: "
            "run the frame again"
        )
    return LeadSource(script, name, (), _rows(read_leads(Path(file))), file)


def listed(sources: Any) -> list[Any]:
    """Return the sources of a list, or the scripts and files of leads in a folder, by name.

    Raises InputError for an empty list, for a folder without such files, and for one script that is no list.
    """
    if isinstance(sources, str | Path):
        folder = Path(sources).expanduser()
        if not folder.is_dir():
            raise InputError("a queue takes a list or a folder; engine.run and engine.submit take one script")
        sources = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".sql", *SUFFIXES))
    if _is_frame(sources) or not isinstance(sources, Iterable):
        raise InputError(f"a queue takes a list or a folder, not a {type(sources).__name__}")
    if not (found := list(cast("Iterable[Any]", sources))):
        raise InputError("the queue is empty: there is no script and no file of leads")
    return found


def _lead_file(source: Any) -> Path | None:
    """Return the path of a file of leads; None for anything else."""
    if isinstance(source, Path):
        return source if source.suffix.lower() in SUFFIXES else None
    if not isinstance(source, str) or "\n" in source.strip() or len(source) > _LONGEST_NAME:
        return None
    text = source.strip()
    return Path(text) if text.lower().endswith(SUFFIXES) and not text.lower().startswith("select") else None


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows as text, numbered. Raises InputError for a frame without rows or with the number's name."""
    if frame.is_empty():
        raise InputError("there are no leads: the frame or file has no row")
    if ROW_NUMBER in {name.lower() for name in frame.columns}:
        raise InputError(f"the leads have a column {ROW_NUMBER}, a name that leadflow uses itself; rename it")
    return as_text(frame, frame.columns).with_row_index(ROW_NUMBER).with_columns(pl.col(ROW_NUMBER).cast(pl.String))


def _is_frame(source: object) -> bool:
    """Whether a source is meant as a frame; a lazy one is refused later, with the reason."""
    kind: type[object] = type(source)
    return hasattr(kind, "columns")
