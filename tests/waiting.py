"""Wait in a test for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(ready: Callable[[], object], seconds: float = 90) -> None:
    """Wait until `ready` returns something true."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
