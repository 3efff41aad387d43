"""The certificate as HTML: a section for a notebook, and a page of its own, which prints on A4 and Letter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadflow.compliance.certificate_data import CertificateData, CheckedList

_KINDS = {"litigator": "TCPA litigators", "dnc": "Do not call"}
_FIGURES = {
    "checked": "phones checked",
    "clean": "clean",
    "flagged": "flagged",
    "unchecked": "without an answer",
    "delivered": "phones delivered",
    "leads_delivered": "rows delivered",
    "withdrawn": "phones withdrawn since",
}
_HOW = (
    "Read the rows of {ledger} with this JOB_ID and sort them by ENTRY_ID. Write each as one line: its values in the "
    "order of the table's columns, joined by the character 31 (unit separator) and ended by a line feed; times as in "
    "2026-11-01 15:30:00, dates as in 2026-11-01, NULL as nothing. Take the SHA-256 of the lines in UTF-8. In "
    "leadflow: lf.certificate(job_id).sha256, by the function leadflow.compliance.ledger_reading.ledger_hash."
)
_LAW = (
    "This page is made from records. It is not legal advice, and no statement that a call was lawful. Records are kept "
    "because of 16 CFR 310.5 as amended by 89 FR 26760 (in force 2024-05-16): five years. A check counts for at most "
    "31 days: 16 CFR 310.4(b)(3)(iv), 47 CFR 64.1200(c)(2)(i)(D)."
)


def page(certificate: CertificateData) -> str:
    """Return a page that stands alone: it loads nothing from elsewhere."""
    title = escape(f"Certificate of job {certificate.job['id']}")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f'<html lang="en"><head>{head}</head><body class="lf-cert-page">{section(certificate)}</body></html>\n'


def section(certificate: CertificateData) -> str:
    """Return the certificate for a notebook."""
    parts = [
        _head(certificate),
        _figures(certificate.counts),
        "<h3>The job</h3>",
        _facts(_job(certificate)),
        "<h3>The lists</h3>",
        _lists(certificate.lists),
        f'<p class="mute">{escape(certificate.coverage)}</p>' if certificate.coverage else "",
        "<h3>The records</h3>",
        _facts(_records(certificate)),
        f'<p class="mute">{escape(_HOW.format(ledger=certificate.ledger))}</p>',
        f'<p class="mute law">{escape(_LAW)}</p>',
    ]
    return f'<div class="lf-cert"><style>{_style()}</style>{"".join(parts)}</div>'


@cache
def _style() -> str:
    return resources.files("leadflow.compliance").joinpath("certificate.css").read_text(encoding="utf-8")


def _head(certificate: CertificateData) -> str:
    word, kind = ("Records complete", "yes") if certificate.ok else ("Records not complete", "no")
    problems = "".join(f'<p class="problem">{escape(_sentence(text))}</p>' for text in certificate.problems)
    return (
        f'<p class="over">leadflow &middot; certificate of checks</p>'
        f'<h2>{escape(certificate.job["id"])}</h2><p class="state {kind}">{word}</p>{problems}'
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _figures(counts: Mapping[str, int]) -> str:
    boxes = (f'<div class="num"><b>{counts[name]:,}</b>{escape(label)}</div>' for name, label in _FIGURES.items())
    return f'<div class="nums">{"".join(boxes)}</div>'


def _job(certificate: CertificateData) -> dict[str, str]:
    job = certificate.job
    ended = job["completed_at"]
    return {
        "Run by": job["started_by"] or "not recorded",
        "Began": _time(job["created_at"]),
        "Ended": _time(ended) if ended else f"not ended ({job['status']})",
        "Script": f"{job['script_name'] or ''} (id {job['script_id'] or 'none'})",
        "Purposes": f"GLBA {job['glba'] or 'none'}, DPPA {job['dppa'] or 'none'}",
        "Meaning of result codes": job["policy_version"] or "not recorded",
        "Oldest check that counts": f"{certificate.settings['max_scrub_age_days']:g} days",
    }


def _records(certificate: CertificateData) -> dict[str, str]:
    settings = certificate.settings
    return {
        "Kept": f"checks {settings['keep_evidence_years']} years, opt-outs {settings['keep_opt_outs_years']} years",
        "Ledger": f"{certificate.ledger}, {certificate.entries:,} rows of this job",
        "SHA-256 of these rows": certificate.sha256,
        "This page was made": _time(certificate.made_at),
    }


def _facts(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(text)}</dd>' for name, text in facts.items())}</dl>"


def _lists(lists: Iterable[CheckedList]) -> str:
    header = ("List", "Provider", "Meaning of codes, coverage", "Date of the list", "Checked (UTC)", "Phones")
    rows = [
        (
            _KINDS.get(found.kind, found.kind),
            found.provider,
            found.policy.replace("+", " +").replace(",", ", "),
            _span(found.list_dates) or "not given",
            _span([text[:16] for text in found.checked]),
            _count(found),
        )
        for found in lists
    ]
    return _table(header, rows) if rows else '<p class="mute">No check is recorded.</p>'


def _count(found: CheckedList) -> str:
    more = [f"{found.reused:,} checked before the job"] if found.reused else []
    more += [f"{found.not_covered:,} not covered"] if found.not_covered else []
    return f"{found.phones:,}" + (f" ({', '.join(more)})" if more else "")


def _span(ends: Sequence[str]) -> str:
    return ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        f"<tr>{''.join(_cell(name, text) for name, text in zip(header, row, strict=True))}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(name: str, text: str) -> str:
    """Return a cell with its column's name, which a narrow screen shows beside it."""
    return f'<td data-name="{escape(name)}">{escape(text)}</td>'


def _time(at: datetime | Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
