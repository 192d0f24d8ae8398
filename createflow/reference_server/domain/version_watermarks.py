"""The lowest version that may still be shown, for what was changed lately."""

from collections import OrderedDict

FLOORS_MAX = 100_000


class Floors:
    """Remembers versions by resource id; the oldest entries go first.

    A floor outlives every copy that could be below it as long as fewer than ``capacity`` other resources are
    changed within the replicas' lag.
    """

    def __init__(self, capacity: int = FLOORS_MAX) -> None:
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._capacity = capacity

    def raise_to(self, resource_id: str, version: int) -> None:
        """Nothing below this version may be shown from now on."""
        if version > self._versions.get(resource_id, 0):
            self._versions[resource_id] = version
        if resource_id in self._versions:
            self._versions.move_to_end(resource_id)
        if len(self._versions) > self._capacity:
            self._versions.popitem(last=False)

    def of(self, resource_id: str) -> int:
        """The floor; 0 when every version may be shown."""
        return self._versions.get(resource_id, 0)
