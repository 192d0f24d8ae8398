"""Some of the run's resources in the cache: what is there must be what the primary's row says."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from createflow.scenarios.sinks.field_equality import differences
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import cache as cache_of
from createflow.scenarios.sinks.registry import primary_table
from createflow.schemas.clock import Clock
from createflow.schemas.load_finding import CacheSample
from createflow.schemas.profile import Profile

_SAMPLE = 200
_EXAMPLES = 3
_AT_ONCE = 8


def spread(arrivals: Sequence[int], most: int = _SAMPLE) -> list[int]:
    """So many of them, evenly over the run, first and last included."""
    if len(arrivals) <= most:
        return list(arrivals)
    return [arrivals[round(number * (len(arrivals) - 1) / (most - 1))] for number in range(most)]


async def cache_sample(profile: Profile, named: Mapping[str, str], clock: Clock) -> CacheSample | None:
    """Compare; ``None`` when cache or primary are not declared, or nothing was written.

    Args:
        profile: its cache and primary.
        named: the resources by id, each with words for the arrival.
        clock: what the cache's deadline is measured with.
    """
    sinks = profile.sinks
    rows = primary_table(sinks)
    if sinks.cache is None or rows is None or not named:
        return None
    ids = list(named)
    cache = cache_of(sinks.cache)
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def differing(resource_id: str) -> tuple[bool, list[str]]:
        """Whether it is held, and which fields are not the row's."""

        async def look() -> tuple[bool, list[str]]:
            value = await cache.value(resource_id)
            found = await rows.by_id(resource_id) if value is not None else []
            return value is not None, [] if value is None or not found else _differences(value, found[0])

        async with at_once:
            outcome, _ = await eventually(
                look, lambda seen: not seen[1], within_s=profile.deadlines.cache_s, clock=clock
            )
            return outcome

    try:
        await cache.open()
        outcomes = await asyncio.gather(*(differing(one) for one in ids))
    except Exception as error:  # noqa: BLE001 - whatever a client library raises, the cache could not be asked
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        return CacheSample(sampled=0, held=0, wrong=0, error=words)
    finally:
        await asyncio.gather(rows.close(), cache.close(), return_exceptions=True)
    wrong = [(one, fields) for one, (_, fields) in zip(ids, outcomes, strict=True) if fields]
    return CacheSample(
        sampled=len(ids),
        held=sum(held for held, _ in outcomes),
        wrong=len(wrong),
        examples=tuple(f"{named[one]}: the cache has another {', '.join(fields)}" for one, fields in wrong[:_EXAMPLES]),
    )


def _differences(cached: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """The fields that both have, and that say different things."""
    return differences({name: value for name, value in cached.items() if name in row}, row)
