"""A request that a reused connection lost goes out once more, and every figure says so."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable

import pytest

from createflow.scenarios.load.fleet.run import LoadResult
from createflow.scenarios.load.plan.write_log import FIRST_RESENT, PREFLIGHT, Outcome
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Profile
from tests.scenarios.load.fleet.load_run import load
from tests.scenarios.load.malformed_server import CREATED, MalformedServer, Peer, Treatment, serve

__all__ = ["serve"]

Serve = Callable[..., MalformedServer]
REPLIES = 5
"""Of a connection, before it ends."""


def _reads_and_closes(peer: Peer) -> None:
    """The server has the request, and closes: whether it acted on it is not known."""
    for _ in range(REPLIES):
        if not peer.request():
            return
        peer.send(CREATED)
    peer.request()


def _resets(peer: Peer) -> None:
    """The same with a reset."""
    _reads_and_closes(peer)
    peer.reset()


def _measured(server: MalformedServer, **asked: object) -> LoadResult:
    profile = Profile.model_validate({"target": {"base_url": server.url, "timeout_s": 5.0}})
    return asyncio.run(load(profile, warmup_s=0.0, duration_s=1.0, **asked))


def _names(server: MalformedServer) -> Counter[int]:
    return Counter(int(found[1]) for found in re.finditer(rb'"name":"load \w+ (\d+)"', b"".join(server.requests)))


@pytest.mark.parametrize("treatment", [_reads_and_closes, _resets])
def test_a_create_goes_out_once_more_under_another_name(serve: Serve, treatment: Treatment) -> None:
    """The first one stays unknown: it may be stored. No name is ever sent twice."""
    server = serve(treatment)
    measured = _measured(server)
    tally = measured.ledger.measured[Operation.CREATE]
    renamed = sum(state.renamed for state in measured.states)
    assert renamed == sum(state.resent for state in measured.states) > 5
    assert (tally.completed, tally.transport_errors, tally.timeouts) == (100, 0, 0)
    names = _names(server)
    assert set(names.values()) == {1}
    assert len(names) == 100 + renamed
    again = [name - FIRST_RESENT for name in names if name >= FIRST_RESENT]
    assert len(again) == renamed
    assert {measured.writes.outcomes[k] for k in again} == {Outcome.UNKNOWN}
    assert measured.writes.outcomes.count(Outcome.ACCEPTED) == 100 - renamed
    assert measured.writes.arrival_of(f"{measured.writes.prefix}{FIRST_RESENT + again[0]}") == PREFLIGHT


def test_a_connection_that_never_answered_is_the_targets_fault(serve: Serve) -> None:
    """Nothing is sent again there, also where the connection was opened ahead."""
    server = serve(Peer.request)
    measured = _measured(server, rate_per_s=40.0)
    assert measured.ledger.measured[Operation.CREATE].transport_errors == 40
    assert [state.resent for state in measured.states] == [0]
    assert len(_names(server)) == 40
