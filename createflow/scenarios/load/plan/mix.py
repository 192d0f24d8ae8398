"""The operation mix: which arrival is a create, a read or an update. The same seed gives the same order."""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from createflow.scenarios.load.plan.schedule import Arrival
from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation

_PART = re.compile(r"(create|read|update)=(\d{1,4})")
KNOWN_LETTERS = {operation.value[0]: operation for operation in Operation}
_MIN_PERIOD = 1000
_HINT = "--mix create=80,read=15,update=5: whole numbers, create above zero"


@dataclass(frozen=True, slots=True)
class Mix:
    """The operations of a run in order; the pattern repeats."""

    pattern: tuple[Operation, ...] = (Operation.CREATE,)

    @property
    def letters(self) -> str:
        """The pattern as first letters, for the messages to load workers."""
        return "".join(operation.value[0] for operation in self.pattern)

    def shares(self) -> dict[Operation, float]:
        """The share of the arrivals of each operation of the mix, 0..1."""
        return {
            operation: self.pattern.count(operation) / len(self.pattern)
            for operation in Operation
            if operation in self.pattern
        }


def assign_operations(arrivals: Iterator[Arrival], letters: str) -> Iterator[Arrival]:
    """The arrivals with their operations, which ``letters`` gives as in ``Mix.letters``."""
    operations = tuple(KNOWN_LETTERS[letter] for letter in letters)
    period = len(operations)
    if operations == (Operation.CREATE,):
        return arrivals  # they are creates already, and a worker must not make a second object for each
    return (Arrival(k, due_s, operations[k % period]) for k, due_s, _ in arrivals)


def parse_mix(text: str, *, seed: int) -> Mix:
    """Parse a mix such as ``create=80,read=15,update=5``.

    Every block of the smallest possible length has exactly these proportions. The order in each block is random, so no
    operation comes in bursts and no load worker gets only one kind.

    Raises:
        UserError: the text is not a valid mix.
    """
    matches = [_PART.fullmatch(part.strip()) for part in text.split(",")]
    weights = {Operation(match[1]): int(match[2]) for match in matches if match}
    if None in matches or len(weights) < len(matches) or not weights.get(Operation.CREATE):
        raise UserError(f"--mix {text}: not a valid mix of operations", hint=_HINT)
    divisor = math.gcd(*weights.values())
    block = [operation for operation, weight in weights.items() for _ in range(weight // divisor)]
    shuffle = random.Random(seed).shuffle  # noqa: S311 - a simulation, no secret
    pattern: list[Operation] = []
    while len(pattern) < _MIN_PERIOD and len(weights) > 1:
        shuffle(block)
        pattern += block
    return Mix(tuple(pattern or block))
