"""Connections under test, hosted by ``connection_driver.py``."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_DRIVER = Path(__file__).with_name("connection_driver.py")
_ROOT = Path(__file__).resolve().parents[3]


class Driver:
    """The process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, _DRIVER], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._number = 0

    def new(self, **arguments: Any) -> "RemoteConnection":
        """One more connection."""
        self._number += 1
        self.call(self._number, "new", arguments)
        return RemoteConnection(self, self._number)

    def call(self, number: int, method: str, arguments: dict[str, Any]) -> Any:
        """Call a method and wait for its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([number, method, arguments]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if isinstance(answer, dict) and "raised" in answer:
            raise AssertionError(answer["raised"])
        return answer

    def stop(self) -> None:
        """Stop the process."""
        self._process.communicate()


class RemoteConnection:
    """One connection, whose methods run in the driver. See ``connection_driver.Driven``."""

    def __init__(self, driver: Driver, number: int) -> None:
        self._driver = driver
        self._number = number

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **arguments: self._driver.call(self._number, method, arguments)


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """One process for all tests of a worker, because starting it takes long."""
    driver = Driver()
    yield driver
    driver.stop()


@pytest.fixture
def connect(driver: Driver, serve: object) -> Iterator[Callable[..., RemoteConnection]]:
    """Make a connection to a URL, by default with long timeouts. It is closed before the servers stop."""
    made: list[RemoteConnection] = []

    def make(url: str, *, timeout_s: float = 10.0, **options: Any) -> RemoteConnection:
        made.append(driver.new(url=url, timeout_s=timeout_s, **options))
        return made[-1]

    yield make
    for connection in made:
        connection.close()
