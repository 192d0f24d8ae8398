"""Every bad token is 401, whatever is wrong with it, and a server without keys says so."""

import json
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from createflow.reference_server.adapters.jwks_file import JwksFile
from createflow.schemas.clock import SystemClock
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.hostile_tokens import ALGORITHMS, Issuer, bad_tokens, make_issuer
from tests.reference_server.in_process_server import InProcessServer, open_server

pytestmark = pytest.mark.anyio

PART = 300
"""Tokens a server: after 500 failures an address gets 429 instead of 401."""


@pytest.fixture(scope="module")
def issuer(engines: EngineSet, tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """One issuer for all."""
    settings = engines.settings
    return make_issuer(tmp_path_factory.mktemp("keys"), issuer=settings.issuer, audience=settings.audience)


async def create(server: InProcessServer, token: str) -> httpx.Response:
    """Create with this token."""
    return await server.http.post(
        "/api/resources", json={"name": "by a token"}, headers={"authorization": f"Bearer {token}"}
    )


@pytest.mark.parametrize("part", range(3))
async def test_every_bad_token_is_401(engines: EngineSet, issuer: Issuer, part: int) -> None:
    """RFC 8725's attacks; good tokens of each algorithm are accepted before and after, and nothing is written."""
    tokens = list(bad_tokens(issuer))
    assert PART * 2 < len(tokens) <= PART * 3
    async with open_server(engines, jwks_file=str(issuer.jwks_file)) as server:
        before = await server.rows("SELECT count(*) FROM resources")
        for key_id in ALGORITHMS:
            assert (await create(server, issuer.token(key_id))).status_code == 201
        wrong = {}
        for what, token in tokens[part * PART : (part + 1) * PART]:
            reply = await create(server, token)
            if reply.status_code != 401 or 'error="invalid_token"' not in reply.headers["www-authenticate"]:
                wrong[what] = reply.status_code
        assert wrong == {}
        for key_id in ALGORITHMS:
            assert (await create(server, issuer.token(key_id))).status_code == 201
        assert (await server.rows("SELECT count(*) FROM resources"))[0][0] == before[0][0] + 2 * len(ALGORITHMS)


async def test_without_a_key_file_a_token_is_503_and_no_token_is_401(engines: EngineSet, tmp_path: Path) -> None:
    """Whether a token is valid cannot be told; the document of the keys is 503 too, as a problem."""
    file = tmp_path / "keys.json"
    async with open_server(engines, jwks_file=str(file), ready=False) as server:
        reply = await server.create()
        assert (reply.status_code, reply.json()["code"]) == (503, "service_unavailable")
        assert int(reply.headers["retry-after"]) >= 1
        assert (await server.http.post("/api/resources", json={"name": "x"})).status_code == 401
        keys = await server.http.get("/.well-known/jwks.json")
        assert (keys.status_code, keys.headers["content-type"]) == (503, "application/problem+json")
        assert keys.json()["code"] == "service_unavailable"


async def test_keys_are_kept_when_their_file_goes_away(server: InProcessServer, tmp_path: Path) -> None:
    """For verification and for /.well-known/jwks.json alike."""
    file = tmp_path / "keys.json"
    file.write_bytes(Path(server.settings.jwks_file).read_bytes())
    async with open_server(server.engines, jwks_file=str(file)) as other:
        assert (await other.create()).status_code == 201
        file.unlink()
        assert (await other.create()).status_code == 201
        reply = await other.http.get("/.well-known/jwks.json")
        assert (reply.status_code, reply.json()["keys"][0]["kid"]) == (200, "key-1")


@pytest.mark.parametrize(("bits", "accepted"), [(1024, False), (2047, False), (2048, True), (3072, True)])
def test_rsa_keys_below_2048_bits_are_no_keys(bits: int, accepted: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """RFC 7518 §3.3: a key of size 2048 bits or larger MUST be used."""
    public = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, bits).public_key(), as_dict=True)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": "one", "use": "sig", "key_ops": ["verify"]}]}))
    assert JwksFile(file, SystemClock()).is_loaded is accepted
