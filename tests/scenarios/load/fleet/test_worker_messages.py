"""What a worker says is looked into before it is believed: it may have joined from anybody's machine."""

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.fleet.fleet import Fleet
from createflow.scenarios.load.fleet.worker_messages import (
    Arrivals,
    KeptReplies,
    count_arrivals,
    created_rows,
    node_state,
)
from createflow.scenarios.load.plan.messages import (
    MAX_MESSAGE_BYTES,
    MessageRefused,
    NodeState,
    decode,
    encode,
)
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import make_plan
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.schemas.profile import Profile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def state(**changes: object) -> dict[str, Any]:
    """A final state as a worker sends it, of one arrival, with changes."""
    recorder = Recorder(warmup_s=0, end_s=5)
    recorder.record_due(Arrival(0, 0.0), 0.0)
    recorder.record_reply(Arrival(0, 0.0), 0.0, 0.1, 201)
    made = NodeState(0, "final", 3, 1.5, host="here", ledger=recorder.ledger.to_wire())
    document: dict[str, Any] = json.loads(encode(made.to_document()))
    return document | changes


def with_counts(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The state with something changed in the counters of its creates."""
    document = state()
    change(document["ledger"]["measured"]["create"])
    return document


def test_what_a_worker_sends_is_believed() -> None:
    """Every field comes through."""
    document = state()
    assert node_state(document, 0, now_s=2.0).to_document() == document


HOSTILE = {
    "not an object": [],
    "an unknown field": state(command="rm"),
    "a missing field": {"index": 0},
    "another worker": state(index=1),
    "a kind": state(kind="quit"),
    "a list as kind": state(kind=[]),
    "a negative count": state(in_flight=-1),
    "a fraction as count": state(in_flight=1.5),
    "a truth as count": state(in_flight=True),
    "a text as count": state(in_flight="1"),
    "a huge count": state(backlog=10**30),
    "infinity": state(cpu_s=float("inf")),
    "not a number": state(cpu_s=float("nan")),
    "negative time": state(memory_mb=-0.1),
    "a second to come": state(now_s=1e9),
    "a long host": state(host="x" * 300),
    "a host that drives a terminal": state(host="\x1b[2J"),
    "an unknown reason": state(unusable_locations={"rude": 1}),
    "a negative reason": state(unusable_locations={"malformed": -1}),
    "an empty ledger": state(ledger={}),
    "a text as ledger": state(ledger="x"),
    "a negative sum": with_counts(lambda one: one["counters"].__setitem__(0, -1)),
    "too few counters": with_counts(lambda one: one["counters"].pop()),
    "a ledger out of balance": with_counts(lambda one: one["counters"].__setitem__(1, 7)),
    "more replies than arrivals": with_counts(lambda one: one["statuses"].append([500, 3])),
    "a status of four digits": with_counts(lambda one: one.update(statuses=[[2010, 1]])),
    "a text as status": with_counts(lambda one: one.update(statuses=[["201", 1]])),
    "a bucket below zero": with_counts(lambda one: one.update(service=[0, -5, 1])),
    "a bucket beyond all time": with_counts(lambda one: one.update(service=[0, 10**12, 1])),
    "a bucket with less than nothing": with_counts(lambda one: one.update(service=[0, 100, -1])),
    "half a bucket": with_counts(lambda one: one.update(service=[0, 100])),
    "an object as bucket": with_counts(lambda one: one.update(service=[0, {}, 1])),
    "an unknown operation": state(ledger=state()["ledger"] | {"measured": {"delete": {}}}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_no_worker_can_have_counted_is_refused(case: str) -> None:
    """With words, and before anything is added up."""
    with pytest.raises(MessageRefused):
        node_state(HOSTILE[case], 0, now_s=2.0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"nonsense", id="nonsense"),
        pytest.param(b'{"x": NaN}', id="not a number"),
        pytest.param(b'{"x": 1' + b"0" * 5000 + b"}", id="many digits"),
        pytest.param(b'{"x": ' + b"[" * 40_000 + b"]" * 40_000 + b"}", id="deep"),
        pytest.param(b'{"x": [' + b"{}," * 60_000 + b"{}]}", id="many objects"),
        pytest.param(b'{"x": "' + b"y" * MAX_MESSAGE_BYTES + b'"}', id="long"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_a_message_is_bounded_before_it_is_read(text: bytes) -> None:
    """In length, and in what it would need as memory."""
    with pytest.raises(MessageRefused):
        decode(text)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_rubbish_is_refused_and_breaks_nothing(rubbish: object) -> None:
    """As a state, as rows and as outcomes."""
    for parse in (
        lambda: node_state(rubbish, 0, now_s=0.0),
        lambda: created_rows({"created": rubbish, "beyond": rubbish}),
        lambda: Arrivals().add(rubbish),
    ):
        with pytest.raises(MessageRefused):
            parse()


@given(st.sampled_from(sorted(state())), JSON)
@settings(max_examples=300, deadline=None)
def test_a_field_of_rubbish_is_refused_or_a_number(name: str, rubbish: object) -> None:
    """One field at a time, so that the others let it through."""
    try:
        node_state(state(**{name: rubbish}), 0, now_s=1e9)
    except MessageRefused:
        return


@given(st.binary(max_size=300))
def test_bytes_are_refused_or_an_object(text: bytes) -> None:
    """Whatever they are."""
    try:
        assert isinstance(decode(text), dict)
    except MessageRefused:
        return


@pytest.mark.parametrize(
    "row",
    [
        [],
        [0, "/a"],
        [-1, "/a", "a"],
        [True, "/a", "a"],
        [0, "http://elsewhere/a", ""],
        [0, "/a b", ""],
        [0, "/a\r\nx", ""],
        [0, "/" + "a" * 9000, ""],
        [0, "/a", "a\n"],
        [0, "/a", "a" * 2000],
        [0, None, "a"],
        "abc",
    ],
    ids=lambda row: f"{row!s:.30}",
)
def test_only_a_path_and_an_id_name_what_was_created(row: object) -> None:
    """Nothing that could be another place."""
    with pytest.raises(MessageRefused):
        created_rows({"created": [row], "beyond": 0})


def test_outcomes_are_as_many_as_the_worker_can_have() -> None:
    """A few bytes of compressed outcomes could be gigabytes."""
    arrivals = Arrivals()
    arrivals.limit = 1000
    bomb = base64.b64encode(zlib.compress(bytes(50_000_000))).decode()
    for part in (bomb, base64.b64encode(zlib.compress(bytes(1001))).decode(), base64.b64encode(b"\x09").decode(), "?"):
        with pytest.raises(MessageRefused):
            arrivals.add(part)
    assert len(arrivals.values) < 2000


@pytest.mark.parametrize("shape", ["constant", "ramp", "closed:3"])
@pytest.mark.parametrize("poisson", [False, True])
def test_every_worker_has_room_for_its_share(shape: str, poisson: bool) -> None:  # noqa: FBT001
    """Also when chance gives it more than its part."""
    if poisson and ":" in shape:
        return
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:1"}})
    options = LoadOptions(rate_per_s=40, duration_s=5, warmup_s=1, shape=shape, poisson=poisson, workers=3)
    plan = make_plan(profile, options)
    for config in plan.node_configs((), {"run_id": plan.run_id}):
        share = 0 if config.closed else sum(1 for _ in config.schedule.share(config.index, config.node_count))
        assert share <= count_arrivals(config)


def test_a_worker_that_lies_is_lost_and_the_others_go_on() -> None:
    """With what it sent as the reason."""
    heard: list[NodeState] = []
    fleet = Fleet(2, heard.append)
    fleet._started_s = 0.0
    lies = ({"index": 0, "state": state(index=0)}, {"index": 1, "nonsense": 1}, {"index": 1, "state": state()})
    for lie in lies:
        fleet = Fleet(2, heard.append)
        fleet._started_s = 0.0
        fleet._handle({"from": 1, "text": json.dumps(lie)})
        assert [bool(node.lost_reason) for node in fleet.nodes] == [False, True]
    fleet._handle({"from": 0, "text": json.dumps({"index": 0, "state": state()})})
    assert len(heard) == 1


_ROW: list[Any] = [5, 0, 201, 0, 0.1, 0.1, 0.2, 0.0, 0.0, 0, 1.5]


@pytest.mark.parametrize(
    "part",
    [
        None,
        [],
        {"rows": []},
        {"names": [], "rows": [], "more": 1},
        {"names": "db", "rows": []},
        {"names": [5], "rows": []},
        {"names": ["x" * 65], "rows": []},
        {"names": ["\x1b[2J"], "rows": []},
        {"names": ["db"], "rows": [_ROW] * 1001},
        {"names": ["db"], "rows": [_ROW[:8]]},
        {"names": ["db"], "rows": [_ROW[:10]]},
        {"names": ["db"], "rows": [[*_ROW[:9], 1, 1.5]]},
        {"names": ["db"], "rows": [[*_ROW[:9], 0.5, 1.5]]},
        {"names": ["db"], "rows": [[*_ROW[:9], 0, "much"]]},
        {"names": ["db"], "rows": [[*_ROW[:9], *[0, 1.5] * 65]]},
        {"names": ["db"], "rows": [[5, 9, *_ROW[2:]]]},
        {"names": ["db"], "rows": [[5, 0, 201, 0, -1.0, *_ROW[5:]]]},
        {"names": ["db"], "rows": [[5, 0, 201, 0, True, *_ROW[5:]]]},
    ],
)
def test_kept_replies_that_nobody_can_have_kept_are_refused(part: object) -> None:
    """And a sound one is taken."""
    kept = KeptReplies()
    with pytest.raises(MessageRefused):
        kept.add(part)
    kept.add({"names": ["db"], "rows": [_ROW]})
    assert [row.server_ms for row in kept.rows] == [{"db": 1.5}]


def test_more_kept_replies_than_a_worker_keeps_are_refused() -> None:
    """However many messages they come in."""
    kept = KeptReplies()
    for _ in range(24):
        kept.add({"names": ["db"], "rows": [_ROW] * 1000})
    with pytest.raises(MessageRefused, match="more than"):
        kept.add({"names": ["db"], "rows": [_ROW]})


@given(JSON)
def test_whatever_is_sent_as_kept_replies_is_taken_or_refused(part: object) -> None:
    """Nothing else is raised."""
    for value in (part, {"names": part, "rows": part}, {"names": ["a"], "rows": [part]}):
        try:
            KeptReplies().add(value)
        except MessageRefused:
            continue
