"""Users and machines that do not share a state folder do not meet on one target either."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from createflow.scenarios.harness.lease import Holder
from createflow.scenarios.harness.store_lease import leases_of
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_file import load
from tests.up_stack import UpCommand

ALONE = Holder("run", os.getpid(), "here", "2026-01-02T03:04:05Z", is_alone=True)
SHARED = Holder("bench", os.getpid(), "there", "2026-01-02T03:04:05Z", is_alone=False)


@pytest.fixture
def profile(stack: UpCommand) -> Profile:
    """Of a real stack."""
    return load(stack.profile_file)


@pytest.fixture
def other_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "OtherUser":
    """Not the same one twice."""
    return OtherUser(tmp_path, monkeypatch)


class OtherUser:
    """Gives each command a state folder of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch, self._count = folder, patch, 0

    def arrives(self) -> None:
        """From now on, the state folder is that of somebody else."""
        self._count += 1
        self._patch.setenv("XDG_STATE_HOME", str(self._folder / str(self._count)))

    @asynccontextmanager
    async def lease(self, profile: Profile, holder: Holder, *, wait_s: float = 0.0) -> AsyncIterator[tuple[int, ...]]:
        """The leases, as another user takes them."""
        self.arrives()
        async with leases_of(profile, holder, wait_s=wait_s, on_message=lambda _: None) as held:
            yield held


@pytest.mark.anyio
async def test_another_user_is_refused_by_name(profile: Profile, other_user: OtherUser) -> None:
    """Afterwards the target is free."""
    async with other_user.lease(profile, ALONE) as held:
        assert len(held) == 2
        with pytest.raises(TargetError, match=rf"in use by run with faults, process {os.getpid()} on here"):
            async with other_user.lease(profile, SHARED):
                pytest.fail("it must not meet the faults")
    async with other_user.lease(profile, SHARED), other_user.lease(profile, SHARED):
        with pytest.raises(TargetError, match=rf"in use by bench, process {os.getpid()} on there"):
            async with other_user.lease(profile, ALONE):
                pytest.fail("it would disturb the others")


@pytest.mark.anyio
async def test_another_user_waits_if_it_may(profile: Profile, other_user: OtherUser) -> None:
    """It goes on when the first one ends."""
    waits = asyncio.Event()

    async def second() -> None:
        async with leases_of(profile, SHARED, wait_s=60, on_message=lambda _: waits.set()):
            pass

    async with other_user.lease(profile, ALONE):
        other_user.arrives()
        waiting = asyncio.create_task(second())
        await waits.wait()
    await waiting


@pytest.mark.anyio
async def test_whoever_inherits_the_lease_keeps_it(profile: Profile, other_user: OtherUser) -> None:
    """The guardian of a run, until the target is whole."""
    async with other_user.lease(profile, ALONE) as held:
        heir = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "input()"), stdin=asyncio.subprocess.PIPE, pass_fds=held
        )
    try:
        with pytest.raises(TargetError, match="in use by run with faults"):
            async with other_user.lease(profile, ALONE):
                pytest.fail("the heir has it")
    finally:
        await heir.communicate(b"\n")
    async with other_user.lease(profile, ALONE, wait_s=30):
        pass


@pytest.mark.anyio
@pytest.mark.parametrize("dsn", ["postgresql://127.0.0.1:9/x", "no dsn"], ids=["nobody there", "no address"])
async def test_a_store_that_cannot_lock_is_no_reason_not_to_test(dsn: str, other_user: OtherUser) -> None:
    """The lock file is still there."""
    profile = Profile.model_validate(
        {
            "target": {"base_url": "http://127.0.0.1:9"},
            "sinks": {"primary": {"dsn": dsn, "by_id": "SELECT 1 WHERE %(id)s = ''"}},
        }
    )
    async with other_user.lease(profile, ALONE) as held:
        assert len(held) == 1
