"""The checks whose defect cannot be seeded into the reference fail on a target that is bent by hand."""

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.checks.api.https_request.framing import (
    bad_framing_is_refused,
    smuggled_request_is_not_answered,
)
from createflow.scenarios.checks.api.https_request.headers import date_is_given, https_is_insisted_on
from createflow.scenarios.checks.api.https_request.limits import options_agree_with_405
from createflow.scenarios.checks.api.https_request.plaintext import plaintext_creates_nothing
from createflow.scenarios.checks.api.load_balancer import (
    certificate_lasts_two_weeks,
    no_gateway_is_503,
    old_tls_is_refused,
)
from createflow.scenarios.checks.api.response.identity import uuid_is_a_legal_one
from createflow.scenarios.checks.api.service_router import unknown_resource_is_404
from createflow.scenarios.checks.business.business_logic.conditions import unconditional_update_is_428
from createflow.scenarios.checks.data import index_update
from createflow.scenarios.checks.data.index_update import outage_is_caught_up
from createflow.scenarios.checks.data.replicate import lagging_replica_is_not_read
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.tls import TlsHandshakes
from createflow.scenarios.target.write_record import Change, Changed, WriteRecord, Written
from createflow.schemas.profile_target import Target as ProfileTarget
from tests.scenarios.checks.memory_target import Copy, MemoryTarget, Switch, reply

HERE = {
    # test_framing_checks.py
    bad_framing_is_refused,
    smuggled_request_is_not_answered,
    # test_plaintext.py
    plaintext_creates_nothing,
    # test_looks_at_all_writes.py
    *(
        check
        for check in CHECKS
        if WriteSample in {one.role for one in check.parameters.values()} and not check.catches
    ),
}


def test_every_check_without_a_fault_is_tested_here() -> None:
    """So that each check is seen to fail somewhere."""
    assert {check for check in CHECKS if not check.catches} == HERE


async def passes(check: Check, **probes: Any) -> None:
    """The check has nothing to say."""
    await check.function(**probes)


async def accuses(check: Check, words: str, **probes: Any) -> None:
    """The check accuses, with these words."""
    with pytest.raises(Expectation, match=words):
        await check.function(**probes)


PROBLEM = reply(503, {}, content_type="application/problem+json")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (PROBLEM, ""),
        (reply(502), "expected 503"),
        (reply(503, {}, content_type="text/html"), r"expected the 503 as application/problem\+json"),
    ],
    ids=["kept", "another status", "a page"],
)
async def test_no_gateway_is_503(answer: Reply, words: str) -> None:
    """A bad gateway and an HTML page break the promise."""
    switch = Switch()
    target = MemoryTarget(bend=lambda _m, _u, honest: answer if switch.on else honest)
    if words:
        await accuses(no_gateway_is_503, words, target=target, faults=switch)
    else:
        await passes(no_gateway_is_503, target=target, faults=switch)


@pytest.mark.anyio
async def test_a_balancer_that_never_takes_the_gateway_back_is_accused() -> None:
    """Recovery belongs to the promise."""
    switch, gone = Switch(), False

    def bend(_method: str, _url: str, honest: Reply) -> Reply:
        nonlocal gone
        gone = gone or switch.on
        return PROBLEM if gone else honest

    await accuses(no_gateway_is_503, "creates accepted within", target=MemoryTarget(bend=bend), faults=switch)


@pytest.mark.anyio
@pytest.mark.parametrize("wrong", [200, 500])
async def test_unknown_resource_is_404(wrong: int) -> None:
    """Neither a soft 404 nor an error of the server's."""
    await passes(unknown_resource_is_404, target=MemoryTarget())
    bent = MemoryTarget(bend=lambda _m, _u, honest: reply(wrong) if honest.status == 404 else honest)
    await accuses(unknown_resource_is_404, "expected 404", target=bent)


@pytest.mark.anyio
async def test_a_read_from_a_lagging_replica_is_accused() -> None:
    """What is read is the row before the update, as a replica that stands still shows it."""
    switch = Switch()
    healthy = MemoryTarget()
    probes = {"faults": switch, "replicas": Copy(healthy.rows.get)}
    await passes(lagging_replica_is_not_read, target=healthy, **probes)
    bent = MemoryTarget()
    first: dict[str, Reply] = {}

    def bend(method: str, url: str, honest: Reply) -> Reply:
        return first.setdefault(url, honest) if method == "GET" and switch.on else honest

    bent.bend = bend
    await accuses(lagging_replica_is_not_read, "just written", target=bent, faults=switch, replicas=Copy(bent.rows.get))
    never = Copy(lambda _: None)
    await accuses(lagging_replica_is_not_read, "one row in copy", target=healthy, faults=switch, replicas=never)


