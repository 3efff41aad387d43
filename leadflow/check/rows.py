"""The rows of a check, and how a probe becomes a row."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from leadflow.errors import LeadflowError, ServiceDownError, Stopped, TransientError, UnreadableError

Status = Literal["ok", "warning", "failed"]
LONGEST_WAIT_S = 75.0  # for a vendor that is busy, or whose limit a running job has used up for this minute
_AGAIN = (
    "Wait a minute, then check again. If it stays, look at the network, at a proxy, and at the vendor's status page."
)
# What the services add to their messages for a job. A check buys nothing and has no job to resume.
_OF_A_JOB = re.compile(
    r"the job could not be finished, so nothing was bought: |nothing was bought: |[.;,]? ?Nothing was bought\.?|"
    r"[;,.] (?:then )?(?:[Rr]esume|run)(?: the job)?(?: later| again| to check again)?(?=$|\))"
)


@dataclass(frozen=True)
class Row:
    """One account, right or limit: its status, what was found, and what to do about it ("" for nothing)."""

    what: str
    status: Status
    found: str
    what_to_do: str = ""


class Finding(NamedTuple):
    """What a probe returns."""

    found: str
    status: Status = "ok"
    what_to_do: str = ""


def warning(found: str, what_to_do: str) -> Finding:
    """Return what does not stop a job, but deserves a look."""
    return Finding(found, "warning", what_to_do)


def failed(found: str, what_to_do: str) -> Finding:
    """Return what would stop a job."""
    return Finding(found, "failed", what_to_do)


class Deadline:
    """A stop flag that sets itself: it ends the wait for a vendor that is busy."""

    def __init__(self) -> None:
        self._end = time.monotonic() + LONGEST_WAIT_S

    def is_set(self) -> bool:
        """Return whether the time is over."""
        return time.monotonic() > self._end


class Checklist:
    """The rows of one system, in order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._without_result: set[str] = set()

    def add(self, what: str, probe: Callable[[], Finding], what_to_do: str = "", needs: tuple[str, ...] = ()) -> None:
        """Run a probe and add its row; `what_to_do` is the advice if it raises.

        A probe that `needs` an earlier row is not run if that one failed or was not checked itself.
        """
        if missing := next((name for name in needs if name in self._without_result), None):
            self.skip(what, f"{missing} failed" if self._is_failed(missing) else f"{missing} was not checked")
            return
        finding = _finding_of(probe, what_to_do)
        if finding.status == "failed":
            self._without_result.add(what)
        self.rows.append(Row(what, finding.status, finding.found, finding.what_to_do))

    def skip(self, what: str, why: str) -> None:
        """Add the row of a probe that is not run."""
        self._without_result.add(what)
        self.rows.append(Row(what, "warning", f"not checked, since {why}"))

    def _is_failed(self, what: str) -> bool:
        return any(row.what == what and row.status == "failed" for row in self.rows)


def _finding_of(probe: Callable[[], Finding], what_to_do: str) -> Finding:
    try:
        return probe()
    except Exception as error:
        return _finding_of_error(error, what_to_do)


def _finding_of_error(error: Exception, what_to_do: str) -> Finding:
    """Return what an error means. The message of a foreign one may hold a secret, so only its type is shown."""
    if not isinstance(error, LeadflowError):
        return failed(f"an unexpected {type(error).__name__}", what_to_do)
    if isinstance(error, Stopped):
        return failed(f"no answer within {LONGEST_WAIT_S:.0f} s: busy, or a job uses all that its limit allows", _AGAIN)
    again = isinstance(error, (TransientError, UnreadableError, ServiceDownError))
    return failed(_OF_A_JOB.sub("", str(error)).strip(), _AGAIN if again else what_to_do)


def rows_of(system: str, add_rows: Callable[[Checklist], None]) -> list[Row]:
    """Run the probes of one system; an error between two probes becomes a row, after those that were run."""
    checklist = Checklist()
    try:
        add_rows(checklist)
    except Exception as error:
        finding = _finding_of_error(error, "")
        checklist.rows.append(Row(system, finding.status, finding.found, finding.what_to_do))
    return checklist.rows
