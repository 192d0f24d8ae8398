"""New connections: all addresses of a name, verified TLS, and the kinds of errors."""

import contextlib
import datetime as dt
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.scenarios.load.http.remote_connection import RemoteConnection, connect, driver
from tests.scenarios.load.malformed_server import CREATED, MalformedServer, Peer, always, once, serve

__all__ = ["connect", "driver", "serve"]

Serve = Callable[..., MalformedServer]
Connect = Callable[..., RemoteConnection]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The tests' own CA."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_sends_server_name_and_protocol(
    serve: Serve, connect: Connect, authority: trustme.CA, ca_file: str, version: ssl.TLSVersion
) -> None:
    """SNI names the server, ALPN says http/1.1. Requests share the connection; tickets leave an idle one open."""
    names: list[str | None] = []
    protocols: list[str | None] = []
    context = _context(authority.issue_cert("localhost"))
    context.minimum_version = context.maximum_version = version
    context.sni_callback = lambda _connection, name, _context: names.append(name)

    def treatment(peer: Peer) -> None:
        assert isinstance(peer.connection, ssl.SSLSocket)
        protocols.append(peer.connection.selected_alpn_protocol())
        always(CREATED)(peer)

    server = serve(treatment, tls=context)
    connection = connect(f"https://localhost:{server.port}", ca_file=ca_file)
    connection.open()
    for _ in range(3):
        connection.let_the_loop_run()
        assert connection.exchange(body_bytes=100)["status"] == 201
    assert (server.connections, names, protocols) == (1, ["localhost"], ["http/1.1"])


def test_large_requests_and_replies_go_through_tls(
    serve: Serve, connect: Connect, authority: trustme.CA, ca_file: str
) -> None:
    """Larger than a TLS record and than the socket buffers, in both directions."""
    body_bytes = 3 * 1024 * 1024
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % body_bytes + b"y" * body_bytes
    server = serve(always(reply), tls=_context(authority.issue_cert("127.0.0.1")))
    connection = connect(server.url, ca_file=ca_file)
    for _ in range(2):
        assert connection.exchange(body_bytes=body_bytes, keep=True)["body"] == "y" * body_bytes
    assert [request.count(b"x") for request in server.requests] == [body_bytes] * 2
    assert server.connections == 1


def test_closes_have_the_same_kinds_over_tls(
    serve: Serve, connect: Connect, authority: trustme.CA, ca_file: str
) -> None:
    """Noticed between requests; stale if not noticed in time; without reply if the request was received."""
    tls = _context(authority.issue_cert("127.0.0.1"))
    connection = connect(serve(once(CREATED), tls=tls).url, ca_file=ca_file)
    assert connection.exchange()["status"] == 201
    connection.notice_close()
    assert connection.exchange()["connect_s"] > 0
    connection.held_up_until_readable()
    assert connection.exchange()["kind"] == "stale_connection"
    resetting = connect(serve(lambda peer: (once(CREATED)(peer), peer.reset()), tls=tls).url, ca_file=ca_file)
    assert resetting.exchange()["status"] == 201
    resetting.held_up_until_readable()
    seen = resetting.exchange()
    assert (seen["kind"], seen["maybe_sent"]) == ("stale_connection", True), "OpenSSL tells no better"
    closing = connect(serve(lambda peer: peer.request() and peer.close(), tls=tls).url, ca_file=ca_file)
    assert closing.exchange()["kind"] == "closed_without_reply"


def _expired(authority: trustme.CA) -> trustme.LeafCert:
    now = dt.datetime.now(tz=dt.UTC)
    day = dt.timedelta(days=1)
    return authority.issue_cert("127.0.0.1", not_before=now - 2 * day, not_after=now - day)


@pytest.mark.parametrize(
    "certificate",
    [
        _expired,
        lambda authority: authority.issue_cert("elsewhere.example"),
        lambda _: trustme.CA().issue_cert("127.0.0.1"),
    ],
    ids=["expired", "another name", "unknown authority"],
)
def test_a_bad_certificate_gets_no_request(
    serve: Serve,
    connect: Connect,
    authority: trustme.CA,
    ca_file: str,
    certificate: Callable[[trustme.CA], trustme.LeafCert],
) -> None:
    """It is a TLS error, and nothing was sent."""
    server = serve(always(CREATED), tls=_context(certificate(authority)))
    seen = connect(server.url, ca_file=ca_file).exchange()
    assert (seen["kind"], seen["maybe_sent"]) == ("tls_error", False)
    assert server.requests == []


def test_the_systems_authorities_are_trusted_without_a_file(
    serve: Serve, connect: Connect, authority: trustme.CA
) -> None:
    """They do not include the tests' CA."""
    server = serve(always(CREATED), tls=_context(authority.issue_cert("127.0.0.1")))
    assert connect(server.url).exchange()["kind"] == "tls_error"


