"""The state of a job at one moment, as HTML or as one line of text."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib import resources

from leadflow.display.units import duration, money
from leadflow.events import Recorded
from leadflow.job import Progress

LOG_LINES = 200
# Dark enough for white text at a contrast of 4.5 : 1.
_COLORS = {
    "COMPLETED": "#1e7a45",
    "FAILED": "#b83227",
    "STOPPED": "#8f5a06",
    "DEAD": "#b83227",
    "RUNNING": "#2471a3",
    "PENDING": "#2471a3",
}
_ENDED = ("COMPLETED", "FAILED", "STOPPED", "DEAD")


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
        """Return the pace of a bar, such as "31/s, 9.0 s left"; empty while it is not known."""
        now = time.monotonic()
        start, first = self._since.setdefault(bar, (now, done))
        if done <= first or now <= start or done >= total:
            return ""
        rate = (done - first) / (now - start)
        return (
            f"{rate:,.0f}/s, {_left(rate, total - done)}" if rate >= 1 else f"{rate:.1f}/s, {_left(rate, total - done)}"
        )


def _left(rate: float, leads: int) -> str:
    return f"{duration(leads / rate)} left"


def event_line(elapsed: float, stage: str, message: str) -> str:
    """Return an event as a line of the log."""
    return f"T+{elapsed:.1f}s  {stage}: {message}"


class EventLog:
    """The last lines of a job's log, as a listener of its events."""

    def __init__(self, most: int = LOG_LINES) -> None:
        self.lines: deque[str] = deque(maxlen=most)

    def __call__(self, recorded: Recorded) -> None:
        """Add the line of an event, unless it is that of one row."""
        if recorded.event.name != "row_processed":
            self.lines.append(event_line(recorded.elapsed, recorded.event.stage, recorded.event.text()))


def to_html(now: Snapshot, pace: Pace) -> str:
    """Return the job's bar, a bar for each stage, the counts and the log, as HTML."""
    color = _COLORS.get(now.status, "#616e7c")
    badge = f'<span class="lf-status" style="background:{color}">{escape(now.status)}</span>'
    parts = [
        f"<style>{_style()}</style>",
        f'<div class="lf-head"><b>{escape(now.job_id)}</b>{badge}</div>',
        f'<div class="lf-message">{escape(now.message)}</div>' if now.message else "",
        _bars(now, pace),
        _counts(now),
        _log(now.log),
    ]
    return f'<div class="lf-live">{"".join(parts)}</div>'


@cache
def _style() -> str:
    return resources.files("leadflow.notebook").joinpath("live.css").read_text(encoding="utf-8")


def _without_total(now: Snapshot) -> str:
    return "reading the leads" if now.status in ("QUEUED", "PENDING", "RUNNING") else "no leads were read"


def _bars(now: Snapshot, pace: Pace) -> str:
    """Return the job's bar, whose amber part are leads that may still clear, and a bar for each stage."""
    progress = now.progress
    if progress.total is None:
        return _row("Job", "job", "", _without_total(now), 0)
    total = progress.total
    stages = (_stage(name, done, total, now, pace) for name, done in progress.stages.items())
    return "".join((_job_bar(now, total), *stages))


def _job_bar(now: Snapshot, total: int) -> str:
    """Return the job's bar. Its length is the progress of all stages; its text counts settled leads."""
    progress = now.progress
    amber = 100 * min(progress.may_clear, total) / total if total else 0.0
    green = max(0.0, progress.percent - amber)
    fill = f'<div class="lf-fill" style="width:{green:.1f}%"></div>'
    numbers = f"{progress.percent}% · {progress.done:,} of {total:,} settled"
    if progress.may_clear:
        fill += f'<div class="lf-fill lf-open" style="width:{amber:.1f}%"></div>'
        numbers += f", {progress.may_clear:,} may still clear"
    return _row("Job", "job", fill, numbers, progress.percent)


def _stage(name: str, done: int, total: int, now: Snapshot, pace: Pace) -> str:
    percent = 100.0 if not total else min(100.0, 100 * done / total)
    rate = "" if now.status in _ENDED else pace.of(name, done, total)
    numbers = f"{done:,} of {total:,}{f' · {rate}' if rate else ''}"
    return _row(name, "stage", f'<div class="lf-fill" style="width:{percent:.1f}%"></div>', numbers, percent)


def _row(name: str, kind: str, fill: str, numbers: str, percent: float) -> str:
    role = f'role="progressbar" aria-label="{escape(name)}" aria-valuemin="0" aria-valuemax="100"'
    said = f'aria-valuenow="{percent:.0f}" aria-valuetext="{escape(numbers)}"'
    track = f'<div class="lf-track" {role} {said}>{fill}</div><span class="lf-num">{escape(numbers)}</span>'
    return f'<div class="lf-row {kind}"><span>{escape(name)}</span>{track}</div>'


def main_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts with the words of the report. Held back are all leads with a reason, also those left out."""
    return {
        "phones found": counts.get("phones_found", 0),
        "flagged: litigator": counts.get("litigator", 0),
        "flagged: do not call": counts.get("dnc", 0),
        "delivered": counts.get("delivered", 0),
        "held back": sum(counts.get(name, 0) for name in ("held", "retry", "left_out")),
    }


def _counts(now: Snapshot) -> str:
    """Return the dollars so far, and the counts."""
    counts, cost = now.progress.counts, now.progress.cost
    spent = (
        "" if cost is None else f"<span><b>{money(cost)}</b> spent{'' if now.status in _ENDED else ' so far'}</span>"
    )
    if not counts:
        return f'<div class="lf-counts">{spent}</div>' if spent else ""
    shown = {
        **main_counts(counts),
        "of them left out": counts.get("left_out", 0),
        "of them may still clear": counts.get("retry", 0),
    }
    numbers = "".join(f"<span><b>{n:,}</b> {what}</span>" for what, n in shown.items())
    return f'<div class="lf-counts">{spent}{numbers}</div>'


def _log(lines: Sequence[str]) -> str:
    return f'<pre class="lf-log"><span>{escape(chr(10).join(lines))}</span></pre>' if lines else ""


def to_text(now: Snapshot) -> str:
    """Return the state as one line of text."""
    progress = now.progress
    done = _without_total(now)
    if progress.total is not None:
        done = f"{progress.done:,} of {progress.total:,} leads, {progress.percent}%"
        done += f", {progress.may_clear:,} may still clear" if progress.may_clear else ""
    return f"{now.job_id} {now.status}: {done}{'; ' + now.message if now.message else ''}"
