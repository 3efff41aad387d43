"""The sentence of lf.why: what became of a lead, from what is known of it. Words only; reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from leadflow.display.units import local_time
from leadflow.reports.why import (
    ANSWERED,
    CHECKED,
    DELIVERED,
    FORGOTTEN,
    HELD,
    LEFT_OUT,
    LISTED,
    PROCESSED,
    RECORDED,
    RENEWED,
    RETRY,
    SHEET_EVENTS,
    WAITING,
    WITHDRAWN,
    Fact,
)

_REVIEW = "engine.review({job!r}) shows them"
_BECAUSE = {
    "no_match": "the lookup found nobody with this name at this address",
    "ambiguous": f"several people of the answer fit the lead; {_REVIEW}",
    "near_match": f"the answer has only people who nearly fit the lead; {_REVIEW}",
    "deceased": "the person has died, says the answer",
    "no_phone": "the answer has no phone",
    "duplicate_person": "another lead of the job is the same person",
    "litigator": "a phone of it is on the litigator list",
    "all_suppressed": "none of its phones may be called",
    "reassigned_check": "its state asks for a check of reassigned numbers, which did not clear its phones",
    "suppressed": "the person or a phone of it is on the house's do-not-call list",
    "suppressed_meanwhile": "the person asked not to be called after the job had listed its leads",
    "forgotten": "the person was forgotten",
    "unchecked": "a check of its phones has no answer yet",
    "not_covered": "the do-not-call list does not cover its phones",
    "lookup_failed": "its lookup failed",
    "not_delivered": "its row could not be appended to the sheet yet",
    "in_other_job": "another job that ran at the time had the lead on its list too, and was to buy it",
    "by_another_job": "another job had processed it meanwhile",
    "over_limit": "it was beyond the row limit of the job",
    "duplicate": "another row of the script is the same person",
    "no_identity": "the script's row has no first name, last name or address",
    "unreadable_address": "no answer could match an address that cannot be read",
    "no_person_name": "its name is not the name of a person",
    "already_processed": "PERSON_CACHE has an answer for this person, so nobody is bought twice",
    "removed_by_hand": "somebody had taken the row out of the sheet by hand",
    "no_longer": "its phones may not be called any more",
    "unreadable_phone": "a cell of its row shows a phone that cannot be read",
    "phones_changed": "its row shows other phones than those that were checked",
    "wireless": "the policy delivers no wireless phones any more",
    "dnc": "a phone of it is on the do-not-call list",
    "internal_dnc": "a phone of it is on the house's do-not-call list",
    "state_wireless": "its state forbids calls to a wireless phone of it",
    "invalid": "a phone of it is not valid any more",
    "hold": "the vendor says to hold a phone of it",
}
# Reasons for which the phones are named.
_OF_PHONES = ("litigator", "all_suppressed", "unchecked", "not_covered", "reassigned_check", "dnc", "internal_dnc")
_MOST_PHONES = 4
# Left out because of another row or an earlier job: what became of the person is the answer, if it is known.
_ELSEWHERE = ("already_processed", "duplicate")


def sentence(key: str, facts: Sequence[Fact], today: date) -> str:
    """Return one sentence on what became of a lead, and why. `facts` are in order of time.

    >>> from datetime import datetime, timezone
    >>> held = Fact(datetime(2026, 11, 1, tzinfo=timezone.utc), HELD, "history", "june-1", "no_phone")
    >>> sentence("k1", [held], date(2026, 11, 2)).split(": ")[-1]
    'the answer has no phone.'
    """
    shown = [fact for fact in facts if fact.what in SHEET_EVENTS]
    listed, gone = _last(facts, LISTED), _last(facts, FORGOTTEN)
    if shown and shown[-1].what == WITHDRAWN:
        text = _withdrawn(shown, facts)
    elif shown:
        text = _delivered(shown, today)
        since = f"but on the do-not-call list since {local_time(listed.at)}" if listed else ""
        text += f", {since}: engine.complete_suppressions() takes its rows out" if listed else ""
    else:
        text = _not_delivered(facts)
        text += f"; since {local_time(listed.at)} it is on the do-not-call list" if listed else ""
    if gone:
        text += f"; on {local_time(gone.at)} the person was forgotten, and nobody buys them again"
    return f"Lead {key} {text}."


def _last(facts: Sequence[Fact], *what: str) -> Fact | None:
    return next((fact for fact in reversed(facts) if fact.what in what), None)


def _by(fact: Fact) -> str:
    job = f" by {'re-scrub' if fact.rescrub else 'job'} {fact.job_id}" if fact.job_id else ""
    return f"{job} on {local_time(fact.at)}"


def _withdrawn(shown: Sequence[Fact], facts: Sequence[Fact]) -> str:
    end = shown[-1]
    begin = next((fact for fact in reversed(shown) if fact.what == DELIVERED), None)
    before = f"was delivered{_by(begin)} and " if begin else "was "
    return f"{before}withdrawn{_by(end) if end.rescrub else f' on {local_time(end.at)}'}: {_because(end, facts)}"


def _delivered(shown: Sequence[Fact], today: date) -> str:
    last = shown[-1]
    begin = _last(shown, DELIVERED) or last
    text = f"was delivered{_by(begin)}" + (f" and renewed{_by(last)}" if last.what == RENEWED else "")
    until = last.until
    if until is None:
        return text
    ended = "it may not be called any more since" if until <= today else "its row may be called before"
    return f"{text}; {ended} {until}"


def _not_delivered(facts: Sequence[Fact]) -> str:
    """Return what became of a lead that was in no sheet."""
    end = _last(facts, HELD, RETRY, WAITING)
    if end is None:
        own = [f for f in facts if f.what == LEFT_OUT and f.reason not in _ELSEWHERE]
        end = own[-1] if own else None
    recorded = _last(facts, RECORDED)
    end = end or (None if recorded else _last(facts, PROCESSED, LEFT_OUT))
    if end is None and recorded is not None:
        return f"was not delivered: {_recorded(recorded)}"
    if end is None:
        return f"was not delivered: {_answered(_last(facts, ANSWERED))}"
    if end.what == WAITING:
        return f"is not delivered yet: it waits in job {end.job_id}; engine.resume({end.job_id!r}) goes on with it"
    word = {HELD: "was held back", RETRY: "is held back for now", PROCESSED: "was left alone"}.get(
        end.what, "was left out"
    )
    text = f"was not delivered: it {word}{_by(end)}: {_because(end, facts)}"
    return f"{text}; engine.resume({end.job_id!r}) tries it again" if end.what == RETRY else text


def _answered(answer: Fact | None) -> str:
    if answer is None:
        return "no job has had it"
    said = answer.reason.replace("_", " ")
    return f"PERSON_CACHE has an answer of {local_time(answer.at)} ({said}), of a job that this history does not have"


def _recorded(fact: Fact) -> str:
    why = f" ({fact.reason.replace('_', ' ')})" if fact.reason else ""
    return f"UNIQUE_CONSOLIDATED_DATA says {fact.detail}{why}{_by(fact)}"


def _because(end: Fact, facts: Sequence[Fact]) -> str:
    """Return why, with the phones that condemned the lead if the reason is about phones."""
    unknown = end.reason.replace("_", " ") or "no reason is recorded"
    text = _BECAUSE[end.reason].format(job=end.job_id) if end.reason in _BECAUSE else unknown
    phones = [f for f in facts if f.what == CHECKED and f.place and f.job_id == end.job_id]
    if end.reason == "litigator":
        phones = [fact for fact in phones if fact.reason == "litigator"]
    if end.reason not in _OF_PHONES or not phones:
        return text
    named = "; ".join(
        f"phone {fact.place}: {fact.reason.replace('_', ' ')}{_details(fact)}" for fact in phones[:_MOST_PHONES]
    )
    return f"{text} ({named}{'; ...' if len(phones) > _MOST_PHONES else ''})"


def _details(fact: Fact) -> str:
    return f", {fact.detail}" if fact.detail else ""