def test_a_server_without_tls_is_a_tls_error(serve: Serve, connect: Connect, ca_file: str) -> None:
    """Plain HTTP at an https address."""

    def treatment(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    url = serve(treatment).url.replace("http:", "https:")
    seen = connect(url, ca_file=ca_file).exchange()
    assert (seen["kind"], seen["maybe_sent"]) == ("tls_error", False)


def test_a_handshake_that_does_not_end_is_a_connect_timeout(serve: Serve, connect: Connect, ca_file: str) -> None:
    """The server accepts and sends nothing: the connect timeout ends it before the request's timeout."""
    url = serve(Peer.drain).url.replace("http:", "https:")
    seen = connect(url, ca_file=ca_file, timeout_s=20.0, connect_timeout_s=0.3).exchange()
    assert (seen["kind"], seen["maybe_sent"]) == ("connect_timeout", False)
    assert 0.3 <= seen["took_s"] < 10


def test_a_closed_port_refuses(connect: Connect) -> None:
    """Nothing was sent. The same happens when a connection is opened in advance."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        connection = connect(f"http://127.0.0.1:{closed.getsockname()[1]}")
        for seen in (connection.exchange(), connection.open()):
            assert (seen["kind"], seen["maybe_sent"]) == ("connection_refused", False)


def test_an_unknown_name_is_an_error(connect: Connect) -> None:
    """RFC 6761 reserves .invalid."""
    for name in ("nowhere.invalid", "a" * 70 + ".invalid"):
        seen = connect(f"http://{name}").exchange()
        assert (seen["kind"], seen["maybe_sent"]) == ("name_not_resolved", False)


def test_a_lookup_without_answer_is_a_connect_timeout(connect: Connect) -> None:
    """For the caller that started the look-up and for those that share it."""
    connection = connect("http://hanging.test", connect_timeout_s=0.3)
    seen = connection.together(count=3)
    assert {(one["kind"], one["maybe_sent"]) for one in seen} == {("connect_timeout", False)}
    assert all(0.3 <= one["took_s"] < 5 for one in seen)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("first", ["127.0.0.1", "::1"])
def test_a_name_of_both_families_leads_to_the_one_that_listens(
    serve: Serve, connect: Connect, host: str, first: str
) -> None:
    """As ``localhost`` does; concurrent callers share one look-up."""
    server = serve(always(CREATED), host=host)
    finds = [first, "::1", "127.0.0.1"]
    connection = connect(f"http://{first.strip(':').replace('.', '-')}-{server.port}.test:{server.port}", finds=finds)
    assert {seen.get("status") for seen in connection.together(count=20)} == {201}
    assert (server.connections, connection.look_ups()) == (20, 1)


def test_localhost_is_resolved(serve: Serve, connect: Connect) -> None:
    """By the resolver of the system."""
    server = serve(always(CREATED))
    assert connect(f"http://localhost:{server.port}").exchange()["status"] == 201


def test_an_address_that_does_not_answer_leaves_time_for_the_next(serve: Serve, connect: Connect) -> None:
    """The next connection starts with the address that worked."""
    server = serve(always(CREATED))
    with contextlib.ExitStack() as dead:
        listener = dead.enter_context(socket.create_server(("127.0.0.2", server.port), backlog=0))
        for _ in range(4):  # Its queue is full, so the kernel leaves further connections unanswered.
            waiting = dead.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        connection = connect(f"http://dead.test:{server.port}", finds=["127.0.0.2", "127.0.0.1"], connect_timeout_s=1.6)
        seen = connection.exchange()
        assert seen["status"] == 201
        assert 0.8 <= seen["connect_s"] < 1.6
        assert connection.addresses() == ["127.0.0.1", "127.0.0.2"]
        connection.close()
        assert connection.exchange()["status"] == 201


def test_an_ipv6_address_is_used_directly(serve: Serve, connect: Connect) -> None:
    """In brackets in the URL and the Host header, without them for the socket."""
    server = serve(always(CREATED), host="::1")
    connection = connect(f"http://[::1]:{server.port}/base")
    assert connection.exchange()["status"] == 201
    assert connection.authority() == f"[::1]:{server.port}"


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://api.example/v1", "api.example"),
        ("http://api.example:80", "api.example"),
        ("http://api.example:8080", "api.example:8080"),
        ("https://api.example:443", "api.example"),
        ("https://api.example:80", "api.example:80"),
    ],
)
def test_the_host_header_names_the_port_unless_it_is_the_schemes_own(
    connect: Connect, url: str, authority: str
) -> None:
    """RFC 9112 section 3.2."""
    assert connect(url).authority() == authority


def test_a_name_is_looked_up_once_and_again_after_a_failure(serve: Serve, connect: Connect) -> None:
    """The addresses are kept while one works, and discarded when none does."""
    server = serve(always(CREATED))
    connection = connect(f"http://moving.test:{server.port}", finds=["127.0.0.1"])
    for _ in range(2):
        assert connection.exchange()["status"] == 201
        connection.close()
    assert connection.look_ups() == 1
    server.stop()
    for look_ups in (1, 2):
        assert connection.exchange()["kind"] == "connection_refused"
        assert connection.look_ups() == look_ups


def test_a_file_without_certificates_is_a_user_error(connect: Connect, tmp_path: Path) -> None:
    """The error names the file and the reason."""
    (tmp_path / "empty.pem").write_text("nothing")
    for name, reason in (("empty.pem", "not a PEM certificate"), ("missing.pem", "No such file")):
        with pytest.raises(AssertionError, match=f"{name}: .*{reason}"):
            connect("https://localhost", ca_file=str(tmp_path / name))
