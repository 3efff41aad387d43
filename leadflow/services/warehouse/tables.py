"""The tables that leadflow writes in Snowflake: their columns, and the checks that a job's rows fit into them."""

from __future__ import annotations

from leadflow.errors import RefusedError
from leadflow.services.warehouse.connection import SqlError
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.statements import Column, Statements

PERSON_CACHE_COLUMNS = (
    *("person_key", "first_name", "last_name", "address", "city", "state", "zip_code"),
    *("phones", "emails", "checked_at", "status"),
)
CONSOLIDATED_COLUMNS = (
    "Lead Key", "First Name", "Last Name", "Address", "City", "State", "Zip",
    "Phone 1", "Phone 1 Verdict", "Phone 2", "Phone 2 Verdict", "Phone 3", "Phone 3 Verdict",
    "Email 1", "Email 2", "Email 3", "Disposition", "Reason", "Job Id", "Script", "Processed At", "Callable Until",
    "Extra",
)  # fmt: skip
# An entry is never changed. EVENT is check, delivered or withdrawn; ENTRY_ID makes a repeated write harmless.
LEDGER_COLUMNS = (
    "ENTRY_ID", "EVENT", "EVENT_AT", "LEAD_KEY", "PHONE", "KIND", "PROVIDER", "CODE", "VERDICT", "LIST_DATE", "POLICY",
    "REASON", "JOB_ID",
)  # fmt: skip
# A suppression has a phone, a lead key, or both.
SUPPRESSIONS_COLUMNS = (
    "SUPPRESSION_ID", "PHONE", "LEAD_KEY", "REASON", "SOURCE", "ADDED_BY", "ADDED_AT", "SCOPE", "EXPIRES_ON",
)  # fmt: skip
# The columns of each table, by the setting that names the table.
COLUMNS = {
    "person_cache": PERSON_CACHE_COLUMNS,
    "consolidated": CONSOLIDATED_COLUMNS,
    "ledger": LEDGER_COLUMNS,
    "suppressions": SUPPRESSIONS_COLUMNS,
}
TIMES = ("checked_at", "Processed At", "EVENT_AT", "ADDED_AT")
DATES = ("Callable Until", "LIST_DATE", "EXPIRES_ON")
# Columns that came after the first version: leadflow adds them to a table that lacks them.
_ADDED = ("Callable Until",)
# A row of PERSON_CACHE, named by a table alias, with an answer: a failed lookup is bought again.
ANSWERED = """COALESCE({}."status", '') <> 'error'"""
# Entries of the ledger are cut at this length: a policy lists states and codes, a reason may quote one.
LONGEST_WORDS = 200
# The fewest characters that a column must hold. Names and addresses are compared with the leads' own lengths.
_SHORTEST = {
    **{"person_key": 32, "phones": 1_000, "emails": 2_000, "status": 20},
    **{"Lead Key": 32, "Disposition": 20, "Reason": 40, "Job Id": 80, "Script": 200, "Extra": 10_000},
    **{f"Phone {n}": 12 for n in (1, 2, 3)},
    **{f"Phone {n} Verdict": 20 for n in (1, 2, 3)},
    **{f"Email {n}": 254 for n in (1, 2, 3)},
    **{"ENTRY_ID": 32, "EVENT": 20, "LEAD_KEY": 32, "PHONE": 12, "KIND": 20, "VERDICT": 20, "JOB_ID": 80},
    **dict.fromkeys(("PROVIDER", "CODE", "POLICY", "REASON"), LONGEST_WORDS),
    **{"SUPPRESSION_ID": 32, "SOURCE": 100, "ADDED_BY": 100, "SCOPE": 100},
}
# Columns that have a text for each lead; any other may be NULL.
_ALWAYS_FILLED = frozenset({
    "person_key", "first_name", "last_name", "address", "phones", "emails", "checked_at", "status",
    "Lead Key", "First Name", "Last Name", "Address", "Disposition", "Job Id", "Script", "Processed At", "Extra",
    "ENTRY_ID", "EVENT", "EVENT_AT", "LEAD_KEY", "JOB_ID", "SUPPRESSION_ID", "ADDED_BY", "ADDED_AT",
})  # fmt: skip


def ensure(warehouse: Statements, *only: str) -> list[str]:
    """Create the missing tables and return their names as SQL. Raises RefusedError if a table cannot be used.

    `only` are settings that name tables; without them, all tables.
    """
    created = []
    for setting, columns in ((name, COLUMNS[name]) for name in only or COLUMNS):
        name = getattr(warehouse.settings, setting)
        if warehouse.columns_of(name) is None:
            _create(warehouse, setting, name, columns)
            created.append(warehouse.table(name))
        _add_columns(warehouse, name)
        _raise_if_unfit(warehouse.table(name), warehouse.columns_of(name) or [], columns)
    return created


def missing(warehouse: Statements) -> list[str]:
    """Return which of the tables are missing, as SQL."""
    names = [getattr(warehouse.settings, setting) for setting in COLUMNS]
    return [warehouse.table(name) for name in names if warehouse.columns_of(name) is None]


def rights_on(setting: str) -> str:
    """Return the rights that leadflow needs on the table of a setting. The ledger is only appended to.

    >>> rights_on("ledger"), rights_on("person_cache")
    ('SELECT and INSERT', 'SELECT, INSERT and UPDATE')
    """
    return "SELECT and INSERT" if setting == "ledger" else "SELECT, INSERT and UPDATE"


