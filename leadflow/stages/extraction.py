"""Extract: run the script and stream the unprocessed leads.

The script's rows go into a temporary table. The warehouse finds the rows that are duplicates, have no name, or are in
PERSON_CACHE (by person key and identity). Only the leads to look up are transferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from leadflow.errors import InputError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.columns import ADDED, IDENTITY
from leadflow.leads.matching import UNSEARCHABLE
from leadflow.leads.postal import repaired_zip
from leadflow.leads.suppressions import EVERYWHERE
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.session import put_back
from leadflow.services.warehouse.tables import raise_if_too_narrow
from leadflow.stages.landing import (
    distinct,
    land_rows,
    land_script,
    not_twice,
    parsed_script,
    query_columns,
    set_up,
    text_sql,
)
from leadflow.stages.person_cache import IS_KNOWN, IS_SUPPRESSED, with_identity_sql
from leadflow.stages.retried import ALL_SUPPRESSED, Retried, find_released, keep_first_keys, read_retried
from leadflow.stages.script import Script, set_statements
from leadflow.stages.searchable import SearchableFilter

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas ships no py.typed

    from leadflow.services.warehouse import Warehouse

_STAGE = "Snowflake"
_PAGE = 50_000
# Approximates the repaired ZIP, to measure its length: five digits of a ZIP+4, without decimals.
_REPAIRED_ZIP = """REGEXP_REPLACE(REGEXP_REPLACE(TRIM("zip"), '[.]0*$', ''), '^([0-9]{5})[- ]?[0-9]{4}$', '\\\\1')"""
# The most keys of left out leads that are recorded for each reason: a third of a megabyte, and one more query.
MOST_LEFT_OUT = 20_000
_SPARE = 1_000  # rows read beyond the limit, to replace those that cannot be looked up
STATES = ("suppressed", "already_processed", "duplicate", "no_identity", "todo")
_SHEET = (
    "lead key", "phone ", "email ", "held phones", "shared with", "scrubbed at", "callable until", "call window",
    "job id",
)  # fmt: skip


def extract(
    script: str,
    warehouse: Warehouse,
    *,
    params: Mapping[str, object] | None = None,
    allow_writes: bool = False,
    emit: Emit = no_emit,
) -> pd.DataFrame:
    """Run a script and return all its rows as a pandas DataFrame with text columns; nothing is filtered.

    `script` is SQL text with one or more statements; the last one is a query. `params` are values for the script's
    session variables, as in {"state": "ME"} for $state. `allow_writes` permits statements that write to permanent
    tables.

    Raises ScriptError for a script that cannot run, ColumnsError if two columns have one name, InputError for params
    that the script does not use, TransientError if Snowflake does not answer.
    """
    parsed, variables = parsed_script(script, warehouse, allow_writes), set_statements(params, script)
    rows = warehouse.repeated(lambda: _all_rows(parsed, warehouse, variables))
    emit(JobLog(stage=_STAGE, message=f"SQL executed, returned {rows.height} rows"))
    return rows.to_pandas()


def _all_rows(parsed: Script, warehouse: Warehouse, variables: Sequence[str]) -> pl.DataFrame:
    with not_twice(parsed), put_back(warehouse, changing=bool(parsed.setup) or parsed.alone):
        query = set_up(parsed, warehouse, variables)
        names = distinct(query_columns(warehouse, query))
        picked = ", ".join(f"{text_sql(name)} AS {quoted(name)}" for name in names)
        return warehouse.frame(f"SELECT {picked} FROM ({query}) s", timeout_s=warehouse.settings.script_timeout_s)


@dataclass
class Extraction:
    """The classified rows, stored in the warehouse.

    `counts` has the number of rows in each state. After `batches` has ended, `todo` is final, and `counts` also has the
    leads that cannot be looked up and those over the limit. `total` is the number of unprocessed rows that the
    warehouse reported; `missing` is the number of those rows that it did not send. `retried` are the leads among them
    that were held back before and are taken up again.
    """

    warehouse: Warehouse
    columns: tuple[str, ...]
    counts: dict[str, int]
    total: int
    limit: int | None = None
    page: int = _PAGE
    emit: Emit = no_emit
    missing: int = 0
    script: Script | None = None
    retried: Sequence[Retried] = ()
    unsearchable: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def batches(self, size: int) -> Iterator[pl.DataFrame]:
        """Yield the unprocessed leads that can be looked up, `size` at a time; all columns are text."""
        rest: pl.DataFrame | None = None
        searchable = SearchableFilter(self.total, self.limit)
        for piece in searchable.apply(self._pieces()):
            rest = piece if rest is None else pl.concat([rest, piece])
            whole = rest.height // size * size
            for start in range(0, whole, size):
                yield rest.slice(start, size)
            rest = rest.slice(whole)
        if rest is not None and rest.height:
            yield rest
        self.counts |= searchable.counts
        self.unsearchable = searchable.left_out
        self.missing = searchable.missing
        counts = self.counts
        self.emit(JobLog(stage=_STAGE, message=f"Filtered to {counts['todo']} unprocessed leads ({_others(counts)})"))
        if summary := searchable.summary():
            message = f"Not searched for, since no answer could match: {summary}"
            self.emit(JobLog(stage=_STAGE, level="warning", message=message))

    def left_out(self, most: int = MOST_LEFT_OUT) -> dict[str, list[str]]:
        """Return the keys of the leads that `batches` left out, by reason: up to `most` for each.

        So the cost does not grow with the rows. Of the leads over the limit they are the next in the script's order.
        """
        listed = {reason: keys[:most] for reason, keys in self.unsearchable.items()}
        wanted = {state: f"\"lf_state\" = '{state}' LIMIT {most}" for state in STATES[:-1] if self.counts[state]}
        if self.counts["over_limit"]:
            examined = self.counts["todo"] + sum(map(len, self.unsearchable.values()))
            wanted["over_limit"] = f'"lf_state" = \'todo\' ORDER BY "lf_seq" LIMIT {most} OFFSET {examined}'
        picked = f'"person_key" FROM {self.warehouse.temporary("LF_LEADS")} WHERE'
        parts = (f"SELECT * FROM (SELECT '{reason}', {picked} {where})" for reason, where in wanted.items())
        for reason, key in self.warehouse.execute(" UNION ALL ".join(parts)) if wanted else ():
            listed.setdefault(reason, []).append(key)
        return listed

    def _pieces(self) -> Iterator[pl.DataFrame]:
        """Yield the unprocessed leads page by page, so that memory does not grow with the number of leads."""
        picked, leads = ", ".join(map(quoted, self.columns)), self.warehouse.temporary("LF_LEADS")
        last, left = -1, self.total
        while left > 0:
            rows = 0
            where = f'"lf_state" = \'todo\' AND "lf_seq" > {last}'
            page = (
                f'SELECT {picked}, "lf_seq" FROM {leads} WHERE {where} ORDER BY "lf_seq" LIMIT {min(left, self.page)}'
            )
            for piece in self._read(page):
                rows, last = rows + piece.height, int(piece["lf_seq"][-1])
                yield with_repaired_zip(piece.drop("lf_seq"))
            if not rows:
                return
            left -= rows

    def _read(self, page: str) -> Iterator[pl.DataFrame]:
        with not_twice(self.script):
            yield from self.warehouse.batches(page)


def open_extraction(
    script: str,
    warehouse: Warehouse,
    *,
    limit_rows: int | None = None,
    allow_writes: bool = False,
    key_column: str = "Lead Key",
    scope: str = EVERYWHERE,
    retry_after_days: Mapping[str, float] | None = None,
    variables: Sequence[str] = (),
    rows: pl.DataFrame | None = None,
    emit: Emit = no_emit,
) -> Extraction:
    """Run the script and classify its rows: suppressed, already_processed, duplicate, no_identity, or todo.

    `limit_rows` limits the leads that can be looked up; `key_column` is the sheet's; `scope` is the job's, by which it
    obeys SUPPRESSIONS. `variables` are SET statements to run first. `rows` of a LeadSource are uploaded, for a script
    that selects from their table. Raises ScriptError, ColumnsError or InputError.
    """
    if limit_rows is not None and limit_rows <= 0:
        raise InputError(f"limit_rows is {limit_rows}; it must be 1 or more, or None for all the leads")
    parsed = parsed_script(script, warehouse, allow_writes)
    for table in (warehouse.settings.person_cache, warehouse.settings.suppressions):
        warehouse.columns_of(table)  # raises before a long script runs
    with not_twice(parsed):
        if rows is not None:
            names, identity = land_rows(warehouse, rows)
        else:
            names, identity = land_script(parsed, warehouse, variables, emit)
        extracted = warehouse.execute(f"SELECT COUNT(*) FROM {warehouse.temporary('LF_SCRIPT')}")[0][0]
        emit(JobLog(stage=_STAGE, message=f"SQL executed, returned {extracted} rows"))
        others = {name: _free_name(name, key_column) for name in names if name not in identity.values()}
        found, retried = _classify(warehouse, identity, others, scope, retry_after_days or {}, emit)
    counts = {"extracted": int(extracted), **{state: int(found.get(state, 0)) for state in STATES}}
    total = counts["todo"]
    page = _PAGE if limit_rows is None else min(_PAGE, limit_rows + _SPARE)
    columns = ("person_key", *IDENTITY, *others.values())
    return Extraction(warehouse, columns, counts, total, limit_rows, page, emit, script=parsed, retried=retried)


def _others(counts: dict[str, int]) -> str:
    states = ("already_processed", "suppressed", "duplicate", "no_identity", *UNSEARCHABLE, "over_limit")
    return ", ".join(f"{counts[state]} {state.replace('_', ' ')}" for state in states)


def _classify(
    warehouse: Warehouse,
    identity: dict[str, str],
    others: dict[str, str],
    scope: str,
    retry_after_days: Mapping[str, float],
    emit: Emit,
) -> tuple[dict[str, int], list[Retried]]:
    """Make LF_LEADS, each row as text with its key and state.

    Return the number of rows in each state, and the leads that are taken up again.
    """
    keyed = warehouse.temporary("LF_KEYED")
    rows = _keyed_sql(warehouse.temporary("LF_SCRIPT"), identity, others)
    warehouse.execute(f"CREATE OR REPLACE TEMPORARY TABLE {keyed} AS {rows}")
    leads = warehouse.temporary("LF_LEADS")
    released = find_released(warehouse, retry_after_days)
    rows = _classified_sql(*with_identity_sql(warehouse, keyed, "lf_seq", scope, released=released))
    if released is not None:
        keep_first_keys(warehouse, keyed, warehouse.temporary("LF_IDENTITY"), released)
    warehouse.execute(f"CREATE OR REPLACE TEMPORARY TABLE {leads} AS {rows}")
    written = {part: quoted(part) for part in IDENTITY} | {"zip": _REPAIRED_ZIP}
    longest = ", ".join(f"COALESCE(MAX(LENGTH({text})), 0)" for text in written.values())
    states = warehouse.execute(f'SELECT "lf_state", COUNT(*), {longest} FROM {leads} GROUP BY "lf_state"')
    counts = {state: count for state, count, *_ in states}
    lengths = next((map(int, lengths) for state, _, *lengths in states if state == "todo"), [0] * len(IDENTITY))
    raise_if_too_narrow(warehouse, dict(zip(IDENTITY, lengths, strict=True)))
    return counts, [] if released is None else _retried(warehouse, leads, released, retry_after_days, emit)


def _retried(
    warehouse: Warehouse, leads: str, released: str, after_days: Mapping[str, float], emit: Emit
) -> list[Retried]:
    found, unread = read_retried(warehouse, leads, released, after_days)
    if unread:
        message = (
            f"{unread} leads that were held as {ALL_SUPPRESSED} long enough ago stay processed: PERSON_CACHE has "
            "phones for them that cannot be read, and a lookup would be bought twice"
        )
        emit(JobLog(stage=_STAGE, level="warning", message=message))
    return found


def with_repaired_zip(leads: pl.DataFrame) -> pl.DataFrame:
    """Repair the ZIPs for the vendor and the callers. person_key does not change: it comes from the script's text."""
    pairs = leads.select("zip", "state").unique()
    repaired = pl.Series("lf_zip", [repaired_zip(*pair) for pair in pairs.iter_rows()], pl.String)
    joined = leads.join(pairs.with_columns(repaired), on=["zip", "state"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("lf_zip").alias("zip")).drop("lf_zip")


def _free_name(name: str, key_column: str) -> str:
    """Return the name for a script's own column, with the prefix "Script" if leadflow uses that name."""
    lowered = name.lower()
    taken = (
        lowered in ADDED
        or lowered == key_column.lower()
        or lowered in IDENTITY
        or lowered.startswith("lf_")
        or lowered.startswith(_SHEET)
    )
    return f"Script {name}" if taken else name


def _keyed_sql(script: str, identity: dict[str, str], others: dict[str, str]) -> str:
    """Select each row as text with its key, the same md5 as leadflow.leads.columns.person_key."""
    key = " || '|' || ".join(f"LOWER(TRIM({text_sql(identity[part])}))" for part in IDENTITY)
    picked = [f"{text_sql(identity[part])} AS {quoted(part)}" for part in IDENTITY]
    picked += [f"{text_sql(name)} AS {quoted(free)}" for name, free in others.items()]
    return f'SELECT MD5({key}) AS "person_key", "lf_seq", {", ".join(picked)} FROM {script}'


def _blank(text: str) -> str:
    """Return SQL that tests for blank text. TRIM removes only spaces, so a name of one tab would be looked up."""
    return f"TRIM(TRANSLATE({text}, CHR(9) || CHR(10) || CHR(13) || CHR(160), '    ')) = ''"


def _classified_sql(identified: str, known: str) -> str:
    """Select the state of each row. One person may have two keys; two rows without a name are not one person."""
    blanks = (_blank(f"k.{quoted(name)}") for name in ("first_name", "last_name", "address"))
    nameless = f"({' OR '.join(blanks)})"
    again = " OR ".join(
        f'ROW_NUMBER() OVER (PARTITION BY {nameless}, k."{name}" ORDER BY k."lf_seq") > 1'
        for name in ("person_key", "lf_identity")
    )
    return f"""SELECT k.*, CASE
            WHEN {nameless} THEN 'no_identity'
            WHEN {IS_SUPPRESSED} THEN 'suppressed'
            WHEN {IS_KNOWN} THEN 'already_processed'
            WHEN {again} THEN 'duplicate'
            ELSE 'todo' END AS "lf_state"
        FROM {identified} k {known}"""
