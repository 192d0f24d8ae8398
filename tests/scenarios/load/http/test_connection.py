"""One connection with good and malformed servers: errors, reuse, and no request is sent twice."""

import re
from collections.abc import Callable

import pytest

from tests.scenarios.load.http.remote_connection import RemoteConnection, connect, driver
from tests.scenarios.load.malformed_server import CREATED, MalformedServer, Peer, Treatment, always, once, serve

__all__ = ["connect", "driver", "serve"]

Serve = Callable[..., MalformedServer]
Connect = Callable[..., RemoteConnection]

LARGE_BYTES = 8 * 1024 * 1024
"""More than the sockets' buffers hold."""


def test_requests_share_a_connection(serve: Serve, connect: Connect) -> None:
    """Only the first one has a connect time."""
    server = serve(always(CREATED))
    connection = connect(server.url)
    first, *others = [connection.exchange(tag=str(index)) for index in range(5)]
    assert 0 < first["connect_s"] <= first["took_s"]
    assert [other["connect_s"] for other in others] == [None] * 4
    assert [other["status"] for other in others] == [201] * 4
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_connection_opened_ahead_is_used(serve: Serve, connect: Connect) -> None:
    """Opening has a connect time; the first exchange has none."""
    server = serve(always(CREATED))
    connection = connect(server.url)
    assert connection.open()["connect_s"] > 0
    assert connection.open()["connect_s"] is None
    assert connection.exchange()["connect_s"] is None
    assert server.connections == 1


def test_location_etag_and_body_are_kept_on_request(serve: Serve, connect: Connect) -> None:
    """Otherwise only the status, in turns on one connection."""
    head = b'HTTP/1.1 201 Created\r\nlocation: /r/1\r\nETAG: "7"\r\nContent-Length: 5\r\n\r\n'
    connection = connect(serve(always(head, b"he", b"llo")).url)
    for _ in range(3):
        kept = connection.exchange(keep=True)
        assert (kept["status"], kept["location"], kept["etag"], kept["body"]) == (201, "/r/1", '"7"', "hello")
        bare = connection.exchange()
        assert (bare["status"], bare["location"], bare["etag"], bare["body"]) == (201, None, None, "")


@pytest.mark.parametrize(
    ("parts", "status", "connections"),
    [
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, 1),
        ([b"HTTP/1.1 304 Not Modified\r\n\r\n"], 304, 1),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", CREATED], 201, 1),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2;x=y\r\n", b"ok\r\n0\r\nA: b\r\n\r\n"], 200, 1),
        ([CREATED.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)], 201, 3),
        ([CREATED.replace(b"HTTP/1.1", b"HTTP/1.0")], 201, 3),
    ],
)
def test_connections_are_kept_as_the_reply_says(
    serve: Serve, connect: Connect, parts: list[bytes], status: int, connections: int
) -> None:
    """Three requests use one connection or three. The server itself closes none."""
    server = serve(always(*parts))
    connection = connect(server.url)
    assert [connection.exchange()["status"] for _ in range(3)] == [status] * 3
    assert (server.connections, len(server.requests)) == (connections, 3)


def test_a_body_may_end_with_the_connection(serve: Serve, connect: Connect) -> None:
    """The reply is complete when the connection closes, and the next request uses a new one."""
    server = serve(once(b"HTTP/1.1 200 OK\r\n\r\n", b"all", b" of it"))
    connection = connect(server.url)
    assert [connection.exchange(keep=True)["body"] for _ in range(2)] == ["all of it"] * 2
    assert server.connections == 2


def test_a_close_between_requests_is_noticed_before_sending(serve: Serve, connect: Connect) -> None:
    """The next request uses a new connection without an error."""
    server = serve(once(CREATED))
    connection = connect(server.url)
    for _ in range(3):
        seen = connection.exchange()
        assert (seen["status"], seen["connect_s"] > 0) == (201, True)
        connection.notice_close()
    assert (server.connections, len(server.requests)) == (3, 3)


def test_a_close_just_before_sending_is_a_stale_connection(serve: Serve, connect: Connect) -> None:
    """It is a race, and says nothing about the request."""
    server = serve(once(CREATED))
    connection = connect(server.url)
    connection.exchange(tag="first")
    connection.held_up_until_readable()
    seen = connection.exchange(tag="second")
    assert (seen["kind"], seen["maybe_sent"]) == ("stale_connection", True)
    assert connection.exchange(tag="third")["status"] == 201
    assert [re.findall(rb"/(\w+)", request)[0] for request in server.requests] == [b"first", b"third"]


