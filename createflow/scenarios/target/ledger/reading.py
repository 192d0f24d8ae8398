"""What a read shows of what the run wrote."""

from collections.abc import Sequence

from createflow.scenarios.outcome import Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.received import is_too_deep
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import State, WriteRecord, Written
from createflow.scenarios.text.json_equality import same_json

READS_MATCH_WRITES = "response.reads_match_writes_at_the_end"
"""The check that reports an accepted create that is not found; others are skipped by that cause."""
_NO_ANSWER_YET = frozenset({304, 408, 429, 502, 503, 504})


def shows(reply: Reply, states: Sequence[State]) -> bool:
    """Whether a read shows one of the states, or is no answer about them."""
    if reply.status in {404, 410}:
        return None in states
    shown = reply.document or {}
    known = [state for state in states if state is not None]
    return not reply.accepted or any(all(same_json(v, shown.get(k, v)) for k, v in state.items()) for state in known)


def is_of_last_write(reply: Reply, written: Written) -> bool:
    """Whether a read has the ETag of the last write, where both have a strong one."""
    last = next((one.reply for one in reversed(written.changes) if one.reply is not None), written.reply)
    return not reply.if_match or not last.if_match or reply.if_match == last.if_match


def require_representation(
    reply: Reply, url: str, written: Written, who: Principal, *, writes: WriteRecord, contract: Contract
) -> None:
    """Require that the creator's read shows the resource, or that it is not there.

    Raises:
        Prevented: it shows something else, or may not be read; of a deleted one, where others cannot be read
            either.
    """
    # A check may send another token of the same subject, which has to be refused.
    is_own = who.token == written.who.token or who.renew is not None
    is_creator = is_own and who.identity == written.who.identity
    if reply.status in _NO_ANSWER_YET or not is_creator:
        return
    shown = reply.document if reply.accepted else None
    # Where what is sent has no such field, as exact bytes may, no reply need show it.
    is_named = contract.fields.name in (written.sent or {})
    is_shown = shown is not None and (contract.fields.name in shown or not is_named)
    if is_shown or (reply.accepted and is_too_deep(reply.body)):
        return
    if None not in written.states() and reply.status not in {404, 410}:
        writes.unreadable += 1
    elif reply.status in {404, 410} or not writes.unreadable:
        return
    why = f"answered with {reply.status}" if not reply.accepted else "without the representation"
    raise Prevented(READS_MATCH_WRITES, f"the read of an accepted create is {why}: {url}")
