"""The tables that leadflow writes in Snowflake: their names, their columns, and whether real rows would fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.errors import RefusedError, SettingsError
from leadflow.services.warehouse.connection import NOT_THERE, SqlError

if TYPE_CHECKING:
    from leadflow.services.warehouse.client import Warehouse
    from leadflow.settings import WarehouseSettings

PERSON_CACHE_COLUMNS = (
    *("person_key", "first_name", "last_name", "address", "city", "state", "zip_code"),
    *("phones", "emails", "checked_at", "status"),
)
CONSOLIDATED_COLUMNS = (
    "Lead Key", "First Name", "Last Name", "Address", "City", "State", "Zip",
    "Phone 1", "Phone 1 Verdict", "Phone 2", "Phone 2 Verdict", "Phone 3", "Phone 3 Verdict",
    "Email 1", "Email 2", "Email 3", "Disposition", "Reason", "Job Id", "Script", "Processed At", "Extra",
)  # fmt: skip
TIMES = ("checked_at", "Processed At")
LONGEST = 16_777_216  # of a VARCHAR without a length
# The fewest characters that a column must hold; those of names and addresses are compared with the leads themselves.
_SHORTEST = {
    **{"person_key": 32, "phones": 1_000, "emails": 2_000, "status": 20},
    **{"Lead Key": 32, "Disposition": 20, "Reason": 40, "Job Id": 80, "Script": 200, "Extra": 10_000},
    **{f"Phone {n}": 12 for n in (1, 2, 3)},
    **{f"Phone {n} Verdict": 20 for n in (1, 2, 3)},
    **{f"Email {n}": 254 for n in (1, 2, 3)},
}
# Of each lead these have a text; any other may be NULL.
_ALWAYS_FILLED = frozenset(
    [
        "person_key",
        "first_name",
        "last_name",
        "address",
        "phones",
        "emails",
        "checked_at",
        "status",
        "Lead Key",
        "First Name",
        "Last Name",
        "Address",
    ]
) | {"Disposition", "Job Id", "Script", "Processed At", "Extra"}
_PART = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*))\s*')


def quoted(name: str) -> str:
    """An identifier in double quotes.

    >>> quoted('First Name')
    '"First Name"'
    """
    return '"' + name.replace('"', '""') + '"'


def name_parts(name: str) -> list[str]:
    """The parts of a table's name as Snowflake reads it: upper case unless in double quotes. Raises SettingsError.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax

    >>> name_parts("leads_db.public.person_cache"), name_parts('"my.db".PUBLIC."person_cache"')
    (['LEADS_DB', 'PUBLIC', 'PERSON_CACHE'], ['my.db', 'PUBLIC', 'person_cache'])
    """
    parts, at = [], 0
    while part := _PART.match(name, at):
        exact, folded = part.groups()
        parts.append(exact.replace('""', '"') if exact else folded.upper())
        at = part.end()
        if at == len(name) and len(parts) <= 3:
            return parts
        if name[at : at + 1] != ".":
            break
        at += 1
    raise SettingsError(
        f"{name!r} is no name of a table; write NAME, SCHEMA.NAME or DB.SCHEMA.NAME, with double quotes around a part "
        "that is not upper case"
    )


def is_one_table(name: str, other: str, settings: WarehouseSettings) -> bool:
    """Whether two names are one table's, as in person_cache and PUBLIC.PERSON_CACHE. Raises SettingsError."""
    home = [part for text in (settings.database, settings.schema_name) if text for part in name_parts(text)]
    one, two = ([*home[: 3 - len(parts)], *parts] for parts in map(name_parts, (name, other)))
    return name == other or one == two


@dataclass(frozen=True)
class Column:
    """A column of a table: its type as in VARCHAR(16777216), whether it may be NULL, and whether it has a default."""

    name: str
    type: str
    nullable: bool
    has_default: bool

    @property
    def width(self) -> int:
        """How many characters a VARCHAR holds."""
        size = re.search(r"\((\d+)\)", self.type)
        return int(size.group(1)) if size else LONGEST

    @property
    def kind(self) -> str:
        """The type without its size."""
        return self.type.partition("(")[0].strip().upper()


def described(warehouse: Warehouse, name: str) -> list[Column] | None:
    """The columns of a table of the settings; None if it is not there, or if the role may not see it."""
    try:
        rows = warehouse.execute(f"DESCRIBE TABLE {warehouse.table(name)}")
    except SqlError as error:
        if error.errno in NOT_THERE:
            return None
        raise
    return [
        Column(column, type_, nullable != "N", default is not None) for column, type_, _, nullable, default, *_ in rows
    ]


