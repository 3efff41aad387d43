"""Take up again the leads that were held back long enough ago: policy.retry_after_days.

Such a lead has one row in PERSON_CACHE and one in the consolidated table, which says why and when it was held. A lead
that was ever delivered or withdrawn never comes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

from leadflow.leads.people import Answer, Phone
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import ANSWERED

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

_TABLE = "LF_RETRY"
ALL_SUPPRESSED = "all_suppressed"
_PHONE = '"[+]1[2-9][0-9]{9}"'
_PHONES = f"^.({_PHONE}, ?)*{_PHONE}.$"
# The row numbers of the released people among the identities: below those of the other tables.
_FIRST_ROW = -1_000


@dataclass(frozen=True, repr=False)
class Retried:
    """A lead that is taken up again: its key, why it was held, and the answer that was bought then.

    `answer` is None for a lead that is bought again. `after_days` is the setting of its reason.
    """

    person_key: str
    reason: str
    after_days: float
    answer: Answer | None = None

    def __repr__(self) -> str:
        """Return a text without the answer."""
        return f"Retried({self.person_key}, {self.reason})"


def find_released(warehouse: Warehouse, after_days: Mapping[str, float]) -> str | None:
    """Make the table of the people in PERSON_CACHE who may be taken up again, and return it as SQL.

    Return None if no reason is set, or a table is missing. "lf_ready" is 1, or 0 for an all_suppressed person whose
    phones cannot be read: those stay processed, because a lookup would be bought twice.
    """
    settings = warehouse.settings
    if not after_days or None in map(warehouse.columns_of, (settings.person_cache, settings.consolidated)):
        return None
    table = warehouse.temporary(_TABLE)
    readable = f"LEFT(p.phones, 1) = '[' AND RIGHT(p.phones, 1) = ']' AND REGEXP_LIKE(p.phones, '{_PHONES}')"
    warehouse.execute(f"""CREATE OR REPLACE TEMPORARY TABLE {table} AS
        SELECT p.lf_key AS "person_key", c.lf_reason AS "lf_reason", p.phones AS "lf_phones", p.emails AS "lf_emails",
            p.status AS "lf_status",
            CASE WHEN c.lf_reason <> '{ALL_SUPPRESSED}' OR ({readable}) THEN 1 ELSE 0 END AS "lf_ready",
            {_FIRST_ROW} - ROW_NUMBER() OVER (ORDER BY p.lf_key) AS "lf_row"
        FROM ({_cached_sql(warehouse)}) p JOIN ({_held_sql(warehouse)}) c ON c.lf_key = p.lf_key
        {_delivered_sql(warehouse)} WHERE lf_d.lf_key IS NULL AND ({_due_sql(after_days)})""")
    return table


def _cached_sql(warehouse: Warehouse) -> str:
    """Select the people with exactly one row. A lead with two rows of an older system has no single outcome."""
    picked = ", ".join(
        f"MAX(CAST(p.{quoted(column)} AS VARCHAR)) AS {column}" for column in ("phones", "emails", "status")
    )
    return (
        f'SELECT p."person_key" AS lf_key, MAX(p."checked_at") AS lf_at, {picked} '
        f"FROM {warehouse.table(warehouse.settings.person_cache)} p "
        f'GROUP BY p."person_key" HAVING COUNT(*) = 1 AND MIN(CASE WHEN {ANSWERED.format("p")} THEN 1 ELSE 0 END) = 1'
    )


def _held_sql(warehouse: Warehouse) -> str:
    """Select the leads whose one outcome is held, with the reason."""
    return (
        'SELECT c."Lead Key" AS lf_key, MAX(c."Reason") AS lf_reason '
        f"FROM {warehouse.table(warehouse.settings.consolidated)} c "
        'GROUP BY c."Lead Key" HAVING COUNT(*) = 1 AND MAX(c."Disposition") = \'held\''
    )


def _delivered_sql(warehouse: Warehouse) -> str:
    """Join the leads that the ledger knows as delivered or withdrawn once."""
    ledger = warehouse.settings.ledger
    found = "SELECT NULL AS lf_key WHERE 1 = 0"
    if warehouse.columns_of(ledger) is not None:
        events = "\"EVENT\" IN ('delivered', 'withdrawn')"
        found = f'SELECT DISTINCT "LEAD_KEY" AS lf_key FROM {warehouse.table(ledger)} WHERE {events}'
    return f"LEFT JOIN ({found}) lf_d ON lf_d.lf_key = p.lf_key"


def _due_sql(after_days: Mapping[str, float]) -> str:
    now = datetime.now(timezone.utc)
    due = (
        f"(c.lf_reason = '{reason}' AND p.lf_at < "
        f"TO_TIMESTAMP_NTZ('{now - timedelta(days=days):%Y-%m-%d %H:%M:%S}', 'YYYY-MM-DD HH24:MI:SS'))"
        for reason, days in sorted(after_days.items())
    )
    return " OR ".join(due)


def keep_first_keys(warehouse: Warehouse, leads: str, identities: str, released: str) -> None:
    """Give the leads that are released people under another key the key that the tables have for them.

    So the tables keep one row for the person. `leads` is the table with "person_key" and "lf_seq".
    """
    people = (
        f'SELECT i."lf_identity" AS lf_identity, MIN(r."person_key") AS lf_key FROM {released} r '
        f'JOIN {identities} i ON i."lf_row" = r."lf_row" WHERE r."lf_ready" = 1 GROUP BY i."lf_identity"'
    )
    found = (
        f'SELECT i."lf_row" AS lf_n, s.lf_key AS lf_key FROM {identities} i JOIN ({people}) s '
        'ON s.lf_identity = i."lf_identity" WHERE i."lf_row" >= 0'
    )
    warehouse.execute(f'UPDATE {leads} SET "person_key" = f.lf_key FROM ({found}) f WHERE "lf_seq" = f.lf_n')


def read_retried(
    warehouse: Warehouse, leads: str, released: str, after_days: Mapping[str, float]
) -> tuple[list[Retried], int]:
    """Return the leads of the job that are taken up again, and how many stay processed because of unreadable phones.

    `leads` is the table of the classified leads.
    """
    joined = f'FROM {leads} l JOIN {released} r ON r."person_key" = l."person_key"'
    columns = ", ".join(f'r."lf_{name}"' for name in ("reason", "phones", "emails", "status"))
    rows: Sequence[tuple[str, ...]] = warehouse.execute(
        f'SELECT l."person_key", {columns} {joined} WHERE l."lf_state" = \'todo\' AND r."lf_ready" = 1'
    )
    unread = warehouse.execute(f'SELECT COUNT(DISTINCT l."person_key") {joined} WHERE r."lf_ready" = 0')[0][0]
    found = [
        Retried(key, reason, after_days[reason], _answer(key, phones, emails, status) if _is_bought(reason) else None)
        for key, reason, phones, emails, status in rows
    ]
    return found, int(unread)


def _is_bought(reason: str) -> bool:
    """Whether the answer of a lead held for this reason is used again."""
    return reason == ALL_SUPPRESSED


def _answer(key: str, phones: str, emails: str, status: str) -> Answer:
    """Return the answer that PERSON_CACHE holds. A lead without a match had phones of its script only."""
    if status == "no_match":
        return Answer(key, "no_match", source=Answer.FROM_CACHE)
    numbers = re.findall(r"\+1[2-9]\d{9}", phones)
    return Answer(key, "found", tuple(Phone(number) for number in numbers), _emails(emails), source=Answer.FROM_CACHE)


def _emails(text: str | None) -> tuple[str, ...]:
    try:
        found: Any = json.loads(text or "[]")
    except ValueError:
        return ()
    emails = cast("list[Any]", found) if isinstance(found, list) else []
    return tuple(email for email in emails if isinstance(email, str))
