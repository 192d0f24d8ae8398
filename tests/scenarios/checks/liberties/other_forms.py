"""What stands before the lawful service where creates have another form: bodies that are forms, and 202 and later."""

import email
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from createflow.schemas.profile_target import Target
from tests.scenarios.checks.liberties.wire import Answer, Request

JOBS = "/jobs/"


def as_json(request: Request, target: Target, schema: dict[str, Any]) -> Request:
    """The form in a request as the JSON that the service reads; by parsers that are not ours."""
    sent = request.first("content-type") or ""
    if target.body_as == "json" or request.method not in {"POST", "PUT"}:
        return request
    others = tuple((name, value) for name, value in request.headers if name not in {"content-type", "content-length"})
    wanted = {"form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data"}[target.body_as]
    if sent.partition(";")[0].strip().lower() != wanted:
        return replace(request, headers=(*others, *([("content-type", "text/x-other")] if sent else [])))
    if target.body_as == "form":
        pairs = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    else:
        whole = email.message_from_bytes(f"Content-Type: {sent}\r\n\r\n".encode() + request.body)
        parts = [part for part in whole.walk() if not part.is_multipart()]
        pairs = [
            (str(part.get_param("name", header="content-disposition")), _text(part.get_payload(decode=True)))
            for part in parts
        ]
    body = json.dumps(_typed(_table(pairs), schema)).encode()
    return replace(request, headers=(*others, ("content-type", "application/json")), body=body)


def _text(payload: Any) -> str:
    return bytes(payload or b"").decode("utf-8", "replace")


def _table(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        steps = re.findall(r"[^\[\].]+", name)
        at = table
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        if steps:
            at[steps[-1]] = value
    return table


def _typed(value: Any, schema: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {name: _typed(item, inner.get(name, {})) for name, item in value.items()}
    try:
        return {"integer": int, "number": float}.get(str(schema.get("type")), str)(value)
    except ValueError:
        return value


class Later:
    """Answers creates 202, and says at a status resource what became of them.

    Args:
        names_by: how the status resource names what was created: ``redirect``, ``link`` or ``id``.
        looks: reads of the status resource that find it pending.
    """

    def __init__(self, names_by: str, looks: int = 1) -> None:
        self._names_by = names_by
        self._looks = looks
        self._jobs: dict[str, tuple[int, Answer]] = {}
        self._of_location: dict[str, str] = {}

    def accepted(self, answer: Answer) -> Answer:
        """The 202 in place of a 201."""
        location = dict(answer.headers)["location"]
        number = self._of_location.setdefault(location, str(len(self._jobs) + 1))
        self._jobs.setdefault(number, (0, answer))
        body = json.dumps({"id": f"job-{number}", "status": "queued"}).encode()
        return Answer(202, (("location", JOBS + number), ("retry-after", "0")), body)

    def job(self, number: str) -> Answer:
        """The status resource."""
        if number not in self._jobs:
            return Answer(404, body=b"{}")
        seen, answer = self._jobs[number]
        self._jobs[number] = (seen + 1, answer)
        location = dict(answer.headers)["location"]
        if seen < self._looks:
            return Answer(200, body=b'{"status": "running"}')
        if self._names_by == "redirect":
            return Answer(303, (("location", location),))
        named = location.rpartition("/")[2] if self._names_by == "id" else location
        return Answer(200, body=json.dumps({"status": "Done", "resource": named}).encode())