def ensure(warehouse: Warehouse) -> list[str]:
    """Make the tables that are not there; the names, as SQL, of those made. Raises RefusedError if one will not do."""
    settings = warehouse.settings
    made = []
    for setting, name, columns in (
        ("PERSON_CACHE", settings.person_cache, PERSON_CACHE_COLUMNS),
        ("CONSOLIDATED", settings.consolidated, CONSOLIDATED_COLUMNS),
    ):
        if warehouse.columns_of(name) is None:
            _make(warehouse, setting, name, columns)
            made.append(warehouse.table(name))
        _raise_if_unfit(warehouse.table(name), warehouse.columns_of(name) or [], columns)
    return made


def missing(warehouse: Warehouse) -> list[str]:
    """Which of both tables are not there, as SQL."""
    names = (warehouse.settings.person_cache, warehouse.settings.consolidated)
    return [warehouse.table(name) for name in names if warehouse.columns_of(name) is None]


def _make(warehouse: Warehouse, setting: str, name: str, columns: tuple[str, ...]) -> None:
    table = warehouse.table(name)
    shape = ", ".join(f"{quoted(c)} {'TIMESTAMP_NTZ' if c in TIMES else 'VARCHAR'}" for c in columns)
    try:
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({shape})")
    except SqlError as error:
        failure = RefusedError(
            f"table {table} is not there, or {warehouse.role} may not see it, and making it was refused ({error}). "
            "Nothing was bought. "
            f"Correct LEADFLOW_WAREHOUSE__{setting}, or have the table made and SELECT, INSERT and UPDATE on it "
            f"granted to {warehouse.role}"
        )
        raise failure from None
    warehouse.forget_columns(name)


def _raise_if_unfit(table: str, there: list[Column], wanted: tuple[str, ...]) -> None:
    """What a MERGE without rows does not find: types and lengths that do not fit, and a NOT NULL that nobody fills."""
    found = {column.name: column for column in there}
    if missing := [name for name in wanted if name not in found]:
        raise RefusedError(
            f"table {table} has no column {', '.join(sorted(missing))}; add them, or name another table in the "
            "warehouse settings"
        )
    wrong = [problem for name in wanted if (problem := _wrong(found[name]))]
    wrong += [
        f"{quoted(c.name)} is NOT NULL without a default, and leadflow does not fill it: drop the NOT NULL, or give "
        "it a default"
        for c in there
        if c.name not in wanted and not c.nullable and not c.has_default
    ]
    if wrong:
        raise RefusedError(
            f"table {table} cannot take what a job would write into it: {'; '.join(wrong)}. Nothing was bought"
        )


def _wrong(column: Column) -> str:
    """What keeps a column from taking leadflow's values, or nothing."""
    name, shortest = quoted(column.name), _SHORTEST.get(column.name, 1)
    if column.name in TIMES:
        if not (column.kind.startswith("TIMESTAMP") or column.kind == "DATETIME"):
            return f"{name} is {column.type} and must be TIMESTAMP_NTZ"
    elif column.kind not in ("VARCHAR", "TEXT", "STRING"):
        return f"{name} is {column.type} and must be VARCHAR"
    elif column.width < shortest:
        return f"{name} is {column.type} and must be VARCHAR, or at least VARCHAR({shortest})"
    if not column.nullable and column.name not in _ALWAYS_FILLED:
        return f"{name} is NOT NULL, and a lead may have nothing there: drop the NOT NULL"
    return ""


def raise_if_too_narrow(warehouse: Warehouse, longest: dict[str, int]) -> None:
    """Whether the leads fit into both tables, by the `longest` text of each part of IDENTITY; raises RefusedError."""
    titles = {"zip": ("zip_code", "Zip")} | {
        part: (part, part.replace("_", " ").title()) for part in longest if part != "zip"
    }
    for n, name in enumerate((warehouse.settings.person_cache, warehouse.settings.consolidated)):
        found = {column.name: column for column in warehouse.columns_of(name) or []}
        for part, length in longest.items():
            column = found.get(titles[part][n])
            if column and column.width < length:
                raise RefusedError(
                    f"table {warehouse.table(name)} cannot take this job's leads: {quoted(column.name)} is "
                    f"{column.type}, and a lead has {length} characters "
                    f"there; make it VARCHAR. Nothing was bought"
                )
