"""Logs of busy vendors: one line when a run starts to wait for a vendor, and one when the vendor answers again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadflow.run.context import RunContext
    from leadflow.services.transport.busy import BusyNews


@contextmanager
def busy_vendors_logged(run: RunContext) -> Iterator[None]:
    """Log the waits of this run inside the `with` block."""
    services = run.services
    stages = {
        "idiCORE": services.idicore,
        "Litigator": services.litigator,
        "DNC": services.dnc,
        "Google Sheets": services.sheet,
        "Reassigned": services.reassigned,
        **{provider.provider: provider for provider in services.further.all},
    }
    with ExitStack() as listening:
        for stage, service in stages.items():
            log = _StageLog(run, stage)
            for number, limiter in enumerate(getattr(service, "limiters", ())):
                listening.enter_context(limiter.reporting_to(partial(log.report, number)))
        yield


class _StageLog:
    """Logs when the first wait of one stage starts and when its last wait ends. A stage may have several quotas."""

    def __init__(self, run: RunContext, stage: str) -> None:
        self._run, self._stage = run, stage
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def report(self, limiter: int, news: BusyNews) -> None:
        with self._lock:
            was_busy = bool(self._busy)
            self._busy = self._busy - {limiter} if news.is_over else self._busy | {limiter}
            changed = was_busy != bool(self._busy)
        if changed:
            self._run.log(self._stage, news.message, "info" if news.is_over else "warning")
