"""Extraction: run the script, and stream the leads that nobody processed yet.

The script's rows go into a temporary table; which of them are doubled, nameless or in PERSON_CACHE is decided
in the warehouse, by the person key, so that only what is to be paid for leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from leadflow.columns import ADDED, IDENTITY, resolve_columns
from leadflow.errors import ColumnsError, InputError, RefusedError, ScriptError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.services.matching import UNSEARCHABLE
from leadflow.services.warehouse import ANSWERED, quoted
from leadflow.stages.script import Script, parse_script, without_constants
from leadflow.stages.searchable import Searchable

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.services.warehouse import Warehouse

_STAGE = "Snowflake"
_PAGE = 50_000
_SPARE = 1_000  # rows read beyond the limit, for those that cannot be searched for
STATES = ("already_processed", "duplicate", "no_identity", "todo")
_SHEET = ("lead key", "phone ", "email ", "held phones", "shared with", "scrubbed at", "job id")


def extract(script: str, warehouse: Warehouse, *, allow_writes: bool = False, emit: Emit = no_emit) -> pd.DataFrame:
    """All the rows of a script as text, as a pandas DataFrame; nothing is filtered.

    Raises ScriptError for a script that cannot run, TransientError if Snowflake does not answer.
    """
    query = _set_up(_parsed(script, warehouse, allow_writes), warehouse)
    names = _distinct(_columns(warehouse, query))
    picked = ", ".join(f"{_text(name)} AS {quoted(name)}" for name in names)
    rows = warehouse.frame(f"SELECT {picked} FROM ({query}) s")
    emit(JobLog(stage=_STAGE, message=f"SQL executed, returned {rows.height} rows"))
    return rows.to_pandas()


@dataclass
class Extraction:
    """Classified rows waiting in the warehouse.

    `counts` has the number in each state; that of leads to do is final, and shared out with those that cannot be searched for
    and those over the limit, once `batches` has ended. `total` is how many rows the warehouse announced as unprocessed, and
    `missing` how many of them it did not send.
    """

    warehouse: Warehouse
    columns: tuple[str, ...]
    counts: dict[str, int]
    total: int
    limit: int | None = None
    page: int = _PAGE
    emit: Emit = no_emit
    missing: int = 0

    def batches(self, size: int) -> Iterator[pl.DataFrame]:
        """The unprocessed leads that can be searched for, `size` at a time; all columns are text."""
        rest: pl.DataFrame | None = None
        searchable = Searchable(self.total, self.limit)
        for piece in searchable.of(self._pieces()):
            rest = piece if rest is None else pl.concat([rest, piece])
            whole = rest.height // size * size
            for start in range(0, whole, size):
                yield rest.slice(start, size)
            rest = rest.slice(whole)
        if rest is not None and rest.height:
            yield rest
        self.counts |= searchable.counts
        self.missing = searchable.missing
        counts = self.counts
        self.emit(JobLog(stage=_STAGE, message=f"Filtered to {counts['todo']} unprocessed leads ({_others(counts)})"))
        if held := searchable.held():
            message = f"Not searched for, since no answer could match: {held}"
            self.emit(JobLog(stage=_STAGE, level="warning", message=message))

    def _pieces(self) -> Iterator[pl.DataFrame]:
        """Page by page, so that memory does not grow with the list however the warehouse sends a result."""
        picked = ", ".join(map(quoted, self.columns))
        last, left = -1, self.total
        while left > 0:
            rows = 0
            where = f'"lf_state" = \'todo\' AND "lf_seq" > {last}'
            for piece in self.warehouse.batches(f'SELECT {picked}, "lf_seq" FROM "LF_LEADS" WHERE {where} ORDER BY "lf_seq" LIMIT {min(left, self.page)}'):
                rows, last = rows + piece.height, int(piece["lf_seq"][-1])
                yield piece.drop("lf_seq")
            if not rows:
                return
            left -= rows


def open_extraction(
    script: str, warehouse: Warehouse, *, limit_rows: int | None = None, allow_writes: bool = False, key_column: str = "Lead Key", emit: Emit = no_emit
) -> Extraction:
    """Run the script and sort its rows into already processed, duplicate, without identity, and to do.

    `limit_rows` counts leads that can be searched for; `key_column` is the sheet's. Raises ScriptError, ColumnsError, InputError before anything is bought.
    """
    if limit_rows is not None and limit_rows <= 0:
        raise InputError(f"limit_rows is {limit_rows}; it must be 1 or more, or None for all the leads")
    parsed = _parsed(script, warehouse, allow_writes)
    warehouse.ensure_tables()  # a table that will not do is said before a long script runs
    query = _set_up(parsed, warehouse)
    names = _distinct(_columns(warehouse, query))
    identity = resolve_columns(names)
    _run(warehouse, f'CREATE OR REPLACE TEMPORARY TABLE "LF_SCRIPT" AS SELECT s.*, SEQ8() AS "lf_seq" FROM ({query}) s')
    extracted = warehouse.execute('SELECT COUNT(*) FROM "LF_SCRIPT"')[0][0]
    emit(JobLog(stage=_STAGE, message=f"SQL executed, returned {extracted} rows"))
    others = {name: _free_name(name, key_column) for name in names if name not in identity.values()}
    warehouse.execute(_keyed_sql(identity, others))
    warehouse.execute(_classified_sql(warehouse.table(warehouse.settings.person_cache)))
    found = dict(warehouse.execute('SELECT "lf_state", COUNT(*) FROM "LF_LEADS" GROUP BY "lf_state"'))
    counts = {"extracted": int(extracted), **{state: int(found.get(state, 0)) for state in STATES}}
    total = counts["todo"]
    page = _PAGE if limit_rows is None else min(_PAGE, limit_rows + _SPARE)
    columns = ("person_key", *IDENTITY, *others.values())
    return Extraction(warehouse, columns, counts, total, limit_rows, page, emit)


def _others(counts: dict[str, int]) -> str:
    states = ("already_processed", "duplicate", "no_identity", *UNSEARCHABLE, "over_limit")
    return ", ".join(f"{counts[state]} {state.replace('_', ' ')}" for state in states)


def _parsed(script: str, warehouse: Warehouse, allow_writes: bool) -> Script:
    settings = warehouse.settings
    home = (settings.database, settings.schema_name) if settings.database else ("", "")
    parsed = parse_script(script, allow_writes=allow_writes, home=home)
    _raise_if_shadowing(parsed.creates, warehouse)
    return parsed


def _set_up(parsed: Script, warehouse: Warehouse) -> str:
    """Run what comes before the query; the query, as SQL that can stand within another.

    A query that must run alone runs here, with no statement of ours before it: LAST_QUERY_ID() means the script's own statement
    before. Its rows are then read by its id, whatever runs in between.
    """
    for number, statement in enumerate(parsed.setup, 1):
        _run(warehouse, statement, f"statement {number} of the script, on line {parsed.lines[number - 1]},")
    if not parsed.alone:
        return parsed.select
    with _explained("the script", parsed.select):
        found = warehouse.query_id(parsed.select, timeout_s=warehouse.settings.script_timeout_s)
    return f"SELECT * FROM TABLE(RESULT_SCAN('{found}'))"


def _raise_if_shadowing(names: Iterable[str], warehouse: Warehouse) -> None:
    """A temporary table hides a table of the same name: everybody would seem to be unprocessed, and be paid for again."""
    settings = warehouse.settings
    ours = {table.rpartition(".")[2].strip('"').upper() for table in (settings.person_cache, settings.consolidated)}
    for name in names:
        if name.upper() in ours or name.upper().startswith("LF_"):
            raise ScriptError(f"the script makes a table called {name}, a name that leadflow uses itself; give it another name")


def _run(warehouse: Warehouse, sql: str, what: str = "the script") -> None:
    with _explained(what, sql):
        warehouse.execute(sql, timeout_s=warehouse.settings.script_timeout_s)


def _columns(warehouse: Warehouse, query: str) -> list[str]:
    with _explained("the script", query):
        return warehouse.columns(query)


@contextmanager
def _explained(what: str, sql: str) -> Iterator[None]:
    """Snowflake's refusal as a ScriptError, without the constants of the statement."""
    try:
        yield
    except RefusedError as error:
        failure = ScriptError(f"{what} did not run: {without_constants(str(error), sql)}")
    else:
        return
    raise failure


