"""``target.idempotency_policy`` says what a repeated create is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from createflow.scenarios.checks.business.business_logic.idempotent_creates import same_key_creates_once
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile_target import Target
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio


@dataclass
class RefusingTarget(MemoryTarget):
    """Answers 409 to a key that it has seen."""

    keys: set[str] = field(default_factory=set)

    async def create(self, body: Any = None, *, headers: Mapping[str, str] | None = None, **options: Any) -> Reply:
        """The first create of a key is accepted."""
        key = (headers or {})["idempotency-key"]
        if key in self.keys:
            return reply(409)
        self.keys.add(key)
        return await super().create(body, **options)


def _target(policy: str) -> RefusingTarget:
    document = {"base_url": "http://x", "idempotency": True, "idempotency_policy": policy}
    return RefusingTarget(contract=Contract(Target.model_validate(document)))


async def test_a_refusal_is_allowed_where_the_profile_says_so() -> None:
    """The policy ``refuse``."""
    await same_key_creates_once.function(target=_target("refuse"), primary=None)


async def test_a_refusal_of_the_second_create_fails_otherwise() -> None:
    """The policy ``replay``, the default: the second of two creates, one after another, gets the first reply."""
    with pytest.raises(Expectation, match="one after another"):
        await same_key_creates_once.function(target=_target("replay"), primary=None)
