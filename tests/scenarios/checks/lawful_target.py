"""A small target that does what its schema says, in memory: it keeps what fits and refuses the rest."""

import json
import re
from collections.abc import Callable, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

from createflow.scenarios.bodies.judge import Judge
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check
from createflow.schemas.report import CheckResult
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import malformed_server, profile_of, reply


def _constant(name: str) -> None:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


class LawfulTarget:
    """Creates and reads of one collection.

    Args:
        schema: of the create body.
        with_formats: also values that only a format forbids are refused.
        keeps: what of a body is stored and shown.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        *,
        with_formats: bool = True,
        keeps: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self._judge = Judge(schema, with_formats=with_formats)
        self._keeps = keeps
        self._rows: list[bytes] = []

    def answer(self, request: bytes) -> bytes:
        """The reply to one request; to HEAD without its content."""
        whole = self._answer(request)
        head, end, _ = whole.partition(b"\r\n\r\n")
        return head + end if request.startswith(b"HEAD ") else whole

    def _answer(self, request: bytes) -> bytes:
        method, path, _ = request.split(b" ", 2)
        if path.split(b"?")[0] != b"/api/resources":
            name = path.rpartition(b"/")[2]
            if not (name.isdigit() and len(name) < 9 and int(name) < len(self._rows)):
                return _problem("404 Not Found")
            if method not in {b"GET", b"HEAD"}:
                return _problem("405 Method Not Allowed", "allow: GET, HEAD\r\n")
            return reply("200 OK", self._rows[int(name)], headers=_always())
        if method != b"POST":
            return _problem("405 Method Not Allowed", "allow: POST\r\n")
        head, _, body = request.partition(b"\r\n\r\n")
        if not re.search(rb"\r\ncontent-type: application/json(;|\r|$)", head.lower()):
            return _problem("415 Unsupported Media Type")
        return self._create(body)

    def _create(self, body: bytes) -> bytes:
        try:
            document = json.loads(body.decode(), parse_constant=_constant, object_pairs_hook=_unique)
            why = None if isinstance(document, dict) else "not an object"
            if why is None:
                why = "; ".join(str(misfit) for misfit in self._judge.misfits(document)) or None
            if why is None:
                row = {**self._keeps(document), "id": str(len(self._rows))}
                raw = json.dumps(row, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            why = str(error)
        if why is not None:
            return _problem("400 Bad Request", detail=why.encode("ascii", "replace").decode()[:2000])
        self._rows.append(raw)
        location = f"location: /api/resources/{len(self._rows) - 1}\r\n"
        return reply("201 Created", raw, headers=location + _always())


def _problem(status: str, headers: str = "", *, detail: str = "") -> bytes:
    number, _, title = status.partition(" ")
    body = json.dumps({"type": f"urn:x:{number}", "title": title, "status": int(number), "detail": detail})
    return reply(status, body.encode(), headers=headers + _always(), media_type="application/problem+json")


def _always() -> str:
    return f"date: {formatdate(usegmt=True)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"


async def results_of(
    target: LawfulTarget, schema: dict[str, Any], checks: Sequence[Check], folder: Path, **keys: Any
) -> dict[str, CheckResult]:
    """The result of each check against the target, by its id."""
    (folder / "schema.json").write_text(json.dumps(schema))
    async with malformed_server(target.answer) as url:
        section = {"base_url": url, "schema_file": str(folder / "schema.json")}
        section |= {"fields": {"created_at": "", "created_by": ""}} | keys
        report = await conformance(
            profile_of(url, target=section), checks, source="test", progress=QuietProgress(), seed=1
        )
    return {result.id: result for result in report.results}
