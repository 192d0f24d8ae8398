"""What was asked for, what the profile allows, and a note where they differ."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from createflow.scenarios.load.plan import MAX_SENDERS_PER_NODE, LoadPlan, make_plan
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

TARGET = {"base_url": "http://127.0.0.1:1"}


@pytest.fixture
def jwt_auth(tmp_path: Path) -> dict[str, object]:
    """An ``[auth]`` section with a key of its own."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    return {"kind": "jwt", "key_file": str(tmp_path / "key.pem"), "key_id": "k1", "issuer": "i", "audience": "a"}


def _plan(sections: dict[str, object] | None = None, **options: float) -> LoadPlan:
    asked = {"rate_per_s": 500.0, "duration_s": 20.0, "warmup_s": 2.0} | options
    return make_plan(Profile.model_validate({"target": TARGET, **(sections or {})}), **asked)  # type: ignore[arg-type] # numbers all


def test_a_hundred_users_each_with_a_token_of_its_own(jwt_auth: dict[str, object]) -> None:
    """Distinct subjects, the profile's issuer, audience, role and key."""
    plan = _plan({"auth": jwt_auth})
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in plan.tokens]
    assert len({claim["sub"] for claim in claims}) == 100
    assert all((c["iss"], c["aud"], c["roles"]) == ("i", "a", ["writer"]) for c in claims)
    assert jwt.get_unverified_header(plan.tokens[0]) == {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}
    assert claims[0]["exp"] - claims[0]["iat"] > 22


def test_more_users_when_each_would_come_near_its_rate_limit(jwt_auth: dict[str, object]) -> None:
    """500/s over ten users is 50/s each, which is the limit itself: 13 stay below 80 % of it, and the user is told."""
    plan = _plan({"auth": jwt_auth, "limits": {"rate_per_s": 50, "burst": 100}}, users=10)
    assert len(plan.tokens) == 13
    assert plan.notes == ("13 users instead of 10, so that each stays below its rate limit",)


def test_senders_are_bounded_by_what_a_node_can_hold() -> None:
    """Above that, the client would open a connection for every request."""
    plan = _plan(rate_per_s=100, senders=2000, workers=2)
    assert plan.senders == 2 * MAX_SENDERS_PER_NODE
    assert [config.senders for config in plan.node_configs()] == [MAX_SENDERS_PER_NODE] * 2
    assert "1800 senders instead of 2000" in plan.notes[0]


@pytest.mark.parametrize(("rate", "senders"), [(10, 50), (500, 250), (5000, 900)])
def test_senders_follow_the_rate_unless_asked(rate: float, senders: int) -> None:
    """Half a second of requests in flight, never fewer than fifty."""
    assert _plan(rate_per_s=rate).senders == senders


def test_static_tokens_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """One or two of them; the second is optional."""
    auth = {"kind": "static", "writer_env": "W", "other_writer_env": "O"}
    monkeypatch.delenv("O", raising=False)
    monkeypatch.setenv("W", "t1")
    assert _plan({"auth": auth}).tokens == ("t1",)
    monkeypatch.setenv("O", "t2")
    assert _plan({"auth": auth}).tokens == ("t1", "t2")


def test_a_missing_static_token_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, not its absence ten thousand times as 401."""
    monkeypatch.delenv("W", raising=False)
    with pytest.raises(UserError, match="variable W holds no token"):
        _plan({"auth": {"kind": "static", "writer_env": "W"}})


def test_a_key_that_is_none_is_named(tmp_path: Path, jwt_auth: dict[str, object]) -> None:
    """Which file, which algorithm."""
    (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(UserError, match=r"key\.pem cannot sign EdDSA"):
        _plan({"auth": jwt_auth})


@pytest.mark.parametrize("option", ["rate_per_s", "duration_s", "workers", "users", "senders"])
def test_nothing_can_be_asked_for_by_zero(option: str) -> None:
    """Refused before anything starts."""
    with pytest.raises(UserError, match="above zero"):
        _plan(**({option: -1.0} if option == "users" else {option: 0}))
