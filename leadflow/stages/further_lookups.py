"""Ask a further source of phones for leads, and add the phones that it found to those leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import polars as pl

from leadflow.leads.columns import IDENTITY
from leadflow.leads.people import Answer, Person, Phone
from leadflow.leads.verdicts import Verdict
from leadflow.stages.list_columns import lists_of

# The reasons of a held lead for which a further source is asked: nobody or no callable phone was found.
ASKED_FOR = ("no_match", "no_phone", "all_suppressed")
_PARTS = ("person_key", *IDENTITY)
_FROM_CHECKS = ("litigator_", "dnc_", "reassigned_", "further_", "internal_")
_TIMES = ("litigator_scrubbed_at", "dnc_scrubbed_at", "reassigned_scrubbed_at", "further_scrubbed_at")
_SETTLED = ("verdicts", "disposition", "reason", "shown_phones", "callable_until")
_OF_PHONES = ("phones", "phone_types", "phone_last_seen", "phone_ranks")


def may_be_asked() -> pl.Expr:
    """Select the settled leads for which a further source may be asked.

    Nobody looks for another phone of a person who asked the house not to be called, or who is a known litigator.
    """
    barred = [pl.col("verdicts").list.contains(str(word)) for word in (Verdict.INTERNAL_DNC, Verdict.LITIGATOR)]
    return pl.col("reason").is_in(ASKED_FOR) & (pl.col("disposition") == "held") & ~pl.any_horizontal(barred)


def people_of(leads: pl.DataFrame) -> list[Person]:
    """Return the people of leads that have the columns of the identity."""
    rows = cast("Iterable[tuple[str | None, ...]]", leads.select_seq(_PARTS).iter_rows())
    return [Person(*(value or "" for value in row)) for row in rows]


def with_new_phones(leads: pl.DataFrame, answers: Sequence[Answer], provider: str) -> pl.DataFrame:
    """Return the leads for which these answers have phones that the lead has not, with those phones alone.

    The result has the columns of the lookup and none of the checks: its phones are still to be checked.
    """
    by_key = {answer.person_key: answer for answer in answers if answer.status == "found"}
    rows = [
        (row, by_key[key], [phone for phone in by_key[key].phones if phone.number not in (known or ())])
        for row, (key, known) in enumerate(leads.select_seq("person_key", "phones").iter_rows())
        if key in by_key
    ]
    rows = [(row, answer, new) for row, answer, new in rows if new]
    old = [name for name in leads.columns if name.startswith(_FROM_CHECKS) or name in _SETTLED]
    found = leads[[row for row, _, _ in rows]].drop(old)
    phones = [new for _, _, new in rows]
    return found.with_columns_seq(
        pl.lit("found").alias("lookup_status"),
        pl.lit("").alias("lookup_reason"),
        pl.Series("lookup_pid", [f"{provider}:{a.pid}" if a.pid else "" for _, a, _ in rows], pl.String),
        _texts("phones", phones, lambda phone: phone.number),
        _texts("phone_types", phones, lambda phone: phone.type),
        _texts("phone_last_seen", phones, lambda phone: phone.last_seen),
        _texts("phone_ranks", phones, lambda phone: str(phone.rank)),
        lists_of("emails", [answer.emails for _, answer, _ in rows]),
    )


def _texts(name: str, phones: Sequence[Sequence[Phone]], text: Callable[[Phone], str]) -> pl.Series:
    return lists_of(name, [[text(phone) for phone in row] for row in phones])


def joined_leads(before: pl.DataFrame, checked: pl.DataFrame) -> pl.DataFrame:
    """Return the leads of `checked` with the phones and checks that they had before, followed by the new ones.

    Both have the columns of the checks, beside the phones. So the ledger gets the checks of all phones.
    """
    old = {row["person_key"]: row for row in before.iter_rows(named=True)}
    rows = [_joined(old[row["person_key"]], row) for row in checked.iter_rows(named=True)]
    lists = [name for name in rows[0] if isinstance(rows[0][name], list)]
    kept = before.filter(pl.col("person_key").is_in([row["person_key"] for row in rows]))
    order = {row["person_key"]: row for row in rows}
    rows = [order[key] for key in kept["person_key"]]
    plain = [name for name in ("lookup_status", "lookup_reason", "lookup_pid", *_TIMES) if name in rows[0]]
    return kept.with_columns_seq(
        *(lists_of(name, [cast("list[str]", row[name]) for row in rows]) for name in lists),
        *(pl.Series(name, [row[name] for row in rows], pl.String) for name in plain),
    )


def _joined(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    """Join the lists of one lead: each list of the phones is as long as its phones, "" where it has no entry."""
    counts = len(_list(old, "phones")), len(_list(new, "phones"))
    names = {name for row in (old, new) for name, value in row.items() if isinstance(value, list)}
    found: dict[str, object] = {}
    for name in names & {*_OF_PHONES, *(name for name in names if name.startswith(_FROM_CHECKS))}:
        found[name] = [
            entry or "" for row, count in zip((old, new), counts, strict=True) for entry in _padded(row, name, count)
        ]
    emails = [str(email) for row in (old, new) for email in _list(row, "emails")]
    found["emails"] = list({email.casefold(): email for email in reversed(emails)}.values())[::-1]
    for name in _TIMES:
        if name in old or name in new:
            found[name] = min((str(row[name]) for row in (old, new) if row.get(name)), default="")
    return {"person_key": new["person_key"], **found, **{n: new[n] for n in new if n.startswith("lookup_")}}


def _padded(row: dict[str, object], name: str, count: int) -> list[str | None]:
    return [*_list(row, name), *[""] * count][:count]


def _list(row: dict[str, object], name: str) -> list[str | None]:
    return cast("list[str | None]", row.get(name) or [])
