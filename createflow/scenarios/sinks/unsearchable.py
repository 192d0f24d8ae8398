"""What a table answers whose rows are found by their ids alone."""

from collections.abc import Sequence
from datetime import UTC, datetime

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import Row


class FoundByIds:
    """Base of such tables. A search is no failure: the check that needs one is skipped."""

    name: str

    async def by_name(self, name: str) -> list[Row]:
        """Nothing is found by its name."""
        del name
        raise NotDeclared(f"{self.name} cannot be searched by names")

    async def by_actor(self, actor: str) -> list[Row]:
        """Nothing is found by its actor."""
        del actor
        raise NotDeclared(f"{self.name} cannot be searched by actors")

    async def by_creators(self, creators: Sequence[str], since: datetime) -> list[Row]:
        """Nothing is found by its creator."""
        del creators, since
        raise NotDeclared(f"{self.name} cannot be searched by creators")

    async def now(self) -> datetime:
        """Our own time: the store is not asked for its."""
        return datetime.now(UTC)
