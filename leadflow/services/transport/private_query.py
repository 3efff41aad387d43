"""A transport that adds the query below httpx's log of requests, for a query that has a key or a phone."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

QUERY = "leadflow_query"


class PrivateQuery(httpx.BaseTransport):
    """Sends each request with the query in its extensions, which no log shows.

    A client with a transport of its own does not read the environment's proxy, so the transport does.
    """

    def __init__(self, url: str, connections: int) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._inner = httpx.HTTPTransport(limits=limits, proxy=_proxy_of(url))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request with its query and body."""
        url = request.url.copy_merge_params(request.extensions.get(QUERY, {}))
        rest = {name: value for name, value in request.extensions.items() if name != QUERY}
        return self._inner.handle_request(
            httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=rest)
        )

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()


def _proxy_of(url: str) -> str | None:
    """Return the environment's proxy for a URL, as HTTPS_PROXY and NO_PROXY name it."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
