"""One HTTP/1.1 connection for httpx that spends a third of httpx's own CPU time on a call.

The request goes out as one piece. The head of a response is read here, since the standard library takes a head that was
cut for a whole one, and its parser of e-mails takes longer than all the rest. The library reads bodies in chunks and
bodies without a length.
`python -m tests.bench clients` measures it beside others.
"""

from __future__ import annotations

import http.client
import io
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast
from urllib.request import getproxies

import httpx

_IDLE_S = 5.0  # as httpx: a connection that was idle for longer may be half closed
_PROXIES = frozenset({"http", "https", "all"})
_LONGEST_LINE, _MOST_LINES, _LENGTH_DIGITS = 65_537, 100, 16
_PIECE = 65_536
_FIRST_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
# Blanks around a value are taken possessively (*+). Otherwise a long line of blanks takes minutes.
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*+((?:[^\r\n]*[^\r\n \t])?)[ \t]*+\r?\n")


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
            received, content = _receive(opened, request.method, timeout.get("read"))
            kept = not received.will_close
        finally:
            if not kept:
                self.close()
        self._used_at = time.monotonic()
        if received.is_encoded:
            return httpx.Response(received.status, headers=received.lines, content=content, request=request)
        return _PlainResponse(received, content, request)

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


class _Head(NamedTuple):
    """The head of a response. `length` is None if the body comes in chunks, or ends with the connection."""

    status: int
    lines: list[tuple[bytes, bytes]]
    will_close: bool
    is_chunked: bool
    is_encoded: bool
    length: int | None


def _receive(opened: socket.socket, method: str, timeout_s: float | None) -> tuple[_Head, bytes]:
    """Return the head of the response, and its body."""
    try:
        if opened.gettimeout() != timeout_s:
            opened.settimeout(timeout_s)
        came = opened.recv(_PIECE)
        return _with_clear_length(came, opened, method) or _by_line(came, opened, method)
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (http.client.HTTPException, ValueError) as error:
        raise httpx.RemoteProtocolError(type(error).__name__) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error


def _with_clear_length(came: bytes, opened: socket.socket, method: str) -> tuple[_Head, bytes] | None:
    """Read a response whose head came as one piece and tells the length of its body; return None for any other.

    Nearly all responses are of this kind, and to read them line by line takes twice as long.
    """
    text, blank, body = came.partition(b"\r\n\r\n")
    first, *rest = (text + b"\r\n").splitlines(keepends=True)
    found, lines = _FIRST_LINE.fullmatch(first), [_LINE.fullmatch(line) for line in rest]
    if not (blank and found and all(lines)) or found[2] < b"200" or len(lines) >= _MOST_LINES:
        return None
    head = _head_of(found, [(line[1], line[2]) for line in lines if line], method)
    if head.length is None:
        return None
    if len(body) > head.length:  # the rest of what is too much may follow, and would be read as the next answer
        return head._replace(will_close=True), body[: head.length]
    return head, body if len(body) == head.length else body + _received(opened, head.length - len(body))


def _received(opened: socket.socket, length: int) -> bytes:
    """Return as many bytes. Raises http.client.IncompleteRead if the connection ends before."""
    parts: list[bytes] = []
    while length:
        part = opened.recv(min(length, _PIECE))
        if not part:
            raise http.client.IncompleteRead(b"", length)
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _by_line(came: bytes, opened: socket.socket, method: str) -> tuple[_Head, bytes]:
    response = _Response(_Rest(came, opened), method)
    try:
        response.begin()
        return response.head, response.read()
    finally:
        response.close()


def _head_of(first: re.Match[bytes], lines: list[tuple[bytes, bytes]], method: str) -> _Head:
    """Return what a head says. Raises http.client.HTTPException if it does not say where the body ends."""
    version, status = first[1], int(first[2])
    values: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        values.setdefault(name.lower(), []).append(value)
    connection = b",".join(values.get(b"connection", ())).lower()
    will_close = b"close" in connection or (version == b"0" and b"keep-alive" not in connection)
    is_encoded = b"content-encoding" in values
    coding = [value.strip().lower() for value in values.get(b"transfer-encoding", ())]
    if status in (204, 304) or method == "HEAD":
        return _Head(status, lines, will_close, False, is_encoded, 0)
    if coding:
        if coding != [b"chunked"]:
            raise http.client.HTTPException("an unknown transfer coding")
        return _Head(status, lines, will_close, True, is_encoded, None)
    length = _length(set(values.get(b"content-length", ())))
    # Without a length, the body ends with the connection.
    return _Head(status, lines, will_close or length is None, False, is_encoded, length)


def _length(lengths: set[bytes]) -> int | None:
    if not lengths:
        return None
    if len(lengths) > 1 or not all(length.isdigit() and len(length) < _LENGTH_DIGITS for length in lengths):
        raise http.client.HTTPException("the length of the response is not clear")
    return int(lengths.pop())


class _Rest(io.RawIOBase):
    """What comes on a connection, from the piece on that was received already."""

    def __init__(self, came: bytes, opened: socket.socket) -> None:
        self._came, self._opened = came, opened

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file, as a socket does."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or a part of it."""
        if not self._came:
            return self._opened.recv_into(buffer)
        part = self._came[: len(buffer)]
        buffer[: len(part)], self._came = part, self._came[len(part) :]
        return len(part)


class _Response(http.client.HTTPResponse):
    """A response whose head is read strictly, and without the standard library's parser of e-mails.

    A response of unclear length is refused: the rest of it would be read as the answer to the next call.
    """

    head: _Head

    def __init__(self, source: _Rest, method: str) -> None:
        super().__init__(cast("socket.socket", source), method=method)
        self._asked = method

    def begin(self) -> None:
        """Read the head. Raises http.client.HTTPException."""
        first, lines = self._read_first_line(), list(self._read_lines())
        while int(first[2]) < 200:
            if first[2] == b"101":
                raise http.client.HTTPException("the server changed the protocol")
            first, lines = self._read_first_line(), list(self._read_lines())
        self.head = _head_of(first, lines, self._asked)
        self.chunked, self.chunk_left, self.length = self.head.is_chunked, None, self.head.length
        self.will_close = self.head.will_close

    def _read_first_line(self) -> re.Match[bytes]:
        line = self.fp.readline(_LONGEST_LINE)
        if not line:
            raise http.client.RemoteDisconnected("no response")
        found = _FIRST_LINE.fullmatch(line)
        if found is None:
            raise http.client.BadStatusLine("not HTTP/1.1")
        return found

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


class _PlainResponse(httpx.Response):
    """A response whose body is not encoded. httpx itself would take it through a decoder and four generators."""

    def __init__(self, head: _Head, content: bytes, request: httpx.Request) -> None:
        super().__init__(head.status, headers=head.lines, stream=httpx.ByteStream(content), request=request)
        self._body = content

    @property
    def content(self) -> bytes:
        """The body."""
        return self._body

    def read(self) -> bytes:
        """Return the body."""
        return self._body


def uses_proxy() -> bool:
    """Return whether the environment names a proxy (HTTPS_PROXY and others). Then httpx sends, which obeys NO_PROXY."""
    return not _PROXIES.isdisjoint(getproxies())
