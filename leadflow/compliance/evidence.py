"""Evidence: what the ledger has about a phone or a lead, and what was known of it on a day.

Sources: 16 CFR 310.4(b)(3)(iv) and 47 CFR 64.1200(c)(2)(i)(D), lists of at most 31 days; 16 CFR 310.5 as amended by 89
FR 26760 (in force 2024-05-16), records of which list was used, for five years. Nothing here is legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Any

from leadflow.compliance.ledger_reading import entries_where, moment
from leadflow.errors import InputError
from leadflow.leads.phones import to_e164
from leadflow.leads.verdicts import CALLABLE, OLDEST, WORST_FIRST, Scrub, Verdict
from leadflow.stages.ledger_entries import CHECK, DELIVERED, UNREADABLE_LIST, WITHDRAWN, Entry
from leadflow.stages.scrub_texts import CHECKS, OWN_KINDS

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.services.warehouse import Warehouse

_ORDER = {event: n for n, event in enumerate((CHECK, DELIVERED, WITHDRAWN))}
_COLUMNS = ("event", "kind", "verdict", "phone", "lead_key", "provider", "code", "list_date", "policy", "reason")
_WORDS = [str(verdict) for verdict in WORST_FIRST]


def evidence(
    warehouse: Warehouse, phone: object = None, person_key: str | None = None, on: object = None
) -> pd.DataFrame:
    """Return the entries of a phone, of a lead, or of a phone of a lead, in time order; see Engine.evidence."""
    entries = _entries(warehouse, phone, person_key)
    if on is None:
        return _frame([*_COLUMNS, "job_id", "entry_id"], map(_row, sorted(entries, key=_place)))
    at = _moment(on)
    known = [entry for entry in entries if moment(entry) <= at]
    asked = [e164_of(phone)] if phone is not None else sorted({entry["PHONE"] for entry in known} - {""}) or [""]
    named = (
        (number, row) for number in asked for row in _judged([entry for entry in known if entry["PHONE"] == number], at)
    )
    columns = ["phone", "kind", "allowed", "why", "verdict", "lead_key", "provider", "code", "list_date", "policy"]
    return _frame([*columns, "reason", "job_id", "entry_id"], ({**row, "phone": number} for number, row in named))


def e164_of(phone: object) -> str:
    """Read a phone in any writing. Raises InputError, which does not quote it."""
    text = str(int(phone)) if isinstance(phone, float) and phone.is_integer() else str(phone)
    number = to_e164(text) if isinstance(phone, str | int | float) and not isinstance(phone, bool) else None
    if number is None:
        raise InputError(
            "this phone cannot be read as a US number (its text is not shown here, since logs keep errors); "
            'write ten digits, as in "(504) 555-0143"'
        )
    return number


def _entries(warehouse: Warehouse, phone: object, person_key: str | None) -> list[Entry]:
    named = {"PHONE": e164_of(phone)} if phone is not None else {}
    if person_key is not None:
        if not isinstance(person_key, str) or not person_key.strip():
            raise InputError("person_key is no lead's key; the sheet has it in its key column")
        named["LEAD_KEY"] = person_key.strip()
    if not named:
        raise InputError("evidence is of a phone or of a lead: name it, as in evidence(phone=...)")
    return entries_where(warehouse, " AND ".join(f't."{name}" = ?' for name in named), list(named.values()))


def _moment(on: object) -> datetime:
    """Return the end of a day, or a time (UTC unless it says otherwise)."""
    try:
        found = on if isinstance(on, date) else _parsed(on.strip() if isinstance(on, str) else "")
    except ValueError:
        raise InputError('on is no day; write it as in on="2026-11-01", or with a time (UTC)') from None
    if not isinstance(found, datetime):
        found = datetime.combine(found, time.max)
    return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found.astimezone(timezone.utc)


def _parsed(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _place(entry: Entry) -> tuple[str, int, str, str]:
    return entry["EVENT_AT"], _ORDER.get(entry["EVENT"], len(_ORDER)), entry["KIND"], entry["ENTRY_ID"]


def _row(entry: Entry) -> dict[str, Any]:
    shown = {name.lower(): value for name, value in entry.items() if name != "EVENT_AT"}
    return {"time": moment(entry), **shown}


@dataclass(frozen=True)
class _Judgement:
    entry: Entry | None
    why: str
    allows: bool


def _judged(entries: list[Entry], at: datetime) -> Iterator[dict[str, Any]]:
    """Yield a row for each kind of check of one phone: the last entry before a moment, and what it said."""
    found = {kind: _judge(_last_check(entries, kind), at) for kind in CHECKS}
    found |= {kind: _judge_further(_last_check(entries, kind), at) for kind in _further_kinds(entries)}
    gone = _withdrawal(entries)
    allowed = all(judgement.allows for judgement in found.values()) and gone is None
    for kind, judgement in found.items():
        row = _row(judgement.entry) if judgement.entry else {}
        why = judgement.why if gone is None else f"{judgement.why}; {_told(gone)}"
        yield {**row, "kind": kind, "allowed": allowed, "why": why}


def _last_check(entries: Iterable[Entry], kind: str) -> Entry | None:
    """Return the last check of a kind. Of checks at the same time, as of two leads with one scrub, take the worst."""
    checks = [entry for entry in entries if (entry["EVENT"], entry["KIND"]) == (CHECK, kind)]
    return max(checks, key=lambda entry: (entry["EVENT_AT"], -_rank(entry)), default=None)


def _rank(entry: Entry) -> int:
    """Return how good a verdict is; a word that is not known is the worst."""
    return _WORDS.index(entry["VERDICT"]) if entry["VERDICT"] in _WORDS else -1


def _judge(entry: Entry | None, at: datetime) -> _Judgement:
    if entry is None:
        return _Judgement(None, "no check is recorded", False)
    days = (at.date() - moment(entry).date()).days
    told = f"{entry['VERDICT'] or 'no verdict'}, checked {days} days before"
    if entry["LIST_DATE"]:
        told += f" against a list of {entry['LIST_DATE']}"
    if not scrub_of(entry).fresh(at, OLDEST) or entry["REASON"] == UNREADABLE_LIST:
        return _Judgement(entry, f"{told}: too old", False)
    is_clean = entry["VERDICT"] in {str(verdict) for verdict in CALLABLE}
    return _Judgement(entry, told + (f" ({entry['REASON']})" if entry["REASON"] else ""), is_clean)


def _further_kinds(entries: Iterable[Entry]) -> list[str]:
    return sorted({entry["KIND"] for entry in entries if entry["EVENT"] == CHECK} - {*OWN_KINDS})


def _judge_further(entry: Entry | None, at: datetime) -> _Judgement:
    """Judge a further check: what it found forbids a call, however long ago; an old clean answer says nothing."""
    found = _judge(entry, at)
    is_clean = entry is not None and entry["VERDICT"] in {str(verdict) for verdict in CALLABLE}
    return replace(found, allows=is_clean)


def scrub_of(entry: Entry) -> Scrub:
    """Return the check of an entry; its verdict is unchecked if the word is not known."""
    verdict = Verdict(entry["VERDICT"]) if entry["VERDICT"] in _WORDS else Verdict.UNCHECKED
    return Scrub(
        phone=entry["PHONE"], check=entry["KIND"], verdict=verdict, provider=entry["PROVIDER"], code=entry["CODE"],
        checked_at=moment(entry), list_date=entry["LIST_DATE"], policy=entry["POLICY"],
    )  # fmt: skip


def _withdrawal(entries: Iterable[Entry]) -> Entry | None:
    """Return the last withdrawal of a phone, unless the phone was delivered again after it."""
    events = [entry for entry in entries if entry["EVENT"] in (DELIVERED, WITHDRAWN)]
    last = max(events, key=_place, default=None)
    return last if last is not None and last["EVENT"] == WITHDRAWN else None


def _told(entry: Entry) -> str:
    return f"withdrawn {entry['EVENT_AT'][:10]}" + (f" ({entry['REASON']})" if entry["REASON"] else "")


def _frame(columns: list[str], rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    found = pd.DataFrame(list(rows), columns=pd.Index(["time", *columns]))
    return found.assign(time=pd.to_datetime(found["time"], utc=True))
