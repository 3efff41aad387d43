"""The settings that every vendor with one address has, and the caller that keeps to them."""

from __future__ import annotations

from typing import Protocol

import httpx

from leadflow.services.transport.http import Caller
from leadflow.services.transport.limits import Breaker, Limiter, shared_limiter


class VendorSettings(Protocol):
    """The part of a vendor's settings that says how it may be called."""

    @property
    def url(self) -> str: ...  # noqa: D102 - named as in leadflow.settings
    @property
    def max_in_flight(self) -> int: ...  # noqa: D102
    @property
    def max_per_minute(self) -> int | None: ...  # noqa: D102
    @property
    def timeout_s(self) -> float: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def busy_wait_s(self) -> float: ...  # noqa: D102
    @property
    def breaker_failures(self) -> int: ...  # noqa: D102


def caller_of(
    name: str, settings: VendorSettings, account: str, transport: httpx.BaseTransport | None = None
) -> Caller:
    """Return the caller of a vendor's account. All callers of one account in this process share its limits."""
    limiter = shared_limiter(
        (settings.url, account),
        lambda: Limiter(name, settings.max_in_flight, settings.max_per_minute, busy_wait_s=settings.busy_wait_s),
    )
    breaker = Breaker(name, settings.breaker_failures)
    return Caller(name, limiter, breaker, settings.timeout_s, settings.attempts, transport)
