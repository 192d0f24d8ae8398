"""The certificate of the client: shown on every kind of connection to a server that asks for one."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from rich.console import Console

from createflow.cli.profile_source import ProfileSource, open_profile
from createflow.scenarios.load.plan.config_rules import node_config
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import make_plan
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.raw_http import RawSocket
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.tls import TlsHandshakes, trusted_context
from createflow.scenarios.text.curl_line import rebuilt
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas import profile_file
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_target import ClientCertificate, Target
from createflow.schemas.report import RunReport
from tests.scenarios.load.http.remote_connection import RemoteConnection, connect, driver
from tests.scenarios.load.malformed_server import CREATED, MalformedServer, once, serve

__all__ = ["connect", "driver", "serve"]

REPLY = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signed both certificates."""
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """The authority, and certificate and key of the client."""
    certificate = authority.issue_cert("client@example.org")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    (tmp_path / "locked.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"geheimnis"),
        )
    )
    return {name: str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key", "locked")}


def _server_context(authority: trustme.CA, files: dict[str, str], version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.load_verify_locations(files["ca"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    return context


@asynccontextmanager
async def _serving(context: ssl.SSLContext, seen: list[bytes]) -> AsyncIterator[str]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(REPLY)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _profile(url: str, files: dict[str, str], **client: Any) -> Profile:
    target = {"base_url": url, "ca_file": files["ca"], **({"client_certificate": client} if client else {})}
    return Profile.model_validate({"target": target})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_kind_of_connection_shows_the_certificate(
    authority: trustme.CA, files: dict[str, str], version: ssl.TLSVersion
) -> None:
    """The pool of a run, raw sockets and handshakes; a curl line does so as well."""
    seen: list[bytes] = []

    async def use() -> None:
        async with _serving(_server_context(authority, files, version), seen) as url:
            profile = _profile(url, files, cert_file=files["cert"], key_file=files["key"])
            context = RunContext(profile, "r", Mask())
            connection, raw = HttpConnection(context), RawSocket(context)
            try:
                reply = await connection.send("GET", "/a", ANONYMOUS, {}, None)
                await raw.send(raw.request(b"", who=ANONYMOUS))
            finally:
                await connection.close()
            assert f"--cert {files['cert']} --key {files['key']}" in reply.exchange.curl
            assert rebuilt(reply.exchange.curl) == reply.exchange.curl
            handshakes = TlsHandshakes(url, files["ca"], profile.target.certificate_parts)
            assert await asyncio.to_thread(handshakes.certificate_days_left) > 0

    asyncio.run(use())
    assert len(seen) == 2


def test_nothing_is_verified_by_name_only(
    authority: trustme.CA, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The pool, raw sockets and load processes; what needs a verified certificate is skipped by the key."""
    seen: list[bytes] = []

    async def use() -> tuple[str, str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("elsewhere.example").configure_cert(context)
        async with _serving(context, seen) as url:
            target = {"base_url": url, "verify_tls": False}
            run = RunContext(Profile.model_validate({"target": target}), "r", Mask())
            connection, raw = HttpConnection(run), RawSocket(run)
            try:
                reply = await connection.send("GET", "/a", ANONYMOUS, {}, None)
                await raw.send(raw.request(b"", who=ANONYMOUS))
            finally:
                await connection.close()
            source = ProfileSource(url=f"{url}/a", is_insecure=True)
            async with open_profile(source, Console(stderr=True)) as profile:
                assert profile.target.is_unverified
            assert not make_plan(profile, LoadOptions()).node_configs((), {})[0].verify_tls
            return reply.exchange.curl, url

    curl, url = asyncio.run(use())
    assert len(seen) == 2
    assert (" --insecure " in curl, rebuilt(curl)) == (True, curl)
    assert f"WARNING: the certificate of {url} is NOT verified." in " ".join(capsys.readouterr().err.split())
    report = RunReport(
        createflow_version="1", run_id="r", started_at="", duration_s=0, target=url, profile="", unverified_tls=True
    )
    for name in RENDERERS.keys() - {"json"}:
        assert "the certificate of the target was not verified" in str(RENDERERS[name](report)), name


def test_a_file_that_verifies_nothing_is_a_mistake() -> None:
    """One of both is meant."""
    with pytest.raises(ValueError, match="ca_file says what verifies the certificate"):
        Target.model_validate({"base_url": "https://x", "ca_file": "ca.pem", "verify_tls": False})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_target_that_wants_a_certificate_is_told_with_the_key_of_the_profile(
    authority: trustme.CA, files: dict[str, str], version: ssl.TLSVersion
) -> None:
    """Not as a target that is down."""
    seen: list[bytes] = []

    async def use() -> None:
        async with _serving(_server_context(authority, files, version), seen) as url:
            connection = HttpConnection(RunContext(_profile(url, files), "r", Mask()))
            try:
                await connection.require_reachable()
            finally:
                await connection.close()

    with pytest.raises(TargetError) as told:
        asyncio.run(use())
    assert "[target.client_certificate]" in (told.value.hint or "")
    assert seen == []


def test_a_load_shows_the_certificate(
    serve: Callable[..., MalformedServer],
    connect: Callable[..., RemoteConnection],
    authority: trustme.CA,
    files: dict[str, str],
) -> None:
    """Its workers get the names of the files and of the variable, and nothing that is secret."""
    tls = _server_context(authority, files, ssl.TLSVersion.TLSv1_3)
    server = serve(once(CREATED), tls=tls)
    profile = _profile(server.url, files, cert_file=files["cert"], key_file=files["key"])
    plan = make_plan(profile, LoadOptions(seed=1))
    (config,) = plan.node_configs((), {"run_id": plan.run_id})
    assert node_config(config.to_document()).client_certificate == (files["cert"], files["key"], "")
    seen = connect(server.url, ca_file=files["ca"], client_certificate=config.client_certificate).exchange()
    assert seen["status"] == 201


def test_a_key_with_a_password_needs_the_right_one(files: dict[str, str]) -> None:
    """From the environment; nobody is asked on the terminal, and no message shows it."""
    locked = (files["cert"], files["locked"], "P")
    assert trusted_context(files["ca"], locked, {"P": "geheimnis"}).cert_store_stats()["x509_ca"] == 1
    with pytest.raises(UserError, match="P is not set"):
        trusted_context(None, locked, {})
    for client, environment in (
        (locked, {"P": "falsches"}),
        ((*locked[:2], ""), {}),
        ((files["ca"], files["key"], "P"), {"P": "geheimnis"}),
    ):
        with pytest.raises(UserError, match=r"client_certificate: .* cannot be used") as told:
            trusted_context(None, client, environment)
        assert "geheimnis" not in str(told.value)
        assert "falsches" not in str(told.value)


def test_a_profile_finds_the_files_beside_it(files: dict[str, str]) -> None:
    """A missing one is a mistake with its line."""
    folder = Path(files["ca"]).parent
    profile = folder / "createflow.toml"
    text = '[target]\nbase_url = "https://x.example"\n[target.client_certificate]\ncert_file = "cert.pem"\nkey_file = '
    profile.write_text(f'{text}"key.pem"\n')
    assert profile_file.load(profile).target.client_certificate == ClientCertificate(
        cert_file=files["cert"], key_file=files["key"]
    )
    profile.write_text(f'{text}"none.pem"\n')
    with pytest.raises(UserError, match=r"createflow.toml:5: target.client_certificate.key_file: no such file"):
        profile_file.load(profile)
