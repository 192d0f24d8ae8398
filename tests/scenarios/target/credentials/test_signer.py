"""A command that signs each request."""

import asyncio
import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.target.credentials.signer import Signer
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import SignerAuth
from createflow.schemas.report import Outcome
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import malformed_server, reply

_KEY = b"shared"
_SIGNING = """
import hashlib, hmac, json, sys
for line in sys.stdin:
    asked = json.loads(line)
    path = "/" + asked["url"].split("/", 3)[3]
    text = "\\n".join([asked["method"], path, asked["headers"]["host"], asked["body_sha256"]])
    signature = hmac.new(b"shared", text.encode(), hashlib.sha256).hexdigest()
    headers = {"Authorization": f"HMAC {signature}", "X-Signed-Body": asked["body_sha256"]}
    print(json.dumps({"headers": headers}), flush=True)
"""


def _command(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def _service(seen: list[int]) -> Callable[[bytes], bytes]:
    """Takes what is signed right, and nothing else."""
    things: dict[str, bytes] = {}

    def answer(request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        text = "\n".join([method, path, headers["host"], hashlib.sha256(body).hexdigest()])
        wanted = "HMAC " + hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest()
        if headers.get("authorization") != wanted:
            seen.append(401)
            return reply("401 Unauthorized", headers="www-authenticate: HMAC\r\n")
        if method == "POST":
            things[str(len(things) + 1)] = json.dumps({**json.loads(body), "id": str(len(things) + 1)}).encode()
            seen.append(201)
            return reply("201 Created", list(things.values())[-1], headers=f"location: {path}/{len(things)}\r\n")
        found = things.get(path.rpartition("/")[2])
        return reply("404 Not Found") if found is None else reply("200 OK", found)

    return answer


def _profile(url: str, command: list[str], **auth: Any) -> Profile:
    target = {"base_url": url, "path": "/things", "body": {"name": "x"}, "fields": {"created_at": "", "created_by": ""}}
    return Profile.model_validate({"target": target, "auth": {"kind": "signer", "writer": command, **auth}})


def test_every_request_is_signed_and_what_is_not_is_refused() -> None:
    """Method, path, host and body are in the signature; a check without a credential sends none."""
    seen: list[int] = []
    ids = {"response.create_is_201", "response.location_answers_the_same", "auth_check.missing_token_is_401"}
    ids |= {"https_request.bad_framing_is_refused"}
    checks = [check for check in CHECKS if check.id in ids]

    async def run() -> dict[str, tuple[Outcome, str]]:
        async with malformed_server(_service(seen)) as url:
            profile = _profile(url, _command(_SIGNING), scheme="HMAC")
            report = await conformance(profile, checks, source="test", progress=QuietProgress(), seed=1)
            return {one.id: (one.outcome, one.reason or str(one.finding)) for one in report.results}

    results = asyncio.run(run())
    skipped = results.pop("https_request.bad_framing_is_refused")
    assert skipped == (Outcome.SKIPPED, '`auth.kind` is "signer": raw bytes are not signed')
    assert {outcome for outcome, _ in results.values()} == {Outcome.PASSED}, results
    assert {201, 401} <= {*seen}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("print('no json')", "answered with no JSON line: 'no json'"),
        ("print('{}')", r'answered without \{"headers"'),
        ('print(\'{"error": "no key"}\')', "says 'no key'"),
        ('print(\'{"headers": {"Host": "x"}}\')', "a header that cannot be added: 'Host'"),
        (r'print(\'{"headers": {"A": "b\\r\\nC: d"}}\')'.replace("\\'", "'"), "a header that cannot be added: 'A'"),
        ("pass", "ended without an answer"),
        ("print('x' * 100_000)", "more than 65536 bytes"),
        ("import time; time.sleep(30)", "did not answer within 0.3 s"),
    ],
)
def test_a_command_that_does_not_sign_is_told(text: str, told: str) -> None:
    """Within its time, before the first check; it is ended."""

    async def asked() -> None:
        signer = Signer("auth.writer", tuple(_command(text)), 0.3 if "sleep" in text else 20)
        try:
            await signer.sign("GET", "http://x/", {}, b"")
        finally:
            await signer.close()

    with pytest.raises(UserError, match=f"auth.writer: .*{told}"):
        asyncio.run(asked())


def test_a_command_that_cannot_be_run_is_told() -> None:
    """By the key of the profile."""
    with pytest.raises(UserError, match=r"auth\.writer: /no/such cannot be run: No such file"):
        asyncio.run(Signer("auth.writer", ("/no/such",), 1).sign("GET", "http://x/", {}, b""))


def test_it_runs_only_after_consent_and_not_for_a_load(tmp_path: Path) -> None:
    """A profile may come from anybody; a load is faster than a command."""
    file = tmp_path / "createflow.toml"
    file.write_text('[target]\nbase_url = "http://x"\n[auth]\nkind = "signer"\nwriter = ["./sign", "--key", "1"]\n')
    assert profile_file.read(file).commands("auth") == {"auth.writer": ("./sign", "--key", "1")}
    auth = SignerAuth(kind="signer", writer=("./sign",))
    with pytest.raises(UserError, match="createflow bench signs no requests"):
        Principals(auth, 1, run_id="r", mask=Mask())


def test_another_process_goes_on_with_it() -> None:
    """The guardian of a killed run has the command, and no signature."""
    seen: list[int] = []

    async def use() -> int:
        async with (
            malformed_server(_service(seen)) as url,
            ProbeSet(_profile(url, _command(_SIGNING)), "r1", Mask()) as probes,
        ):
            who = probes.target_by("writer").writer
            assert who.signer is not None
            again = Signer.of_settings(json.loads(json.dumps(who.signer.settings)))
            try:
                signed = await again.sign("GET", f"{url}/things/1", {"host": url.removeprefix("http://")}, b"")
            finally:
                await again.close()
            reply_to = await probes.connection.send("GET", "/things/1", ANONYMOUS, signed, None)
            return reply_to.status

    assert asyncio.run(use()) == 404
