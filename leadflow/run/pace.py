"""How soon a run ends, at the speed of its lookups so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadflow.run.tally import Tally


class Pace:
    """Estimates when the last batch leaves its checks. `check_s` is how long the checks of the latest batch took."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._started_at = 0.0
        self._looked_up_before = 0
        self.check_s = 0.0

    def start(self) -> None:
        """Start measuring, before the first lookup."""
        self._started_at, self._looked_up_before = time.monotonic(), self._tally.progress.stages["Lookup"]

    def ends_within(self, seconds: float) -> bool:
        """Return whether the last batch is likely to have left its checks by then."""
        progress = self._tally.progress
        looked_up, total = progress.stages["Lookup"], progress.total or 0
        elapsed = time.monotonic() - self._started_at
        return (total - looked_up) * elapsed <= (seconds - self.check_s) * (looked_up - self._looked_up_before)
