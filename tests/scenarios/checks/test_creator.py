"""The creator is who sent the request, also where the tokens do not say who that is."""

from dataclasses import dataclass
from typing import Any

import pytest

from createflow.scenarios.checks.api.response.reply import created_by_is_the_subject
from createflow.scenarios.outcome import Expectation, NotDeclared
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from tests.scenarios.checks.memory_target import MemoryTarget

pytestmark = pytest.mark.anyio
USERS = {"token-1": "ann", "token-2": "bob"}


class Opaque:
    """Fills as much of the role Tokens as is asked for."""

    def writer(self) -> Principal:
        """A user of the target."""
        return Principal(None, "token-1")

    def other_writer(self) -> Principal:
        """Another one."""
        return Principal(None, "token-2")


@dataclass
class Users(MemoryTarget):
    """Knows its users by their tokens; ``believes`` the creator of a body that is one of them."""

    believes: bool = False
    is_one: bool = False

    async def create(self, body: Any = None, *, who: Principal | None = None, **_: Any) -> Reply:
        """Show the creator."""
        sent = dict(body or self.contract.document())
        named = sent.pop("created_by", None)
        user = "all" if self.is_one else USERS[(who or self.writer).token or ""]
        creator = named if self.believes and named in USERS.values() else user
        return await MemoryTarget.create(self, {**sent, "created_by": creator})


async def check(target: Users) -> None:
    """The check, without the issuer's key."""
    await created_by_is_the_subject.function(target=target, tokens=Opaque(), issuer=None)


async def test_a_target_that_knows_its_users_is_right() -> None:
    """Their names are learnt from the replies."""
    await check(Users())


async def test_a_creator_that_the_target_knows_must_not_be_believed() -> None:
    """It is the other writer's, since a table of users has no other."""
    with pytest.raises(Expectation) as accused:
        await check(Users(believes=True))
    assert '"bob", as the body claimed' in accused.value.seen


async def test_writers_that_are_one_prove_nothing() -> None:
    """Two tokens of one user."""
    with pytest.raises(NotDeclared):
        await check(Users(is_one=True))
