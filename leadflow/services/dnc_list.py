"""The do-not-call check against a local copy of the registry: a DuckDB file, or a CSV, with its date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timezone
from pathlib import Path

from leadflow.errors import RefusedError, SettingsError
from leadflow.phones import ten_digits
from leadflow.services.dncscrub import POLICY_VERSION, DncScrub
from leadflow.services.limits import StopFlag
from leadflow.settings import DncSettings
from leadflow.verdicts import Scrub, Verdict

_MAX_AGE_DAYS = 31


class DncListFile:
    """Looks phones up in a table `dnc_list(full_phone)` of a DuckDB file, or in a CSV whose first column is the phone.

    The list must be dated and at most 31 days old (16 CFR 310.4(b)(3)(iv)). A federal list misses the
    do-not-call lists of eleven states: see VENDORS.md section 3.
    """

    def __init__(self, settings: DncSettings) -> None:
        if settings.list_path is None or settings.list_date is None:
            raise SettingsError("dnc.provider is list; set LEADFLOW_DNC__LIST_PATH and LEADFLOW_DNC__LIST_DATE (YYYY-MM-DD, when the registry was downloaded)")
        self.path = Path(settings.list_path).expanduser()
        self.list_date = date.fromisoformat(settings.list_date)

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> dict[str, Scrub]:
        """Do-not-call verdicts of E.164 phones, too quick to be stopped; raises RefusedError when the list is missing or too old."""
        self._raise_if_unusable()
        listed = self._listed([ten_digits(phone) for phone in phones])
        now = datetime.now(timezone.utc)
        return {p: self._scrub(p, ten_digits(p) in listed, now) for p in phones}

    def _scrub(self, phone: str, listed: bool, now: datetime) -> Scrub:
        verdict = Verdict.DNC if listed else Verdict.CLEAN
        return Scrub(phone, "dnc", verdict, "list", "listed" if listed else "absent", now, self.list_date.isoformat(), POLICY_VERSION)

    def _raise_if_unusable(self) -> None:
        age = (datetime.now(timezone.utc).date() - self.list_date).days
        if not 0 <= age <= _MAX_AGE_DAYS:
            raise RefusedError(f"the do-not-call list is of {self.list_date}, which is not within {_MAX_AGE_DAYS} days; download it again")
        if not self.path.is_file():
            raise RefusedError(f"there is no do-not-call list at {self.path}")

    def _listed(self, digits: list[str]) -> set[str]:
        import duckdb

        try:
            if self.path.suffix.lower() == ".csv":
                with duckdb.connect() as db:
                    columns = db.execute("SELECT * FROM read_csv(?, all_varchar = true) LIMIT 0", [str(self.path)]).description
                    sql = f'SELECT DISTINCT "{columns[0][0]}" FROM read_csv(?, all_varchar = true) WHERE "{columns[0][0]}" IN (SELECT unnest(?::VARCHAR[]))'
                    return {row[0] for row in db.execute(sql, [str(self.path), digits]).fetchall()}
            with duckdb.connect(str(self.path), read_only=True) as db:
                sql = "SELECT CAST(full_phone AS VARCHAR) FROM dnc_list WHERE CAST(full_phone AS VARCHAR) IN (SELECT unnest(?::VARCHAR[]))"
                return {row[0] for row in db.execute(sql, [digits]).fetchall()}
        except duckdb.Error as error:
            raise RefusedError(f"the do-not-call list {self.path} cannot be read ({type(error).__name__})") from None

    def close(self) -> None:
        """Nothing is held open."""


def dnc_service(settings: DncSettings) -> DncScrub | DncListFile:
    """The do-not-call check that the settings name."""
    return DncScrub(settings) if settings.provider == "dncscrub" else DncListFile(settings)
