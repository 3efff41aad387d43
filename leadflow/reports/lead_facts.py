"""What the history knows of one lead, as facts; and the answer of lf.why from all facts. Data only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from leadflow.errors import LeadNotFound
from leadflow.reports.why import CHECKED, LEFT_OUT, Fact, Why
from leadflow.reports.why_words import sentence

if TYPE_CHECKING:
    from leadflow.history import History

_KEY = re.compile("[0-9a-f]{32}")
_WORDS = {"left_out": LEFT_OUT, "suppressed": "held", "forgotten": "forgotten"}


def history_facts(history: History, keys: Sequence[str]) -> list[Fact]:
    """Return what the jobs of a history recorded of a person, oldest first."""
    return [fact for row in history.of_lead(keys) for fact in _facts(row)]


def _facts(row: dict[str, Any]) -> Iterator[Fact]:
    at, job = row["at"].replace(tzinfo=timezone.utc), str(row["job_id"])
    rescrub = row["job_type"] == "rescrub"
    for check in _checks(row["phone_checks"]):
        said = (
            (f"{check['check']} check", "check"),
            (f"code {check['code']}", "code"),
            (f"list of {check['list']}", "list"),
        )
        detail = ", ".join(text for text, name in said if check[name])
        yield Fact(at, CHECKED, "history", job, check["verdict"], detail, place=check["phone"], rescrub=rescrub)
    disposition = str(row["disposition"] or "")
    what = _WORDS.get(disposition, disposition)
    limit = f"the limit was {row['limit_rows']:,}" if row["reason"] == "over_limit" and row["limit_rows"] else ""
    yield Fact(at, what, "history", job, row["reason"] or "", limit, until=row["callable_until"], rescrub=rescrub)


def _checks(text: str | None) -> list[dict[str, Any]]:
    """Return the recorded checks of phones, each with all its names."""
    names = ("check", "verdict", "code", "list")
    return [
        {"phone": int(one["phone"]), **{name: str(one.get(name, "")) for name in names}}
        for one in json.loads(text or "[]")
    ]


def why(
    keys: Sequence[str],
    facts: Iterable[Fact],
    *,
    history: History,
    notes: Iterable[str] = (),
    searched: Sequence[str] = (),
) -> Why:
    """Return the answer of lf.why, from all that is known of a lead.

    `keys` are all keys of the person, the asked one first. `searched` are the places besides the history that were
    looked at. Raises LeadNotFound, which says where the lead was looked for, if nothing is known of it.
    """
    found = sorted(dict.fromkeys(facts), key=lambda fact: fact.order)
    if not found:
        raise not_found(history, keys[0], searched, notes)
    today = datetime.now(timezone.utc).date()
    return Why(tuple(keys), sentence(keys[0], found, today), found, tuple(notes))


def not_found(history: History, key: str, searched: Sequence[str], notes: Iterable[str]) -> LeadNotFound:
    """Return the error for an unknown lead: where it was looked for, and which jobs may have left it out unrecorded.

    It quotes the key only if it has the form of one, since people type names.
    """
    jobs, who = history.number_of_jobs(), f"lead {key}" if _KEY.fullmatch(key) else "this lead"
    places = ", ".join([f"{jobs:,} {'job' if jobs == 1 else 'jobs'} in {history.path}", *searched])
    lines = [f"nothing is known of {who}.", f"Searched: {places}.", *notes]
    for one in history.unlisted():
        lines.append(
            f"Job {one['job_id']} left out {one['leads']:,} leads as {one['reason']} and recorded the keys of "
            f"{one['listed']:,}: it may be one of the others."
        )
    if key and not _KEY.fullmatch(key):
        lines.append("A key has 32 letters and digits, as in the sheet's Lead Key column.")
    lines.append('By name: lf.why(first="Ann", last="Lee", zip="04530")')
    return LeadNotFound("\n".join(lines))
