"""Check phones with a further service, after the litigator and the do-not-call check: see providers.PhoneCheck."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TypeVar, cast

import polars as pl

from leadflow.errors import LeadflowError, TransientError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.calling_hours import storable_window
from leadflow.leads.verdicts import FLAGGED, OLDEST, Scrub, Verdict, worst
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import Policy
from leadflow.stages.checks import SCRUBBED_AT, ask
from leadflow.stages.frames import same_kind
from leadflow.stages.lead_phones import with_phones
from leadflow.stages.list_columns import per_lead, per_phone
from leadflow.stages.providers import PhoneCheck
from leadflow.stages.scrub_texts import FURTHER_CHECKS, FURTHER_VERDICTS, further_text
from leadflow.stages.settle import is_callable

F = TypeVar("F")
_STORABLE = re.compile(r"[A-Za-z0-9 _.,:;+=/()-]{0,200}")
_OWN = ("litigator_verdicts", "dnc_verdicts")
# Row of the lead, number, the words of all checks so far, that of the further ones alone, and their scrubs as text.
Phone = tuple[int, str, list[str], str, str]


class SafeCheck:
    """A PhoneCheck as leadflow calls it: whatever it raises or returns, no phone is clean without a valid Scrub.

    An error that is not leadflow's own becomes a TransientError that quotes nothing of it.
    """

    def __init__(self, check: PhoneCheck) -> None:
        self.provider, self.kind, self.price = check.provider, check.kind, float(check.price)
        self.policy = str(getattr(check, "policy", ""))
        self.limiters, self.breakers = getattr(check, "limiters", ()), getattr(check, "breakers", ())
        self.inner = check

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> dict[str, Scrub]:
        """Return the valid scrubs of these phones. Raises leadflow's own errors alone."""
        try:
            answered = self.inner.check(list(phones), stop)
            return {phone: scrub for phone in phones if (scrub := self._valid(answered.get(phone), phone)) is not None}
        except LeadflowError:
            raise
        except Exception as error:
            failure = TransientError(f"{self.provider}: its check failed ({type(error).__name__})")
        raise failure

    def _valid(self, scrub: object, phone: str) -> Scrub | None:
        """Return the scrub if it is of this phone, provider and kind, and fresh; with its texts fit for a record."""
        if not isinstance(scrub, Scrub) or (scrub.phone, scrub.provider, scrub.check) != (
            phone,
            self.provider,
            self.kind,
        ):
            return None
        at = scrub.checked_at
        if type(at) is not datetime or at.tzinfo is None or type(scrub.verdict) is not Verdict:
            return None
        if not scrub.fresh(datetime.now(timezone.utc), OLDEST):
            return None
        code, window = _storable(scrub.code), storable_window(scrub.calling_window or None)
        return Scrub(
            phone, self.kind, scrub.verdict, self.provider, code, at, str(scrub.list_date), self.policy, window
        )

    def close(self) -> None:
        """Close the service, if it can be closed."""
        if close := getattr(self.inner, "close", None):
            close()


def _storable(code: object) -> str:
    """Return a code for the records, without what may be a phone or other data of a person."""
    text = str(code)
    return text if _STORABLE.fullmatch(text) and not re.search(r"\d{5}", text) else "unreadable"


