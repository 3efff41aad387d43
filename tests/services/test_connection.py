"""The connection of leadflow's own against httpx's, with the same bytes over real sockets: the same answer or error."""

from __future__ import annotations

import gzip
import itertools
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from leadflow.services.transport import connection
from leadflow.services.transport.connection import Connection
from leadflow.services.transport.http import Client

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def _server(*answers, close=True, hold=False):
    """Answer one request with each of these bytes; `close` the connection afterwards, or keep it open for the next."""
    seen, stop = [], threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve():
            waiting = list(answers)
            while waiting and not stop.is_set():
                try:
                    opened, _ = listener.accept()
                except TimeoutError:
                    continue
                with opened:
                    opened.settimeout(10)
                    while waiting:
                        try:
                            request = _request(opened)
                        except OSError:
                            break
                        if not request:
                            break
                        seen.append(request)
                        opened.sendall(waiting.pop(0))
                        if close:
                            break
                    if hold:
                        stop.wait(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/search", seen
        finally:
            stop.set()
            thread.join(20)


def _request(opened):
    data = b""
    while b"\r\n\r\n" not in data:
        part = opened.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += opened.recv(65536)
    return head + b"\r\n\r\n" + body


def _outcome(transport, answer, **how):
    """Status, body and the headers that leadflow reads; or the error."""
    with _server(answer, **how) as (url, _), httpx.Client(transport=transport, timeout=2) as client:
        try:
            response = client.post(url, json={"zip": "04530"})
        except httpx.HTTPError as error:
            return type(error)
        return response.status_code, response.content, response.headers.get("retry-after")


_ANSWERS = {
    "plain": _OK,
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}",
    "busy": b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: a\r\n\r\n",
    "chunked and a length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n"
    b"2\r\n{}\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n{}",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _OK,
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + _OK,
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "the same length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"[1]"),
    "not gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no number": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
    "negative": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "cut body": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
    "cut head": b"HTTP/1.1 200 OK\r\nContent-Len",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "no header": b"HTTP/1.1 200 OK\r\nthis is no header\r\n\r\n{}",
    "nothing": b"",
    "a name with a blank": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
    "latin-1": b"HTTP/1.1 200 OK\r\nServer: caf\xe9\r\nContent-Length: 2\r\n\r\n{}",
}  # fmt: skip


@pytest.mark.parametrize("name", _ANSWERS)
def test_an_answer_is_read_as_httpx_reads_it(name):
    ours = _outcome(Connection(), _ANSWERS[name])
    assert ours == _outcome(httpx.HTTPTransport(), _ANSWERS[name])


@pytest.mark.parametrize("cut", [0, 5, 17, 30, 45, 60])
def test_an_answer_that_is_cut_anywhere_is_an_error_and_no_shorter_answer(cut):
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n" + b"x" * 30
    assert _outcome(Connection(), whole[:cut]) is httpx.RemoteProtocolError


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"])
)
@examples(max_examples=60, deadline=None)
def test_whatever_a_vendor_sends_is_an_answer_or_an_error_of_httpx(noise, start):
    outcome = _outcome(Connection(), start + noise)
    assert isinstance(outcome, tuple) or issubclass(outcome, httpx.HTTPError)


