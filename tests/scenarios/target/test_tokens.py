"""Principals are what the profile's [auth] makes them."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.tokens import MintedTokens, StaticTokens, tokens_for, writer_of
from createflow.schemas.error import UserError
from createflow.schemas.profile import JwtAuth, NoAuth, StaticAuth

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def auth(tmp_path: Path) -> JwtAuth:
    """An issuer."""
    file = tmp_path / "key.pem"
    file.write_bytes(
        KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return JwtAuth(
        kind="jwt", key_file=str(file), algorithm="ES256", key_id="k", issuer="i", audience="a", roles_claim="groups"
    )


def test_minted_tokens_verify_and_say_who_and_what(auth: JwtAuth) -> None:
    """A reader is the writer with other roles: the token differs in nothing else."""
    tokens = MintedTokens(auth, "owner")
    for principal, roles in ((tokens.writer(), ["writer"]), (tokens.reader(), ["reader"])):
        claims = jwt.decode(principal.token or "", KEY.public_key(), algorithms=["ES256"], audience="a", issuer="i")
        assert (claims["sub"], claims["groups"]) == ("owner-writer", roles)
    assert tokens.other_writer().subject != tokens.writer().subject
    assert jwt.get_unverified_header(tokens.writer().token or "")["typ"] == "at+jwt"


def test_an_expired_token_has_only_expired(auth: JwtAuth) -> None:
    """Signature, issuer, audience and subject are good."""
    expired = MintedTokens(auth, "owner").expired().token or ""
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(expired, KEY.public_key(), algorithms=["ES256"], audience="a", issuer="i")
    jwt.decode(expired, KEY.public_key(), algorithms=["ES256"], audience="a", options={"verify_exp": False})


def test_a_key_of_another_kind_is_refused_before_the_run(auth: JwtAuth) -> None:
    """With the file's name."""
    with pytest.raises(UserError, match=r"key\.pem: no private key for EdDSA"):
        MintedTokens(auth.model_copy(update={"algorithm": "EdDSA"}), "owner")


def test_static_tokens_come_from_the_environment() -> None:
    """A JWT's subject is known, an opaque token's is not, and what is not given is not declared."""
    auth = StaticAuth(kind="static", writer_env="W", other_writer_env="O")
    token = jwt.encode({"sub": "me"}, "x" * 32)
    tokens = StaticTokens(auth, {"W": token, "O": "opaque"})
    assert (tokens.writer().subject, tokens.other_writer().subject) == ("me", None)
    with pytest.raises(NotDeclared, match=r"auth\.reader_env"):
        tokens.reader()


def test_a_variable_that_is_not_set_is_told() -> None:
    """By the key of the profile and its own name."""
    with pytest.raises(UserError, match=r"auth.writer_env: the environment variable W is not set"):
        StaticTokens(StaticAuth(kind="static", writer_env="W"), {})


def test_an_open_endpoint_has_no_tokens_and_nobody_writes() -> None:
    """Checks of tokens are skipped; the others send none."""
    assert tokens_for(NoAuth(), "owner") is None
    assert writer_of(None) is ANONYMOUS
