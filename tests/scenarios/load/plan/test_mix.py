"""The weights of a mix are exact, and the seed decides the order."""

import pytest

from createflow.scenarios.load.plan.mix import Mix, assign_operations, parse_mix
from createflow.scenarios.load.plan.schedule import Schedule, Stage
from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation


def test_every_block_of_the_pattern_has_the_weights() -> None:
    """80 : 15 : 5 is 16 : 3 : 1."""
    mix = parse_mix("create=80, read=15,update=5", seed=3)
    for start in range(0, len(mix.pattern), 20):
        block = mix.pattern[start : start + 20]
        assert {op: block.count(op) for op in Operation} == {"create": 16, "read": 3, "update": 1}
    assert mix.shares() == {"create": 0.8, "read": 0.15, "update": 0.05}


def test_each_of_two_workers_gets_every_operation() -> None:
    """A short alternating pattern would give one worker all reads."""
    letters = parse_mix("create=1,read=1", seed=1).letters
    assert 400 < letters[::2].count("r") / len(letters) * 2000 < 600
    assert set(parse_mix("create=7", seed=1).letters) == {"c"}


def test_the_seed_decides_the_order() -> None:
    """Nothing else does."""
    mixes = [parse_mix("create=10,read=10", seed=seed).letters for seed in (1, 1, 2)]
    assert mixes[0] == mixes[1] != mixes[2]
    assert Mix().letters == "c"


def test_arrivals_get_their_operations_by_number() -> None:
    """So two workers agree without exchanging messages."""
    arrivals = list(assign_operations(Schedule((Stage(1, 4, 4),)).share(0, 1), "cru"))
    assert [arrival.operation.value for arrival in arrivals] == ["create", "read", "update", "create"]


@pytest.mark.parametrize(
    "text", ["", "read=1", "create=0", "create", "create=1,create=2", "delete=1,create=1", "create=1.5"]
)
def test_an_invalid_mix_is_an_error(text: str) -> None:
    """A load without creates verifies nothing."""
    with pytest.raises(UserError, match="not a valid mix"):
        parse_mix(text, seed=0)
