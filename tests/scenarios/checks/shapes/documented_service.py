"""A lawful service of one shape, the OpenAPI document of it, and a run against it with nothing but the document."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.drafting.draft import draft_profile, files_beside
from createflow.scenarios.drafting.first_body import with_first_body
from createflow.scenarios.harness.check import Check
from createflow.scenarios.openapi.create_operation import find_create_operation
from createflow.schemas import profile_file
from createflow.schemas.report import RunReport
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.wire import Answer, Request, serving
from tests.scenarios.checks.shapes.shapes import Json, Shape, new_id, shown_of
from tests.scenarios.conformance.quiet_progress import QuietProgress

_TOKEN = "t0k-5b1de7c2f0a94863"
_AUTH = ('[auth]\nkind = "static"\nwriter_env = "SHAPE_TOKEN"\n',)
Bend = Callable[[Json, Json], None]
"""Changes what is shown, given what was sent, for a service that is not lawful."""


def run(shape: Shape, checks: Sequence[Check], folder: Path, bend: Bend = lambda _sent, _shown: None) -> RunReport:
    """Serve the shape, draft a profile from its document, and run these checks with it."""
    return asyncio.run(_run(shape, checks, folder, bend))


async def _run(shape: Shape, checks: Sequence[Check], folder: Path, bend: Bend) -> RunReport:
    async with serving(Habits(), _Service(shape, bend).answer) as url:
        operation = with_first_body(find_create_operation(_document(shape)))
        for name, text in files_beside(operation).items():
            (folder / name).write_text(text)
        (folder / "createflow.toml").write_text(draft_profile(operation, base_url=url, auth=_AUTH))
        profile = profile_file.load(folder / "createflow.toml", {"SHAPE_TOKEN": _TOKEN})
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SHAPE_TOKEN", _TOKEN)
            return await conformance(profile, checks, source="test", progress=QuietProgress(), seed=1)


class _Service:
    def __init__(self, shape: Shape, bend: Bend) -> None:
        self._shape = shape
        self._bend = bend
        self._valid = Draft202012Validator(shape.sent, format_checker=FormatChecker())
        self._stored: dict[str, Json] = {}

    async def answer(self, request: Request) -> Answer:
        path = request.target.partition("?")[0]
        scheme, _, token = (request.first("authorization") or "").partition(" ")
        if len(request.all("authorization")) > 1:
            return _problem(400, "two credentials")
        if scheme.lower() != "bearer" or token.strip() != _TOKEN:
            error = ' error="invalid_token"' if scheme else ""
            return _problem(
                401, "who are you?", ("www-authenticate", f'Bearer realm="shapes"{"," if error else ""}{error}')
            )
        if path == self._shape.path:
            return (
                self._write(request, new_id(), 201)
                if request.method == "POST"
                else _problem(405, "no", ("allow", "POST"))
            )
        resource_id = path.removeprefix(f"{self._shape.path}/")
        stored = self._stored.get(resource_id)
        if stored is None or not path.startswith(f"{self._shape.path}/"):
            return _problem(404, "no such resource")
        if request.method == "PUT":
            return self._write(request, resource_id, 200)
        return (
            Answer(200, body=_json(stored)) if request.method == "GET" else _problem(405, "no", ("allow", "GET, PUT"))
        )

    def _write(self, request: Request, resource_id: str, status: int) -> Answer:
        if (request.first("content-type") or "").partition(";")[0].strip().lower() != "application/json":
            return _problem(415, "JSON, please")
        try:
            body = json.loads(request.body.decode(), parse_constant=_refuse)
            json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return _problem(400, "no JSON")
        wrong = next(self._valid.iter_errors(body), None)
        if wrong is not None or "\\u0000" in json.dumps(body):
            return _problem(422, "invalid")
        shown = shown_of(self._shape, body, resource_id)
        self._bend(body, shown[self._shape.wrapped] if self._shape.wrapped else shown)
        before = self._stored.get(resource_id)
        if before is not None:
            _keep_creation(before, shown)
        self._stored[resource_id] = shown
        return Answer(
            status, (("location", f"{self._shape.path}/{resource_id}"),) if status == 201 else (), _json(shown)
        )


def _keep_creation(before: Json, shown: Json) -> None:
    """An update changes no time of creation, wherever it stands."""
    for name, value in before.items():
        if name in {"created_at", "creationTimestamp"}:
            shown[name] = value
        elif isinstance(value, dict) and isinstance(shown.get(name), dict):
            _keep_creation(value, shown[name])


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _problem(status: int, title: str, *headers: tuple[str, str]) -> Answer:
    body = {"type": "about:blank", "title": title, "status": status, "code": title.replace(" ", "-")}
    return Answer(status, headers, _json(body), media_type="application/problem+json")


def _document(shape: Shape) -> Json:
    def content(schema: Json, kind: str = "application/json") -> Json:
        return {"description": "a reply", "content": {kind: {"schema": schema}}}

    refusals = {str(status): content({"type": "object"}, "application/problem+json") for status in (400, 401, 415, 422)}
    created = {"headers": {"Location": {"schema": {"type": "string"}}}, **content(shape.shown())}
    variable = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "a shape", "version": "1"},
        "security": [{"bearer": []}],
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            shape.path: {
                "post": {"requestBody": content(shape.sent), "responses": {"201": created, **refusals}},
            },
            f"{shape.path}/{{id}}": {
                "parameters": [variable],
                "get": {"responses": {"200": content(shape.shown())}},
                "put": {"requestBody": content(shape.sent), "responses": {"200": content(shape.shown()), **refusals}},
            },
        },
    }