@pytest.mark.anyio
async def test_an_index_that_forgets_what_came_during_its_outage_is_accused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Creates and updates; and so is a target that does not accept writes without it."""
    monkeypatch.setattr(index_update, "_OUTAGE_S", 0.0)
    switch, target = Switch(), Recorded()
    probes = {"target": target, "record": target.record, "faults": switch}
    await passes(outage_is_caught_up, search=Copy(target.rows.get), **probes)
    before: dict[str, dict[str, Any]] = {}

    def look(key: str) -> dict[str, Any] | None:
        return before.get(key)

    def remember(_method: str, _url: str, honest: Reply) -> Reply:
        if not switch.on:
            before.update({key: dict(row) for key, row in target.rows.items()})
        return honest

    target.bend = remember
    await accuses(outage_is_caught_up, r"5 of 6 .*is not in the index", search=Copy(look), **probes)
    target.bend = lambda _m, _u, honest: reply(500) if switch.on else honest
    await accuses(outage_is_caught_up, "without the search engine", search=Copy(target.rows.get), **probes)


@dataclass
class Recorded(MemoryTarget):
    """Notes its writes as a run does."""

    record: WriteRecord = field(default_factory=lambda: WriteRecord("0123abcd"))

    async def create(self, body: Any = None, **options: Any) -> Reply:
        """POST."""
        answer = await MemoryTarget.create(self, body, **options)
        if answer.accepted:
            shown = answer.document or {}
            written = Written(shown["id"], answer.headers["location"], self.writer, body, shown, answer, "a.check")
            self.record.created(written, b"")
        return answer

    async def update(self, url: str, body: Mapping[str, Any], **options: Any) -> Reply:
        """PUT."""
        answer = await MemoryTarget.update(self, url, body, **options)
        self.record.changed(url, Changed(Change.UPDATE, body, answer, 0.0, 0.0, None), b"")
        return answer


def adding(**headers: str) -> MemoryTarget:
    """A target whose every reply has these headers as well."""

    def bend(method: str, _url: str, honest: Reply) -> Reply:
        if method == "PATCH":
            return reply(405, {}, allow="GET, POST")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(honest, headers={**honest.headers, **given})

    return MemoryTarget(bend=bend)


@pytest.mark.anyio
async def test_a_reply_without_a_date_is_accused() -> None:
    """And so is one whose Date is none."""
    await passes(date_is_given, target=adding(date="Sun, 22 Nov 2026 21:00:00 GMT"))
    await accuses(date_is_given, "a Date header", target=MemoryTarget())
    await accuses(date_is_given, "an HTTP date", target=adding(date="yesterday"))


@pytest.mark.anyio
async def test_https_that_is_not_insisted_on_is_accused() -> None:
    """Neither a missing header nor an age of zero insists on anything."""
    await passes(https_is_insisted_on, target=adding(strict_transport_security="max-age=300"))
    await accuses(https_is_insisted_on, "Strict-Transport-Security", target=MemoryTarget())
    await accuses(https_is_insisted_on, "max-age above", target=adding(strict_transport_security="max-age=0"))


@pytest.mark.anyio
async def test_options_that_disagree_with_the_405_are_accused() -> None:
    """HEAD and OPTIONS themselves may be left out."""
    await passes(options_agree_with_405, target=adding(allow="GET, HEAD, POST, OPTIONS"))
    await accuses(options_agree_with_405, "the methods of the 405", target=adding(allow="GET, POST, DELETE"))


@pytest.mark.anyio
async def test_a_number_that_javascript_changes_is_no_good_id() -> None:
    """A text is, whatever is in it, and so is a number that a double holds."""

    def with_id(value: object) -> MemoryTarget:
        return MemoryTarget(
            bend=lambda _m, _u, honest: reply(201, {**(honest.document or {}), "id": value}, location="/r/1")
        )

    await passes(uuid_is_a_legal_one, target=with_id(2**53 - 1))
    await accuses(uuid_is_a_legal_one, "9007199254740993", target=with_id(2**53 + 1))
    with pytest.raises(NotDeclared):
        await uuid_is_a_legal_one.function(target=with_id("a name"))


@pytest.mark.anyio
async def test_an_update_or_delete_that_names_no_version_is_428() -> None:
    """Where the profile says so, or a target refuses it; elsewhere there is nothing to ask."""
    promised = Contract(
        ProfileTarget.model_validate(
            {"base_url": "http://x", "update": True, "delete": True, "conditional_updates": True}
        )
    )
    check = unconditional_update_is_428
    await passes(check, target=_Conditional(contract=promised))
    await passes(check, target=_Conditional())
    await accuses(check, "to an update", target=MemoryTarget(contract=promised))
    await accuses(check, "to a delete", target=_Conditional(contract=promised, methods=("PUT",)))
    await accuses(check, "expected 428", target=_Conditional(contract=promised, status=400))
    await accuses(check, "still there", target=_Conditional(contract=promised, has_effect=True))
    with pytest.raises(Inconclusive):
        await check.function(target=_Conditional(status=400))
    with pytest.raises(NotDeclared):
        await check.function(target=MemoryTarget())


@dataclass
class _Conditional(MemoryTarget):
    """Refuses changes that name no version."""

    status: int = 428
    methods: tuple[str, ...] = ("PUT", "DELETE")
    has_effect: bool = False
    """In spite of the refusal."""

    async def send(self, method: str, url: str, **options: Any) -> Reply:
        """Any method."""
        names = "if-match" in (options.get("headers") or {})
        if method in self.methods and not names and not self.has_effect:
            return reply(self.status)
        done = await MemoryTarget.send(self, method, url, content=options.get("content"))
        done = reply(self.status) if method in self.methods and not names else done
        return replace(done, headers={**done.headers, "etag": '"1"'})

    async def update(self, url: str, body: Mapping[str, Any] | bytes, **options: Any) -> Reply:
        """PUT."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send("PUT", url, content=content, headers=options.get("headers"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key. RSA, because TLS 1.1 knows nothing newer."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def tls_server(files: tuple[Path, Path], least: ssl.TLSVersion) -> Iterator[str]:
    """A server that shakes hands from this version on, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the defect is what is deprecated
        context.minimum_version = least
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with plain:
                    try:
                        context.wrap_socket(plain, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.anyio
async def test_a_server_that_still_speaks_tls_1_1_is_accused(certificate: tuple[Path, Path]) -> None:
    """One that does not is fine."""
    with tls_server(certificate, ssl.TLSVersion.TLSv1_2) as url:
        await passes(old_tls_is_refused, handshakes=TlsHandshakes(url, str(certificate[0])))
    with tls_server(certificate, ssl.TLSVersion.TLSv1_1) as url:
        await accuses(old_tls_is_refused, "TLS 1.1 accepted", handshakes=TlsHandshakes(url, str(certificate[0])))


@pytest.mark.anyio
async def test_a_certificate_that_does_not_verify_is_accused(certificate: tuple[Path, Path]) -> None:
    """Signed by nobody whom we know."""
    with tls_server(certificate, ssl.TLSVersion.TLSv1_2) as url:
        await accuses(old_tls_is_refused, "verif", handshakes=TlsHandshakes(url, None))


@pytest.mark.anyio
async def test_a_certificate_that_ends_tomorrow_is_accused(certificate: tuple[Path, Path]) -> None:
    """One that cannot be verified at all is judged elsewhere."""
    with tls_server(certificate, ssl.TLSVersion.TLSv1_2) as url:
        await accuses(certificate_lasts_two_weeks, "14 days", handshakes=TlsHandshakes(url, str(certificate[0])))
        with pytest.raises(Inconclusive):
            await certificate_lasts_two_weeks.function(handshakes=TlsHandshakes(url, None))
    await passes(certificate_lasts_two_weeks, handshakes=_CannotOffer())


class _CannotOffer:
    """A machine whose TLS library has no TLS 1.1."""

    def verified_error(self) -> str:
        """Fine."""
        return ""

    def certificate_days_left(self) -> float:
        """Long."""
        return 90.0

    def offer_tls_1_1(self) -> str:
        """Not to be had."""
        return "untested"


@pytest.mark.anyio
async def test_what_cannot_be_offered_is_not_refused() -> None:
    """Inconclusive: the refusal would have been our own."""
    with pytest.raises(Inconclusive):
        await old_tls_is_refused.function(handshakes=_CannotOffer())
