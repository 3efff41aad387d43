"""The certificate of a job: which checks were made, by whom and against which lists, and a hash over the ledger's rows.

It is made anew from the history and the ledger each time. Nothing in it is legal advice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.compliance.certificate_data import CertificateData, CheckedList
from leadflow.compliance.certificate_page import page, section
from leadflow.compliance.evidence import scrub_of
from leadflow.compliance.ledger_reading import entries_where, job_entries, ledger_hash, ledger_of, moment
from leadflow.compliance.saving import save_page
from leadflow.leads.verdicts import CALLABLE, OLDEST, Verdict, worst
from leadflow.stages.ledger_entries import CHECK, DELIVERED, WITHDRAWN, Entry, entry_id
from leadflow.stages.scrub_texts import CHECKS, OWN_KINDS

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import Settings

_NOT_COVERED = "not covered:"


class Certificate(CertificateData):
    """The certificate of a job. It holds no phone and no name of a lead.

    In a notebook it shows itself. `.save("certificate.html")` writes a page that prints. `.ok` is whether the records
    are complete: `.problems` says what is missing. `.sha256` is over the job's rows in the ledger. It stays the same as
    long as none of them is added, changed or deleted.
    """

    def save(self, path: str | Path) -> Path:
        """Write the certificate as a page of HTML, and return its path.

        It overwrites an earlier certificate, and no other file. Raises InputError for a path that does not end in .html
        or .htm, a folder that is not there, and a file that is no certificate.
        """
        return save_page(path, page(self))

    def _repr_html_(self) -> str:
        return section(self)

    def __repr__(self) -> str:
        """Return a few lines for a plain prompt."""
        counts, state = self.counts, "complete" if self.ok else "NOT COMPLETE"
        lines = [
            f"<Certificate of job {self.job['id']}: {state}>",
            f"{counts['checked']:,} phones checked, {counts['clean']:,} clean, {counts['flagged']:,} flagged, "
            f"{counts['unchecked']:,} without an answer; {counts['delivered']:,} delivered in "
            f"{counts['leads_delivered']:,} rows, {counts['withdrawn']:,} withdrawn since",
            *(f"- {problem}" for problem in self.problems),
            f"SHA-256 of {self.entries:,} entries: {self.sha256}",
        ]
        return "\n".join(lines)


def certificate(job: dict[str, Any], coverage: str, warehouse: Warehouse, settings: Settings) -> Certificate:
    """Return the certificate of a job of the history; see Engine.certificate."""
    entries = job_entries(warehouse, job["id"])
    checks = [entry for entry in entries if entry["EVENT"] == CHECK]
    delivered = [entry for entry in entries if entry["EVENT"] == DELIVERED]
    gone = _withdrawn(warehouse, job["id"], delivered) if delivered else []
    return Certificate(
        job=job,
        lists=_lists(checks, job),
        counts={**_phones(checks), **_rows(delivered, gone)},
        entries=len(entries),
        sha256=ledger_hash(entries),
        problems=_problems(job, entries, checks, delivered),
        settings={
            "keep_evidence_years": settings.compliance.keep_evidence_years,
            "keep_opt_outs_years": settings.compliance.keep_opt_outs_years,
            "max_scrub_age_days": settings.policy.max_scrub_age_days,
        },
        coverage=coverage,
        ledger=warehouse.table(settings.warehouse.ledger).replace('"', ""),
        made_at=datetime.now(timezone.utc),
    )


def _withdrawn(warehouse: Warehouse, job_id: str, delivered: Iterable[Entry]) -> list[Entry]:
    """Return the withdrawals since, by any job, of the phones that this job delivered."""
    condition = f"""t."EVENT" = '{WITHDRAWN}' AND t."LEAD_KEY" IN (SELECT d."LEAD_KEY" FROM {ledger_of(warehouse)} d
    WHERE d."JOB_ID" = ? AND d."EVENT" = '{DELIVERED}')"""
    since = {(entry["LEAD_KEY"], entry["PHONE"]): entry["EVENT_AT"] for entry in delivered}
    gone = entries_where(warehouse, condition, (job_id,))
    return [entry for entry in gone if since.get((entry["LEAD_KEY"], entry["PHONE"]), "~") <= entry["EVENT_AT"]]


def _lists(checks: Iterable[Entry], job: dict[str, Any]) -> list[CheckedList]:
    by_list: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in checks:
        by_list[entry["KIND"], entry["PROVIDER"], entry["POLICY"]].append(entry)
    return [
        _list(*named, found, job) for named, found in sorted(by_list.items(), key=lambda item: item[0], reverse=True)
    ]


def _list(kind: str, provider: str, policy: str, checks: list[Entry], job: dict[str, Any]) -> CheckedList:
    days = sorted(entry["LIST_DATE"] for entry in checks if entry["LIST_DATE"]) or [""]
    times = sorted(entry["EVENT_AT"] for entry in checks)
    return CheckedList(
        kind, provider, policy, (days[0], days[-1]), (times[0], times[-1]),
        phones=len({entry["PHONE"] for entry in checks}),
        reused=len({entry["PHONE"] for entry in checks if moment(entry) < job["created_at"].replace(microsecond=0)}),
        not_covered=len({entry["PHONE"] for entry in checks if entry["REASON"].startswith(_NOT_COVERED)}),
    )  # fmt: skip


def _phones(checks: Iterable[Entry]) -> dict[str, int]:
    """Count phones by the worst of their checks. A phone without both checks is not clean."""
    found: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for entry in checks:
        by_kind, verdict = found[entry["PHONE"]], scrub_of(entry).verdict
        by_kind[entry["KIND"]] = worst(by_kind.get(entry["KIND"], verdict), verdict)
    verdicts = [
        worst(
            *(by_kind.get(kind, Verdict.UNCHECKED) for kind in CHECKS),
            *(verdict for kind, verdict in by_kind.items() if kind not in OWN_KINDS),
        )
        for by_kind in found.values()
    ]
    clean, unchecked = sum(verdict in CALLABLE for verdict in verdicts), verdicts.count(Verdict.UNCHECKED)
    flagged = len(verdicts) - clean - unchecked
    return {"checked": len(verdicts), "clean": clean, "flagged": flagged, "unchecked": unchecked}


def _rows(delivered: Iterable[Entry], gone: Iterable[Entry]) -> dict[str, int]:
    rows = {(entry["LEAD_KEY"], entry["PHONE"]) for entry in delivered}
    out = {(entry["LEAD_KEY"], entry["PHONE"]) for entry in gone}
    counts = {"delivered": sum(bool(phone) for _, phone in rows), "withdrawn": sum(bool(phone) for _, phone in out)}
    return {**counts, "leads_delivered": len({key for key, _ in rows}), "leads_withdrawn": len({key for key, _ in out})}


def _problems(job: dict[str, Any], entries: list[Entry], checks: Iterable[Entry], delivered: list[Entry]) -> list[str]:
    """Say in sentences why the records of a job are not complete."""
    found: list[str] = []
    rows, counted = len({entry["LEAD_KEY"] for entry in delivered}), job["counts"].get("delivered", 0)
    if counted and not entries:
        return [f"the ledger has no entry of this job, which delivered {counted:,} rows; did it run before the ledger?"]
    if changed := sum(entry_id(entry) != entry["ENTRY_ID"] for entry in entries):
        found.append(f"{changed:,} entries are not as leadflow wrote them: their ENTRY_ID is not that of their values")
    if unproven := _unproven(checks, delivered):
        found.append(f"{unproven:,} delivered phones do not have both checks on record, clean and in time")
    if job["job_type"] != "rescrub" and rows != counted:
        found.append(f"the history counts {counted:,} delivered rows, the ledger {rows:,}")
    return found


def _unproven(checks: Iterable[Entry], delivered: Iterable[Entry]) -> int:
    """Count the delivered phones of leads without a clean check of each kind that counted at the delivery."""
    by_phone: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in checks:
        by_phone[entry["LEAD_KEY"], entry["PHONE"]].append(entry)
    return sum(not _is_proven(by_phone[entry["LEAD_KEY"], entry["PHONE"]], moment(entry)) for entry in delivered)


def _is_proven(checks: Iterable[Entry], at: datetime) -> bool:
    scrubs = [scrub_of(entry) for entry in checks]
    counting = {scrub.check for scrub in scrubs if scrub.verdict in CALLABLE and scrub.fresh(at, OLDEST)}
    return counting >= set(CHECKS)
