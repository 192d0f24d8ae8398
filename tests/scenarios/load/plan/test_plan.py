"""Options and profile combined to a plan, with a note where the plan differs."""

import resource

import pytest

from createflow.scenarios.load.plan.options import MAX_SENDERS_PER_WORKER, LoadOptions, Senders
from createflow.scenarios.load.plan.plan import LoadPlan, make_plan
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

TARGET = {"base_url": "http://127.0.0.1:1"}


def _plan(target: dict[str, object] | None = None, **asked: object) -> LoadPlan:
    profile = Profile.model_validate({"target": {**TARGET, **(target or {})}})
    return make_plan(profile, LoadOptions(**asked))  # type: ignore[arg-type] # options of one test each


def test_clients_are_limited_for_each_worker() -> None:
    """Each is a connection from the start."""
    plan = _plan(shape="closed:2000", workers=2)
    assert plan.senders == Senders(2 * MAX_SENDERS_PER_WORKER, 2 * MAX_SENDERS_PER_WORKER)
    assert "1800 senders instead of 2000" in plan.notes[0]


def test_every_worker_has_the_same_number_of_senders() -> None:
    """Clients of a closed model are senders. A note says if the number changes."""
    plan = _plan(shape="closed:10", workers=3)
    assert (plan.senders.most, plan.notes) == (12, ("12 senders instead of 10: every worker has the same number",))
    assert plan.shape == "12 clients in turns (closed model) for 20 s"
    assert _plan(shape="closed:10", workers=2).notes == ()


@pytest.mark.parametrize(("rate", "workers", "first"), [(10, 1, 50), (500, 1, 250), (5000, 1, 900), (500, 2, 250)])
def test_senders_begin_with_the_rate_and_grow_to_what_may_be_unanswered(rate: float, workers: int, first: int) -> None:
    """Half a second of requests at first, and as many as are due until the first of them times out."""
    plan = _plan({"timeout_s": 1.5}, rate_per_s=rate, workers=workers)
    assert plan.senders == Senders(first, int(rate * 2.5) + 50)
    config = plan.node_configs((), {})[0]
    assert (config.senders, config.most_senders) == (first // workers, plan.senders.most // workers)
    assert plan.notes == ()


def test_the_bound_of_the_machine_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open files of one process, less what it needs otherwise."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    plan = _plan(rate_per_s=1000)
    assert plan.senders.most == 3896
    assert "at most 3,896 requests are in flight" in plan.notes[0]
    assert "more than 3.9 s of arrivals unanswered, the run is invalid" in plan.notes[0]
    assert _plan(rate_per_s=100, senders=5000).notes == ("3896 senders instead of 5000: the maximum is 3896 a worker",)


@pytest.mark.parametrize("option", ["rate_per_s", "duration_s", "workers", "users", "senders"])
def test_zero_is_refused(option: str) -> None:
    """Before anything starts."""
    with pytest.raises(UserError, match="above zero"):
        _plan(**({option: -1.0} if option == "users" else {option: 0}))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"rate_per_s": 1e9, "duration_s": 0.1}, "the maximum is 100,000/s for each"),
        ({"rate_per_s": 200_001.0, "workers": 2}, "200,001/s on 2 load workers"),
        ({"shape": "0..1000000/1s"}, "1,000,000/s on 1 load worker"),
        ({"rate_per_s": 100_000.0, "duration_s": 20_000.0}, "more than 1,000,000,000 requests"),
    ],
)
def test_impossible_loads_are_refused(asked: dict[str, object], words: str) -> None:
    """A worker with a thousand times too much to send would not even handle a stop."""
    with pytest.raises(UserError, match=words):
        _plan(**asked)


def test_window_and_mean_rate_exclude_the_warmup() -> None:
    """A ramp to 100/s for 10 s starts at 10/s, after 2 s of warm-up."""
    plan = _plan(shape="ramp", rate_per_s=100, duration_s=10, warmup_s=2)
    assert (plan.window_s, plan.rate_per_s, plan.schedule.duration_s) == (10, 55, 12)
    assert plan.shape == "ramp, 100/s at the highest, for 10 s"
    assert _plan(shape="0..100/4s", poisson=True).shape == "0..100/4s, random (Poisson) arrivals"
    assert _plan().shape == "500/s for 20 s"


def test_updates_must_be_declared() -> None:
    """An error before the load, instead of a thousand replies with 405."""
    with pytest.raises(UserError, match="does not declare updates"):
        _plan(mix="create=1,update=1")
    assert _plan({"update": True}, mix="create=1,update=1").mix.shares() == {"create": 0.5, "update": 0.5}


def test_the_config_hash_covers_what_shapes_the_load() -> None:
    """Seed, targets and run id may differ; rate, mix and path may not."""
    hashes = {_plan(seed=seed, targets=("p99<=1s",)).config_hash for seed in (1, 2)} | {_plan().config_hash}
    assert len(hashes) == 1
    others = {_plan(rate_per_s=499).config_hash, _plan({"path": "/x"}).config_hash, _plan(users=7).config_hash}
    assert len(hashes | others) == 4
