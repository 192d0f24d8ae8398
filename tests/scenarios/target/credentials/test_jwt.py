"""Tokens that the tester mints with the issuer's key."""

import base64
import hmac
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.forged_tokens import _new_key, sign_with_foreign_key
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


def _shared(**keys: Any) -> JwtAuth:
    return JwtAuth.model_validate({"kind": "jwt", "algorithm": "HS256", "secret_env": "S", **keys})


def _claims(auth: JwtAuth) -> dict[str, Any]:
    token = Provider(auth, Mask(), {"S": "geheim"}).tokens("owner").writer().token or ""
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", ["k", "geheim", "-----BEGIN PUBLIC KEY-----", "s" * 200])
def test_a_token_by_a_secret_is_that_of_rfc_7515(algorithm: str, secret: str) -> None:
    """Also by a weak one, and by one that a library takes for a key: what the target shares is the user's affair."""
    provider = Provider(_shared(algorithm=algorithm), Mask(), {"S": secret})
    for token in (provider.mint("me", ("writer",)), provider.issuer().sign(provider.mint("me", ()), without=["jti"])):
        signed, _, signature = token.rpartition(".")
        digest = hmac.new(secret.encode(), signed.encode(), algorithm.replace("HS", "sha"))
        assert base64.urlsafe_b64decode(signature + "==") == digest.digest()
        assert jwt.get_unverified_header(token)["alg"] == algorithm


def test_a_secret_can_be_bytes_in_base64_of_both_alphabets() -> None:
    """As consoles of issuers show it, with padding or without."""
    raw = bytes(range(220, 256)) + b"x"
    auth = _shared(secret_encoding="base64")
    for written in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(raw).rstrip(b"=")):
        token = Provider(auth, Mask(), {"S": written.decode()}).mint("me", ())
        jwt.decode(token, raw, algorithms=["HS256"], options={"verify_signature": True})


@pytest.mark.parametrize(("environment", "message"), [({}, "S is not set"), ({"S": "ge:heim"}, "S is not base64")])
def test_a_secret_that_is_none_is_told_before_the_run_without_it(environment: dict[str, str], message: str) -> None:
    """By its variable."""
    provider = Provider(_shared(secret_encoding="base64"), Mask(), environment)
    with pytest.raises(UserError, match=message) as told:
        provider.tokens("owner")
    assert "ge:heim" not in str(told.value)


def test_a_secret_is_masked_and_has_no_public_key() -> None:
    """The check that signs with the public key is skipped by this reason."""
    provider = Provider(_shared(), Mask(), {"S": "geheimnis"})
    assert list(provider.secrets()) == [("geheimnis", "$S")]
    with pytest.raises(NotDeclared, match="shared secret and no public key"):
        provider.issuer().public_key_encodings()


def test_issuer_audience_and_roles_are_optional_and_named_freely() -> None:
    """What is not given is not in the token."""
    assert {"iss", "aud", "roles"} & _claims(_shared(roles_claim="")).keys() == set()
    assert _claims(_shared(roles_claim="scope", writer_roles=("a", "b")))["scope"] == "a b"
    assert _claims(_shared(roles_claim="scope", roles_as="list"))["scope"] == ["writer"]
    assert _claims(_shared(roles_claim="permissions", roles_as="text"))["permissions"] == "writer"
    assert _claims(_shared(roles_claim="https://api.example/roles"))["https://api.example/roles"] == ["writer"]
    nested = _claims(_shared(roles_claim="/realm_access/a~1b", claims={"realm_access": {"x": 1}, "tenant": "t"}))
    assert (nested["realm_access"], nested["tenant"]) == ({"x": 1, "a/b": ["writer"]}, "t")
    with pytest.raises(NotDeclared, match="roles_claim"):
        Provider(_shared(roles_claim=""), Mask(), {"S": "geheim"}).tokens("owner").reader()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"algorithm": "HS256"}, "HS256 needs secret_env"),
        ({"algorithm": "HS512", "secret_env": "S", "key_file": "k"}, "no key_file"),
        ({"algorithm": "RS256"}, "RS256 needs key_file"),
        ({"key_file": "k", "secret_env": "S"}, "no secret_env"),
    ],
)
def test_each_algorithm_has_its_key_or_its_secret(keys: dict[str, str], message: str) -> None:
    """And not the other one, which would not be used."""
    with pytest.raises(ValidationError, match=message):
        JwtAuth.model_validate({"kind": "jwt", **keys})


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "RS512", "PS256", "HS256", "HS512"])
def test_a_foreign_key_fits_the_algorithm_of_the_token(algorithm: str, tmp_path: Path) -> None:
    """The token is signed as well as one of the issuer, by a key that it does not have."""
    key = _new_key(algorithm)
    if isinstance(key, bytes):
        auth, environment = _shared(algorithm=algorithm), {"S": "geheim"}
    else:
        (tmp_path / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        auth = JwtAuth.model_validate({"kind": "jwt", "algorithm": algorithm, "key_file": str(tmp_path / "key.pem")})
        environment = {}
    good = Provider(auth, Mask(), environment).mint("me", ())
    foreign = sign_with_foreign_key(good)
    assert foreign.rpartition(".")[0] == good.rpartition(".")[0]
    assert len(foreign) == len(good)
    assert foreign != good
