"""Checks of Snowflake: the user who is signed in, the rights, and whether the tables can hold a job's rows."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import polars as pl

from leadflow.check.rows import Checklist, Finding, failed, warning
from leadflow.errors import RefusedError
from leadflow.services.warehouse import Warehouse, tables
from leadflow.settings import WarehouseSettings
from leadflow.stages.consolidation import prove_rights

_LONGEST_REQUEST_S = 60
_SIGN_IN, _COMPUTE, _PLACE = "Snowflake sign-in", "Snowflake warehouse", "Snowflake database and schema"
_TEMPORARY, _MERGE = "Temporary tables", "MERGE right"
_RIGHTS = "SELECT, INSERT and UPDATE on the first two tables, SELECT and INSERT on the ledger"
_SESSION = "SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE(), CURRENT_SCHEMA()"


def add_warehouse_rows(settings: WarehouseSettings, checklist: Checklist) -> None:
    """Add the rows about Snowflake. The check closes its session, which also drops its temporary table."""
    quick = settings.model_copy(update={"network_timeout_s": min(settings.network_timeout_s, _LONGEST_REQUEST_S)})
    warehouse = Warehouse(quick, query_tag="leadflow:check")
    try:
        _Probes(warehouse).add_rows(checklist)
    finally:
        with suppress(Exception):
            warehouse.close()


class _Probes:
    """The probes of one session. `missing` has the tables that were not found."""

    def __init__(self, warehouse: Warehouse) -> None:
        settings = warehouse.settings
        self.warehouse, self.settings = warehouse, settings
        self.tables = {setting.upper(): getattr(settings, setting) for setting in tables.COLUMNS}
        self.session: dict[str, str] = {}
        self.missing: list[str] = []

    def add_rows(self, checklist: Checklist) -> None:
        checklist.add(
            _SIGN_IN,
            self._sign_in,
            "Check the names and the key or token of LEADFLOW_WAREHOUSE__..., or the connection of connections.toml.",
        )
        checklist.add("Snowflake role", self._role, needs=(_SIGN_IN,))
        checklist.add(_COMPUTE, self._compute, needs=(_SIGN_IN,))
        checklist.add(
            _PLACE,
            self._place,
            "Set LEADFLOW_WAREHOUSE__DATABASE and LEADFLOW_WAREHOUSE__SCHEMA_NAME to ones that the role may use.",
            needs=(_SIGN_IN,),
        )
        checklist.add(
            _TEMPORARY,
            self._temporary,
            f"Have USAGE on the database and the schema granted to {self._who}.",
            needs=(_COMPUTE, _PLACE),
        )
        self._add_table_rows(checklist)

    def _add_table_rows(self, checklist: Checklist) -> None:
        for setting, name in self.tables.items():
            checklist.add(
                f"Table {name}",
                partial(self._table, setting, name),
                f"Mend the table, or name another one in LEADFLOW_WAREHOUSE__{setting}. leadflow needs "
                f"{tables.rights_on(setting.lower())} on it for {self._who}.",
                needs=(_COMPUTE, _PLACE),
            )
        if self.missing:
            why = f"table {self.missing[0]} is not there; a run makes it, and proves the right before it buys"
            checklist.skip(_MERGE, why)
            return
        checklist.add(
            _MERGE,
            self._merge,
            f"Have {_RIGHTS}, and USAGE on the warehouse, granted to {self._who}.",
            needs=(*(f"Table {name}" for name in self.tables.values()), _TEMPORARY),
        )

    @property
    def _who(self) -> str:
        return self.warehouse.role

    def _sign_in(self) -> Finding:
        self.warehouse.connect()
        names = ("user", "role", "warehouse", "database", "schema")
        values = self.warehouse.execute(_SESSION)[0]
        self.session = {name: value or "" for name, value in zip(names, values, strict=True)}
        named = self.settings.connection_name
        where = f"connection {named} of connections.toml" if named else f"account {self.settings.account}"
        return Finding(f"signed in as {self.session['user']}, {where}")

    def _role(self) -> Finding:
        if not (role := self.session["role"]):
            return failed("the session has none", "Set LEADFLOW_WAREHOUSE__ROLE to a role that is granted to the user.")
        return Finding(role if self.settings.role else f"{role}, the default of the user or the connection")

    def _compute(self) -> Finding:
        if compute := self.session["warehouse"]:
            return Finding(f"{compute}; this check may wake it")
        named = self.settings.warehouse
        why = f"{named} is not there, or {self._who} may not use it" if named else "the user has no default warehouse"
        return failed(
            f"the session has none: {why}",
            f"Set LEADFLOW_WAREHOUSE__WAREHOUSE, and have USAGE on that warehouse granted to {self._who}.",
        )

    def _place(self) -> Finding:
        tables_of = [self.warehouse.table(name) for name in self.tables.values()]
        database, schema = self.session["database"], self.session["schema"]
        if database and schema:
            return Finding(f"{database}.{schema}")
        return Finding(f"the session has none; the tables are named in full: {' and '.join(tables_of)}")

    def _temporary(self) -> Finding:
        """Make a temporary table and read it, as a job does with the rows that it merges."""
        made = self.warehouse.staged(pl.DataFrame({"k": ["1"]}))
        if self.warehouse.execute(f'SELECT "k" FROM {made}') != [("1",)]:
            raise RefusedError("a temporary table did not show the row that was put into it")
        return Finding("made one and read it; it ends with the session of this check")

    def _table(self, setting: str, name: str) -> Finding:
        table, columns = self.warehouse.table(name), self.warehouse.columns_of(name)
        if columns is None:
            self.missing.append(name)
            return warning(
                f"{table} is not there, or hidden from {self._who}; a run would make it, empty. Whether the role may "
                "do so was not tried",
                "Nothing, before your first run. If you have such a table, correct "
                f"LEADFLOW_WAREHOUSE__{setting}, or have {tables.rights_on(setting.lower())} on it granted to "
                f"{self._who}.",
            )
        tables.raise_if_unfit(self.warehouse, name)
        rows = self.warehouse.execute(f"SELECT COUNT(*) FROM {table}")[0][0]
        if added := tables.columns_to_add(self.warehouse, name):
            return warning(
                f"{table} has {rows:,} rows; it lacks {', '.join(added)}, which a run adds. Whether the role may do so "
                "was not tried",
                f"Nothing, if {self._who} owns the table. Else have its owner add "
                f"{', '.join(f'{column} {tables.type_of(column)}' for column in added)}.",
            )
        return Finding(f"{table} has {rows:,} rows; its columns and their types fit")

    def _merge(self) -> Finding:
        try:
            prove_rights(self.warehouse)
        except RefusedError as error:
            raise RefusedError(str(error).partition(". Have ")[0]) from None
        return Finding(
            f"{self._who} may merge into {self.settings.person_cache} and {self.settings.consolidated}, and append to "
            f"{self.settings.ledger}; the statements were run without rows"
        )
