"""Header fields and challenges by their grammar: what HTTP allows is not accused."""

import pytest

from createflow.scenarios.observers.fields import challenges_are_challenges, fields_fit_their_grammar
from createflow.scenarios.target.received import challenge_schemes
from tests.scenarios.observers.exchanges import causes, exchange

LAWFUL = [
    "Bearer",
    'Bearer realm="a, b"',
    'Bearer realm="x", error="invalid_token"',
    "Bearer, Basic",
    'Digest realm="x", nonce="y", Basic realm="z"',
    'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
    "Negotiate YII/+a~-._==",
    "Negotiate YII=, Bearer",
    ", ,Bearer",
    'Bearer realm = "x"',
]
UNLAWFUL = ["", " , ", "Bearer realm=a b", 'Bearer realm="x', 'realm="x"', "Be:arer", "Basic a b"]


@pytest.mark.parametrize("value", LAWFUL)
def test_lawful_challenges(value: str) -> None:
    """RFC 9110 §11.3 and §11.6.1, several in one field as well."""
    assert challenge_schemes(value)


@pytest.mark.parametrize("value", UNLAWFUL)
def test_unlawful_challenges(value: str) -> None:
    """No scheme, a parameter that is none, a string that does not end."""
    assert not challenge_schemes(value)


def test_a_401_is_looked_at_and_nothing_else() -> None:
    """Each field for itself; a 401 without one is reported."""
    good, bad = ("www-authenticate", "Bearer"), ("www-authenticate", "Bearer a b")
    assert causes(challenges_are_challenges, exchange(403)) is None
    assert causes(challenges_are_challenges, exchange(401, headers=[good])) == []
    assert causes(challenges_are_challenges, exchange(401, headers=[good, bad])) == ["www-authenticate: 'Bearer a b'"]
    assert causes(challenges_are_challenges, exchange(401)) == ["a 401 without a challenge"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "text/html; charset=utf-8"),
        ("content-type", 'application/json;charset="utf-8";'),
        ("etag", 'W/"a"'),
        ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("allow", ""),
        ("allow", "GET, HEAD,POST"),
        ("cache-control", 'private="set-cookie", max-age=0, community="UCI"'),
        ("vary", "*"),
        ("vary", "accept, origin"),
        ("x-anything", "a b c"),
    ],
)
def test_lawful_fields(name: str, value: str) -> None:
    """Of the grammar of each; fields that HTTP does not define may have any value."""
    fields = {"media_type": value} if name == "content-type" else {"headers": [(name, value)]}
    assert causes(fields_fit_their_grammar, exchange(**fields)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("etag", "abc"),
        ("last-modified", "yesterday"),
        ("retry-after", "-1"),
        ("retry-after", "1.5"),
        ("allow", "GET POST"),
        ("cache-control", "max-age=1 private"),
        ("vary", "accept; origin"),
        ("age", "x"),
        ("x-anything", "a\x01b"),
    ],
)
def test_unlawful_fields(name: str, value: str) -> None:
    """RFC 9110 §2.2: a sender must not generate what does not match the grammar."""
    found = causes(fields_fit_their_grammar, exchange(headers=[(name, value)]))
    assert found is not None
    assert len(found) == 1


def test_a_field_that_is_no_list_comes_once() -> None:
    """Equal lines do no harm."""
    assert causes(fields_fit_their_grammar, exchange(headers=[("etag", '"1"'), ("etag", '"2"')])) == [
        "several etag fields"
    ]
    assert causes(fields_fit_their_grammar, exchange(headers=[("etag", '"1"'), ("etag", '"1"')])) == []
