"""The errors that leadflow raises. Each message states what happened and what to do next.

A message never contains a phone, name, e-mail or address. It identifies a lead by its key.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

# The folders of code that is not the user's: leadflow, the standard library, installed packages.
_PACKAGES = (
    str(Path(__file__).parent) + os.sep,
    *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    "<frozen ",
)


class LeadflowError(Exception):
    """The base class of all errors that leadflow raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback: what happened, where in the user's code, what to do."""
        return three_lines(type(self).__name__, str(self), self.__traceback__)


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


class LeadNotFound(LeadflowError, LookupError):
    """Nothing is known of a lead; the message says where it was looked for."""


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


def three_lines(name: str, message: str, raised: TracebackType | None) -> list[str]:
    """Return an error for a notebook: what happened, where in the user's code, and what to do.

    >>> three_lines("InputError", "the script is empty; write a query", None)
    ['InputError: the script is empty', '  What to do: write a query']
    """
    what, todo = _split(message)
    where = _in_user_code(raised)
    return [f"{name}: {what}", *([f"  Where: {where}"] if where else []), *([f"  What to do: {todo}"] if todo else [])]


def _split(message: str) -> tuple[str, str]:
    """Split a message after what happened: at its first line break, else at the first end of a clause outside brackets.

    >>> _split("no column for zip (found: a; b). Alias it")
    ('no column for zip (found: a; b)', 'Alias it')
    """
    for end in re.finditer(r"\n+|[;.] (?=\S)", message):
        before = message[: end.start()]
        if all(before.count(left) == before.count(right) for left, right in ("()", "[]", "{}")):
            after = message[end.end() :]
            return before, after if after.count("\n") > 1 else after.replace("\n", ". ")
    return message, ""


def _in_user_code(raised: TracebackType | None) -> str:
    """Return the last line of the traceback outside leadflow and other packages, with its place; empty if none is."""
    for frame in reversed(traceback.extract_tb(raised)):
        if not frame.filename.startswith(_PACKAGES):
            code = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return f"{_place(frame.filename)}, line {frame.lineno}{f': {code}' if code else ''}"
    return ""


def _place(filename: str) -> str:
    """Return the name of a file, or of a notebook's cell, such as "Cell In[3]"."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    name_of = getattr(getattr(shell, "compile", None), "format_code_name", None)
    named = name_of(filename) if name_of else None
    return " ".join(named) if named else Path(filename).name