class _Pieces:
    """A socket from which these bytes come in pieces of these sizes, and then the end."""

    def __init__(self, data, sizes):
        self._left, self._sizes = data, itertools.cycle(sizes)

    def gettimeout(self):
        return 1

    def recv(self, most):
        size = min(most, next(self._sizes))
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def recv_into(self, buffer):
        piece = self.recv(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _received(data, sizes, method="POST"):
    """Status, headers, body, and whether the connection may be kept; or the error."""
    try:
        head, body = connection._receive(_Pieces(data, sizes), method, 1)
    except httpx.TransportError as error:
        return type(error)
    return head.status, head.lines, body, not head.will_close


_TWO, _LONG = (b"Content-Length", b"2"), (b"Content-Length", b"150000")
_CLOSE, _KEPT, _CHUNKED = (b"Connection", b"Close"), (b"Connection", b"keep-alive"), (b"Transfer-Encoding", b"chunked")


def _two(first_line, *lines):
    """A response with two bytes, after these lines."""
    return b"\r\n".join([first_line, *lines, b"Content-Length: 2", b"", b"{}"])


_START = b"HTTP/1.1 200 OK"
_READ = [
    (_OK, (200, [_TWO], b"{}", True)),
    (_OK.replace(b"\r\n", b"\n"), (200, [_TWO], b"{}", True)),
    (_START + b"\nContent-Length: 6\n\n\r\n\r\n{}", (200, [(b"Content-Length", b"6")], b"\r\n\r\n{}", True)),
    (_two(b"HTTP/1.1 404 ", b"a:b \t"), (404, [(b"a", b"b"), _TWO], b"{}", True)),
    (_two(_START, b"A:\t b  c"), (200, [(b"A", b"b  c"), _TWO], b"{}", True)),
    (_two(_START, b"A:", b"B: \xe9"), (200, [(b"A", b""), (b"B", b"\xe9"), _TWO], b"{}", True)),
    (_START + b"\r\nContent-Length: 150000\r\n\r\n" + b"x" * 150_000, (200, [_LONG], b"x" * 150_000, True)),
    (_two(_START, b"Connection: Close"), (200, [_CLOSE, _TWO], b"{}", False)),
    (_two(b"HTTP/1.0 200 OK"), (200, [_TWO], b"{}", False)),
    (_two(b"HTTP/1.0 200 OK", b"Connection: keep-alive"), (200, [_KEPT, _TWO], b"{}", True)),
    (_START + b"\r\n\r\n{}", (200, [], b"{}", False)),
    (_two(b"HTTP/1.1 204 No Content")[:-2], (204, [_TWO], b"", True)),
    (_two(b"HTTP/1.1 304 Not Modified")[:-2], (304, [_TWO], b"", True)),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + _OK, (200, [_TWO], b"{}", True)),
    (
        _START + b"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: a\r\n\r\n",
        (200, [_CHUNKED], b"{}", True),
    ),
    (_two(_START, *[b"A: b"] * 98), (200, [(b"A", b"b")] * 98 + [_TWO], b"{}", True)),
    (_two(_START, *[b"A: b"] * 99), httpx.RemoteProtocolError),
    (_two(_START, b"A: " + b"b" * 65_532), (200, [(b"A", b"b" * 65_532), _TWO], b"{}", True)),
    (_two(_START, b"A: " + b"b" * 65_533), httpx.RemoteProtocolError),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + _OK, httpx.RemoteProtocolError),
    (_two(_START, b"A: b", b" folded"), httpx.RemoteProtocolError),
    (_two(_START, b"A: b\rc"), httpx.RemoteProtocolError),
    (_two(_START, b"A : b"), httpx.RemoteProtocolError),
    (_two(_START, b"Content-Length: 3"), httpx.RemoteProtocolError),
    (_two(_START, b"Transfer-Encoding: gzip"), httpx.RemoteProtocolError),
    (_START + b"\r\nContent-Length: 0x2\r\n\r\n{}", httpx.RemoteProtocolError),
    (_START + b"\r\nContent-Length: 3\r\n\r\n{}", httpx.RemoteProtocolError),
    (_START + b"\r\nContent-Le", httpx.RemoteProtocolError),
    (b"\r\n" + _OK, httpx.RemoteProtocolError),
    (b"", httpx.RemoteProtocolError),
]


@pytest.mark.parametrize(("data", "expected"), _READ)
@given(sizes=st.lists(st.sampled_from([1, 2, 3, 7, 17, 64, 5_000, 70_000]), min_size=1, max_size=8))
@examples(max_examples=25, deadline=None)
def test_a_response_is_the_same_whatever_the_pieces_in_which_it_comes(data, expected, sizes):
    assert _received(data, sizes) == expected


@pytest.mark.parametrize("at", range(len(_OK) + 1))
def test_a_response_may_be_cut_in_two_anywhere(at):
    assert _received(_OK, [at or 1, 70_000]) == (200, [_TWO], b"{}", True)


@pytest.mark.parametrize("sizes", [[1], [70_000]])
def test_the_answer_to_head_has_a_length_and_no_body(sizes):
    assert _received(_OK[:-2], sizes, method="HEAD") == (200, [_TWO], b"", True)


