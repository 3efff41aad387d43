"""The do-not-call list as a frame."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from leadflow.compliance.suppression_list import refresh
from leadflow.history.reader import moment

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.checkpoints import Checkpoints
    from leadflow.services.warehouse import Warehouse

_COLUMNS = (
    *("phone", "person_key", "reason", "source", "by", "added_at", "scope", "expires_on"),
    *("rows_withdrawn", "done_at"),
)


def suppression_frame(warehouse: Warehouse, checkpoints: Checkpoints, since: str | date | None) -> pd.DataFrame:
    """Return the list, newest first, with what this home did about each entry. Raises RefusedError, InputError."""
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    first = None if since is None else moment(since)
    refresh(warehouse, checkpoints)
    rows = [
        (
            entry.suppression.phone,
            entry.suppression.lead_key,
            entry.suppression.reason,
            entry.suppression.source,
            entry.suppression.added_by,
            entry.suppression.added_at,
            entry.suppression.scope,
            entry.suppression.expires_on,
            entry.withdrawn,
            entry.closed_at,
        )
        for entry in checkpoints.suppression_entries()
        if first is None or entry.suppression.added_at.replace(tzinfo=None) >= first
    ]
    found = pd.DataFrame(rows, columns=pd.Index(_COLUMNS))
    for name in ("added_at", "done_at"):
        found[name] = pd.to_datetime(found[name], utc=True)
    return found.sort_values("added_at", ascending=False, kind="stable").reset_index(drop=True)
