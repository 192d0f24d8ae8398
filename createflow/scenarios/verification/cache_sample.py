"""Compares cached values of some of the run's resources with the primary's rows."""

import asyncio
from collections.abc import Mapping, Sequence

from createflow.scenarios.sinks.copy_problem import described
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.sinks.field_equality import differences
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import cache as open_cache
from createflow.scenarios.sinks.registry import primary_table
from createflow.scenarios.sinks.sink import Row
from createflow.schemas.clock import Clock
from createflow.schemas.load_finding import CacheSample
from createflow.schemas.profile import Profile

_SAMPLE_SIZE = 200
_MAX_EXAMPLES = 3
_MAX_CONCURRENT = 8


def pick_sample(arrivals: Sequence[int], size: int = _SAMPLE_SIZE) -> list[int]:
    """A sample spread evenly over the run, with the first and the last arrival."""
    if len(arrivals) <= size:
        return list(arrivals)
    return [arrivals[round(number * (len(arrivals) - 1) / (size - 1))] for number in range(size)]


async def compare_cache(profile: Profile, descriptions: Mapping[str, str], clock: Clock) -> CacheSample | None:
    """Compare the cache with the primary. None: they are not declared, or there is no resource to compare.

    Args:
        profile: with the sections of cache and primary.
        descriptions: the resources by id, each with a description of its arrival.
        clock: measures the deadline of the cache.
    """
    sinks = profile.sinks
    rows = primary_table(sinks)
    if sinks.cache is None or rows is None or not descriptions:
        return None
    ids = list(descriptions)
    cache = open_cache(sinks.cache)
    slots = asyncio.Semaphore(_MAX_CONCURRENT)

    async def compare(resource_id: str) -> tuple[bool, str]:
        """Whether the resource is cached, and in what it differs from its row at the deadline."""

        async def read() -> tuple[bool, str]:
            value = await cache.value(resource_id)
            found = await rows.by_id(resource_id) if value is not None else []
            return value is not None, "" if value is None or not found else _problem(value, found[0])

        async with slots:
            outcome, _ = await eventually(
                read, lambda result: not result[1], within_s=profile.deadlines.cache_s, clock=clock
            )
            return outcome

    try:
        await cache.open()
        outcomes = await asyncio.gather(*(compare(resource_id) for resource_id in ids))
    except Exception as error:  # noqa: BLE001 - whatever a client library raises, the cache could not be read
        message = reason_of(error)
        return CacheSample(sampled=0, held=0, wrong=0, error=message)
    finally:
        await asyncio.gather(rows.close(), cache.close(), return_exceptions=True)
    wrong = [(resource_id, problem) for resource_id, (_, problem) in zip(ids, outcomes, strict=True) if problem]
    return CacheSample(
        sampled=len(ids),
        held=sum(is_cached for is_cached, _ in outcomes),
        wrong=len(wrong),
        examples=tuple(
            f"{descriptions[resource_id]} {problem}, in the cache" for resource_id, problem in wrong[:_MAX_EXAMPLES]
        ),
    )


def _problem(cached: Row, row: Row) -> str:
    """In which of the fields that both have a cached value differs from the row."""
    wrong = differences({name: value for name, value in cached.items() if name in row}, row)
    return described(wrong, row, cached)
