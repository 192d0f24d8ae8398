"""Real engines for all tests of the reference's processes."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.reference_server.engine_set import EngineSet, running_engines
from tests.reference_server.in_process_server import InProcessServer, open_server


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Only asyncio: it is what the processes run on."""
    return "asyncio"


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSet]:
    """One set of engines for the session."""
    directory = tmp_path_factory.mktemp("engines")
    for place in (directory, *directory.parents[:2]):
        place.chmod(0o711)
    with running_engines(directory / "state") as engines:
        yield engines


@pytest.fixture
async def server(engines: EngineSet) -> AsyncIterator[InProcessServer]:
    """A healthy gateway and service."""
    async with open_server(engines) as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the engines share one set, so they share a worker as well."""
    for item in items:
        if "engines" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")
            item.add_marker(pytest.mark.xdist_group("engines"))