@pytest.mark.parametrize("end", [b"", b"\r\r\n\r\n"])
def test_a_long_line_of_blanks_takes_no_time(end):
    started = time.monotonic()
    assert _received(b"HTTP/1.1 200 OK\r\nA:" + b" " * 65_000 + end, [70_000]) is httpx.RemoteProtocolError
    assert time.monotonic() - started < 5


def test_a_connection_is_kept_for_the_next_call():
    with _server(_OK, _OK, close=False) as (url, seen), Client(5) as client:
        assert [client.post(url, json=n).status_code for n in range(2)] == [200, 200]
        assert [request.rpartition(b"\r\n\r\n")[2] for request in seen] == [b"0", b"1"]


@pytest.mark.parametrize("answer", [_OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother", _OK])
def test_bytes_after_an_answer_are_never_the_answer_to_another_call(answer):
    with _server(answer, close=False, hold=True) as (url, _), Client(2) as client:
        assert client.post(url, json=1).content == b"{}"
        assert (client._connection._socket is None) == (answer != _OK)
        time.sleep(0.1)
        with pytest.raises(httpx.TransportError):
            client.post(url, json=2)  # the server answers once


def test_a_connection_that_the_vendor_closed_meanwhile_is_not_used():
    with _server(_OK, _OK, close=True) as (url, seen), Client(5) as client:
        assert client.post(url, json=1).status_code == 200
        time.sleep(0.2)
        assert client.post(url, json=2).status_code == 200
        assert len(seen) == 2


def test_a_connection_that_was_idle_for_long_is_not_used(monkeypatch):
    monkeypatch.setattr(connection, "_IDLE_S", 0.0)
    with _server(_OK, _OK, close=True) as (url, _), Client(5) as client:
        assert [client.post(url, json=n).status_code for n in range(2)] == [200, 200]


def test_no_answer_in_time_is_a_read_timeout_and_the_late_answer_is_dropped():
    with _server(b"", close=False, hold=True) as (url, _), Client(0.3) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(url, json=1)
        assert client._connection._socket is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/", "https://127.0.0.1:9/"])
def test_a_vendor_that_cannot_be_reached_is_a_connect_error(url):
    with Client(5) as client, pytest.raises(httpx.ConnectError):
        client.exchange(client.build_request("POST", url, json=1))


def test_a_vendor_whose_certificate_is_not_trusted_gets_no_request(tls_server):
    url, seen = tls_server
    with Client(5) as client, pytest.raises(httpx.ConnectError):
        client.post(url, json=1)
    assert seen == []


@pytest.mark.parametrize("token", ["a\r\nX-Other: 1", "a\nb", "a\x00"])
def test_a_token_with_a_line_break_is_not_sent(token):
    with _server(_OK) as (url, seen), Client(5) as client:
        request = client.build_request("POST", url, json=1)
        request.headers["authorization"] = token
        with pytest.raises(httpx.LocalProtocolError):
            client.exchange(request)
        assert seen == []


def test_behind_a_proxy_httpx_itself_sends(monkeypatch):
    for names, is_proxy in (({"HTTPS_PROXY": "http://proxy:3128"}, True), ({"NO_PROXY": "*"}, False)):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        with Client(5) as client:
            assert (client._connection is None) == is_proxy


@pytest.fixture
def tls_server(tmp_path):
    """A server with a certificate that nobody signed, and the requests that it saw."""
    cryptography = pytest.importorskip("cryptography")
    assert cryptography
    from datetime import datetime, timedelta, timezone

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.set_alpn_protocols(["h2", "http/1.1"])
    seen: list[tuple[str | None, bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for _ in range(2):
                try:
                    with context.wrap_socket(listener.accept()[0], server_side=True) as opened:
                        while request := _request(opened):
                            seen.append((opened.selected_alpn_protocol(), request))
                            opened.sendall(_OK)
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listener.getsockname()[1]}/search", seen


def test_a_trusted_certificate_is_accepted(tls_server, tmp_path):
    url, seen = tls_server
    context = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
    with httpx.Client(transport=Connection(lambda: context), timeout=5) as client:
        assert [client.post(url, json=n).content for n in range(3)] == [b"{}"] * 3
        opened = client._transport._socket
        assert client.post(url, json=3).content == b"{}"
        assert client._transport._socket is opened  # the session tickets of TLS 1.3 are no answer
    assert [protocol for protocol, _ in seen] == ["http/1.1"] * 4