def test_a_request_on_a_reset_connection_was_not_sent(serve: Serve, connect: Connect) -> None:
    """The connection is stale, and the target cannot have acted on the request."""

    def treatment(peer: Peer) -> None:
        peer.request()
        peer.send(CREATED)
        peer.reset()

    server = serve(treatment)
    connection = connect(server.url)
    assert connection.exchange()["status"] == 201
    connection.held_up_until_readable()
    seen = connection.exchange()
    assert (seen["kind"], seen["maybe_sent"]) == ("stale_connection", False)
    assert len(server.requests) == 1


def test_a_connection_opened_ahead_can_be_stale_too(serve: Serve, connect: Connect) -> None:
    """A server need not wait forever for a first request."""
    server = serve(Peer.close)
    connection = connect(server.url)
    connection.open()
    connection.held_up_until_readable()
    assert connection.exchange()["kind"] == "stale_connection"


def test_a_connection_that_was_opened_for_the_request_is_never_stale(serve: Serve, connect: Connect) -> None:
    """A server that accepts and closes, as an overloaded one does, is at fault."""
    connection = connect(serve(Peer.close).url)
    assert {seen["kind"] for seen in connection.together(count=50)} <= {"closed_without_reply", "connection_reset"}


def test_a_request_that_reached_a_kept_connection_is_not_called_stale(serve: Serve, connect: Connect) -> None:
    """The server received the second request and closed: that is closed without reply."""

    def treatment(peer: Peer) -> None:
        peer.request()
        peer.send(CREATED)
        peer.request()

    server = serve(treatment)
    connection = connect(server.url)
    assert connection.exchange()["status"] == 201
    assert connection.exchange()["kind"] == "closed_without_reply"
    assert len(server.requests) == 2


@pytest.mark.parametrize("junk", [b"HTTP/1.1 500 Not Yours\r\nContent-Length: 0\r\n\r\n", b"H"])
@pytest.mark.parametrize("apart", [False, True])
def test_unexpected_bytes_never_become_the_next_reply(
    serve: Serve, connect: Connect, junk: bytes, *, apart: bool
) -> None:
    """With a reply or after it they end the connection, not the exchange."""

    def treatment(peer: Peer) -> None:
        while peer.request():
            peer.send(*([CREATED, junk] if apart else [CREATED + junk]))

    server = serve(treatment)
    connection = connect(server.url)
    for _ in range(3):
        assert connection.exchange()["status"] == 201
        connection.notice_close()
    assert server.connections == 3


