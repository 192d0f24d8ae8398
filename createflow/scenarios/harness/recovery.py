"""Waits until a target takes creates again."""

from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.probes import Target

_RECOVERED_CREATES = 4


async def wait_for_recovery(target: Target, *, within_s: float) -> tuple[str, bool]:
    """Wait until several ordinary creates in a row are accepted. Returns the last answer, and whether it was in time.

    Several: behind a balancer, one instance may have recovered while another still refuses.
    """

    async def attempt() -> str:
        for _ in range(_RECOVERED_CREATES):
            try:
                reply = await target.create()
            except NoReply as error:
                return str(error)
            if not reply.accepted:
                return f"answered with {reply.status}"
        return "accepted"

    return await eventually(attempt, lambda answer: answer == "accepted", within_s=within_s)
