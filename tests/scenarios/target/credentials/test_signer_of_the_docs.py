"""The command of docs/profile.md that signs for AWS, against a service that verifies by AWS's own description.

AWS Signature Version 4, "Create a signed AWS API request": canonical request, string to sign, signing key, signature.
"""

import asyncio
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Outcome
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import malformed_server, reply

DOCS = Path(__file__).parents[4] / "docs" / "profile.md"
SECRET = "wJalrXUtnFEMI-of-this-test"  # no account has it
KEY_ID = "AKIDEXAMPLEOFTHISTEST"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request, "
    r"SignedHeaders=([\w;-]+), Signature=(\w+)"
)


def _command(folder: Path) -> list[str]:
    """The script of the docs, word for word."""
    text = DOCS.read_text(encoding="utf-8")
    block = next(one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "SigV4Auth" in one)
    (folder / "sign.py").write_text(block)
    return [sys.executable, str(folder / "sign.py")]


def _is_signed(method: str, path: str, headers: dict[str, str], body: bytes) -> bool:
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None or found[1] != KEY_ID:
        return False
    day, region, service, names = found[2], found[3], found[4], found[5].split(";")
    if "host" not in names or headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return False
    path, _, query = path.partition("?")
    signed = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    # Every service but S3 encodes the path twice.
    canonical = [method, quote(path), query, signed, found[5], hashlib.sha256(body).hexdigest()]
    request = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{request}"
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), found[6])


def _service(seen: list[int], *, verifies: bool) -> Callable[[bytes], bytes]:
    things: dict[str, bytes] = {}

    def answer(request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if verifies and not _is_signed(method, path, headers, body):
            seen.append(403)
            return reply("401 Unauthorized", headers="www-authenticate: AWS4-HMAC-SHA256\r\n")
        if method == "POST":
            seen.append(201)
            name = str(len(things) + 1)
            things[name] = json.dumps({**json.loads(body), "id": name}).encode()
            return reply("201 Created", things[name], headers=f"location: {path}/{name}\r\n")
        found = things.get(unquote(path.rpartition("/")[2]))
        return reply("404 Not Found") if found is None else reply("200 OK", found)

    return answer


async def _results(folder: Path, service: Callable[[bytes], bytes]) -> dict[str, CheckResult]:
    ids = {"response.create_is_201", "response.location_answers_the_same", "auth_check.missing_token_is_401"}
    auth = {"kind": "signer", "scheme": "AWS4-HMAC-SHA256", "writer": _command(folder)}
    async with malformed_server(service) as url:
        target = {"base_url": url, "path": "/prod/order%20lines", "body": {"name": "x"}}
        target["fields"] = {"created_at": "", "created_by": ""}
        profile = Profile.model_validate({"target": target, "auth": auth})
        checks = [check for check in CHECKS if check.id in ids]
        report = await conformance(profile, checks, source="test", progress=QuietProgress())
    return {one.id: one for one in report.results}


def test_what_the_docs_sign_is_what_aws_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Creates and reads are accepted; a request without a signature is refused, and that is seen."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    seen: list[int] = []
    results = asyncio.run(_results(tmp_path, _service(seen, verifies=True)))
    assert {one.id: one.reason for one in results.values() if one.outcome is not Outcome.PASSED} == {}
    assert {201, 403} <= set(seen)


def test_a_service_that_verifies_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A create without a signature is accepted by it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    results = asyncio.run(_results(tmp_path, _service([], verifies=False)))
    assert results["auth_check.missing_token_is_401"].outcome is Outcome.FAILED


@pytest.mark.parametrize("changed", ["body", "path", "method"])
def test_the_service_of_this_test_refuses_what_was_changed(changed: str) -> None:
    """Else it would show nothing about the signatures."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = b'{"name":"x"}'
    headers = {"host": "127.0.0.1", "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest("POST", "http://127.0.0.1/prod/orders", headers, body)
    SigV4Auth(Credentials(KEY_ID, SECRET), "execute-api", "eu-central-1").add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert _is_signed("POST", "/prod/orders", sent, body)
    given = {"method": "POST", "path": "/prod/orders", "body": body}
    given[changed] = {"method": "PUT", "path": "/prod/others", "body": b"{}"}[changed]
    assert not _is_signed(given["method"], given["path"], sent, given["body"])
