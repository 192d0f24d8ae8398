"""What the tests of the stack's parts share."""

from collections.abc import Iterator

import pytest

from createflow.reference_server.stack.endpoints import Ports


@pytest.fixture
def ports() -> Iterator[Ports]:
    """Reservations that are given back."""
    ports = Ports()
    yield ports
    ports.release()
