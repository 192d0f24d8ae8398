"""The cache in memory: a fake for tests."""

from createflow.reference_server.domain.ports import Copy


class MemoryCache:
    """Copies without a time to live."""

    def __init__(self) -> None:
        self._copies: dict[str, Copy] = {}

    async def read(self, resource_id: str) -> Copy | None:
        """Return the copy."""
        return self._copies.get(resource_id)

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        """Keep the newer one."""
        have = self._copies.get(resource_id)
        if have is None or have.version < copy.version:
            self._copies[resource_id] = copy
