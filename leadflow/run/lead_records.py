"""What the checkpoints and the warehouse know of one lead, as facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from leadflow.compliance.ledger_reading import entries_where, moment
from leadflow.leads.phone_text import phones_in
from leadflow.leads.suppressions import FORGOTTEN as FORGOTTEN_MARK
from leadflow.leads.suppressions import Suppression, today
from leadflow.leads.verdicts import CALLABLE
from leadflow.reports.why import (
    ANSWERED,
    CHECKED,
    DELIVERED,
    FORGOTTEN,
    LISTED,
    RECORDED,
    SHEET_EVENTS,
    WAITING,
    WITHDRAWN,
    Fact,
)
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.suppressions import suppressions_of
from leadflow.stages.ledger_entries import CHECK

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.services.warehouse import Warehouse
    from leadflow.stages.ledger_entries import Entry

_ROW = ("Disposition", "Reason", "Job Id", "Processed At", "Callable Until", "Phone 1", "Phone 2", "Phone 3")


def checkpoint_facts(keys: Sequence[str], checkpoints: Checkpoints) -> list[Fact]:
    """Return where a lead waits, and what the local copy of the do-not-call list says of it."""
    now = datetime.now(timezone.utc)
    waiting = [Fact(now, WAITING, "checkpoints", job) for _, job in checkpoints.waiting_in(keys)]
    entries = (entry.suppression for entry in checkpoints.suppression_entries())
    return [*waiting, *_listed((one for one in entries if one.lead_key in keys), "this machine's copy of SUPPRESSIONS")]


def warehouse_facts(keys: Sequence[str], warehouse: Warehouse, known: Sequence[Fact]) -> list[Fact]:
    """Return the facts of the history, `known`, with the phones that they are about, and what the tables know besides.

    Raises RefusedError, TransientError.
    """
    row = _consolidated(keys, warehouse)
    numbers = [phone for name in _ROW[-3:] for phone in phones_in(str(row.get(name) or ""))] if row else []
    entries = _ledger(keys, warehouse)
    shown = [*_events(entries, known, row), *_recorded(row)]
    checks = list(_checks(entries, known, numbers))
    phones = sorted({*numbers, *(entry["PHONE"] for entry in entries if entry["PHONE"])})
    listed = list(_suppressed(keys, phones, warehouse))
    gone = _missing_withdrawal(row, [*known, *shown])
    own = _with_phones(known, entries, numbers)
    return [*own, *shown, *gone, *checks, *listed, *_cached(keys, warehouse)]


def _ledger(keys: Sequence[str], warehouse: Warehouse) -> list[Entry]:
    if warehouse.columns_of(warehouse.settings.ledger) is None:
        return []
    return entries_where(warehouse, f't."LEAD_KEY" IN ({_marks(keys)})', keys)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _consolidated(keys: Sequence[str], warehouse: Warehouse) -> dict[str, Any]:
    """Return the newest row of the consolidated table."""
    name = warehouse.settings.consolidated
    if warehouse.columns_of(name) is None:
        return {}
    picked = ", ".join(map(quoted, _ROW))
    sql = f'SELECT {picked} FROM {warehouse.table(name)} WHERE "Lead Key" IN ({_marks(keys)})'
    found: list[dict[str, Any]] = [dict(zip(_ROW, row, strict=True)) for row in warehouse.execute(sql, keys)]
    return max(found, key=lambda row: _utc(row["Processed At"]), default={})


def _recorded(row: Mapping[str, Any]) -> Iterator[Fact]:
    if row:
        at, job, until = _utc(row["Processed At"]), str(row["Job Id"] or ""), _day(row["Callable Until"])
        source = "UNIQUE_CONSOLIDATED_DATA"
        yield Fact(at, RECORDED, source, job, str(row["Reason"] or ""), str(row["Disposition"] or ""), until=until)


def _events(entries: Sequence[Entry], known: Sequence[Fact], row: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield deliveries and withdrawals that the history does not have, each once."""
    there = {(fact.what, fact.job_id) for fact in known}
    for entry in entries:
        place = (entry["EVENT"], entry["JOB_ID"])
        if entry["EVENT"] in SHEET_EVENTS and place not in there:
            there.add(place)
            until = _day(row.get("Callable Until")) if row.get("Job Id") == entry["JOB_ID"] else None
            yield Fact(moment(entry), entry["EVENT"], "SCRUB_LEDGER", entry["JOB_ID"], entry["REASON"], until=until)
    delivered = row and row["Disposition"] == DELIVERED and not any(what in SHEET_EVENTS for what, _ in there)
    if delivered:  # by a leadflow without a ledger
        until = _day(row["Callable Until"])
        yield Fact(_utc(row["Processed At"]), DELIVERED, "UNIQUE_CONSOLIDATED_DATA", str(row["Job Id"]), until=until)


