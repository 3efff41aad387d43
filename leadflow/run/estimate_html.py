"""An estimate as HTML for a notebook."""

from __future__ import annotations

from typing import Any

from leadflow.display.elements import card, muted, pairs, said


def to_html(found: Any) -> str:
    """Return an Estimate: its sentence, and its numbers."""
    held = ", ".join(f"{reason.replace('_', ' ')} {n:,}" for reason, n in found.held.items())
    rows = [
        ("rows of the script", f"{found.extracted:,}"),
        ("already processed", f"{found.already_processed:,}"),
        ("left out", held),
        ("leads to look up", f"{found.lookups + found.reused:,}"),
        ("of them paid for already", f"{found.reused:,}" if found.reused else ""),
        ("requests of the checks", f"{found.litigator_calls:,} litigator, {found.dnc_calls:,} do-not-call"),
        ("reassigned-numbers calls", f"{found.reassigned_calls:,}" if found.reassigned_calls else ""),
        ("appends to the sheet", f"{found.sheet_appends:,}"),
        ("cost", found.price),
        *(_provider(one) for one in found.providers if len(found.providers) > 1),
    ]
    shown = [(name, text) for name, text in rows if text]
    sentence = str(found).removesuffix(f"; {'; '.join(found.notes)}.") if found.notes else str(found)
    last = "Nothing was bought, and nothing was written."
    parts = [said(sentence), pairs(shown), *map(muted, (*found.notes, last))]
    return card("Estimate", "".join(parts))


def _provider(one: Any) -> tuple[str, str]:
    """Return a provider's row: how often it is asked, at which price, and how often it found phones before."""
    asked = f"{one.at_most:,}" if one.at_least == one.at_most else f"{one.at_least:,} to {one.at_most:,}"
    price = "" if one.price is None else f", ${one.price:g} each"
    rate = "" if one.hit_rate is None else f", phones for {one.hit_rate:.0%} so far"
    return f"{one.provider}, {one.what.replace('_', ' ')}", f"{asked}{price}{rate}"
