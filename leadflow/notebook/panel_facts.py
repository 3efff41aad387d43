"""What the panel reads before anything runs: scripts of a folder, jobs to resume, rows that run out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.display.units import money
from leadflow.errors import HistoryError
from leadflow.notebook import running_out
from leadflow.notebook.jobs_here import handle_of, is_open
from leadflow.notebook.running_out import AHEAD_DAYS

if TYPE_CHECKING:
    from leadflow.engine import Engine
    from leadflow.history import History


def scripts_in(folder: Path) -> tuple[list[Path], str]:
    """Return the .sql files of a folder, and what is wrong if there are none."""
    folder = folder.expanduser()
    if not folder.is_dir():
        return [], f"There is no folder {folder}. lf.panel(engine, scripts=...) names another."
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() == ".sql")
    return files, "" if files else f"There is no .sql file in {folder.absolute()}."


def resumable(history: History) -> list[dict[str, Any]]:
    """Return the jobs that broke off or have leads to retry, and that no process runs now."""
    return [job for job in history.resumable() if not handle_of(history.path, job["id"])]


def due(history: History) -> str:
    """Return as HTML which delivered rows run out, from the history: a panel that is shown signs in nowhere."""
    today = datetime.now(timezone.utc).date()
    rows = history.running_out(today + timedelta(days=AHEAD_DAYS))
    return running_out.to_html(running_out.sentence(rows, today))


def price_of_resume(engine: Engine, job_id: str) -> str:
    """Return what the lookups that are left of a job cost at most; "" if it is not known, or checks cost too."""
    settings = engine.settings
    checks = (settings.litigator.price or 0) + (settings.dnc.price or 0)
    if settings.idicore.price is None or checks or not is_open(engine):
        return ""
    try:
        left = len(engine.checkpoints.unpaid_keys(job_id))
    except HistoryError:  # the engine was closed in this moment
        return ""
    return f"at most {money(left * settings.idicore.price)}" if left else ""
