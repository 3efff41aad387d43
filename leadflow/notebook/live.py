"""A running job as a piece of HTML, or as one line of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

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
_STYLE = """
.lf-live{font:13px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--jp-content-font-color1,#1f2933);max-width:820px}
.lf-live .lf-head{display:flex;gap:10px;align-items:center;margin:6px 0 8px}.lf-live .lf-head b{font-size:15px}
.lf-live .lf-status{color:#fff;border-radius:12px;padding:1px 10px;font-size:12px;font-weight:600}
.lf-live .lf-said{margin:0 0 8px;opacity:.8}
.lf-live .lf-row{display:grid;grid-template-columns:90px 1fr 210px;gap:10px;align-items:center;margin:3px 0}
.lf-live .lf-track{background:rgba(127,140,155,.22);border-radius:4px;height:9px;overflow:hidden}.lf-live .lf-row.job .lf-track{height:15px}
.lf-live .lf-fill{background:#4c78a8;height:100%;transition:width .3s}.lf-live .lf-row.job .lf-fill{background:#2e8b57}
.lf-live .lf-num{font-variant-numeric:tabular-nums;opacity:.75;font-size:12px}
.lf-live .lf-counts{display:flex;flex-wrap:wrap;gap:8px;margin:10px 0}.lf-live .lf-counts span{background:rgba(127,140,155,.14);border-radius:6px;padding:2px 10px}
.lf-live .lf-counts b{font-variant-numeric:tabular-nums}
.lf-live pre.lf-log{background:rgba(127,140,155,.1);border-radius:6px;padding:8px 10px;max-height:170px;overflow:auto;font-size:12px;line-height:1.45;margin:0;
white-space:pre-wrap;color:inherit;display:flex;flex-direction:column-reverse}
"""


@dataclass(frozen=True)
class Snapshot:
    """A job at one moment; `log` has its latest lines, oldest first."""

    job_id: str
    status: str
    progress: Progress
    message: str = ""
    log: Sequence[str] = ()


@dataclass
class Pace:
    """Leads a second and seconds left of each bar, measured since it first moved in this view."""

    _since: dict[str, tuple[float, int]] = field(default_factory=dict)

    def of(self, bar: str, done: int, total: int) -> str:
        """As in "120 of 400 · 31/s · 0:09 left"."""
        now = time.monotonic()
        start, first = self._since.setdefault(bar, (now, done))
        told = f"{done:,} of {total:,}"
        if done > first and now > start:
            rate = (done - first) / (now - start)
            left = "" if done >= total else f" · {_clock((total - done) / rate)} left"
            told += f" · {rate:,.0f}/s{left}" if rate >= 1 else f" · {rate:.1f}/s{left}"
        return told


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def to_html(now: Snapshot, pace: Pace) -> str:
    """The job's bar, one for each stage, the counts and the log."""
    color = _COLORS.get(now.status, "#616e7c")
    head = f'<div class="lf-head"><b>{escape(now.job_id)}</b><span class="lf-status" style="background:{color}">{escape(now.status)}</span></div>'
    message = f'<div class="lf-said">{escape(now.message)}</div>' if now.message else ""
    return f'<div class="lf-live"><style>{_STYLE}</style>{head}{message}{_bars(now, pace)}{_counts(now.progress)}{_log(now.log)}</div>'


def _unread(now: Snapshot) -> str:
    return "reading the leads" if now.status in ("PENDING", "RUNNING") else "no leads were read"


def _bars(now: Snapshot, pace: Pace) -> str:
    progress = now.progress
    if progress.total is None:
        return f'<div class="lf-row job"><span>Job</span><div class="lf-track"></div><span class="lf-num">{_unread(now)}</span></div>'
    bars = [("Job", progress.done, "job"), *((stage, done, "stage") for stage, done in progress.stages.items())]
    return "".join(_bar(name, done, progress.total, kind, pace) for name, done, kind in bars)


def _bar(name: str, done: int, total: int, kind: str, pace: Pace) -> str:
    percent = 100.0 if not total else min(100.0, 100 * done / total)
    return (
        f'<div class="lf-row {kind}"><span>{escape(name)}</span><div class="lf-track"><div class="lf-fill" style="width:{percent:.1f}%"></div></div>'
        f'<span class="lf-num">{pace.of(name, done, total)}</span></div>'
    )


def _counts(progress: Progress) -> str:
    shown = "".join(f"<span><b>{progress.counts.get(name, 0):,}</b> {what}</span>" for name, what in _SHOWN.items())
    return f'<div class="lf-counts">{shown}</div>' if progress.counts else ""


def _log(lines: Sequence[str]) -> str:
    return f'<pre class="lf-log"><span>{escape(chr(10).join(lines))}</span></pre>' if lines else ""


def to_text(now: Snapshot) -> str:
    """One line."""
    progress = now.progress
    done = (
        _unread(now)
        if progress.total is None
        else f"{progress.done:,} of {progress.total:,} leads, {progress.percent}%"
    )
    return f"{now.job_id} {now.status}: {done}{'; ' + now.message if now.message else ''}"
