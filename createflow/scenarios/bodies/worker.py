"""The process that works on a schema, and ends itself when it takes too long. ``bounded`` starts it.

It reads one task from its standard input and writes the result, or why there is none. It imports little, because a run
starts several of it.
"""

import json
import re
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from createflow.scenarios.bodies import generate

CPU_LIMITS_S = {"valid": 6, "first": 6, "invalid": 3, "fits": 1, "misfits": 6}
"""Processor time, so that a busy machine does not change the result. Usual schemas need a tenth."""
MEMORY_LIMIT_BYTES = 192 * 1024 * 1024
_MOST_BYTES = 16 * 1024 * 1024
_SHOWN_CHARACTERS = 200


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    tasks: dict[str, Callable[..., Any]] = {
        "valid": generate.generate_valid_bodies,
        "first": generate.first_valid_body,
        "invalid": generate.generate_invalid_bodies,
        "fits": generate.fitting,
        "misfits": generate.misfits,
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
        reason, *_ = str(error).splitlines() or [""]
        return {"problem": f"{type(error).__name__}: {reason[:_SHOWN_CHARACTERS]}"}


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
