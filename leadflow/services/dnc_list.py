"""The do-not-call check against a local copy of the registry, with its date: a text or CSV file, DuckDB, or SQLite.

A number must be found however the list writes it: one that is overlooked would be called. So the list is read through
once, and refused if it is empty or if some of its rows hold no phone.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from leadflow.errors import RefusedError, SettingsError
from leadflow.phones import ten_digits
from leadflow.services.dncscrub import POLICY_VERSION, DncScrub
from leadflow.services.limits import StopFlag
from leadflow.services.tables import quoted
from leadflow.settings import DncSettings
from leadflow.verdicts import OLDEST, Scrub, Verdict

# A phone in a text whose every other character was made a space; both RE2 and Python read it.
_PHONE = r"\b1? ?([2-9]\d{2}) ?([2-9]\d{2}) ?(\d{4})\b"
_FOUND = f"regexp_extract_all(regexp_replace(text, '[^0-9]+', ' ', 'g'), '{_PHONE}')"
_PLAIN_GLOB = "[2-9]" + "[0-9]" * 9
_LINES = "read_csv(?, columns = {'text': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false, auto_detect = false, strict_mode = false)"
# Queries over `list`, which has one column `text`.
_TALLY = f"SELECT count(*), count(*) FILTER (len({_FOUND}) > 0), count(*) FILTER (regexp_full_match(text, '[2-9][0-9]{{9}}')) FROM list"
_NUMBERS = f"SELECT right(replace(unnest({_FOUND}), ' ', ''), 10) AS number FROM list"
_MATCHING = f"SELECT DISTINCT number FROM ({_NUMBERS}) WHERE number IN (SELECT unnest(?::VARCHAR[]))"
_MATCHING_PLAIN = "SELECT DISTINCT text FROM list WHERE text IN (SELECT unnest(?::VARCHAR[]))"
_KEYS_A_QUERY = 400


class DncListFile:
    """Looks phones up in a file: lines of text or CSV, or a table `dnc_list` of a DuckDB or SQLite file.

    Of a table with a column `full_phone` that column counts, else every column. A large list is quick to ask if it is
    SQLite with ten plain digits in an indexed `full_phone`. The list must be dated and at most 31 days old
    (16 CFR 310.4(b)(3)(iv)). A federal list misses the do-not-call lists of eleven states: see VENDORS.md section 3.
    """

    provider = "list"
    policy = POLICY_VERSION

    def __init__(self, settings: DncSettings) -> None:
        if settings.list_path is None or settings.list_date is None:
            raise SettingsError("dnc.provider is list; set LEADFLOW_DNC__LIST_PATH and LEADFLOW_DNC__LIST_DATE (YYYY-MM-DD, when the registry was downloaded)")
        self.path = Path(settings.list_path).expanduser()
        self.list_date = _date(settings.list_date)
        self._lock = threading.Lock()
        self._proven: tuple[object, bool] | None = None

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> dict[str, Scrub]:
        """Do-not-call verdicts of E.164 phones, too quick to be stopped; raises RefusedError as raise_if_unusable does."""
        plain = self.raise_if_unusable()
        try:
            listed = _reader(self.path).listed([ten_digits(phone) for phone in phones], plain)
        except _errors() as error:
            raise self._unreadable(error) from None
        now = datetime.now(timezone.utc)
        return {p: self._scrub(p, ten_digits(p) in listed, now) for p in phones}

    def _scrub(self, phone: str, listed: bool, now: datetime) -> Scrub:
        verdict = Verdict.DNC if listed else Verdict.CLEAN
        return Scrub(phone, "dnc", verdict, self.provider, "listed" if listed else "absent", now, self.list_date.isoformat(), self.policy)

    def raise_if_unusable(self) -> bool:
        """Raise RefusedError if the list is missing, too old, damaged, empty, or no list of phones; whether all are plain digits."""
        age = (datetime.now(timezone.utc).date() - self.list_date).days
        if not 0 <= age <= OLDEST.days:
            raise RefusedError(f"the do-not-call list is of {self.list_date}, which is not within {OLDEST.days} days; download it again, set LEADFLOW_DNC__LIST_DATE, then resume")
        if not self.path.is_file():
            raise RefusedError(f"there is no do-not-call list at {self.path}")
        with self._lock:
            state = self.path.stat()
            version = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._proven is None or self._proven[0] != version:
                self._proven = (version, self._read_through())
            return self._proven[1]

    def _read_through(self) -> bool:
        try:
            tally = _reader(self.path).tally()
        except _errors() as error:
            raise self._unreadable(error) from None
        if not tally.usable:
            raise RefusedError(
                f"the do-not-call list {self.path} has a phone in {tally.readable:,} of its {tally.rows:,} rows; a row "
                "without one may be a number that would be called. Export it again, one number a row, then resume"
            )
        return tally.plain == tally.rows

    def _unreadable(self, error: Exception) -> RefusedError:
        return RefusedError(f"the do-not-call list {self.path} cannot be read ({type(error).__name__}); it must be text, CSV, or have a table dnc_list")

    def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True)
class _Tally:
    """How many rows a list has, in how many there is a phone, and how many are ten plain digits and nothing else."""

    rows: int
    readable: int
    plain: int
    headers: int = 0

    @property
    def usable(self) -> bool:
        return self.readable > 0 and self.rows - self.readable <= max(self.headers, self.rows // 100)


class _Reader(Protocol):
    """Reads one kind of file."""

    def tally(self) -> _Tally:
        """Read all of it once."""
        ...

    def listed(self, digits: Sequence[str], plain: bool) -> set[str]:
        """Which of the numbers are on the list; `plain` says that every row is ten plain digits."""
        ...


def _reader(path: Path) -> _Reader:
    """By what the file is, whatever it is called."""
    with path.open("rb") as file:
        start = file.read(16)
    if start == b"SQLite format 3\x00":
        return _SqliteTable(path)
    return _DuckTable(path) if start[8:12] == b"DUCK" else _Lines(path)


class _Lines:
    """A file of text, read line by line: whatever parts a line, every phone in it counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tally(self) -> _Tally:
        return _Tally(*self._rows(f"{_TALLY} WHERE trim(text) <> ''")[0], headers=1)

    def listed(self, digits: Sequence[str], plain: bool) -> set[str]:
        return {number for (number,) in self._rows(_MATCHING, list(digits))}

    def _rows(self, sql: str, *params: Any) -> list[Any]:
        import duckdb

        with duckdb.connect() as db:
            return db.execute(f"WITH list AS (SELECT text FROM {_LINES}) {sql}", [str(self._path), *params]).fetchall()


