"""The engines for contract tests."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from createflow.reference_server.adapters import nats_bus
from tests.reference_server.conftest import anyio_backend, engines, pytest_collection_modifyitems
from tests.reference_server.engine_set import EngineSet

__all__ = ["anyio_backend", "engines", "pytest_collection_modifyitems"]


@pytest.fixture
async def operator(engines: EngineSet) -> AsyncIterator[Client]:
    """A connection that may change and delete streams."""
    client = await nats_bus.connect(engines.nats_urls["operator"], "operator", kind="operator")
    yield client
    await client.close()