def _missing_withdrawal(row: Mapping[str, Any], facts: Sequence[Fact]) -> Iterator[Fact]:
    """Yield the withdrawal that only the consolidated table knows: its word counts, since a withdrawal is the last."""
    shown = sorted((fact for fact in facts if fact.what in SHEET_EVENTS), key=lambda fact: fact.order)
    if row and row["Disposition"] == WITHDRAWN and (not shown or shown[-1].what != WITHDRAWN):
        at = max([_utc(row["Processed At"]), *(fact.at for fact in shown)])
        yield Fact(at, WITHDRAWN, "UNIQUE_CONSOLIDATED_DATA", str(row["Job Id"] or ""), str(row["Reason"] or ""))


def _with_phones(known: Sequence[Fact], entries: Sequence[Entry], numbers: Sequence[str]) -> list[Fact]:
    """Return the facts of the history, each check with its phone: the history has its place, the ledger the phone."""
    phones = _phones_by_verdict(entries)
    found = list[Fact]()
    for fact in known:
        among = phones.get((fact.job_id, fact.reason), set()) if fact.what == CHECKED else set()
        there = numbers[fact.place - 1] if 0 < fact.place <= len(numbers) else ""
        phone = min(among) if len(among) == 1 else there if there in among else ""
        found.append(replace(fact, phone=phone))
    return found


def _phones_by_verdict(entries: Sequence[Entry]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        if entry["EVENT"] == CHECK and entry["VERDICT"] not in CALLABLE:
            found.setdefault((entry["JOB_ID"], entry["VERDICT"]), set()).add(entry["PHONE"])
    return found


def _checks(entries: Sequence[Entry], known: Sequence[Fact], numbers: Sequence[str]) -> Iterator[Fact]:
    """Yield the checks that forbid a call and that the history does not have."""
    told = {(fact.job_id, fact.reason) for fact in known if fact.what == CHECKED}
    for entry in entries:
        verdict, phone = entry["VERDICT"], entry["PHONE"]
        if entry["EVENT"] != CHECK or verdict in CALLABLE or (entry["JOB_ID"], verdict) in told:
            continue
        place = numbers.index(phone) + 1 if phone in numbers else 0
        code, day = entry["CODE"], entry["LIST_DATE"]
        said = (f"{entry['KIND']} check", f"code {code}" if code else "", f"list of {day}" if day else "")
        detail = ", ".join(filter(None, said))
        yield Fact(moment(entry), CHECKED, "SCRUB_LEDGER", entry["JOB_ID"], verdict, detail, phone, place)


def _suppressed(keys: Sequence[str], phones: Sequence[str], warehouse: Warehouse) -> Iterator[Fact]:
    if warehouse.columns_of(warehouse.settings.suppressions) is not None:
        yield from _listed(suppressions_of(warehouse, keys, phones), "SUPPRESSIONS")


def _listed(entries: Iterator[Suppression] | Sequence[Suppression], source: str) -> Iterator[Fact]:
    """Yield the entries that hold today. Their reasons are people's words, so they are not repeated."""
    for entry in entries:
        if entry.holds(today()):
            what = FORGOTTEN if entry.reason == FORGOTTEN_MARK else LISTED
            detail = "" if entry.phone else "the person"
            yield Fact(entry.added_at, what, source, detail=detail, phone=entry.phone)


def _cached(keys: Sequence[str], warehouse: Warehouse) -> Iterator[Fact]:
    name = warehouse.settings.person_cache
    if warehouse.columns_of(name) is None:
        return
    sql = f'SELECT "checked_at", "status" FROM {warehouse.table(name)} WHERE "person_key" IN ({_marks(keys)})'
    for at, status in warehouse.execute(sql, keys):
        yield Fact(_utc(at), ANSWERED, "PERSON_CACHE", reason=str(status or ""))


def _utc(at: object) -> datetime:
    if not isinstance(at, datetime):
        return datetime(1970, 1, 1, tzinfo=timezone.utc)
    return at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)


def _day(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None
