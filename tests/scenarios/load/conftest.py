"""A stub target in its own process, which ends with the test."""

import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from createflow.schemas.profile import Profile

STUB = Path(__file__).with_name("stub_server.py")


@dataclass(frozen=True)
class Stub:
    """A running stub."""

    process: "subprocess.Popen[str]"
    url: str

    def profile(self, **sections: dict[str, object]) -> Profile:
        """A profile of the stub, with further sections or further keys of ``target``."""
        target = {"base_url": self.url, "timeout_s": 5.0} | sections.pop("target", {})
        return Profile.model_validate({"target": target, **sections})

    def seen(self) -> dict[str, int]:
        """The stub's counts."""
        counts: dict[str, int] = httpx.get(f"{self.url}/seen", trust_env=False).json()
        return counts

    def arrivals(self) -> list[float]:
        """When each POST arrived, in seconds of some clock."""
        moments: list[float] = httpx.get(f"{self.url}/arrivals", trust_env=False).json()
        return moments

    def took(self) -> list[float]:
        """How long its replies took in truth, in seconds, in the modes that measure it."""
        times_s: list[float] = httpx.get(f"{self.url}/took", trust_env=False).json()
        return times_s

    def median_ms(self) -> float:
        """The median time of a stub with some silent requests in truth; a request without a reply takes for ever."""
        took = self.took()
        return 1000 * statistics.median([*took, *[math.inf] * (len(self.arrivals()) - len(took))])


@pytest.fixture
def start_stub() -> Iterator[Callable[[str], Stub]]:
    """Start a stub in a mode."""
    started: list[subprocess.Popen[str]] = []

    def start(mode: str) -> Stub:
        process = subprocess.Popen([sys.executable, STUB, mode], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return Stub(process, f"http://127.0.0.1:{int(process.stdout.readline())}")

    yield start
    for process in started:
        process.kill()
        process.communicate()
