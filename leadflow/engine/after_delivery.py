"""The verbs for rows that are already delivered: the ledger, re-scrubs and suppressions."""

from __future__ import annotations

from leadflow.engine.records import Records
from leadflow.engine.rescrubs import Rescrubs
from leadflow.engine.suppressing import Suppressing


class AfterDelivery(Records, Rescrubs, Suppressing):
    """The verbs that keep delivered rows lawful, or take them out."""
