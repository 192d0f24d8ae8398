"""Secrets and internals in replies; what the client sent itself is no disclosure."""

import json

import pytest

from createflow.scenarios.observers.disclosure import (
    errors_show_no_internals,
    no_secret_in_replies,
    successes_show_no_internals,
)
from tests.scenarios.observers.exchanges import causes, exchange, facts

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
HEADER, CLAIMS, SIGNATURE = TOKEN.split(".")


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        (TOKEN, "the token of the request"),
        (HEADER, "the header of the token"),
        (CLAIMS, "the claims of the token"),
        (SIGNATURE, "the signature of the token"),
        ("geheimnis-der-datenbank", "a secret of the profile"),
    ],
)
def test_a_secret_anywhere_is_told(shown: str, kind: str) -> None:
    """In a field and in a body, of a success and of a refusal; the secret is not in the text of the finding."""
    known = facts(("geheimnis-der-datenbank",))
    for status in (201, 401):
        in_field = exchange(status, headers=[("x-debug", f"seen {shown}!")], token=TOKEN)
        assert causes(no_secret_in_replies, in_field, known=known) == [
            f"{kind} in the field x-debug of a {status} to POST"
        ]
        in_body = exchange(status, json.dumps({"a": shown}).encode(), token=TOKEN)
        assert causes(no_secret_in_replies, in_body, known=known) == [f"{kind} in the body of a {status} to POST"]


def test_what_is_no_secret_is_not_told() -> None:
    """The subject, another token's parts, a text that the client wrote into the body, and replies to the set-up."""
    assert causes(no_secret_in_replies, exchange(201, b'{"created_by": "somebody"}', token=TOKEN)) == []
    assert (
        causes(no_secret_in_replies, exchange(201, SIGNATURE.encode(), content=SIGNATURE.encode(), token=TOKEN)) == []
    )
    assert causes(no_secret_in_replies, exchange(201, TOKEN.encode(), token=TOKEN, check_id="")) is None
    assert causes(no_secret_in_replies, exchange(401, b"not-a-token", token="not-a-token")) == []


INTERNALS = {
    "a stack trace": "Traceback (most recent call last):\n File x",
    "SQL": "INSERT INTO resources VALUES",
    "a connection string": "postgresql://app@db/app",
    "a path of the server": "/srv/app/main.py",
    "a library's exception": "psycopg.errors.UniqueViolation",
    "a name of the inner network": "orders.svc.cluster.local",
    "an address of the inner network": "upstream 10.1.2.3:8080",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "a hash of a password": "$2b$12$abcdefghijklmnopqrstuvwxyz",
}


@pytest.mark.parametrize("kind", INTERNALS)
def test_internals_are_told_by_kind(kind: str) -> None:
    """In a field or in a body; one observer looks at refusals, the other one at successes."""
    text = INTERNALS[kind]
    refused = exchange(500, json.dumps({"detail": text}).encode())
    accepted = exchange(
        200, headers=[("x-debug", text.replace("\n", " at "))], method="GET", url="http://x/api/resources/1"
    )
    assert causes(errors_show_no_internals, refused) == [f"{kind} in the body of a 500 to POST"]
    assert causes(successes_show_no_internals, refused) is None
    assert causes(successes_show_no_internals, accepted) == [f"{kind} in the field x-debug of a 200 to GET"]
    assert causes(errors_show_no_internals, accepted) is None


@pytest.mark.parametrize("kind", INTERNALS)
def test_what_was_sent_comes_back_as_data(kind: str) -> None:
    """In the reply to the request, in a later read, and where a refusal shows the path."""
    body = json.dumps({"name": INTERNALS[kind]}).encode()
    created = exchange(201, body, content=body)
    read = exchange(200, body, method="GET", url="http://x/api/resources/1")
    assert causes(successes_show_no_internals, created) == []
    assert causes(successes_show_no_internals, created, read) == []
    assert causes(errors_show_no_internals, created, exchange(400, body)) == []


def test_a_path_of_the_request_is_known() -> None:
    """Problem documents show it, also a path that leads out."""
    url = "http://target.example/api/resources/..%2F..%2Fvar/log/x"
    shown = exchange(404, b'{"instance": "/api/resources/../../var/log/x"}', method="GET", url=url)
    assert causes(errors_show_no_internals, shown) == []


def test_the_list_of_resources_has_what_others_stored() -> None:
    """Its header fields are the server's."""
    listed = {"method": "GET", "url": "http://target.example/api/resources?q=x"}
    assert causes(successes_show_no_internals, exchange(200, b'["/srv/app/x"]', **listed)) == []
    assert causes(successes_show_no_internals, exchange(200, headers=[("x", "/srv/app/x")], **listed)) != []


def test_the_host_of_a_sink_is_told() -> None:
    """The profile names it; the target's own host and loopback are no secret."""
    known = facts(sinks={"search": {"url": "http://search-7.example:9200", "index": "i"}})
    assert causes(successes_show_no_internals, exchange(201, b'"search-7.example"'), known=known) == [
        "the host of a sink in the body of a 201 to POST"
    ]
    assert causes(successes_show_no_internals, exchange(201, b'"target.example"'), known=known) == []


@pytest.mark.parametrize("piece", ["x-", "\n", 'File "', "SELECT ", "a.b-", "UPDATE a", "at x"])
def test_long_replies_are_searched_in_bounded_time(piece: str) -> None:
    """No repetition in a pattern is unbounded: 64 KiB of anything take less than the limit of a check."""
    body = (piece * 65_536)[:65_536].encode()
    assert causes(errors_show_no_internals, exchange(500, body, "text/plain")) is not None
