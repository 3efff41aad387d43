"""The verbs for rows that are already delivered: the ledger, re-scrubs and suppressions."""

from __future__ import annotations

from leadflow.engine.records import Records
from leadflow.engine.rescrubs import Rescrubs


class AfterDelivery(Records, Rescrubs):
    """The verbs that keep delivered rows lawful, or take them out."""
