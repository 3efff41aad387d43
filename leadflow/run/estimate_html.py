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
    ]
    shown = [(name, text) for name, text in rows if text]
    sentence = str(found).removesuffix(f"; {'; '.join(found.notes)}.") if found.notes else str(found)
    last = "Nothing was bought, and nothing was written."
    parts = [said(sentence), pairs(shown), *map(muted, (*found.notes, last))]
    return card("Estimate", "".join(parts))
