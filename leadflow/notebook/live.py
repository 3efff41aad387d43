"""The state of a job at one moment, as HTML or as one line of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib import resources

from leadflow.job import Progress

_COLORS = {"COMPLETED": "#2e8b57", "FAILED": "#c0392b", "STOPPED": "#b9770e", "RUNNING": "#2471a3"}
_SHOWN = {
    "phones_found": "phones found",
    "litigator": "litigator",
    "dnc": "dnc",
    "delivered": "leads delivered",
    "held": "held back",
    "retry": "to retry",
}


@dataclass(frozen=True)
class Snapshot:
    """The state of a job at one moment. `log` has the latest log lines, oldest first."""

    job_id: str
    status: str
    progress: Progress
    message: str = ""
    log: Sequence[str] = ()


@dataclass
class Pace:
    """The rate and the remaining time of each bar, measured from the moment it was first shown."""

    _since: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])

    def of(self, bar: str, done: int, total: int) -> str:
        """Return the pace of a bar, such as "120 of 400 · 31/s · 0:09 left"."""
        now = time.monotonic()
        start, first = self._since.setdefault(bar, (now, done))
        text = f"{done:,} of {total:,}"
        if done > first and now > start:
            rate = (done - first) / (now - start)
            left = "" if done >= total else f" · {_clock((total - done) / rate)} left"
            text += f" · {rate:,.0f}/s{left}" if rate >= 1 else f" · {rate:.1f}/s{left}"
        return text


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def to_html(now: Snapshot, pace: Pace) -> str:
    """Return the job's bar, a bar for each stage, the counts and the log, as HTML."""
    color = _COLORS.get(now.status, "#616e7c")
    badge = f'<span class="lf-status" style="background:{color}">{escape(now.status)}</span>'
    parts = [
        f"<style>{_style()}</style>",
        f'<div class="lf-head"><b>{escape(now.job_id)}</b>{badge}</div>',
        f'<div class="lf-message">{escape(now.message)}</div>' if now.message else "",
        _bars(now, pace),
        _counts(now.progress),
        _log(now.log),
    ]
    return f'<div class="lf-live">{"".join(parts)}</div>'


@cache
def _style() -> str:
    return resources.files("leadflow.notebook").joinpath("live.css").read_text(encoding="utf-8")


def _without_total(now: Snapshot) -> str:
    return "reading the leads" if now.status in ("QUEUED", "PENDING", "RUNNING") else "no leads were read"


def _bars(now: Snapshot, pace: Pace) -> str:
    progress = now.progress
    if progress.total is None:
        return _row("Job", "job", "", _without_total(now))
    bars = [("Job", progress.done, "job"), *((stage, done, "stage") for stage, done in progress.stages.items())]
    return "".join(_bar(name, done, progress.total, kind, pace) for name, done, kind in bars)


def _bar(name: str, done: int, total: int, kind: str, pace: Pace) -> str:
    percent = 100.0 if not total else min(100.0, 100 * done / total)
    return _row(name, kind, f'<div class="lf-fill" style="width:{percent:.1f}%"></div>', pace.of(name, done, total))


def _row(name: str, kind: str, fill: str, numbers: str) -> str:
    track = f'<div class="lf-track">{fill}</div><span class="lf-num">{numbers}</span>'
    return f'<div class="lf-row {kind}"><span>{escape(name)}</span>{track}</div>'


def _counts(progress: Progress) -> str:
    shown = "".join(f"<span><b>{progress.counts.get(name, 0):,}</b> {what}</span>" for name, what in _SHOWN.items())
    return f'<div class="lf-counts">{shown}</div>' if progress.counts else ""


def _log(lines: Sequence[str]) -> str:
    return f'<pre class="lf-log"><span>{escape(chr(10).join(lines))}</span></pre>' if lines else ""


def to_text(now: Snapshot) -> str:
    """Return the state as one line of text."""
    progress = now.progress
    done = _without_total(now)
    if progress.total is not None:
        done = f"{progress.done:,} of {progress.total:,} leads, {progress.percent}%"
    return f"{now.job_id} {now.status}: {done}{'; ' + now.message if now.message else ''}"
