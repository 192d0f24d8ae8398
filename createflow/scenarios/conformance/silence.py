"""Whether the target has fallen silent: it answers nothing any more, whoever asks, or not one create."""

import asyncio
import time
from dataclasses import dataclass

from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.target.http_client import BadReply, NoReply
from createflow.scenarios.target.principal import ANONYMOUS

_SUSPECT_S = 5.0
"""Without a reply for so long, although one is waited for, the target is asked whether it is still there."""
_SILENT_S = 10.0
"""Without a reply for so long, not to these questions either, it is silent."""
_QUESTION_S = 2.5
_MIN_QUESTIONS = 2
_LOOK_EVERY_S = 0.5
_MIN_LOST_CREATES = 3
_NO_CREATE_S = 12.0
"""After so long without one answered create, where each was lost, the others would only take as long."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The target answers nothing any more."""

    since_s: float
    """When its last reply came, on the monotonic clock."""
    description: str
    """Since when, and after which request."""


async def wait_for_silence(probes: ProbeSet, began_s: float) -> Silence:
    """Returns when the target has fallen silent. Never while a fault is in or raw bytes keep a connection busy.

    Args:
        probes: of the run.
        began_s: when the run began, on the monotonic clock.
    """
    traffic, missed = probes.context.traffic, 0
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        now_s = time.monotonic()
        if not traffic.answered_creates and traffic.lost_creates >= _MIN_LOST_CREATES and not traffic.is_disturbed:
            if now_s - began_s >= _NO_CREATE_S:
                lost = f"none of {traffic.lost_creates} creates got a whole reply in {now_s - began_s:.0f} s"
                return Silence(now_s, f"{lost}, though other requests did")
            continue
        since_s = traffic.last_reply_s or began_s
        if not traffic.is_waiting or traffic.is_disturbed or now_s - since_s < _SUSPECT_S:
            missed = 0
            continue
        missed = 0 if await _answers(probes) else missed + 1
        quiet_s = time.monotonic() - since_s
        if missed >= _MIN_QUESTIONS and quiet_s >= _SILENT_S and not traffic.is_disturbed:
            after = traffic.last_exchange or "before the first reply to a check"
            since = f"from second {max(0.0, since_s - began_s):.1f} of the run on"
            return Silence(since_s, f"the target gave no reply any more {since}, after {after}")


async def _answers(probes: ProbeSet) -> bool:
    """Whether any reply comes to an ordinary question."""
    before_s = probes.context.traffic.last_reply_s
    try:
        async with asyncio.timeout(_QUESTION_S):
            path = probes.profile.target.path.partition("{")[0]
            await probes.connection.send("GET", path, ANONYMOUS, {}, None, is_collection=True, is_paced=False)
    except (TimeoutError, NoReply) as error:
        # A reply to somebody else is one as well; so is one that is not a whole reply.
        return isinstance(error, BadReply) or probes.context.traffic.last_reply_s != before_s
    return True
