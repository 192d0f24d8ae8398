"""The tester in a process of its own against one hostile target after the other, so that its memory can be measured.

``python -m tests.scenarios.hostile_runs run|load``: takes the URL and the timeout as JSON, a line each, and answers
each with a line: what happened, in how many seconds, and the most memory that the process has used so far.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

from createflow.scenarios.load.host.proc import read_peak_memory_mb


def _run(url: str, timeout_s: float) -> dict[str, Any]:
    from createflow.cli.exit_code import ExitCode
    from createflow.cli.run_command import exit_code
    from createflow.scenarios.checks import CHECKS
    from createflow.scenarios.conformance.run import conformance
    from createflow.schemas.error import TargetError
    from createflow.schemas.profile import Profile
    from tests.scenarios.conformance.quiet_progress import QuietProgress
    from tests.scenarios.hostile_replies import CHECKS as TRIED

    os.environ["WRITER"] = "a-token-of-the-writer"
    profile = Profile.model_validate(
        {
            "target": {
                "base_url": url,
                "timeout_s": timeout_s,
                "cleanup": True,
            },
            "auth": {"kind": "static", "writer_env": "WRITER"},
            "deadlines": {"recovery_s": 0.2},
        }
    )
    checks = [check for check in CHECKS if check.id in TRIED]
    try:
        report = asyncio.run(conformance(profile, checks, source="test", progress=QuietProgress()))
    except TargetError as error:
        return {"results": {}, "code": int(ExitCode.UNREACHABLE), "error": str(error), "traces": []}
    results = {
        result.id: [result.outcome.value, result.finding.seen if result.finding else result.reason]
        for result in report.results
    }
    return {"results": results, "code": int(exit_code(report)), "traces": [one.traceback for one in report.results]}


class _Load:
    """The load client, with one connection after the other."""

    def __init__(self) -> None:
        from createflow.scenarios.load.http.deadlines import Deadlines

        self._deadlines = Deadlines()

    def __call__(self, url: str, timeout_s: float) -> dict[str, Any]:
        """Two requests of each kind: whose reply is kept, and whose reply is only counted."""
        from createflow.scenarios.load.http.connect import Endpoint
        from createflow.scenarios.load.http.connection import Connection
        from createflow.scenarios.load.http.errors import ExchangeError

        endpoint = Endpoint.from_url(url, ca_file=None, timeout_s=timeout_s)
        body = b'{"name": "x"}'
        request = b"POST /api/resources HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer y\r\nContent-Length: %d\r\n\r\n"
        seen: list[str] = []
        for keep in (False, True):
            connection = Connection(endpoint, self._deadlines)
            for _ in range(2):
                try:
                    seen.append(str(connection.exchange(request % len(body) + body, keep=keep).status))
                except ExchangeError as error:
                    seen.append(error.kind)
            connection.close()
        return {"seen": seen}


def main() -> None:
    """Do what each line says."""
    do = _Load() if sys.argv[1] == "load" else _run
    for line in sys.stdin:
        url, timeout_s = json.loads(line)
        began_s = time.perf_counter()
        answer = do(url, timeout_s)
        peak_mb = read_peak_memory_mb()
        print(json.dumps(answer | {"took_s": time.perf_counter() - began_s, "peak_mb": peak_mb}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