@pytest.mark.parametrize(
    ("field", "ending"),
    [(b"Connection: close\r\n", Peer.drain), (b"", Peer.close), (b"", Peer.reset)],
    ids=["reads on", "closes", "resets"],
)
def test_a_final_reply_may_come_before_the_request_is_read(
    serve: Serve, connect: Connect, field: bytes, ending: Treatment
) -> None:
    """A 413 during a large body is the reply, whatever the server does next. The connection is closed."""

    def treatment(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n" + field + b"\r\n")
        ending(peer)

    server = serve(treatment)
    connection = connect(server.url)
    for _ in range(3):
        seen = connection.exchange(body_bytes=LARGE_BYTES)
        assert seen.get("status") == 413, seen
    assert server.connections == 3


def test_a_large_request_arrives_completely(serve: Serve, connect: Connect) -> None:
    """In as many parts as the buffers need, and the connection is kept."""
    server = serve(always(CREATED))
    connection = connect(server.url)
    assert [connection.exchange(body_bytes=LARGE_BYTES)["status"] for _ in range(2)] == [201, 201]
    assert [request.count(b"x") for request in server.requests] == [LARGE_BYTES] * 2
    assert server.connections == 1


CLOSES = ("closed_without_reply", lambda peer: peer.request() and peer.close())
RESETS = ("connection_reset", lambda peer: peer.request() and peer.reset())
HALF_HEAD = ("truncated_reply", once(CREATED[:30]))
HALF_BODY = ("truncated_reply", once(CREATED[:-3]))
RESET_IN_BODY = ("connection_reset", lambda peer: peer.request() and (peer.send(CREATED[:-3]), peer.reset()))
HALF_CHUNK = ("truncated_reply", once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"))
INTERIM_ONLY = ("truncated_reply", once(b"HTTP/1.1 100 Continue\r\n\r\n"))
GARBAGE = ("broken_reply", once(b"\x16\x03\x01 what is this"))
SWITCH = ("broken_reply", once(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"))
LONG_HEAD = ("reply_too_large", once(b"HTTP/1.1 200 OK\r\n" + b"X-Field: 1\r\n" * 10_000))
LONG_BODY = ("reply_too_large", once(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 9 * 1024 * 1024))


@pytest.mark.parametrize(
    ("kind", "treatment"),
    [
        CLOSES, RESETS, HALF_HEAD, HALF_BODY, RESET_IN_BODY, HALF_CHUNK, INTERIM_ONLY, GARBAGE, SWITCH, LONG_HEAD,
        LONG_BODY,
    ],
)  # fmt: skip
def test_every_post_is_sent_once_whatever_the_server_does(
    serve: Serve, connect: Connect, kind: str, treatment: Treatment
) -> None:
    """The server receives each request exactly once and in order, and each error has its kind."""
    server = serve(treatment)
    connection = connect(server.url)
    seen = [connection.exchange(tag=str(index), body_bytes=100) for index in range(10)]
    assert [(one["kind"], one["maybe_sent"]) for one in seen] == [(kind, True)] * 10
    connection.close()
    server.stop()
    tags = [int(re.findall(rb"/(\d+)", request)[0]) for request in server.requests]
    assert tags == list(range(10))


def test_an_exchange_ends_at_its_deadline_even_if_bytes_arrive(serve: Serve, connect: Connect) -> None:
    """A byte from time to time does not extend the deadline."""

    def treatment(peer: Peer) -> None:
        peer.request()
        peer.dribble(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, every_s=0.02)

    connection = connect(serve(treatment).url, timeout_s=0.4)
    for _ in range(2):
        seen = connection.exchange()
        assert (seen["kind"], seen["maybe_sent"]) == ("timeout", True)
        assert 0.4 <= seen["took_s"] < 3, "a busy machine is given time, endless bytes are not"


def test_a_request_that_the_server_does_not_read_times_out(serve: Serve, connect: Connect) -> None:
    """Half of it is in the buffers, and there is no reply."""
    connection = connect(serve(lambda peer: peer._server.over.wait(5)).url, timeout_s=0.3)
    seen = connection.exchange(body_bytes=4 * LARGE_BYTES)
    assert (seen["kind"], seen["maybe_sent"]) == ("timeout", True)


def test_only_exchanges_past_their_deadline_end(serve: Serve, connect: Connect) -> None:
    """Some of many concurrent exchanges hang. One timer serves different timeouts."""

    def treatment(peer: Peer) -> None:
        while request := peer.request():
            if int(re.findall(rb"/(\d+)", request)[0]) % 3 == 0:
                return peer.drain()
            peer.send(CREATED)
        return None

    server = serve(treatment)
    patient = connect(server.url, timeout_s=30.0)
    hasty = connect(server.url, timeout_s=0.5)
    assert patient.exchange(tag="1")["status"] == 201
    seen = hasty.together(count=60)
    assert {one["kind"] for one in seen[::3]} == {"timeout"}
    assert all(0.5 <= one["took_s"] < 5 for one in seen[::3])
    assert {one.get("status") for index, one in enumerate(seen) if index % 3} == {201}
    assert len(server.requests) == 61


def test_a_reply_in_time_counts_even_if_read_late(serve: Serve, connect: Connect) -> None:
    """A delay of the generator past the deadline is not the target's fault."""
    connection = connect(serve(always(CREATED)).url, timeout_s=0.3)
    connection.exchange()
    assert connection.exchange_held_up_past_deadline().get("status") == 201


def test_half_a_reply_in_time_is_a_timeout(serve: Serve, connect: Connect) -> None:
    """What has arrived is read, and is not a whole reply."""

    def treatment(peer: Peer) -> None:
        peer.request()
        peer.send(CREATED[:-3])
        peer.drain()

    connection = connect(serve(treatment).url, timeout_s=0.3)
    connection.open()
    assert connection.exchange_held_up_past_deadline()["kind"] == "timeout"


def test_a_killed_sender_leaves_no_connection_with_half_a_reply(serve: Serve, connect: Connect) -> None:
    """The rest would be taken for the next reply."""
    connection = connect(serve(lambda peer: peer.request() and peer.drain()).url)
    connection.open()
    assert connection.killed() is False


def test_closed_connections_leave_no_descriptors(serve: Serve, connect: Connect) -> None:
    """However they ended."""
    servers = [serve(treatment) for _, treatment in (CLOSES, RESETS, HALF_BODY, GARBAGE)]
    connections = [connect(server.url) for server in servers]
    before = connections[0].open_descriptors()
    for connection in connections:
        for _ in range(20):
            assert "kind" in connection.exchange()
    assert connections[0].open_descriptors() == before
