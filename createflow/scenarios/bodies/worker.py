"""Works on a schema in a process of its own, within a limit of time and memory.

A schema may come from anybody, and a few lines of it can need any time: a pattern that backtracks, references that
double at each level, a text of 10^9 characters. A linear engine for patterns would mend only the first of these, and
would not know all patterns of JSON Schema. So a process does all of this work, and ends when it takes too long. The
global random state of the tester stays as it is, too, which Hypothesis would set.
"""

import asyncio
import json
import re
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from createflow.scenarios.outcome import Inconclusive

CPU_LIMITS_S = {"valid": 10, "invalid": 5, "fits": 2}
"""Processor time, so that a busy machine does not change the result. Usual schemas need a tenth."""
WALL_LIMIT_S = 30.0
MEMORY_LIMIT_BYTES = 192 * 1024 * 1024
_MOST_BYTES = 16 * 1024 * 1024
_SHOWN_CHARACTERS = 200
_SIMPLE = {
    *("type", "enum", "const", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("format", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
}
"""Keywords whose time grows with the value only."""

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


async def fits(schema: dict[str, Any], name: str, values: Sequence[Any]) -> list[bool]:
    """Whether each value fits a property of the schema.

    Raises:
        Inconclusive: as for ``valid_bodies``.
    """
    prop = schema.get("properties", {}).get(name, {})
    if isinstance(prop, bool) or _SIMPLE.issuperset(prop):
        from createflow.scenarios.bodies.generate import fitting

        return fitting(schema, name, values)
    return cast("list[bool]", await _work("fits", schema, name=name, values=list(values)))


async def _work(task: str, schema: dict[str, Any], **arguments: Any) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    request = json.dumps({"task": task, "schema": schema, **arguments}).encode()
    try:
        async with asyncio.timeout(WALL_LIMIT_S):
            output, errors = await process.communicate(request)
    except TimeoutError:
        raise Inconclusive(f"the schema needs more than {WALL_LIMIT_S:g} s: simplify its patterns") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode is not None and process.returncode < 0:
        raise Inconclusive(
            f"the schema needs more than {CPU_LIMITS_S[task]} s of processor time: simplify its patterns and references"
        )
    if process.returncode:
        raise RuntimeError(errors.decode("utf-8", "replace")[-2000:])
    answer = json.loads(output)
    if "problem" in answer:
        raise Inconclusive(f"no bodies can be made of the schema: {answer['problem']}")
    return answer["result"]


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from createflow.scenarios.bodies import generate

    tasks: dict[str, Callable[..., Any]] = {
        "valid": generate.generate_valid_bodies,
        "invalid": generate.generate_invalid_bodies,
        "fits": generate.fitting,
    }
    name = request.pop("task")
    _limit("RLIMIT_AS", _own_size_bytes() + MEMORY_LIMIT_BYTES)
    _limit("RLIMIT_CPU", CPU_LIMITS_S[name])
    try:
        return {"result": tasks[name](**request)}
    except MemoryError:
        return {"problem": f"they need more than {MEMORY_LIMIT_BYTES} bytes of memory"}
    except RecursionError:
        return {"problem": "it is nested too deeply, or refers to itself without an end"}
    except re.error as error:
        return {"problem": f"the pattern {str(error.pattern)[:_SHOWN_CHARACTERS]!r} is not understood: {error.msg}"}
    except Exception as error:  # noqa: BLE001 - a reference can make a schema of anything, with any error
        return {"problem": f"{type(error).__name__}: {str(error)[:_SHOWN_CHARACTERS]}"}


def _own_size_bytes() -> int:
    with suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file on a disk
        return int(file.read().split()[0]) * resource.getpagesize()
    return MEMORY_LIMIT_BYTES


def _limit(name: str, value: int) -> None:
    # Not every system has every limit; the parent's limit of time remains.
    with suppress(AttributeError, ValueError, OSError):
        kind = getattr(resource, name)
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


def _main() -> None:
    text = json.dumps(_answer(json.load(sys.stdin)))
    if len(text) > _MOST_BYTES:
        text = json.dumps({"problem": f"the bodies have more than {_MOST_BYTES} bytes"})
    sys.stdout.write(text)


if __name__ == "__main__":
    _main()
