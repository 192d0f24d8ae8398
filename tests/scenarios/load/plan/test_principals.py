"""The principals that send the load."""

import asyncio
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from createflow.scenarios.load.plan.principals import Principals, count_principals
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile import Limits, Profile

TARGET = {"base_url": "http://127.0.0.1:1"}


@pytest.fixture
def jwt_auth(tmp_path: Path) -> dict[str, object]:
    """An ``[auth]`` section with a key of its own."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    return {"kind": "jwt", "key_file": str(tmp_path / "key.pem"), "key_id": "k1", "issuer": "i", "audience": "a"}


def _credentials(auth: dict[str, object], count: int = 100, mask: Mask | None = None) -> tuple[tuple[str, str], ...]:
    async def ask() -> tuple[tuple[str, str], ...]:
        profile = Profile.model_validate({"target": TARGET, "auth": auth})
        async with Principals(profile.auth, count, run_id="r1", mask=mask or Mask()) as principals:
            return principals.credentials()

    return asyncio.run(ask())


def test_a_hundred_users_each_with_a_token_of_its_own(jwt_auth: dict[str, object]) -> None:
    """Distinct subjects with the profile's issuer, audience, role and key. No token is ever shown."""
    mask = Mask()
    tokens = [value.removeprefix("Bearer ") for _, value in _credentials(jwt_auth, mask=mask)]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert len({claim["sub"] for claim in claims}) == 100
    assert all((c["iss"], c["aud"], c["roles"]) == ("i", "a", ["writer"]) for c in claims)
    assert jwt.get_unverified_header(tokens[0]) == {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}
    assert mask.text(f"x {tokens[7]} y") == "x $TOKEN y"


def test_more_users_when_each_would_come_near_its_rate_limit() -> None:
    """500/s from ten users is 50/s each, which is the limit: 13 stay below 80 % of it."""
    limits = Limits(rate_per_s=50, burst=100)
    assert count_principals(10, rate_per_s=500, limits=limits) == 13
    assert count_principals(20, rate_per_s=500, limits=limits) == 20
    assert count_principals(1, rate_per_s=500, limits=None) == 1


def test_static_tokens_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """One or two, in the header and with the scheme of the profile."""
    monkeypatch.setenv("W", "first-token")
    monkeypatch.setenv("O", "other-token")
    assert _credentials({"kind": "static", "writer_env": "W"}) == (("authorization", "Bearer first-token"),)
    auth = {"kind": "api_key", "writer_env": "W", "other_writer_env": "O"}
    assert _credentials(auth) == (("x-api-key", "first-token"), ("x-api-key", "other-token"))


def test_every_kind_of_credential_can_send_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that run supports."""
    monkeypatch.setenv("W", "me:secret")
    assert _credentials({"kind": "basic", "writer_env": "W"}) == (("authorization", "Basic bWU6c2VjcmV0"),)
    command = {"kind": "command", "writer": ["echo", "told-token"], "scheme": "Token"}
    assert _credentials(command) == (("authorization", "Token told-token"),)


def test_an_endpoint_without_authentication_gets_no_header() -> None:
    """Not even an empty one."""
    assert _credentials({"kind": "none"}) == ()


def test_a_missing_token_and_an_invalid_key_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jwt_auth: dict[str, object]
) -> None:
    """The variable or the file, instead of ten thousand replies with 401."""
    monkeypatch.delenv("W", raising=False)
    with pytest.raises(UserError, match="variable W is not set"):
        _credentials({"kind": "static", "writer_env": "W"})
    (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(UserError, match=r"key\.pem"):
        _credentials(jwt_auth)
