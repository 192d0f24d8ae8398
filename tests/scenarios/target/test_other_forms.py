"""Creates of other forms than JSON and 201: forms, 202 and later, other statuses, and links in bodies."""

import asyncio
import json
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.outcome import NotDeclared, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.lawful_run import run
from tests.scenarios.malformed_server import Habit, malformed_server, reply

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"},
        "count": {"type": "integer", "minimum": 0, "maximum": 100},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
    },
}
_ALL = [check for check in CHECKS if not check.disturbs and not check.waits]
_FEW_IDS = {
    *("response.create_is_201", "response.reads_show_writes", "validation.missing_name_is_400"),
    *("validation.wrong_types_are_400", "validation.broken_json_is_400"),
}
_FEW = [check for check in _ALL if check.id in _FEW_IDS]
_FORMS: dict[str, dict[str, Any]] = {
    "form": {"sections": {"target": {"body_as": "form"}}, "schema": _SCHEMA},
    "dots": {"sections": {"target": {"body_as": "form", "form": {"nested": "dots"}}}, "schema": _SCHEMA},
    "multipart": {"sections": {"target": {"body_as": "multipart"}}, "schema": _SCHEMA},
    "a redirect": {"sections": {"target": {"accepted": {}}}, "front": {"later": "redirect"}},
    "a link": {"sections": {"target": {"accepted": {"resource": "/resource"}}}, "front": {"later": "link"}},
    "an id": {"sections": {"target": {"accepted": {"resource": "/resource"}}}, "front": {"later": "id"}},
    "200": {"sections": {"target": {"created_status": 200, "cleanup": True}}, "front": {"created": 200}},
}


@pytest.mark.parametrize(
    ("form", "checks"),
    [
        *[(form, _FEW) for form in ("form", "multipart", "a redirect", "200")],
        *[pytest.param(form, _ALL, marks=pytest.mark.thorough) for form in _FORMS],
    ],
)
def test_a_service_of_another_form_is_told_nothing(form: str, checks: Any) -> None:
    """What no form can say is skipped by the key of the profile."""
    report = asyncio.run(run(Habits(), checks, **_FORMS[form]))
    results = {one.id: one for one in report.results}
    bad = {name: one.finding or one.reason for name, one in results.items() if one.outcome.value not in _GOOD}
    assert bad == {}
    assert results["response.create_is_201"].outcome is Outcome.PASSED
    if form in {"form", "multipart"}:
        assert "`target.body_as` is" in results["validation.broken_json_is_400"].reason


_GOOD = {"passed", "skipped"}


def _created(habit: Habit, target: dict[str, Any], *, accepted_s: float = 5.0) -> tuple[Reply, str]:
    async def created() -> tuple[Reply, str]:
        async with malformed_server(habit) as url:
            given = {"base_url": url, "path": "/api/things", "body": {"name": "x"}, **target}
            deadlines = {"accepted_s": accepted_s}
            async with ProbeSet(
                Profile.model_validate({"target": given, "deadlines": deadlines}), "r1", Mask()
            ) as probes:
                asked = probes.target_by("writer")
                made = await asked.create()
                return made, asked.url_of(made).removeprefix(url)

    return asyncio.run(created())


class Jobs:
    """A service that answers creates 202; its status resource answers in turn."""

    def __init__(self, *answers: bytes, first: bytes = b"") -> None:
        self.answers = list(answers)
        self.first = first or reply(
            "202 Accepted", b'{"job": {"href": "/jobs/1"}, "id": "j"}', headers="location: /jobs/1\r\n"
        )
        self.asked: list[str] = []

    def __call__(self, request: bytes) -> bytes:
        """Answer one request."""
        line = request.split(b" HTTP/")[0].decode()
        self.asked.append(line)
        if line.startswith("POST"):
            return self.first
        if line == "GET /jobs/1":
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return reply("200 OK", b'{"id": 7, "name": "x"}')


_WAITS = reply("200 OK", b'{"status": "pending"}')


@pytest.mark.parametrize(
    ("accepted", "done"),
    [
        ({}, reply("303 See Other", headers="location: /api/things/7\r\n")),
        ({"resource": "/result/url"}, reply("200 OK", b'{"status": "Succeeded", "result": {"url": "/api/things/7"}}')),
        ({"resource": "/result"}, reply("200 OK", b'{"status": "done", "result": 7}')),
        (
            {"status": "/job/href", "state": "/s", "done": "ok"},
            reply("200 OK", b'{"s": "OK"}', headers="location: /api/things/7\r\n"),
        ),
        ({"state": ""}, reply("200 OK", headers="location: /api/things/7\r\n")),
    ],
)
def test_a_create_is_followed_to_its_resource(accepted: dict[str, Any], done: bytes) -> None:
    """From the 202 to the status resource, while that is pending or missing, and to what it names."""
    waits = [reply("404 Not Found"), reply("202 Accepted", b'{"status": "pending"}', headers="retry-after: 0\r\n")]
    made, where = _created(Jobs(*waits, done), {"accepted": accepted})
    assert (made.status, where, made.representation) == (201, "/api/things/7", {"id": 7, "name": "x"})


