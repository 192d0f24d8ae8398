"""What a profile allows to verify."""

from typing import Any

import pytest

from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.cache_sample import pick_sample
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.verifiable_sinks import find_unverifiable
from createflow.schemas.profile import Profile
from tests.fake_clock import FakeClock
from tests.scenarios.verification.fakes import writes_of

pytestmark = pytest.mark.anyio
DSN = "postgresql://nobody:geheimnis@127.0.0.1:1/none?connect_timeout=1"


def profile_with(**sinks: dict[str, Any]) -> Profile:
    """A deployment with these sinks, none of which answers."""
    return Profile.model_validate({"target": {"base_url": "http://stub.test"}, "sinks": sinks})


PRIMARY = {"dsn": DSN, "by_id": "q"}
AUDIT = {"dsn": DSN, "by_id": "q"}
SEARCH = {"url": "http://127.0.0.1:1", "index": "i"}
EVENTS = {"url": "nats://x:geheimnis@127.0.0.1:1", "stream": "S", "subject": "s"}


@pytest.mark.parametrize(
    ("sinks", "reasons"),
    [
        ({"primary": PRIMARY}, {"primary": "sinks.primary has no by_run query"}),
        ({"primary": PRIMARY | {"by_run": "q"}}, {}),
        ({"primary": PRIMARY | {"by_run": "q"}, "audit": AUDIT}, {"audit": "sinks.audit has no by_ids query"}),
        ({"primary": PRIMARY | {"by_run": "q"}, "audit": AUDIT | {"by_ids": "q"}, "search": SEARCH}, {}),
        (
            {"audit": AUDIT | {"by_ids": "q"}},
            {"audit": "sinks.primary has no by_run query, which returns the ids to search for"},
        ),
        ({"search": SEARCH | {"name_keyword": "n"}, "events": EVENTS}, {}),
    ],
)
def test_a_sink_without_its_query_is_unverifiable(sinks: dict[str, dict[str, Any]], reasons: dict[str, str]) -> None:
    """The reason names the missing key of the profile, before the load."""
    assert find_unverifiable(profile_with(**sinks).sinks) == reasons


@pytest.mark.parametrize(
    ("sinks", "why"),
    [
        ({}, "the profile declares no sink to find the writes in"),
        ({"primary": PRIMARY}, "sinks.primary has no by_run query"),
        ({"primary": PRIMARY, "events": EVENTS}, ""),
    ],
)
async def test_without_a_verifiable_sink_there_is_no_verification(sinks: dict[str, dict[str, Any]], why: str) -> None:
    """It must not look like a successful one."""
    reconciliation = Reconciliation(profile_with(**sinks), Mask(), "ab12")
    assert reconciliation.impossible_reason == why
    if why:
        assert await reconciliation.verify(writes_of("aa")) is None


async def test_sinks_that_do_not_answer_verify_nothing() -> None:
    """Each has its reason, in the order of the profile and without its password, and the load was not stopped."""
    replicas = [{"name": "replica-1", "dsn": DSN}]
    profile = profile_with(
        primary=PRIMARY | {"by_run": "q"},
        replicas=replicas,  # type: ignore[arg-type]
        audit=AUDIT,
        events=EVENTS,
        search=SEARCH,
        cache={"url": "redis://127.0.0.1:1/0", "key": "{id}"},
    )
    async with Reconciliation(profile, Mask(), "ab12", clock=FakeClock()) as reconciliation:
        told = await reconciliation.verify(writes_of("aau"))
    assert told is not None
    assert [sink.sink for sink in told.sinks] == ["primary", "replica-1", "audit", "events", "search"]
    assert all(sink.error for sink in told.sinks)
    assert (told.accepted, told.unknown, told.verified, told.left_behind) == (2, 1, 0, 2)
    assert told.sinks[2].error == "not verified: sinks.audit has no by_ids query"
    assert "geheimnis" not in told.model_dump_json()


def test_a_sample_spreads_over_the_run() -> None:
    """It contains the first and the last arrival, and each only once."""
    sample = pick_sample(range(1000), 7)
    assert (len(set(sample)), sample[0], sample[-1]) == (7, 0, 999)
    assert pick_sample([3, 4], 7) == [3, 4]
