"""The time that a run still needs, at the rate of its lookups so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadflow.run.tally import Tally


class Pace:
    """Estimates when the checks of the last batch end. `check_s` is the time that the latest batch's checks took."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._started_at = 0.0
        self._looked_up_before = 0
        self.check_s = 0.0

    def start(self) -> None:
        """Start measuring, before the first lookup."""
        self._started_at, self._looked_up_before = time.monotonic(), self._tally.progress.stages["Lookup"]

    def ends_within(self, seconds: float) -> bool:
        """Return whether the checks of the last batch probably end within this time."""
        progress = self._tally.progress
        looked_up, total = progress.stages["Lookup"], progress.total or 0
        elapsed = time.monotonic() - self._started_at
        return (total - looked_up) * elapsed <= (seconds - self.check_s) * (looked_up - self._looked_up_before)
