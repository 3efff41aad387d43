"""The errors that leadflow raises. Each message states what happened and what to do next.

No message may hold a phone, name, e-mail or address: a lead is named by its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class LeadflowError(Exception):
    """The base of every error leadflow raises on purpose."""


class SettingsError(LeadflowError, ValueError):
    """A setting is missing or wrong; nothing was bought. A ValueError too, as pydantic's own errors of settings are."""


class InputError(LeadflowError):
    """The script, a frame or an argument cannot be used; nothing was bought."""


class ScriptError(InputError):
    """The SQL script cannot be run as it stands."""


class ColumnsError(InputError):
    """The leads lack a column, or two columns claim the same meaning."""

    @classmethod
    def missing(cls, names: Iterable[str], available: Iterable[str]) -> ColumnsError:
        """An error naming the columns that were not found and those that were."""
        wanted, have = ", ".join(names), ", ".join(map(shown, available))
        return cls(
            f"the leads have no column for: {wanted}. Columns found: {have}. "
            'Alias them in the script, as in: SELECT fname AS "First Name"'
        )

    @classmethod
    def ambiguous(cls, name: str, columns: Iterable[str]) -> ColumnsError:
        """An error naming the columns that all claim one meaning."""
        return cls(
            f"several columns could be {name}: {', '.join(columns)}. Keep one of them in the script's last SELECT"
        )


class ServiceError(LeadflowError):
    """An outside system did not do what was requested."""


class TransientError(ServiceError):
    """The request may work later: a timeout, a 5xx, a 429. `retry_after` is in seconds, or None."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RefusedError(ServiceError):
    """The request will never work as it is: bad credentials, no permission, a bad request."""


class RejectedError(ServiceError):
    """The service refuses this one request; it may answer others."""


class UnreadableError(ServiceError):
    """An answer cannot be read; it counts as no answer."""


class UnusableAnswerError(UnreadableError):
    """A well-formed answer without the data that was requested; the same request would get the same answer."""


class ServiceDownError(ServiceError):
    """The circuit breaker opened: a service failed many times in a row."""


class ExecutorError(ServiceError):
    """The executor given to the engine cannot run its calls: it is broken, shut down, or its workers lack leadflow."""


class DeliveryError(ServiceError):
    """Rows could not be proven to be in the sheet."""


class HistoryError(LeadflowError):
    """The history or checkpoint file cannot be read or written."""


class JobError(LeadflowError):
    """An error of one job."""


class JobNotFound(JobError, LookupError):
    """No job has that id; the message lists recent ones."""


class JobBusyError(JobError):
    """Another live process runs this job."""


class JobFailedError(JobError):
    """The job ended without success; it can be resumed."""


class BudgetReached(JobError):
    """The next lookup would pass max_cost or max_lookups."""


class Stopped(JobError):
    """The user stopped the job."""


def shown(column: str) -> str:
    """Return a column's name for a message; an unnamed column has its expression as name, which may name a person."""
    return "(a column without a name)" if re.search(r"'|\d{7}", column) else column
