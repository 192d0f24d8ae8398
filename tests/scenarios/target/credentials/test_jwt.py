"""Tokens that the tester mints with the issuer's key."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from createflow.scenarios.target.credentials.jwt import MintedTokens, Provider
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import JwtAuth

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


def _tokens(auth: JwtAuth) -> MintedTokens:
    return Provider(auth, Mask(), {}).tokens("owner")


def test_minted_tokens_verify_and_say_who_and_what(auth: JwtAuth) -> None:
    """A reader is the writer with other roles: the token differs in nothing else."""
    tokens = _tokens(auth)
    for principal, roles in ((tokens.writer(), ["writer"]), (tokens.reader(), ["reader"])):
        claims = jwt.decode(principal.token or "", KEY.public_key(), algorithms=["ES256"], audience="a", issuer="i")
        assert (claims["sub"], claims["groups"]) == ("owner-writer", roles)
    assert tokens.other_writer().subject != tokens.writer().subject
    assert jwt.get_unverified_header(tokens.writer().token or "")["typ"] == "at+jwt"


def test_an_expired_token_has_only_expired(auth: JwtAuth) -> None:
    """Signature, issuer, audience and subject are good."""
    expired = _tokens(auth).expired().token or ""
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(expired, KEY.public_key(), algorithms=["ES256"], audience="a", issuer="i")
    jwt.decode(expired, KEY.public_key(), algorithms=["ES256"], audience="a", options={"verify_exp": False})


def test_a_key_of_another_kind_is_refused_before_the_run(auth: JwtAuth) -> None:
    """With the file's name."""
    with pytest.raises(UserError, match=r"key\.pem: not a private key for EdDSA"):
        _tokens(auth.model_copy(update={"algorithm": "EdDSA"}))
