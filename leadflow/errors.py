"""The errors that leadflow raises. Each message states what happened and what to do next.

A message never contains a phone, name, e-mail or address. It identifies a lead by its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class LeadflowError(Exception):
    """The base class of all errors that leadflow raises on purpose."""


class SettingsError(LeadflowError, ValueError):
    """A setting is missing or wrong; nothing was bought. It is also a ValueError, like pydantic's validation errors."""


class InputError(LeadflowError):
    """The script, a frame or an argument cannot be used; nothing was bought."""


class ScriptError(InputError):
    """The SQL script cannot be run."""


class ColumnsError(InputError):
    """The leads lack a column, or several columns match the same part of a person."""

    @classmethod
    def missing(cls, names: Iterable[str], available: Iterable[str]) -> ColumnsError:
        """Return an error that names the missing columns and the available ones."""
        wanted, have = ", ".join(names), ", ".join(map(shown, available))
        return cls(
            f"the leads have no column for: {wanted}. Columns found: {have}. "
            'Alias them in the script, as in: SELECT fname AS "First Name"'
        )

    @classmethod
    def ambiguous(cls, name: str, columns: Iterable[str]) -> ColumnsError:
        """Return an error that names the columns that match the same part."""
        return cls(
            f"several columns could be {name}: {', '.join(columns)}. Keep one of them in the script's last SELECT"
        )


class ServiceError(LeadflowError):
    """An external system did not do what leadflow requested."""


class TransientError(ServiceError):
    """The request may work later: a timeout, a 5xx, a 429. `retry_after` is in seconds, or None."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RefusedError(ServiceError):
    """A retry of the request cannot work: bad credentials, no permission, a bad request."""


class RejectedError(ServiceError):
    """The service rejects this one request; it may answer others."""


class UnreadableError(ServiceError):
    """An answer cannot be read; it counts as no answer."""


class UnusableAnswerError(UnreadableError):
    """An answer is well-formed but lacks the requested data. A retry would get the same answer."""


class ServiceDownError(ServiceError):
    """The circuit breaker opened: a service failed many times in a row."""


class ExecutorError(ServiceError):
    """The engine's executor cannot run its calls: it is broken or shut down, or its workers cannot import leadflow."""


class DeliveryError(ServiceError):
    """leadflow could not confirm that rows are in the sheet."""


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
    """The next lookup would exceed max_cost or max_lookups."""


class Stopped(JobError):
    """The user stopped the job."""


def shown(column: str) -> str:
    """Return a column's name for a message. Hide an unnamed column's name: it is an SQL expression, maybe with data."""
    return "(a column without a name)" if re.search(r"'|\d{7}", column) else column
