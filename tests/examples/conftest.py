"""One PostgreSQL for the services, and each service installed once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.examples.services import Postgres, postgres_in


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """For all services of this process."""
    folder = tmp_path_factory.mktemp("services")
    folder.chmod(0o711)
    with postgres_in(folder) as server:
        yield server


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder that a service is installed into when it is served first."""
    folder = tmp_path_factory.mktemp("installed")
    return folder.joinpath
