"""One HTTP/1.1 connection for httpx that spends a third of httpx's own CPU time on a call.

The request goes out as one piece, and the standard library reads the response's body; its head is read here, since the
library takes a head that was cut for a whole one, and its parser of e-mails takes longer than all the rest.
`python -m tests.bench clients` measures it beside others.
"""

from __future__ import annotations

import http.client
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from urllib.request import getproxies

import httpx

_IDLE_S = 5.0  # as httpx: a connection that was idle for longer may be half closed
_PROXIES = frozenset({"http", "https", "all"})
_LONGEST_LINE, _MOST_LINES, _LENGTH_DIGITS = 65_537, 100, 16
_FIRST_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")


class Connection(httpx.BaseTransport):
    """Keeps one connection open between calls, and serves one call at a time. Raises httpx's own errors."""

    def __init__(self, tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context) -> None:
        self._tls = tls
        self._socket: socket.socket | None = None
        self._origin: tuple[str, str, int] | None = None
        self._used_at = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole response. Raises httpx.TransportError and httpx.DecodingError."""
        head, timeout = _head(request), request.extensions.get("timeout") or {}
        kept = False
        try:
            opened = self._open(request.url, timeout.get("connect"))
            self._send(opened, head + request.read(), timeout.get("write"))
            response, content = _receive(opened, request.method, timeout.get("read"))
            kept = not response.will_close
        finally:
            if not kept:
                self.close()
        self._used_at = time.monotonic()
        return httpx.Response(response.status, headers=response.lines, content=content, request=request)

    def _open(self, url: httpx.URL, timeout_s: float | None) -> socket.socket:
        """Return the open connection to the origin, or a new one."""
        origin = url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)
        if self._socket is not None and origin == self._origin and self._is_usable():
            return self._socket
        self.close()
        try:
            opened = socket.create_connection(origin[1:], timeout_s)
            self._socket, self._origin = opened, origin
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "https":
                context = self._tls()
                context.set_alpn_protocols(["http/1.1"])
                self._socket = opened = context.wrap_socket(opened, server_hostname=url.host)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except (OSError, ValueError) as error:
            raise httpx.ConnectError(str(error)) from error
        return opened

    def _is_usable(self) -> bool:
        """Return whether the idle connection may be used: nothing came since the last response, not even its end."""
        assert self._socket is not None
        return time.monotonic() - self._used_at < _IDLE_S and not _has_input(self._socket)

    def _send(self, opened: socket.socket, data: bytes, timeout_s: float | None) -> None:
        try:
            if opened.gettimeout() != timeout_s:
                opened.settimeout(timeout_s)
            opened.sendall(data)
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError:
            pass  # as httpx: the server may have answered before it read everything

    def close(self) -> None:
        """Close the connection. The next call opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _has_input(opened: socket.socket) -> bool:
    if hasattr(select, "poll"):  # select() cannot watch a descriptor above 1,023
        watched = select.poll()
        watched.register(opened, select.POLLIN)
        return bool(watched.poll(0))
    return bool(select.select([opened], [], [], 0)[0])


def _head(request: httpx.Request) -> bytes:
    """Return the first line and the headers. Raises httpx.LocalProtocolError if a value would begin another line."""
    lines = [request.method.encode("ascii") + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    head = b"\r\n".join(lines)
    if head.count(b"\r") != len(lines) - 1 or head.count(b"\n") != len(lines) - 1 or b"\x00" in head:
        raise httpx.LocalProtocolError("a header has a line break")
    return head + b"\r\n\r\n"


def _receive(opened: socket.socket, method: str, timeout_s: float | None) -> tuple[_Response, bytes]:
    """Return the response and its body."""
    response = _Response(opened, method=method)
    response.asked_for_head = method == "HEAD"
    try:
        if opened.gettimeout() != timeout_s:
            opened.settimeout(timeout_s)
        response.begin()
        return response, response.read()
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (http.client.HTTPException, ValueError) as error:
        raise httpx.RemoteProtocolError(type(error).__name__) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
    finally:
        response.close()


class _Response(http.client.HTTPResponse):
    """A response whose head is read strictly, and without the standard library's parser of e-mails.

    A response of unclear length is refused: the rest of it would be read as the answer to the next call.
    """

    asked_for_head = False
    lines: list[tuple[bytes, bytes]]

    def begin(self) -> None:
        """Read the head. Raises http.client.HTTPException."""
        while True:
            version, self.status = self._read_first_line()
            self.lines = list(self._read_lines())
            if self.status >= 200:
                break
            if self.status == 101:
                raise http.client.HTTPException("the server changed the protocol")
        named = [(name.lower(), value) for name, value in self.lines]
        connection = b",".join(value.lower() for name, value in named if name == b"connection")
        coding = [value.strip().lower() for name, value in named if name == b"transfer-encoding"]
        self.will_close = b"close" in connection or (version == b"0" and b"keep-alive" not in connection)
        self.chunked, self.chunk_left, self.length = bool(coding), None, None
        if self.status in (204, 304) or self.asked_for_head:
            self.chunked, self.length = False, 0
        elif coding:
            if coding != [b"chunked"]:
                raise http.client.HTTPException("an unknown transfer coding")
        else:
            self._set_length({value for name, value in named if name == b"content-length"})

    def _set_length(self, lengths: set[bytes]) -> None:
        if not lengths:
            self.will_close = True  # the body ends with the connection
            return
        if len(lengths) > 1 or not all(length.isdigit() and len(length) < _LENGTH_DIGITS for length in lengths):
            raise http.client.HTTPException("the length of the response is not clear")
        self.length = int(lengths.pop())

    def _read_first_line(self) -> tuple[bytes, int]:
        line = self.fp.readline(_LONGEST_LINE)
        if not line:
            raise http.client.RemoteDisconnected("no response")
        found = _FIRST_LINE.fullmatch(line)
        if found is None:
            raise http.client.BadStatusLine("not HTTP/1.1")
        return found[1], int(found[2])

    def _read_lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield names and values up to the blank line."""
        for _ in range(_MOST_LINES):
            line = self.fp.readline(_LONGEST_LINE)
            if line in (b"\r\n", b"\n"):
                return
            found = _LINE.fullmatch(line)
            if found is None:
                raise http.client.HTTPException("a line of the head is not a header")
            yield found[1], found[2]
        raise http.client.HTTPException("too many headers")


def uses_proxy() -> bool:
    """Return whether the environment names a proxy (HTTPS_PROXY and others). Then httpx sends, which obeys NO_PROXY."""
    return not _PROXIES.isdisjoint(getproxies())
