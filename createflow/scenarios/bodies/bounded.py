"""Works on a schema in a process of its own, within a limit of time and memory.

A schema may come from anybody, and a few lines of it can need any time: a pattern that backtracks, references that
double at each level, a text of 10^9 characters. A linear engine for patterns would mend only the first of these, and
would not know all patterns of JSON Schema. So a process does all of this work, and ends when it takes too long. The
global random state of the tester stays as it is, too, which Hypothesis would set.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, cast

from createflow.scenarios.bodies import worker
from createflow.scenarios.bodies.generate import fitting
from createflow.scenarios.outcome import Inconclusive

WALL_LIMIT_S = 30.0
_SIMPLE = {
    *("type", "enum", "const", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("format", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
}
"""Keywords whose time grows with the value only."""

_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)
_TOO_LONG = f"the schema needs more than {WALL_LIMIT_S:g} s: simplify its patterns"

Body = dict[str, Any]


async def valid_bodies(schema: dict[str, Any], seed: int, count: int, *, besides: str = "") -> list[Body]:
    """See ``generate.generate_valid_bodies``.

    Raises:
        Inconclusive: the schema needs too much time or memory, or cannot be used; the message says which.
    """
    return cast("list[Body]", await _work("valid", schema, seed=seed, count=count, besides=besides))


async def invalid_bodies(schema: dict[str, Any], good: list[Body], seed: int) -> list[tuple[Body, str]]:
    """See ``generate.generate_invalid_bodies``.

    Raises:
        Inconclusive: as for ``valid_bodies``.
    """
    return [(body, error) for body, error in await _work("invalid", schema, good=good, seed=seed)]


async def fits(schema: dict[str, Any], name: str, values: Sequence[Any]) -> list[bool | None]:
    """Whether each value fits a property of the schema; ``None`` where only its format says that it does not.

    A server may look at formats or not (JSON Schema Validation 2020-12 §7.2).

    Raises:
        Inconclusive: as for ``valid_bodies``.
    """
    prop = schema.get("properties", {}).get(name, {})
    if isinstance(prop, bool) or _SIMPLE.issuperset(prop):
        return fitting({"properties": {name: prop}}, name, values)
    return cast("list[bool | None]", await _work("fits", schema, name=name, values=list(values)))


async def misfits(schema: dict[str, Any], values: Sequence[Any]) -> list[str]:
    """For each body, the first reason why it does not fit; empty if it fits.

    Raises:
        Inconclusive: as for ``valid_bodies``.
    """
    return cast("list[str]", await _work("misfits", schema, values=list(values)))


def misfits_at_once(schema: dict[str, Any], values: Sequence[Any]) -> list[str]:
    """As ``misfits``, before an event loop runs: it waits for another process.

    Raises:
        Inconclusive: as for ``valid_bodies``.
    """
    return cast("list[str]", _work_at_once("misfits", schema, values=list(values)))


def valid_body_at_once(schema: dict[str, Any]) -> Body:
    """A body that the schema allows, always the same one. Waits for another process.

    Raises:
        Inconclusive: as for ``valid_bodies``.
    """
    return cast("Body", _work_at_once("first", schema))


def _request(task: str, schema: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    return json.dumps({"task": task, "schema": schema, **arguments}).encode()


_COMMAND = (sys.executable, "-m", worker.__name__)


def _work_at_once(task: str, schema: dict[str, Any], **arguments: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                _COMMAND,
                input=_request(task, schema, arguments),
                capture_output=True,
                env={**os.environ, "TMPDIR": folder},
                timeout=WALL_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Inconclusive(_TOO_LONG) from None
    return _result(task, done.returncode, done.stdout, done.stderr)


async def _work(task: str, schema: dict[str, Any], **arguments: Any) -> Any:
    # A process that is ended leaves its temporary files behind, so they are in a folder of ours.
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "TMPDIR": folder},
        )
        try:
            async with asyncio.timeout(WALL_LIMIT_S):
                output, errors = await process.communicate(_request(task, schema, arguments))
        except TimeoutError:
            raise Inconclusive(_TOO_LONG) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _result(task, process.returncode, output, errors)


def _result(task: str, status: int | None, output: bytes, errors: bytes) -> Any:
    if status in _OUT_OF_TIME:
        limit_s = worker.CPU_LIMITS_S[task]
        raise Inconclusive(
            f"the schema needs more than {limit_s} s of processor time: simplify its patterns and references"
        )
    if status is not None and status < 0:
        raise Inconclusive("the schema is nested too deeply, or refers to itself without an end")
    if status:
        raise RuntimeError(errors.decode("utf-8", "replace")[-2000:])
    answer = json.loads(output)
    if "problem" in answer:
        raise Inconclusive(f"no bodies can be made of the schema: {answer['problem']}")
    return answer["result"]
