"""Slow and hostile connections take nothing from honest clients, whatever they are slow with.

``python -m benchmarks.slow_clients`` measures the same with thousands of them.
"""

import json
import socket
import ssl
import uuid
from contextlib import suppress

import httpx
import pytest

from benchmarks.slow_clients.clients import beside
from benchmarks.slow_clients.kinds import END_HEADERS, FLOODS, HEADERS, PREFACE, SLOW, behaviours, create_block, frame
from benchmarks.slow_clients.tokens import token_of
from tests.up_stack import UpCommand

CONNECTIONS = 60
CREATES = 20
WAIT_S = 30.0


def address(up: UpCommand) -> tuple[str, int]:
    """Where the balancer listens."""
    return "127.0.0.1", int(up.profile.target.base_url.rpartition(":")[2])


def honest(up: UpCommand) -> httpx.Client:
    """A client that is in a hurry."""
    context = ssl.create_default_context(cafile=up.profile.target.ca_file)
    headers = {"authorization": f"Bearer {token_of(up.state, 'honest')}"}
    return httpx.Client(
        base_url=up.profile.target.base_url, verify=context, headers=headers, timeout=WAIT_S, trust_env=False
    )


def create(client: httpx.Client) -> int:
    """Create a resource."""
    return client.post("/api/resources", json={"name": f"beside slow ones {uuid.uuid4()}"}).status_code


@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("kind", [*SLOW, *FLOODS])
@pytest.mark.parametrize("has_token", [True, False], ids=["with a token", "without a token"])
def test_honest_creates_are_answered(
    stack: UpCommand,
    kind: str,
    has_token: bool,  # noqa: FBT001 - a parameter
) -> None:
    """All of them, on connections of their own and on one that is kept."""
    counts = {kind: 4 if kind in FLOODS else CONNECTIONS}
    token = token_of(stack.state) if has_token else ""
    with beside(address(stack), counts, token, per_s=200) as (clients,):
        assert clients.enough.wait(WAIT_S), f"only {clients.figures.most} connections were open at a time"
        statuses = []
        for _ in range(CREATES // 2):
            with honest(stack) as fresh:
                statuses.append(create(fresh))
        with honest(stack) as kept:
            statuses += [create(kept) for _ in range(CREATES // 2)]
    assert statuses == [201] * CREATES
    assert clients.figures.sent_bytes > 0


def test_all_slow_kinds_at_once(stack: UpCommand) -> None:
    """With the floods beside them."""
    counts = {**dict.fromkeys(SLOW, CONNECTIONS // 2), **dict.fromkeys(FLOODS, 2)}
    with beside(address(stack), counts, token_of(stack.state), per_s=50) as all_kinds, honest(stack) as kept:
        for clients in all_kinds:
            assert clients.enough.wait(WAIT_S)
        assert [create(kept) for _ in range(CREATES)] == [201] * CREATES


def connect(up: UpCommand, alpn: str) -> ssl.SSLSocket:
    """A connection that is read until it ends."""
    context = ssl.create_default_context(cafile=up.profile.target.ca_file)
    context.set_alpn_protocols([alpn])
    plain = socket.create_connection(address(up), timeout=WAIT_S, source_address=("127.0.0.90", 0))
    return context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("has_token", [True, False], ids=["with a token", "without a token"])
def test_a_body_that_does_not_come_is_408_and_the_connection_ends(
    stack: UpCommand,
    has_token: bool,  # noqa: FBT001 - a parameter
) -> None:
    """The reply is a problem document, and says that the connection ends."""
    opening = behaviours(token_of(stack.state) if has_token else "")["slow_body"].opening
    received = b""
    with connect(stack, "http/1.1") as client:
        client.sendall(opening)
        while part := client.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "request_timeout"


def test_a_connection_of_http2_ends_with_the_next_request_after_a_timeout(stack: UpCommand) -> None:
    """Each request that is waited for takes memory, and HTTP/2 has no field to say that the connection ends."""
    block = create_block("")
    with connect(stack, "h2") as client:
        client.sendall(PREFACE + frame(HEADERS, END_HEADERS, 1, block))
        received = b""
        while b"request_timeout" not in received:
            received += client.recv(65536)
        client.sendall(frame(HEADERS, END_HEADERS, 3, block))
        while part := client.recv(65536):
            received += part
    assert received.count(b"Request Timeout") == 1


def test_a_reply_to_a_body_that_nobody_reads_says_that_the_connection_ends(stack: UpCommand) -> None:
    """Otherwise a client would send the rest, and then wait for the next reply.

    The balancer waits for as much of a body as it keeps in memory. It may close while the rest is still sent: what it
    replied before that can be read.
    """
    fields = b"POST /api/resources HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    large = b"Content-Length: 1000000\r\n\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n20000\r\n" + b" " * 0x20000
    token = f"Authorization: Bearer {token_of(stack.state, 'honest')}\r\n".encode()
    for rest, status in ((large, b"401"), (token + large, b"413"), (chunked, b"401"), (token + chunked, b"413")):
        with connect(stack, "http/1.1") as client:
            with suppress(OSError):
                client.sendall(fields + rest)
            head = client.recv(65536).lower()
        assert head.startswith(b"http/1.1 " + status)
        assert b"connection: close" in head