def _distinct(names: list[str]) -> list[str]:
    """The names as they are; raises ColumnsError if two columns have one name."""
    for name in names:
        if names.count(name) > 1:
            raise ColumnsError.ambiguous(name, [n for n in names if n == name])
    return names


def _free_name(name: str, key_column: str) -> str:
    """A script's own column keeps its name unless leadflow gives that name a meaning."""
    lowered = name.lower()
    taken = lowered in ADDED or lowered == key_column.lower() or lowered in IDENTITY or lowered.startswith("lf_") or lowered.startswith(_SHEET)
    return f"Script {name}" if taken else name


def _text(name: str) -> str:
    return f"COALESCE(CAST({quoted(name)} AS VARCHAR), '')"


def _keyed_sql(identity: dict[str, str], others: dict[str, str]) -> str:
    """Each row as text, with its key: the same md5 as leadflow.columns.person_key."""
    key = " || '|' || ".join(f"LOWER(TRIM({_text(identity[part])}))" for part in IDENTITY)
    picked = [f"{_text(identity[part])} AS {quoted(part)}" for part in IDENTITY]
    picked += [f"{_text(name)} AS {quoted(free)}" for name, free in others.items()]
    return f'CREATE OR REPLACE TEMPORARY TABLE "LF_KEYED" AS SELECT MD5({key}) AS "person_key", "lf_seq", {", ".join(picked)} FROM "LF_SCRIPT"'


def _blank(text: str) -> str:
    """Whether nothing but white space is there: TRIM alone takes spaces, and a name that is a tab would be searched for."""
    return f"TRIM(TRANSLATE({text}, CHR(9) || CHR(10) || CHR(13) || CHR(160), '    ')) = ''"


def _classified_sql(person_cache: str) -> str:
    """Which of the four states each row is in."""
    return f"""CREATE OR REPLACE TEMPORARY TABLE "LF_LEADS" AS
        SELECT k.*, CASE
            WHEN {_blank('k."first_name"')} OR {_blank('k."last_name"')} OR {_blank('k."address"')} THEN 'no_identity'
            WHEN c."lf_done" IS NOT NULL THEN 'already_processed'
            WHEN ROW_NUMBER() OVER (PARTITION BY k."person_key" ORDER BY k."lf_seq") > 1 THEN 'duplicate'
            ELSE 'todo' END AS "lf_state"
        FROM "LF_KEYED" k LEFT JOIN (
            SELECT DISTINCT p."person_key" AS "lf_done" FROM {person_cache} p WHERE {ANSWERED.format("p")}
        ) c ON c."lf_done" = k."person_key" """