def test_a_create_that_failed_later_is_refused() -> None:
    """As if it had been at once, with what the status resource says."""
    made, _ = _refused(Jobs(_WAITS, reply("200 OK", b'{"status": "failed", "why": "no stock"}')))
    assert made.means(400)
    assert b"no stock" in made.body


def _refused(jobs: Jobs) -> tuple[Reply, str]:
    async def created() -> tuple[Reply, str]:
        async with malformed_server(jobs) as url:
            target = {"base_url": url, "path": "/api/things", "body": {"name": "x"}, "accepted": {}}
            async with ProbeSet(Profile.model_validate({"target": target}), "r1", Mask()) as probes:
                return await probes.target_by("writer").create(), url

    return asyncio.run(created())


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        (Jobs(_WAITS), "not done after 0.1 s: /jobs/1 says 200 with the state pending"),
        (Jobs(_WAITS, first=reply("202 Accepted")), "names no status resource: nothing at @location"),
        (Jobs(_WAITS, first=reply("202 Accepted", headers="location: http://192.0.2.1/jobs/1\r\n")), "cannot be read"),
    ],
)
def test_a_create_that_never_ends_is_told_by_one_check(jobs: Jobs, told: str) -> None:
    """The others are skipped by that cause; nothing is sent to another origin."""
    with pytest.raises(Prevented, match=told) as caught:
        _created(jobs, {"accepted": {}}, accepted_s=0.1)
    assert caught.value.cause == "response.create_is_201"


def test_json_api_and_hal_are_envelopes() -> None:
    """What is sent and read through data and attributes, and a link in the body in place of a Location."""
    sent: list[Any] = []
    shown = {"data": {"type": "things", "id": "7", "attributes": {"title": "t"}, "links": {"self": "/api/things/7"}}}

    def habit(request: bytes) -> bytes:
        body = request.partition(b"\r\n\r\n")[2]
        sent.extend([json.loads(body)] if body else [])
        return reply("201 Created", json.dumps(shown).encode(), media_type="application/vnd.api+json")

    json_api = {
        "body": {"title": "t"},
        "media_type": "application/vnd.api+json",
        "envelope": {
            "request": "/data/attributes",
            "request_also": {"data": {"type": "things"}},
            "reply": "/data/attributes",
        },
        "fields": {"id": "/data/id", "name": "title"},
        "self_link": "/data/links/self",
    }
    made, where = _created(habit, json_api)
    assert (where, (made.document or {})["/data/id"], sent[0]["data"]["type"]) == ("/api/things/7", "7", "things")
    assert set(sent[0]["data"]["attributes"]) == {"title"}
    hal = reply("201 Created", b'{"id": 7, "name": "x", "_links": {"self": {"href": "/api/things/7"}}}')
    assert _created(lambda _: hal, {"self_link": "/_links/self/href"})[1] == "/api/things/7"


@pytest.mark.parametrize("body", [b"", b'{"receipt": "r-1"}', b"created"])
def test_an_id_in_the_location_alone_will_do(body: bytes) -> None:
    """With an empty body, a receipt, or a text; the rest is read."""

    def habit(request: bytes) -> bytes:
        if request.startswith(b"POST"):
            return reply("201 Created", body, headers="location: https://api.example.com/api/things/7\r\n")
        return reply("200 OK", b'{"name": "x"}')

    target = {"fields": {"id": "@location"}, "reply": "partial", "location_origins": ["https://api.example.com"]}
    made, where = _created(habit, target)
    document = made.document or {}
    assert (where, document["@location"], document["name"]) == ("/api/things/7", "7", "x")


def test_broken_json_is_no_matter_of_a_form() -> None:
    """The profile's key is named, whatever a check sends."""
    contract = Contract(
        Target.model_validate({"base_url": "http://x", "body": {"name": "x", "n": 1}, "body_as": "form"})
    )
    with pytest.raises(NotDeclared, match=r"`target\.body_as` is form"):
        contract.wire_format.wrap(b"{")
    assert contract.wire_format.says({"name": "x", "n": 2})
    assert not contract.wire_format.says({"name": 5, "n": 2})
    assert contract.media_type == "application/x-www-form-urlencoded"
