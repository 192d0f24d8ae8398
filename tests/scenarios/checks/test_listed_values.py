"""The listed values against a small target that keeps them, and against one with one bad habit each."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.bodies.judge import Judge
from createflow.scenarios.checks.api.validation.listed import (
    listed_values_are_judged_by_the_schema,
    what_no_bound_covers_is_kept_or_refused,
)
from createflow.scenarios.checks.api.validation.reads import strange_ids_are_4xx, strange_parameters_are_no_server_error
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check
from createflow.schemas.report import CheckResult, Outcome
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import malformed_server, profile_of, reply

SCHEMA = {
    "type": "object",
    "required": ["name", "count"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 40},
        "note": {"type": ["string", "null"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 10},
        "size": {"type": "number"},
        "more": {"type": "object"},
    },
    "examples": [{"name": "x y", "count": 1, "more": {}}],
}
JUDGE = Judge(SCHEMA, with_formats=True)
Habit = Callable[[dict[str, Any]], dict[str, Any] | None]


def keeps(document: dict[str, Any]) -> dict[str, Any] | None:
    """Keep what the schema allows."""
    return document if JUDGE.fits(document) else None


def _constant(name: str) -> None:
    raise ValueError(name)


class Resources:
    """A target that stores what its habit makes of a body, with numbers as they are written."""

    def __init__(self, habit: Habit) -> None:
        self._habit = habit
        self._rows: list[bytes] = []

    def answer(self, request: bytes) -> bytes:
        """The reply to one request."""
        method, path, _ = request.split(b" ", 2)
        if method == b"GET":
            name = path.rpartition(b"/")[2]
            known = name.isdigit() and len(name) < 9 and int(name) < len(self._rows)
            return reply("200 OK", self._rows[int(name)]) if known else reply("404 Not Found")
        try:
            document = json.loads(request.partition(b"\r\n\r\n")[2].decode(), parse_constant=_constant)
            kept = self._habit(document) if isinstance(document, dict) else None
            body = json.dumps({"id": str(len(self._rows)), **(kept or {})}, allow_nan=False).encode()
        except (ValueError, RecursionError):
            kept = None
        if kept is None:
            return reply("422 Unprocessable Content")
        self._rows.append(body)
        headers = f"location: /api/resources/{len(self._rows) - 1}\r\n"
        return reply("201 Created", body, headers=headers)


def result_of(check: Check, habit: Habit, folder: Path) -> CheckResult:
    """The result of the check against a target with this habit."""
    (folder / "schema.json").write_text(json.dumps(SCHEMA))

    async def run() -> CheckResult:
        async with malformed_server(Resources(habit).answer) as url:
            target = {"base_url": url, "schema_file": str(folder / "schema.json")}
            target |= {"fields": {"created_at": "", "created_by": ""}, "errors": {"statuses": {"validation": [422]}}}
            profile = profile_of(url, target=target)
            return (await conformance(profile, [check], source="test", progress=QuietProgress())).results[0]

    return asyncio.run(run())


def floats(document: dict[str, Any]) -> dict[str, Any] | None:
    """Numbers become doubles."""
    kept = keeps(document)
    return kept and {**kept, "size": float(kept["size"])} if kept and "size" in kept else kept


def cuts(document: dict[str, Any]) -> dict[str, Any] | None:
    """Notes are cut."""
    return {**document, "note": (document.get("note") or "")[:255] or None} if keeps(document) else None


def folds(document: dict[str, Any]) -> dict[str, Any] | None:
    """Blanks at the ends are lost inside an object."""
    kept = keeps(document)
    more = (kept or {}).get("more", {})
    folded = {key: value.strip() if isinstance(value, str) else value for key, value in more.items()}
    return kept and {**kept, "more": folded}


def coerces(document: dict[str, Any]) -> dict[str, Any] | None:
    """A number as text is taken for a number."""
    if isinstance(document.get("count"), str) and document["count"].isdigit():
        document = {**document, "count": int(document["count"])}
    return keeps(document)


def bounds_wrong(document: dict[str, Any]) -> dict[str, Any] | None:
    """The upper bound is exclusive."""
    return None if document.get("count") == 10 else keeps(document)


@pytest.mark.parametrize("check", [listed_values_are_judged_by_the_schema, what_no_bound_covers_is_kept_or_refused])
def test_a_target_that_keeps_or_refuses_is_not_accused(check: Check, tmp_path: Path) -> None:
    """It refuses numbers that it cannot write, and lone surrogates come back escaped."""
    result = result_of(check, keeps, tmp_path)
    assert result.outcome is Outcome.PASSED, result


@pytest.mark.parametrize(
    ("check", "habit", "words"),
    [
        (what_no_bound_covers_is_kept_or_refused, floats, "size = 2^53 + 1 shown as 9007199254740992"),
        (what_no_bound_covers_is_kept_or_refused, cuts, "note = 1,000 letters shown as"),
        (what_no_bound_covers_is_kept_or_refused, folds, "a text that ends in blanks shown as"),
        (listed_values_are_judged_by_the_schema, coerces, "201 to count = a number as text"),
        (listed_values_are_judged_by_the_schema, bounds_wrong, "422 to count = maximum +0"),
    ],
)
def test_a_bad_habit_is_told(check: Check, habit: Habit, words: str, tmp_path: Path) -> None:
    """With the value, and what became of it."""
    result = result_of(check, habit, tmp_path)
    assert result.outcome is Outcome.FAILED, result
    assert result.finding is not None
    assert words in result.finding.seen
    assert result.finding.exchanges


@pytest.mark.parametrize("check", [strange_ids_are_4xx, strange_parameters_are_no_server_error])
def test_a_sound_target_answers_every_read(check: Check, tmp_path: Path) -> None:
    """With a 404, or as if a parameter were not there."""
    result = result_of(check, keeps, tmp_path)
    assert result.outcome is Outcome.PASSED, result
