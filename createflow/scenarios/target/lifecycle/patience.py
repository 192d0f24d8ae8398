"""Sends a request again that the target was too busy for, or that its limit refused: neither is an answer yet."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.traffic.waiting import waits

_TRIES = 5
_LONGER_THAN_A_WINDOW_S = 3.0
_LONGEST_WINDOW_S = 75.0
"""A Retry-After as long as this is waited for, where the declared limit has windows of a minute."""


class Patience:
    """What is waited for.

    Args:
        context: of the run.
        contract: what the target promises.
        is_patient: where ``promises.saturation`` is declared, a request that the target is too busy for is sent again,
            after a 503 with a Retry-After of a few seconds (RFC 9110 §15.6.4). Not for a check that makes it busy.
        keeps_limit: so is what the declared limit refuses, though the pace was kept: what is late on its way arrives
            together with what was sent later, and a limiter may count by window. Not for a check of the limit.
    """

    def __init__(self, context: RunContext, contract: Contract, *, is_patient: bool, keeps_limit: bool) -> None:
        self._pace = context.pace
        self._is_sent_again: dict[int, bool] = {
            HTTPStatus.SERVICE_UNAVAILABLE: is_patient and contract.promises.saturation,
            HTTPStatus.TOO_MANY_REQUESTS: keeps_limit and context.limits is not None,
        }

    async def until_answered(self, reply: Reply, send: Callable[[], Awaitable[Reply]], who: Principal) -> Reply:
        """The reply, or that to the same request sent again.

        Raises:
            Inconclusive: the target stayed too busy, or refused what keeps the declared limit again and again.
        """
        for _ in range(_TRIES):
            if not self.puts_off(reply):
                break
            if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pace.note_refusal()
            # Not all that were refused together at the same moment again.
            with waits():
                await asyncio.sleep((reply.retry_after_s or 0.0) * random.uniform(1, 1.5))  # noqa: S311 - no secret
            reply = await send()
        if reply.accepted:
            self._pace.note_served(who.token)
        # Too many of other credentials may be refused so as well, for longer: that is the answer to them.
        is_limited = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        if not self.puts_off(reply) or (is_limited and not self._pace.has_served(who.token)):
            return reply
        times = f"{1 + _TRIES} times ({reply.status})"
        if is_limited:
            raise Inconclusive(f"the target refused a request that keeps the limits of the profile {times}")
        raise Inconclusive(f"the target was too busy for a request {times}")

    def puts_off(self, reply: Reply) -> bool:
        """Whether a reply says when to try again, as the profile promises, and is no answer yet.

        A limiter need not say it (RFC 6585 §4): our own pace tells when its next window begins.
        """
        if not self._is_sent_again.get(reply.status):
            return False
        if reply.status != HTTPStatus.TOO_MANY_REQUESTS:
            return reply.busy_for_s is not None
        longest_s = min(self._pace.window_s + _LONGER_THAN_A_WINDOW_S, _LONGEST_WINDOW_S)
        return (reply.retry_after_s or 0.0) <= longest_s
