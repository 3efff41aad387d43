"""Checks of the machine that leadflow runs on: its clock and its proxies."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from leadflow.check.rows import Checklist, Finding, failed, warning
from leadflow.errors import TransientError
from leadflow.settings import Settings

_LONGEST_CALL_S = 10.0
_NOTICEABLE_S, _TOO_FAR_S = 30.0, 300.0
_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def add_machine_rows(settings: Settings, checklist: Checklist) -> None:
    """Add the rows about the clock and the proxies."""
    checklist.add(
        "Clock",
        lambda: _clock(settings),
        "Check the network and the proxy: none of the vendors' servers could be reached.",
    )
    checklist.add("Proxy", lambda: _proxy(os.environ, urllib.request.getproxies()))


def _clock(settings: Settings) -> Finding:
    """Compare the clock with the Date header of the vendors' servers. Sends HEAD requests without a login."""
    urls = [settings.idicore.login_url, settings.litigator.url, settings.sheets.base_url]
    if settings.dnc.provider == "dncscrub":
        urls.append(settings.dnc.url)
    skews = {host: skew for host in dict.fromkeys(map(_start_page, urls)) if (skew := _skew(host)) is not None}
    if not skews:
        raise TransientError("no vendor's server answered with a date")
    host, skew = sorted(skews.items(), key=lambda found: found[1])[len(skews) // 2]
    found = f"{abs(skew):,.0f} s {'behind' if skew > 0 else 'ahead of'} the clock of {urlsplit(host).hostname}"
    advice = "Set this machine's clock by a time server (NTP)."
    if abs(skew) >= _TOO_FAR_S:
        return failed(
            f"{found}: sign-ins with a key are refused, and checks have the wrong time and perhaps the wrong day",
            advice,
        )
    return warning(found, advice) if abs(skew) >= _NOTICEABLE_S else Finding(f"right, within {max(1, abs(skew)):.0f} s")


def _start_page(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _skew(url: str) -> float | None:
    """Return how many seconds a server's clock is ahead of this machine's; None without a Date header."""
    before = time.time()
    try:
        answer = httpx.head(url, timeout=_LONGEST_CALL_S)
        there = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError, TypeError):
        return None
    skew = there + 0.5 - (before + time.time()) / 2  # the header has whole seconds
    return 0.0 if abs(skew) < 1 else skew


def _proxy(environment: Mapping[str, str], found: Mapping[str, str]) -> Finding:
    """Describe the proxies of the environment and the system, without the user names and passwords."""
    named = {f"{kind.upper()}_PROXY": url for kind, url in found.items()}
    proxies = {name: named[name] for name in _VARIABLES if named.get(name)}
    certificates = [name for name in _CERTIFICATES if environment.get(name)]
    extra = f"; {', '.join(certificates)} set: certificates of another authority are trusted" if certificates else ""
    if not proxies:
        return Finding(f"none{extra}")
    text = ", ".join(f"{name} is {_shown(url)}" for name, url in proxies.items())
    exempt = f"; not for {named['NO_PROXY']}" if named.get("NO_PROXY") else ""
    return warning(f"calls go through a proxy: {text}{exempt}{extra}", _advice(proxies))


def _advice(proxies: Mapping[str, str]) -> str:
    if any(url.lower().startswith("socks") for url in proxies.values()):
        return (
            "A SOCKS proxy needs pip install 'httpx[socks]' 'requests[socks]'; or name an http:// proxy, or unset it."
        )
    return (
        "Nothing, if it is your company's and the rows above are ok. If it opens encrypted traffic, it sees secrets "
        "and people's data: have the vendors' hosts exempted, or set NO_PROXY."
    )


def _shown(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"//{url}")
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.scheme else f"{parts.hostname}{port}"
