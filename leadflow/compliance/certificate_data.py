"""The data of a certificate. certificate_page.py renders it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class CheckedList:
    """One list that phones were checked against: kind of check, provider, policy, dates, and how many phones.

    `list_dates` and `checked` are the first and the last. `reused` counts the phones whose check is older than the job,
    and `not_covered` those that the list could not clear.
    """

    kind: str
    provider: str
    policy: str
    list_dates: tuple[str, str]
    checked: tuple[str, str]
    phones: int
    reused: int
    not_covered: int


@dataclass(frozen=True, repr=False, eq=False)
class CertificateData:
    """The data of a certificate: the job's row in the history, the lists, counts, and what is missing in the records.

    `counts` are of phones, except leads_delivered and leads_withdrawn. `entries` is how many rows the job has in the
    ledger, and `sha256` the hash over them. `coverage` is the job's line about the coverage of its do-not-call check.
    """

    job: dict[str, Any]
    lists: list[CheckedList]
    counts: dict[str, int]
    entries: int
    sha256: str
    problems: list[str]
    settings: dict[str, Any]
    coverage: str
    ledger: str
    made_at: datetime

    @property
    def ok(self) -> bool:
        """Whether each delivered phone has both checks on record, in time, and no record was changed."""
        return not self.problems
