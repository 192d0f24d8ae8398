"""What the balancer says itself is a problem document like all others, and operators' addresses stay inside."""

import json
import re
import socket
import ssl

import pytest

from tests.up_stack import UpCommand

LONG = "x" * 40_000


def ask(up: UpCommand, head: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the reply to these bytes."""
    target = up.profile.target
    port = int(target.base_url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=target.ca_file)
    received = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        while part := secure.recv(65536):
            received += part
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        ("BREW /api/resources HTTP/1.1\r\nHost: a", 405, "method_not_allowed"),
        ("GET /metrics HTTP/1.1\r\nHost: a", 404, "not_found"),
        ("GET /%6detrics HTTP/1.1\r\nHost: a", 404, "not_found"),
        ("GET /metrics?x=1 HTTP/1.1\r\nHost: a", 404, "not_found"),
        (f"GET /api/resources HTTP/1.1\r\nHost: a\r\nX-Long: {LONG}", 431, "headers_too_large"),
        ("TRACE /api/resources HTTP/1.1\r\nHost: a", 405, "method_not_allowed"),
    ],
    ids=["method", "metrics", "metrics encoded", "metrics with a query", "long", "trace"],
)
def test_a_refusal_is_a_problem_document(stack: UpCommand, head: str, status: int, code: str) -> None:
    """With its code, and for no cache to keep."""
    seen, headers, body = ask(stack, head)
    assert (seen, headers["content-type"]) == (status, "application/problem+json"), body
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert headers["cache-control"] == "no-store"


def test_what_is_not_http_is_refused_by_the_parser_itself(stack: UpCommand) -> None:
    """In HTML, which HAProxy 2.8 cannot be told otherwise; when it can, this is to be mended."""
    status, headers, body = ask(stack, "GARBAGE")
    assert (status, headers["content-type"]) == (400, "text/html"), body
    assert re.search(rb"\d+\.\d+", body) is None, "no version is told"


def test_operators_ask_the_balancers_own_port(stack: UpCommand) -> None:
    """It is told by ``createflow up``, and answers where the API's address does not."""
    assert re.search(r"metrics at http://127\.0\.0\.1:\d+/metrics", stack.output.read_text())
