"""The rows of a check, and the code that runs a probe and makes its row."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from leadflow.errors import LeadflowError, ServiceDownError, Stopped, TransientError, UnreadableError

Status = Literal["ok", "warning", "failed"]
LONGEST_WAIT_S = 75.0  # for a busy vendor, or for a limit that a running job has used up for this minute
_AGAIN = (
    "Wait a minute, then check again. If it stays, look at the network, at a proxy, and at the vendor's status page."
)
# The parts of the services' messages that concern a job. A check buys nothing and has no job to resume.
_OF_A_JOB = re.compile(
    r"the job could not be finished, so nothing was bought: |nothing was bought: |[.;,]? ?Nothing was bought\.?|"
    r"[;,.] (?:then )?(?:[Rr]esume|run)(?: the job)?(?: later| again| to check again)?(?=$|\))"
)


@dataclass(frozen=True)
class Row:
    """One account, right or limit: its status, the finding, and what to do about it ("" for nothing)."""

    what: str
    status: Status
    found: str
    what_to_do: str = ""


class Finding(NamedTuple):
    """The result of a probe."""

    found: str
    status: Status = "ok"
    what_to_do: str = ""


def warning(found: str, what_to_do: str) -> Finding:
    """Return a finding that does not stop a job."""
    return Finding(found, "warning", what_to_do)


def failed(found: str, what_to_do: str) -> Finding:
    """Return a finding that would stop a job."""
    return Finding(found, "failed", what_to_do)


class Deadline:
    """A stop flag that is set after LONGEST_WAIT_S seconds. It ends the wait for a busy vendor."""

    def __init__(self) -> None:
        self._end = time.monotonic() + LONGEST_WAIT_S

    def is_set(self) -> bool:
        """Return whether the time is up."""
        return time.monotonic() > self._end


class Checklist:
    """The rows of one system, in order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._without_result: set[str] = set()

    def add(self, what: str, probe: Callable[[], Finding], what_to_do: str = "", needs: tuple[str, ...] = ()) -> None:
        """Run a probe and add its row. `what_to_do` is the advice if the probe raises an error.

        `needs` names earlier rows. If one of them failed or was skipped, the probe is skipped too.
        """
        if missing := next((name for name in needs if name in self._without_result), None):
            self.skip(what, f"{missing} failed" if self._is_failed(missing) else f"{missing} was not checked")
            return
        finding = _finding_of(probe, what_to_do)
        if finding.status == "failed":
            self._without_result.add(what)
        self.rows.append(Row(what, finding.status, finding.found, finding.what_to_do))

    def skip(self, what: str, why: str) -> None:
        """Add the row of a probe that is skipped."""
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
    """Return the finding of an error. The message of a foreign error may hold a secret, so only its type is shown."""
    if not isinstance(error, LeadflowError):
        return failed(f"an unexpected {type(error).__name__}", what_to_do)
    if isinstance(error, Stopped):
        return failed(f"no answer within {LONGEST_WAIT_S:.0f} s: busy, or a job uses all that its limit allows", _AGAIN)
    again = isinstance(error, (TransientError, UnreadableError, ServiceDownError))
    return failed(_OF_A_JOB.sub("", str(error)).strip(), _AGAIN if again else what_to_do)


def rows_of(system: str, add_rows: Callable[[Checklist], None]) -> list[Row]:
    """Run the probes of one system. An error outside the probes becomes the last row."""
    checklist = Checklist()
    try:
        add_rows(checklist)
    except Exception as error:
        finding = _finding_of_error(error, "")
        checklist.rows.append(Row(system, finding.status, finding.found, finding.what_to_do))
    return checklist.rows
