"""Opt-outs in tests: jobs with rows to withdraw, the tables behind them, and a second machine."""

from __future__ import annotations

from typing import Any

from outcome import sheet_rows

from leadflow.services.warehouse import Warehouse

SCRIPT = "SELECT * FROM RAW_LEADS"
ASKED = {"reason": "asked on the phone", "by": "ann"}


def with_project(settings: Any, project: str | None = "P1") -> Any:
    """The settings with a project of DNCScrub."""
    return settings.model_copy(update={"dnc": settings.dnc.model_copy(update={"proj_id": project})})


def elsewhere(settings: Any, home: Any) -> Any:
    """The settings of another machine: another home, the same Snowflake and sheet."""
    return settings.model_copy(update={"home": home})


def shown(world: Any) -> dict[str, set[str]]:
    """The phones that the callers' sheet shows, by lead key."""
    return {
        row["Lead Key"]: {v for name, v in row.items() if name[:6] == "Phone " and name[6:].isdigit() and v}
        for row in sheet_rows(world)
    }


def one_with_own_phone(world: Any, at: int = 0) -> tuple[str, str]:
    """A lead of the sheet, and a phone that only its row shows."""
    rows = shown(world)
    lonely = [
        (key, phone)
        for key, phones in rows.items()
        for phone in sorted(phones)
        if sum(phone in others for others in rows.values()) == 1
    ]
    return list(dict(lonely).items())[at]


def query(world: Any, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        return warehouse.execute(sql)


def suppressions(world: Any) -> list[tuple[Any, ...]]:
    """The table, without the time: phone, key, reason, source, by, scope, expiry."""
    columns = "PHONE, LEAD_KEY, REASON, SOURCE, ADDED_BY, SCOPE, EXPIRES_ON"
    return sorted(query(world, f"SELECT {columns} FROM SUPPRESSIONS"), key=repr)


def recorded(world: Any, key: str) -> tuple[str, str]:
    """What UNIQUE_CONSOLIDATED_DATA says of a lead: disposition and reason."""
    sql = f"""SELECT "Disposition", "Reason" FROM UNIQUE_CONSOLIDATED_DATA WHERE "Lead Key" = '{key}'"""
    [row] = query(world, sql)
    return row


def withdrawn_events(world: Any, key: str) -> list[str]:
    """The phones of a lead's withdrawals in the ledger."""
    sql = f"SELECT PHONE FROM SCRUB_LEDGER WHERE EVENT = 'withdrawn' AND LEAD_KEY = '{key}'"
    return sorted(phone for (phone,) in query(world, sql))
