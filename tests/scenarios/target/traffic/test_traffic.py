"""What observers are told of an exchange, and how full a bucket can be."""

import pytest

from createflow.scenarios.target.traffic.observed import CHECK_ID, Observed, Sending
from createflow.scenarios.target.traffic.traffic import Traffic
from createflow.schemas.profile import Limits
from createflow.schemas.report import Exchange


def end(traffic: Traffic, sending: Sending, status: int = 201, method: str = "POST") -> None:
    """A reply comes."""
    traffic.end(
        sending,
        Exchange(method=method, url="http://x/y"),
        url="http://x/y?z",
        request_headers={},
        content=b"",
        status=status,
        headers=(("content-type", "application/problem+json; x=y"), ("vary", "a"), ("vary", "b")),
        body=b"{}",
    )


def watched(traffic: Traffic) -> list[Observed]:
    """What is told from now on."""
    seen: list[Observed] = []
    traffic.watch(seen.append)
    return seen


def test_a_watcher_gets_what_was_sent_and_what_came() -> None:
    """Every line of a repeated field, and the check that sent it."""
    traffic = Traffic(None, 1.0)
    seen = watched(traffic)
    sender = CHECK_ID.set("a.check")
    end(traffic, traffic.begin("me"))
    CHECK_ID.reset(sender)
    end(traffic, traffic.begin("me"))
    one, other = seen
    assert (one.check_id, one.is_own, other.is_own) == ("a.check", True, False)
    assert (one.bucket, one.path, one.media_type, one.is_json) == ("me", "/y", "application/problem+json", True)
    assert one.values("vary") == ["a", "b"]
    assert one.level == 0.0


def test_a_level_counts_what_is_under_way_and_what_was_sent_since() -> None:
    """Each as late as it can have been counted; another subject has a bucket of its own."""
    traffic = Traffic(Limits(rate_per_s=0.001, burst=10), 1.0)
    seen = watched(traffic)
    first = traffic.begin("me")
    second, _ = traffic.begin("me"), traffic.begin("other")
    third = traffic.begin("me")
    end(traffic, second)
    end(traffic, first)
    traffic.fail(third)
    end(traffic, traffic.begin("me"))
    assert [round(one.level) for one in seen] == [3, 3, 4]


def test_a_level_is_what_a_limit_by_window_can_have_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a steady rate a bucket stays empty, and a window fills until it ends."""
    now = [100.0]
    monkeypatch.setattr("createflow.scenarios.target.traffic.traffic.time.monotonic", lambda: now[0])
    traffic = Traffic(Limits(rate_per_s=10, burst=20), 1.0)
    seen = watched(traffic)
    for _ in range(15):
        now[0] += 0.1
        end(traffic, traffic.begin("me"))
    assert [round(one.level) for one in seen] == [*range(1, 16)]
    now[0] += 2.05
    end(traffic, traffic.begin("me"))
    assert round(seen[-1].level) == 1


@pytest.mark.parametrize("accepted", [15, 16])
def test_a_fault_lasts_until_writes_are_accepted_again(accepted: int) -> None:
    """Reads do not count; what was sent before it was healed neither."""
    traffic = Traffic(None, 3600.0)
    seen = watched(traffic)
    end(traffic, traffic.begin(""))
    traffic.fault_begins("database_down")
    early = traffic.begin("")
    traffic.fault_ends("database_down")
    end(traffic, early)
    end(traffic, traffic.begin(""), method="GET")
    end(traffic, traffic.begin(""), status=503)
    for _ in range(accepted):
        end(traffic, traffic.begin(""))
    end(traffic, traffic.begin(""))
    assert [one.fault for one in seen[:4]] == ["", *["database_down"] * 3]
    assert seen[-1].fault == ("" if accepted == 16 else "database_down")


@pytest.mark.parametrize("names", [("search_down", "replica_lags"), ("replica_lags", "search_down")])
def test_of_two_faults_the_one_that_can_spoil_more_is_told(names: tuple[str, str]) -> None:
    """A fault of the search engine excuses less than any other, whichever came first."""
    traffic = Traffic(None, 3600.0)
    seen = watched(traffic)
    for name in names:
        traffic.fault_begins(name)
    end(traffic, traffic.begin(""))
    assert [one.fault for one in seen] == ["replica_lags"]
