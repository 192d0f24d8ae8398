"""The cache's twin in memory."""

from createflow.reference_server.domain.port import Copy


class MemoryCache:
    """Set if newer, without a time to live."""

    def __init__(self) -> None:
        self._copies: dict[str, Copy] = {}

    async def read(self, resource_id: str) -> Copy | None:
        """The copy."""
        return self._copies.get(resource_id)

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        """Keep the newer one."""
        have = self._copies.get(resource_id)
        if have is None or have.version < copy.version:
            self._copies[resource_id] = copy
