"""What several folders of tests share: one real stack for all that need one."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.up_stack import UpCommand, start_up_command, stop_up_command

settings.register_profile("beside_others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside_others")
"""Other tests use the machine at the same time: how long an example takes, or is in the making, says nothing."""


@pytest.fixture(scope="session", autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What createflow remembers for its user stays out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state-home")))
        yield


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """One real stack for the session; tests that use it carry the mark ``stack``."""
    directory = tmp_path_factory.mktemp("stack")
    directory.chmod(0o711)
    up = start_up_command(directory)
    yield up
    assert stop_up_command(up) == 0, up.output.read_text()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are named by their length: what a compressor or a signer makes may differ in each process.

    The processes of pytest-xdist have to collect the same names.
    """
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the real stack share one, so they share a worker as well. Of a long table, a part is tried each time."""
    numbers: Counter[str] = Counter()
    for item in items:
        table = item.get_closest_marker("many")
        if table is not None:
            name = item.nodeid.partition("[")[0]
            if numbers[name] % table.kwargs["one_in"]:
                item.add_marker("thorough")
            numbers[name] += 1
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tests that share what is costly run in one process.

    ``--dist loadgroup`` of pytest-xdist 3.8 writes groups into node ids, which pytest 9.2 computes anew: none is kept.
    """
    return _Scheduling(config, log)


class _Scheduling(LoadScopeScheduling):
    """The real stack and the engines are a group each; a file that names a group is one; other tests run anywhere."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._groups: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file not in self._groups:
            text = Path(self.config.rootpath, file).read_text(encoding="utf-8")
            uses = {"stack": r"\bstack: UpCommand\b", "engines": r"\bengines: EngineSet\b"}
            named = [group for group, pattern in uses.items() if re.search(pattern, text)]
            self._groups[file] = file if "xdist_group" in text else next(iter(named), "")
        return self._groups[file] or nodeid
