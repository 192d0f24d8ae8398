"""The engines for contract tests."""

from tests.reference_server.conftest import anyio_backend, engines, pytest_collection_modifyitems

__all__ = ["anyio_backend", "engines", "pytest_collection_modifyitems"]
