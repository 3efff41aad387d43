"""Two jobs side by side. Data only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.history import History, open_history
from leadflow.reports.accounting import accounting_of
from leadflow.reports.report import job_row

if TYPE_CHECKING:
    import pandas as pd

_SECONDS = ("lookup_s", "check_s", "deliver_s", "cache_s")


def compare(job_a: str, job_b: str, *, history: History | Path | str | None = None) -> pd.DataFrame:
    """Return two jobs side by side, one row a measure, with the change where both are numbers."""
    import pandas as pd

    opened = open_history(history)
    a, b = _measures(opened, job_a), _measures(opened, job_b)
    names = list(dict.fromkeys([*a, *b]))
    rows = [(a.get(n, 0), b.get(n, 0), _change(a.get(n, 0), b.get(n, 0))) for n in names]
    table = pd.DataFrame(rows, index=pd.Index(names, name="measure"), columns=pd.Index(["a", "b", "change"]))
    return table.set_axis([job_a, job_b if job_b != job_a else f"{job_b} (again)", "change"], axis=1)


def _change(a: Any, b: Any) -> float | None:
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    return round(b - a, 3) if numbers else None


def _measures(history: History, job_id: str) -> dict[str, Any]:
    job, batches = job_row(history, job_id), history.batches(job_id)
    totals = accounting_of(job)
    found: dict[str, Any] = {
        "status": job["status"],
        "script_id": job["script_id"],
        "extracted": totals.extracted,
        "already_processed": totals.already_processed,
        "left_out": sum(totals.left_out.values()),
        "delivered": totals.delivered,
        "held_back": totals.held_back,
    }
    found |= {f"held_{reason}": n for reason, n in totals.held.items()}
    found |= {name: int(job["counts"].get(name) or 0) for name in ("bought", "reused")}
    found |= {f"{name}_count": int(batches[name].sum()) for name in ("litigator", "dnc")}
    if job["started_at"] and job["completed_at"]:
        found["duration_s"] = (job["completed_at"] - job["started_at"]).total_seconds()
    return found | {name: round(float(batches[name].fillna(0).sum()), 3) for name in _SECONDS}
