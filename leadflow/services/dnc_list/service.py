"""The do-not-call check against a list on disk.

The verdict of a listed number is dnc. Any other number is clean only if the list covers it (coverage.py).
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from xml.parsers.expat import ExpatError

from leadflow.errors import LeadflowError, RefusedError, SettingsError
from leadflow.leads.area_codes import not_a_consumer
from leadflow.leads.phones import ten_digits, to_e164
from leadflow.leads.verdicts import OLDEST, Scrub, Verdict, list_counts
from leadflow.services.dnc_list.coverage import Coverage, area_codes_of, covers_of
from leadflow.services.dnc_list.files import Contents, files_of, paths_of, read_file
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import DncSettings

POLICY = "list-2026-11"


@dataclass(frozen=True)
class _Version:
    """The files of a list as they are on disk now: a hash of their state, and the day of the oldest."""

    paths: tuple[Path, ...]
    state: str
    day: date


@dataclass(frozen=True)
class _ReadList:
    """A list that was read in full."""

    version: _Version
    contents: Contents
    coverage: Coverage


class DncListFile:
    """Checks phones against a list: a file, several, a folder or a .zip of text, CSV, XML, or a table dnc_list.

    The list is read once and kept in memory, 1.25 MB for each area code. A SQLite table with ten plain digits in an
    indexed column full_phone is queried on disk instead. The list must be dated, at most 31 days old (16 CFR
    310.4(b)(3)(iv)), and readable in every row. Raises SettingsError for missing or wrong settings.

    Example:
        >>> import tempfile
        >>> from datetime import datetime, timezone
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "504.txt").write_text("5045550143\\n2025550199\\n")
        >>> today = datetime.now(timezone.utc).date().isoformat()
        >>> dnc = DncListFile(DncSettings(provider="list", list_path=folder, list_date=today))
        >>> found = dnc.check(["+12025550199", "+12025550100", "+12125550100"])
        >>> [str(scrub.verdict) for scrub in found.values()]
        ['dnc', 'clean', 'unchecked']
    """

    provider = "list"

    def __init__(self, settings: DncSettings) -> None:
        places = settings.list_path if isinstance(settings.list_path, tuple) else (settings.list_path,)
        self.places = tuple(place.expanduser() for place in places if place is not None)
        self._declared_day = _date(settings.list_date) if settings.list_date is not None else None
        if not self.places or (self._declared_day is None and not self._is_dated_by_name()):
            raise SettingsError(
                "dnc.provider is list; set LEADFLOW_DNC__LIST_PATH and LEADFLOW_DNC__LIST_DATE (YYYY-MM-DD, when the "
                "registry was downloaded)"
            )
        self._covers = covers_of(settings.list_covers)
        self._declared_codes = area_codes_of(settings.list_area_codes)
        self._phone_columns = settings.list_phone_columns
        self._lock = threading.RLock()
        self._read: _ReadList | None = None

    def _is_dated_by_name(self) -> bool:
        try:
            return all(file.dated for path in paths_of(self.places) for file in files_of(path))
        except (LeadflowError, *_ERRORS):
            return False

    @property
    def policy(self) -> str:
        """The coverage and the files that a verdict is based on. Verdicts of another policy are not reused."""
        covers = ",".join(sorted(self._covers))
        try:
            state = self._version().state
        except LeadflowError:
            state = "missing"
        return f"{POLICY}+covers={covers}+files={state}"

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> dict[str, Scrub]:
        """Check US phones against the list; other phones are absent. Ignores `stop`, since the check takes no time.

        A number that the list does not cover is unchecked, with the reason as its code. Raises the errors of
        raise_if_unusable.
        """
        read, policy = self._current(), self.policy
        numbers = {phone: ten_digits(e164) for phone in phones if (e164 := to_e164(phone))}
        listed = self._among(read, list(numbers.values()))
        now = datetime.now(timezone.utc)
        found = {phone: self._verdict(digits, digits in listed, read.coverage) for phone, digits in numbers.items()}
        day = read.version.day.isoformat()
        return {
            phone: Scrub(phone, "dnc", verdict, self.provider, code, now, day, policy)
            for phone, (verdict, code) in found.items()
        }

    def _among(self, read: _ReadList, digits: list[str]) -> set[str]:
        try:
            return read.contents.among(digits)
        except _ERRORS as error:
            raise self._unreadable(error) from None

    def _verdict(self, digits: str, listed: bool, coverage: Coverage) -> tuple[Verdict, str]:
        if listed:
            return Verdict.DNC, "listed"
        if reason := not_a_consumer(f"+1{digits}"):
            return Verdict.INVALID, reason
        gap = coverage.gap(digits)
        return (Verdict.UNCHECKED, f"not covered: {gap}") if gap else (Verdict.CLEAN, "absent")

    def coverage(self) -> Coverage:
        """Return which numbers the list can clear. Raises the errors of raise_if_unusable."""
        return self._current().coverage

    def raise_if_unusable(self) -> None:
        """Raise RefusedError if the list is missing, too old, damaged, empty, or not readable in every row."""
        self._current()

    def _current(self) -> _ReadList:
        version = self._version()
        now = datetime.now(timezone.utc)
        if not list_counts(version.day, now):
            raise RefusedError(
                f"the do-not-call list is of {version.day}, which is not within {OLDEST.days} days; download it again, "
                "set LEADFLOW_DNC__LIST_DATE, then resume"
            )
        with self._lock:
            if self._read is None or self._read.version != version:
                read = self._read_all(version)
                if self._version() != version:
                    raise RefusedError(
                        "the do-not-call list changed while it was read; let its download end, then resume"
                    )
                self._read = read
            return self._read

    def _version(self) -> _Version:
        """Read the state of the files. Raises RefusedError if there are none, SettingsError if one has no date."""
        paths = tuple(paths_of(self.places))
        known = hashlib.sha256(repr((self._declared_day, sorted(self._declared_codes), self._phone_columns)).encode())
        for path in paths:
            state = path.stat()
            known.update(repr((str(path), state.st_mtime_ns, state.st_size, state.st_ino)).encode())
        with self._lock:
            read = self._read
        if read is not None and read.version.state == known.hexdigest()[:12]:
            return read.version
        return _Version(paths, known.hexdigest()[:12], self._day(paths))

    def _day(self, paths: Sequence[Path]) -> date:
        """Return the oldest day, of the settings and of the files' names."""
        try:
            days = [file.dated or self._declared_day for path in paths for file in files_of(path)]
        except _ERRORS as error:
            raise self._unreadable(error) from None
        if undated := days.count(None):
            raise SettingsError(f"{undated} files of the do-not-call list have no date; set LEADFLOW_DNC__LIST_DATE")
        return min(day for day in [*days, self._declared_day] if day is not None)

    def _read_all(self, version: _Version) -> _ReadList:
        contents = Contents()
        for path in version.paths:
            try:
                for file in files_of(path):
                    read_file(file, contents, self._phone_columns)
            except _ERRORS as error:
                raise self._unreadable(error, path) from None
        codes = self._declared_codes | contents.area_codes
        return _ReadList(version, contents, Coverage(self._covers, frozenset(codes)))

    def _unreadable(self, error: Exception, path: Path | None = None) -> RefusedError:
        name = path or self.places[0]
        return RefusedError(
            f"the do-not-call list {name} cannot be read ({type(error).__name__}); it must be text, CSV, XML, or have "
            "a table dnc_list"
        )

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _reading_errors() -> tuple[type[Exception], ...]:
    import duckdb
    import pyarrow as pa

    zips = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError)
    return duckdb.Error, sqlite3.Error, OSError, pa.ArrowException, ExpatError, UnicodeError, *zips


_ERRORS = _reading_errors()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"LEADFLOW_DNC__LIST_DATE is {text!r}; write the day when the registry was downloaded as YYYY-MM-DD"
        ) from None
