"""No secret is shown, in whatever form it turns up."""

import pytest

from createflow.scenarios.reports.saved import to_json
from createflow.scenarios.text.secret_mask import MASKED, Mask
from createflow.schemas.report import Exchange, Outcome
from tests.scenarios.reports.conformance.made_report import report, result

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://reader:geheim%2Fnis@db/app",
        "could not connect: password=geheim/nis host=db",
        "geheim/nis",
        "GET /?q=geheim%2Fnis",
    ],
)
def test_a_password_of_a_dsn_is_blotted_out_in_every_form(text: str) -> None:
    """As it stands, and percent-encoded."""
    mask = Mask()
    mask.add_url("postgresql://reader:geheim%2Fnis@db/app")
    assert "geheim" not in mask.text(text)


def test_a_keyword_dsn_is_known_as_well() -> None:
    """A driver takes both forms."""
    mask = Mask()
    mask.add_url("host=db user=reader password='geheimnis'")
    assert mask.text("failed with geheimnis") == "failed with ****"


def test_tokens_and_passwords_are_blotted_out_even_when_nobody_told_us_of_them() -> None:
    """A target may echo somebody else's."""
    assert Mask().text(f"Bearer {TOKEN}!") == "Bearer $TOKEN!"
    assert Mask().text("redis://:sekret@host/0") == "redis://:****@host/0"


def test_every_string_of_a_record_is_masked() -> None:
    """Keys and values, at every depth; the rest is left as it was."""
    mask = Mask()
    mask.add("geheimnis", shown="$KEY")
    exchange = Exchange(method="GET", url="u?geheimnis", request_headers={"x": "geheimnis"}, status=200)
    assert mask.record(exchange) == Exchange(method="GET", url="u?$KEY", request_headers={"x": "$KEY"}, status=200)


def test_short_secrets_do_not_blot_out_ordinary_words() -> None:
    """A password of three letters would make every report unreadable."""
    mask = Mask()
    mask.add("abc")
    assert mask.text("abc") == "abc"


@pytest.mark.parametrize(
    "text",
    [
        r'{"told": "a\"b\\c/d<e>"}',
        r"""200 with '{"told": "a\\"b\\\\c/d<e>"}'""",
        r'{"told": "a\"b\\c\/d<e>"}',
        "a&quot;b\\c/d&lt;e&gt;",
        "a%22b%5Cc/d%3Ce%3E",
        "YSJiXGMvZDxlPg==",
    ],
    ids=["json", "json in an excerpt", "json with escaped slashes", "html", "url", "base64"],
)
def test_a_secret_is_known_as_other_formats_write_it(text: str) -> None:
    """A target that repeats it escapes it first."""
    mask = Mask()
    mask.add('a"b\\c/d<e>', shown="$KEY")
    assert "$KEY" in mask.text(text)


def test_the_beginning_of_a_secret_at_a_cut_is_blotted_out() -> None:
    """An excerpt may end in the middle of it, whatever closes the excerpt."""
    mask = Mask()
    mask.add("geheimnis-geheimnis", shown="$KEY")
    assert mask.text("200 with 'told: geheimnis-geh'") == "200 with 'told: $KEY'"
    assert mask.text("told: geheimnis-geheimni") == "told: $KEY"
    assert mask.text("told: gehe") == "told: gehe"


def test_a_lone_surrogate_becomes_its_escape_and_all_else_stays() -> None:
    """UTF-8 cannot hold it, and JSON of it cannot be written."""
    made = Mask().record(report(result("a", Outcome.SKIPPED, reason="\ud83d é 😀 \x00")))
    assert made.results[0].reason == "\\ud83d é 😀 \x00"
    assert to_json(made).encode()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIi.c2ln", "Bearer $TOKEN"),
        ("x_eyJhbGciOiJub25lIn0.eyJzdWIi.", "x_$TOKEN"),
        ("eyJhbGci", "eyJhbGci"),
        ("eyJ.a eyJhbGciOiJub25lIn0.e and eyJhbGciOiJub25lIn0.e.f", "eyJ.a $TOKEN and $TOKEN"),
        ("(-postgres://u:secret@h/d)", f"(-postgres://u:{MASKED}@h/d)"),
        ("x" * 60_000, "x" * 60_000),
        ("eyJ" * 20_000, "eyJ" * 20_000),
        ("a://" * 15_000, "a://" * 15_000),
    ],
    ids=lambda text: f"{text:.40}",
)
def test_tokens_and_passwords_of_others_are_masked_in_one_pass(text: str, masked: str) -> None:
    """A long word of a target is looked at once: these took minutes."""
    assert Mask().text(text) == masked
