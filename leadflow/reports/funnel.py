"""The way from extracted to delivered: what is left after each step, and what each step took away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from leadflow.reports.flow import LEFT_OUT, Accounting

_NAMES = {
    "duplicate": "duplicates",
    "no_identity": "no identity",
    "no_person_name": "no person's name",
    "over_limit": "over the row limit",
    "no_match": "not found",
    "no_phone": "no phone found",
    "near_match": "near matches to review",
    "duplicate_person": "same person as another lead",
    "all_suppressed": "every phone suppressed",
    "litigator": "litigators",
    "in_other_job": "left to another job",
    "not_covered": "not covered by the do-not-call list",
}
_LOOKUP = ("no_match", "ambiguous", "near_match", "deceased", "duplicate_person", "no_phone")
_BEFORE = (*_LOOKUP, "litigator", "all_suppressed")


@dataclass(frozen=True)
class Step:
    """A line of the funnel: `leads` stay (a level) or go (else); `left` are still on their way after it."""

    name: str
    leads: int
    left: int
    kind: str

    @property
    def level(self) -> bool:
        """Whether the line says how many there are, not how many went."""
        return self.kind in ("extracted", "todo", "delivered")


def steps(totals: Accounting) -> list[Step]:
    """The funnel, top to bottom; a step that took nobody away is not in it.

    Kinds: extracted, todo and delivered are levels; left_out, held, litigator and open take leads away.
    """
    found = [Step("extracted", totals.extracted, totals.extracted, "extracted")]
    left = totals.extracted
    for name, leads, kind in _taken(totals):
        if kind == "todo":
            found.append(Step(name, leads, leads, kind))
        elif leads:
            left -= leads
            found.append(Step(name, leads, max(0, left), kind))
    return [*found, Step("delivered", totals.delivered, totals.delivered, "delivered")]


def _taken(totals: Accounting) -> Iterator[tuple[str, int, str]]:
    yield "already processed", totals.already_processed, "left_out"
    for reason in LEFT_OUT:
        yield _named(reason), totals.left_out.get(reason, 0), "left_out"
    yield "to look up", totals.todo, "todo"
    held = totals.held_here
    for reason in (*_BEFORE, *sorted(set(held) - set(_BEFORE))):
        yield _named(reason), held.get(reason, 0), "litigator" if reason == "litigator" else "held"
    for reason, leads in sorted(totals.retry.items(), key=lambda item: -item[1]):
        yield f"may still clear: {_named(reason)}", leads, "open"
    yield "waiting", totals.waiting, "open"


def _named(reason: str) -> str:
    return _NAMES.get(reason, reason.replace("_", " "))


STYLE = """
.lf .step{display:grid;grid-template-columns:minmax(150px,210px) 62px 56px 1fr;gap:10px;align-items:center;padding:2px 0;font-size:13px}
.lf .step span{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.lf .step .n{text-align:right;font-variant-numeric:tabular-nums}
.lf .step .p{text-align:right;font-variant-numeric:tabular-nums;opacity:.7;font-size:12px}
.lf .step.level{font-weight:600;padding:4px 0}.lf .step.drop span:first-child{padding-left:14px;opacity:.85}.lf .step.drop .n::before{content:"\\2212\\2009"}
.lf .track{display:flex;height:10px;border-radius:3px;overflow:hidden;background:rgba(127,140,155,.1)}.lf .level .track{height:16px}
.lf .track i{display:block;height:100%;flex:none}.lf .stay{background:rgba(76,120,168,.28)}.lf .gone{min-width:2px}
.lf .extracted .stay{background:#8aa4bf}.lf .todo .stay{background:#4c78a8}.lf .delivered .stay{background:#3fa36c}
.lf .left_out .gone{background:#9aa5b1}.lf .held .gone{background:#e08e79}.lf .litigator .gone{background:#c0392b}.lf .open .gone{background:#f2a541}
"""


def to_html(totals: Accounting) -> str:
    """The funnel drawn: beside each step its leads, their share of what was extracted, and what is left."""
    if not totals.known:
        return '<div class="mute">No counts were recorded: the job did not get as far as the extraction.</div>'
    return "".join(_line(step, max(1, totals.extracted)) for step in steps(totals))


def _line(step: Step, extracted: int) -> str:
    share = 100 * step.leads / extracted
    gone = "" if step.level else f'<i class="gone" style="width:{min(100.0, share):.2f}%"></i>'
    track = f'<div class="track"><i class="stay" style="width:{min(100.0, 100 * step.left / extracted):.2f}%"></i>{gone}</div>'
    kind = f"{'level' if step.level else 'drop'} {step.kind}"
    return f'<div class="step {kind}"><span>{escape(step.name)}</span><span class="n">{step.leads:,}</span><span class="p">{share:.1f}%</span>{track}</div>'