class _DuckTable:
    """A DuckDB file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tally(self) -> _Tally:
        return _Tally(*self._rows(_TALLY)[0])

    def listed(self, digits: Sequence[str], plain: bool) -> set[str]:
        return {number for (number,) in self._rows(_MATCHING_PLAIN if plain else _MATCHING, list(digits))}

    def _rows(self, sql: str, *params: Any) -> list[Any]:
        import duckdb

        with duckdb.connect(str(self._path), read_only=True) as db:
            names = [column[0] for column in db.execute("SELECT * FROM dnc_list LIMIT 0").description or ()]
            texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in _phone_columns(names))
            return db.execute(f"WITH list AS (SELECT concat_ws(' ', {texts}) AS text FROM dnc_list) {sql}", [*params]).fetchall()


class _SqliteTable:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tally(self) -> _Tally:
        with closing(self._open()) as db:
            names = self._columns(db)
            plain = f"typeof({names[0]}) IN ('text', 'integer') AND {names[0]} GLOB '{_PLAIN_GLOB}'" if len(names) == 1 else "0"
            rows, plain_rows = db.execute(f"SELECT count(*), coalesce(sum({plain}), 0) FROM dnc_list").fetchone()
            readable = rows if plain_rows == rows else sum(1 for numbers in self._numbers(db) if numbers)
            return _Tally(rows, readable, plain_rows)

    def listed(self, digits: Sequence[str], plain: bool) -> set[str]:
        wanted = list(digits)
        with closing(self._open()) as db:
            if not plain:
                among = set(wanted)
                return {number for numbers in self._numbers(db) for number in numbers if number in among}
            parts = (wanted[start : start + _KEYS_A_QUERY] for start in range(0, len(wanted), _KEYS_A_QUERY))
            return {found for part in parts for found in self._among(db, part)}

    def _among(self, db: sqlite3.Connection, part: list[str]) -> Iterator[str]:
        # As text and as integers: a column without a type compares a number with text as different.
        name = self._columns(db)[0]
        values = [*part, *(int(number) for number in part if number.isdigit())]
        marks = ", ".join("?" * len(values))
        return (str(found) for (found,) in db.execute(f"SELECT {name} FROM dnc_list WHERE {name} IN ({marks})", values))

    def _numbers(self, db: sqlite3.Connection) -> Iterator[list[str]]:
        """The phones of each row."""
        for row in db.execute(f"SELECT {', '.join(self._columns(db))} FROM dnc_list"):
            yield _phones(" ".join(str(cell) for cell in row if cell is not None))

    def _columns(self, db: sqlite3.Connection) -> list[str]:
        names = [column[0] for column in db.execute("SELECT * FROM dnc_list LIMIT 0").description]
        return [quoted(name) for name in _phone_columns(names)]

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(self._path.resolve()))}?mode=ro", uri=True)


def _phone_columns(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.lower() == "full_phone"] or list(names)


def _phones(text: str) -> list[str]:
    """The ten digits of every phone in a text.

    >>> _phones("504,5550143 and +1 (202) 555-0199 x12")
    ['5045550143', '2025550199']
    """
    return ["".join(parts) for parts in re.findall(_PHONE, re.sub("[^0-9]+", " ", text))]


def _errors() -> tuple[type[Exception], ...]:
    import duckdb

    return duckdb.Error, sqlite3.Error, OSError


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"LEADFLOW_DNC__LIST_DATE is {text!r}; write the day when the registry was downloaded as YYYY-MM-DD") from None


def dnc_service(settings: DncSettings) -> DncScrub | DncListFile:
    """The do-not-call check that the settings name."""
    return DncScrub(settings) if settings.provider == "dncscrub" else DncListFile(settings)