def check_further(
    leads: F,
    service: SafeCheck,
    policy: Policy,
    *,
    known: Mapping[str, Scrub] | None = None,
    on_scrubs: Callable[[list[Scrub]], None] | None = None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Check all phones of the leads that can still be delivered, and add the verdicts to those of earlier checks.

    `leads` is a pandas or polars frame with `phones` (lists of E.164) and the columns of the litigator and do-not-call
    checks. A lead is asked for if a phone of it is callable under the policy. Columns added: `further_verdicts` (lists
    of text: the worst verdict of all further checks, unchecked for a phone that was not asked for), `further_checks`
    (lists of text: their scrubs as JSON, for the ledger) and `further_scrubbed_at` (text, UTC: the oldest).
    Asks for no phone in `known`; `on_scrubs` receives new checks before they are used.

    Raises ColumnsError, RefusedError, ServiceDownError, Stopped.
    """

    def check(frame: pl.DataFrame) -> pl.DataFrame:
        frame = with_phones(frame)
        phones = _phones(frame)
        open_leads = _open_leads(phones, policy)
        asked = list(dict.fromkeys(phone for row, phone, *_ in phones if phone and row in open_leads))
        scrubs = {phone: scrub for phone, scrub in (known or {}).items() if scrub.fresh(_now(), OLDEST)}
        if wanted := [phone for phone in asked if phone not in scrubs]:
            answered = ask(service, wanted, stop, service.provider, emit, batch)
            if on_scrubs and answered:
                on_scrubs(list(answered.values()))
            scrubs |= answered
        _log(service, [scrubs[phone] for phone in asked if phone in scrubs], len(asked), emit, batch)
        return _with_verdicts(frame, phones, open_leads, scrubs)

    return same_kind(leads, check)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _phones(leads: pl.DataFrame) -> list[Phone]:
    """List the phones of all leads."""
    there = [name for name in (*_OWN, FURTHER_VERDICTS, FURTHER_CHECKS) if name in leads.columns]
    rows = cast(
        "Iterable[dict[str, str | None]]",
        per_phone(leads, *there).iter_rows(named=True),
    )
    unchecked = str(Verdict.UNCHECKED)
    found: list[Phone] = []
    for row in rows:
        words = [row.get(name) or unchecked for name in _OWN]
        words += [row[FURTHER_VERDICTS] or unchecked] if FURTHER_VERDICTS in row else []
        place = cast("int", row["row"])
        found.append(
            (place, row["phones"] or "", words, row.get(FURTHER_VERDICTS) or "", row.get(FURTHER_CHECKS) or "")
        )
    return found


def _open_leads(phones: Sequence[Phone], policy: Policy) -> set[int]:
    """Return the rows of the leads that settle would deliver: one phone callable, and no litigator among the phones.

    Where a litigator holds the whole lead, a phone without an answer does too, since it may be a litigator's.
    """
    callable_, barred = set[int](), set[int]()
    for row, phone, (litigator, dnc, *further), _, _ in phones:
        words = (litigator, dnc, *further)
        if phone and all(is_callable(word, policy) for word in words):
            callable_.add(row)
        if str(Verdict.LITIGATOR) in words or str(Verdict.UNCHECKED) in (litigator, *further):
            barred.add(row)
    return callable_ - barred if policy.hold_lead_on_litigator else callable_


def _with_verdicts(
    leads: pl.DataFrame,
    phones: list[Phone],
    open_leads: set[int],
    scrubs: Mapping[str, Scrub],
) -> pl.DataFrame:
    rows: list[tuple[int, str, str, str, str | None]] = []
    for row, phone, _, before, texts in phones:
        scrub = scrubs.get(phone) if phone and row in open_leads else None
        verdict = Verdict.UNCHECKED if scrub is None else scrub.verdict
        if before:
            verdict = worst(Verdict(before), verdict)
        text = "\n".join(part for part in (texts, further_text(scrub) if scrub else "") if part)
        rows.append((row, phone, str(verdict), text, _oldest(text)))
    names = ("row", "phones", "verdict", "check", "at")
    frame = pl.DataFrame(rows, dict(zip(names, (pl.Int64, *[pl.String] * 4), strict=True)), orient="row")
    found = per_lead(frame, leads.height, verdict=pl.col("verdict"), check=pl.col("check"), at=pl.col("at"))
    return leads.with_columns_seq(
        found["verdict"].alias(FURTHER_VERDICTS),
        found["check"].alias(FURTHER_CHECKS),
        found.select_seq(pl.col("at").list.min().fill_null("").alias("further_scrubbed_at")).to_series(),
    )


def _oldest(text: str) -> str | None:
    times = [datetime.fromisoformat(json.loads(line)["checked_at"]) for line in text.splitlines()]
    return min(times).strftime(SCRUBBED_AT) if times else None


def _log(service: SafeCheck, scrubs: list[Scrub], asked: int, emit: Emit, batch: int | None) -> None:
    flagged = sum(scrub.verdict in FLAGGED for scrub in scrubs)
    unchecked = asked - sum(scrub.verdict != Verdict.UNCHECKED for scrub in scrubs)
    message = f"{service.kind}: {flagged} flagged, {unchecked} unchecked, of {asked} phones"
    emit(JobLog(stage=service.provider, batch=batch, message=message))
