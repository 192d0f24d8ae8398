"""Credentials from the environment: static tokens, API keys, users with passwords."""

import jwt
import pytest

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.probes import Tokens
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import Auth, BasicAuth, StaticAuth


def _tokens(auth: Auth, environment: dict[str, str]) -> Tokens:
    tokens = auth_provider(auth, Mask(), environment).tokens("owner")
    assert tokens is not None
    return tokens


def test_static_tokens_come_from_the_environment() -> None:
    """A JWT's subject is known, an opaque token's is not, and what is not given is not configured."""
    auth = StaticAuth(kind="static", writer_env="W", other_writer_env="O")
    token = jwt.encode({"sub": "me"}, "x" * 32)
    tokens = _tokens(auth, {"W": token, "O": "opaque"})
    assert (tokens.writer().subject, tokens.other_writer().subject) == ("me", None)
    with pytest.raises(NotDeclared, match=r"`auth\.reader_env` is not configured"):
        tokens.reader()


def test_a_variable_that_is_not_set_is_reported() -> None:
    """By the key of the profile and its own name."""
    with pytest.raises(UserError, match=r"auth.writer_env: the environment variable W is not set"):
        _tokens(StaticAuth(kind="static", writer_env="W"), {})


def test_a_user_is_the_subject() -> None:
    """The password may contain colons."""
    writer = _tokens(BasicAuth(kind="basic", writer_env="W"), {"W": "me:pass:word"}).writer()
    assert (writer.subject, writer.credential(writer.token or "")) == ("me", "Basic bWU6cGFzczp3b3Jk")


def test_a_variable_without_a_password_is_reported() -> None:
    """By the key of the profile, without the value."""
    with pytest.raises(UserError, match=r"^auth.writer_env: the variable does not hold user:password$"):
        _tokens(BasicAuth(kind="basic", writer_env="W"), {"W": "opaque"})


@pytest.mark.parametrize(
    "value", ["geheim:nis\n", "geheim:nis\r\nx: y", "geheim:\x1b[2J", "geheim:\x00", "geheim:\udcff"]
)
@pytest.mark.parametrize("auth", [StaticAuth(kind="static", writer_env="W"), BasicAuth(kind="basic", writer_env="W")])
def test_a_variable_that_no_header_can_have_is_reported(auth: Auth, value: str) -> None:
    """Once, before anything is sent, and without the value; every request would fail by it."""
    with pytest.raises(UserError, match=r"^auth.writer_env: .* W has a character that no header can have$"):
        _tokens(auth, {"W": value})