def type_of(column: str) -> str:
    """Return the SQL type of one of leadflow's columns.

    >>> type_of("EVENT_AT"), type_of("Callable Until"), type_of("PHONE")
    ('TIMESTAMP_NTZ', 'DATE', 'VARCHAR')
    """
    return "TIMESTAMP_NTZ" if column in TIMES else "DATE" if column in DATES else "VARCHAR"


def _create(warehouse: Statements, setting: str, name: str, columns: tuple[str, ...]) -> None:
    table = warehouse.table(name)
    shape = ", ".join(f"{quoted(column)} {type_of(column)}" for column in columns)
    try:
        warehouse.repeated(lambda: warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({shape})"))
    except SqlError as error:
        failure = RefusedError(
            f"table {table} is missing, or hidden from {warehouse.role}, and creating it was refused ({error}). "
            f"Nothing was bought. Correct LEADFLOW_WAREHOUSE__{setting.upper()}, or have the table created and "
            f"{rights_on(setting)} on it granted to {warehouse.role}"
        )
        raise failure from None
    warehouse.forget_columns(name)


def columns_to_add(warehouse: Statements, name: str) -> list[str]:
    """Return the columns of a later version that a table of the settings lacks; a run adds them."""
    found = {column.name for column in warehouse.columns_of(name) or []}
    return [column for column in _columns_of(warehouse, name) if column in _ADDED and column not in found]


def _columns_of(warehouse: Statements, name: str) -> tuple[str, ...]:
    return next(columns for setting, columns in COLUMNS.items() if getattr(warehouse.settings, setting) == name)


def _add_columns(warehouse: Statements, name: str) -> None:
    """Add the columns of a later version to a table that an earlier version made."""
    for column in columns_to_add(warehouse, name):
        added = f"ALTER TABLE {warehouse.table(name)} ADD COLUMN IF NOT EXISTS {quoted(column)} {type_of(column)}"
        try:
            warehouse.repeated(lambda added=added: warehouse.execute(added))
        except SqlError as error:
            failure = RefusedError(
                f"table {warehouse.table(name)} lacks column {quoted(column)}, which this version of leadflow writes, "
                f"and adding it was refused ({error}). Nothing was bought. Have the table's owner run: {added}"
            )
            raise failure from None
        warehouse.forget_columns(name)


def raise_if_unfit(warehouse: Statements, name: str) -> None:
    """Raise RefusedError if an existing table of the settings cannot hold the values that a job writes.

    A column that a run would add counts as there.
    """
    added = columns_to_add(warehouse, name)
    wanted = tuple(column for column in _columns_of(warehouse, name) if column not in added)
    _raise_if_unfit(warehouse.table(name), warehouse.columns_of(name) or [], wanted)


def _raise_if_unfit(table: str, columns: list[Column], wanted: tuple[str, ...]) -> None:
    """Raise RefusedError for wrong types, short lengths and NOT NULL columns, which a MERGE without rows accepts."""
    found = {column.name: column for column in columns}
    if absent := [name for name in wanted if name not in found]:
        raise RefusedError(
            f"table {table} has no column {', '.join(sorted(absent))}; add them, or name another table in the "
            "warehouse settings"
        )
    problems = [problem for name in wanted if (problem := _problem_of(found[name]))]
    problems += [
        f"{quoted(c.name)} is NOT NULL without a default, and leadflow does not fill it: drop the NOT NULL, or give "
        "it a default"
        for c in columns
        if c.name not in wanted and not c.nullable and not c.has_default
    ]
    if problems:
        raise RefusedError(
            f"table {table} cannot hold what a job would write into it: {'; '.join(problems)}. Nothing was bought"
        )


def _problem_of(column: Column) -> str:
    """Return why a column cannot hold leadflow's values; "" if it can."""
    name, shortest = quoted(column.name), _SHORTEST.get(column.name, 1)
    if column.name in TIMES:
        if not (column.kind.startswith("TIMESTAMP") or column.kind == "DATETIME"):
            return f"{name} is {column.type} and must be TIMESTAMP_NTZ"
    elif column.name in DATES:
        if column.kind != "DATE":
            return f"{name} is {column.type} and must be DATE"
    elif column.kind not in ("VARCHAR", "TEXT", "STRING"):
        return f"{name} is {column.type} and must be VARCHAR"
    elif column.width < shortest:
        return f"{name} is {column.type} and must be VARCHAR, or at least VARCHAR({shortest})"
    if not column.nullable and column.name not in _ALWAYS_FILLED:
        return f"{name} is NOT NULL, and a lead may have nothing there: drop the NOT NULL"
    return ""


def raise_if_too_narrow(warehouse: Statements, longest: dict[str, int]) -> None:
    """Raise RefusedError if the leads do not fit into both tables; `longest` is the length of each part of IDENTITY."""
    titles = {"zip": ("zip_code", "Zip")} | {
        part: (part, part.replace("_", " ").title()) for part in longest if part != "zip"
    }
    for n, name in enumerate((warehouse.settings.person_cache, warehouse.settings.consolidated)):
        found = {column.name: column for column in warehouse.columns_of(name) or []}
        for part, length in longest.items():
            column = found.get(titles[part][n])
            if column and column.width < length:
                raise RefusedError(
                    f"table {warehouse.table(name)} cannot hold this job's leads: {quoted(column.name)} is "
                    f"{column.type}, and a lead has {length} characters there; make it VARCHAR. Nothing was bought"
                )
