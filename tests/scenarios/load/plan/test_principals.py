"""Who the load comes from."""

import asyncio
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from createflow.scenarios.load.plan.principals import Principals, principal_count
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
    """Distinct subjects, the profile's issuer, audience, role and key; and none of the tokens is ever shown."""
    mask = Mask()
    tokens = [value.removeprefix("Bearer ") for _, value in _credentials(jwt_auth, mask=mask)]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert len({claim["sub"] for claim in claims}) == 100
    assert all((c["iss"], c["aud"], c["roles"]) == ("i", "a", ["writer"]) for c in claims)
    assert jwt.get_unverified_header(tokens[0]) == {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}
    assert mask.text(f"x {tokens[7]} y") == "x $TOKEN y"


def test_more_users_when_each_would_come_near_its_rate_limit() -> None:
    """500/s over ten users is 50/s each, which is the limit itself: 13 stay below 80 % of it."""
    limits = Limits(rate_per_s=50, burst=100)
    assert principal_count(10, rate_per_s=500, limits=limits) == 13
    assert principal_count(20, rate_per_s=500, limits=limits) == 20
    assert principal_count(1, rate_per_s=500, limits=None) == 1


def test_static_tokens_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """One or two of them; in the header and with the word that the profile names."""
    monkeypatch.setenv("W", "first-token")
    monkeypatch.setenv("O", "other-token")
    assert _credentials({"kind": "static", "writer_env": "W"}) == (("authorization", "Bearer first-token"),)
    auth = {"kind": "api_key", "writer_env": "W", "other_writer_env": "O"}
    assert _credentials(auth) == (("x-api-key", "first-token"), ("x-api-key", "other-token"))


def test_users_with_passwords_and_commands_can_be_the_load_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind that run knows, bench knows."""
    monkeypatch.setenv("W", "me:secret")
    assert _credentials({"kind": "basic", "writer_env": "W"}) == (("authorization", "Basic bWU6c2VjcmV0"),)
    command = {"kind": "command", "writer": ["echo", "told-token"], "scheme": "Token"}
    assert _credentials(command) == (("authorization", "Token told-token"),)


def test_an_open_endpoint_needs_none() -> None:
    """No header at all."""
    assert _credentials({"kind": "none"}) == ()


def test_a_missing_token_and_a_key_that_is_none_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jwt_auth: dict[str, object]
) -> None:
    """The variable, the file; not its absence ten thousand times as 401."""
    monkeypatch.delenv("W", raising=False)
    with pytest.raises(UserError, match="variable W is not set"):
        _credentials({"kind": "static", "writer_env": "W"})
    (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(UserError, match=r"key\.pem"):
        _credentials(jwt_auth)
