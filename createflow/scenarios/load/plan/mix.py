"""Which operation each arrival is: weights in, a fixed pattern out, the same for the same seed."""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from createflow.scenarios.load.plan.schedule import Arrival
from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation

_PART = re.compile(r"(create|read|update)=(\d{1,4})")
_BY_LETTER = {operation.value[0]: operation for operation in Operation}
_PERIOD = 1000
_HINT = "--mix create=80,read=15,update=5: whole weights, create above zero"


@dataclass(frozen=True, slots=True)
class Mix:
    """The operations of a run in their order, repeated over and over."""

    pattern: tuple[Operation, ...] = (Operation.CREATE,)

    @property
    def letters(self) -> str:
        """The pattern in first letters, for the way to the nodes."""
        return "".join(operation.value[0] for operation in self.pattern)

    def shares(self) -> dict[Operation, float]:
        """How much of the load each operation is, 0..1."""
        return {
            operation: self.pattern.count(operation) / len(self.pattern)
            for operation in Operation
            if operation in self.pattern
        }


def in_pattern(arrivals: Iterator[Arrival], pattern: str) -> Iterator[Arrival]:
    """The arrivals, each with the operation that the first letters in ``pattern`` give it."""
    operations = tuple(_BY_LETTER[letter] for letter in pattern)
    period = len(operations)
    if operations == (Operation.CREATE,):
        return arrivals  # as they are; a node makes one for every request
    return (Arrival(k, due_s, operations[k % period]) for k, due_s, _ in arrivals)


def mix_of(text: str, *, seed: int) -> Mix:
    """The mix that a user writes.

    The weights are held exactly in every block of the smallest possible length; the order in each block is shuffled
    anew, so that one operation never comes in bursts, and no node of several gets only one kind.

    Raises:
        UserError: not ``create=80,read=15,update=5``.
    """
    matches = [_PART.fullmatch(part.strip()) for part in text.split(",")]
    weights = {Operation(match[1]): int(match[2]) for match in matches if match}
    if None in matches or len(weights) < len(matches) or not weights.get(Operation.CREATE):
        raise UserError(f"--mix {text}: not a mix of operations", hint=_HINT)
    divisor = math.gcd(*weights.values())
    block = [operation for operation, weight in weights.items() for _ in range(weight // divisor)]
    shuffle = random.Random(seed).shuffle  # noqa: S311 - a simulation, not a secret
    pattern: list[Operation] = []
    while len(pattern) < _PERIOD and len(weights) > 1:
        shuffle(block)
        pattern += block
    return Mix(tuple(pattern or block))
