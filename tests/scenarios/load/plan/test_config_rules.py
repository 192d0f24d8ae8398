"""What a master says is looked into before a worker believes it."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.plan.config_rules import (
    MAX_CONFIG_BYTES,
    credentials_of,
    decode_config,
    node_config,
    start_time,
)
from createflow.scenarios.load.plan.messages import MessageRefused, encode
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import make_plan
from createflow.schemas.profile import Profile

SHAPES: dict[str, dict[str, Any]] = {
    "constant": {"rate_per_s": 50.0},
    "closed": {"shape": "closed:4"},
    "mix": {"rate_per_s": 50.0, "mix": "create=8,read=1,update=1"},
    "clean-up": {"rate_per_s": 50.0, "clean_up": True, "master": ("127.0.0.1", 0), "poisson": True},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def config(**options: Any) -> dict[str, Any]:
    """A configuration as it is sent."""
    target = {"base_url": "http://target.test:8000", "cleanup": True, "update": True, "path": "/api/r%C3%A9"}
    profile = Profile.model_validate({"target": target})
    plan = make_plan(profile, LoadOptions(**({"duration_s": 3.0} | (options or SHAPES["constant"]))))
    (made,) = plan.node_configs((("authorization", "Bearer t"),), {"run_id": plan.run_id}, (("/api/r/1?x=%20", 0),))
    document: dict[str, Any] = json.loads(encode(made.to_document()))
    return document


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_a_configuration_of_ours_is_believed(options: dict[str, Any]) -> None:
    """Every field comes through."""
    document = config(**options)
    assert json.loads(encode(node_config(decode_config(json.dumps(document))).to_document())) == document


def form(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Something else in the form of creates."""
    return lambda document: {"forms": {"create": {**document["forms"]["create"], **changes}}}


HOSTILE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "an unknown field": lambda _: {"command": "rm"},
    "no form": lambda _: {"forms": {}},
    "another operation": lambda _: {"forms": {"delete": {}}},
    "a form without its fields": lambda _: {"forms": {"create": {}}},
    "a placeholder that asks for a gigabyte": form(bodies=["%1000000000d"]),
    "a placeholder in the path": form(path="/%0999999999d"),
    "a placeholder for an object": form(bodies=["%(x)s"]),
    "a second line in a header": form(headers=[["x", "a\r\nHost: other"]]),
    "a second line in the path": form(path="/ HTTP/1.1\r\nHost: other"),
    "a method that is none": form(method="GET / HTTP/1.1\r\n"),
    "a second line in a credential": lambda _: {"credentials": [["authorization", "a\nb"]]},
    "a file that never ends": lambda _: {"ca_file": "/dev/zero"},
    "a file name with a null": lambda _: {"ca_file": "a\0b"},
    "userinfo": lambda _: {"base_url": "http://a:b@target.test"},
    "no URL": lambda _: {"base_url": "file:///etc/passwd"},
    "no stages": lambda _: {"stages": []},
    "too many stages": lambda _: {"stages": [[1.0, 1.0, 1.0]] * 2000},
    "a stage for ever": lambda _: {"stages": [[1e300, 1.0, 1.0]]},
    "a rate that is none": lambda _: {"stages": [[1.0, float("inf"), 1.0]]},
    "a negative rate": lambda _: {"stages": [[1.0, -1.0, 1.0]]},
    "too many requests": lambda _: {"stages": [[100_000.0, 90_000.0, 90_000.0]]},
    "a huge rate": lambda _: {"stages": [[1.0, 1e9, 1e9]]},
    "too many senders": lambda _: {"senders": 10**9},
    "no senders": lambda _: {"senders": 0},
    "text for a number": lambda _: {"senders": "9"},
    "no time": lambda _: {"timeout_s": float("nan")},
    "a long wait": lambda _: {"drain_s": 1e9},
    "an index beyond": lambda _: {"index": 1},
    "a huge seed": lambda _: {"seed": 10**400},
    "an unknown letter": lambda _: {"pattern": "x"},
    "a letter without a form": lambda _: {"pattern": "cr"},
    "a warm-up without an end": lambda _: {"warmup_s": 1e6},
    "no read path": lambda _: {"read_path": None},
    "known that are none": lambda _: {"known": [["/a", -1]]},
    "a clean-up that is none": lambda _: {"clean_up": 7},
    "an origin that is none": lambda _: {"location_origins": ["x"]},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_what_no_master_sends_is_refused(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Before anything is made of it."""
    document = config()
    with pytest.raises(MessageRefused):
        node_config({**document, **change(document)})


@given(st.sampled_from(sorted(config())), JSON)
@settings(max_examples=150, deadline=None)
def test_a_field_with_anything_in_it_is_refused_or_can_be_used(name: str, value: object) -> None:
    """Nothing else ends the worker."""
    try:
        made = node_config({**config(), name: value})
    except MessageRefused:
        return
    assert made.schedule.duration_s > 0


@pytest.mark.parametrize("name", sorted(config()))
def test_no_field_may_be_left_out_that_has_no_default(name: str) -> None:
    """It is refused, or the default holds."""
    document = config()
    del document[name]
    try:
        node_config(document)
    except MessageRefused as refusal:
        assert "configuration" in str(refusal)  # noqa: PT017 - some fields have a default


@pytest.mark.parametrize(
    "text",
    ["", "[", "7", "[]", "[" * 200_000, '{"a": NaN}', "x" * (MAX_CONFIG_BYTES + 1), "," * 2_000_001, "\ud800"],
    ids=["empty", "open", "number", "list", "deep", "NaN", "large", "parts", "surrogate"],
)
def test_a_text_that_is_no_command_is_refused(text: str) -> None:
    """Within its own length of memory."""
    with pytest.raises(MessageRefused):
        decode_config(text)


@pytest.mark.parametrize("value", [None, "x", float("inf"), float("nan"), 0, 1e12, True, [], sys.maxsize**9])
def test_a_start_that_never_comes_is_refused(value: object) -> None:
    """The worker would wait for it."""
    with pytest.raises(MessageRefused):
        start_time(value, 1.8e9)


def test_a_start_and_renewed_credentials_are_believed() -> None:
    """As a master of ours sends them."""
    assert start_time(1.8e9 + 1, 1.8e9) == 1.8e9 + 1
    assert credentials_of([["authorization", "Bearer t"]]) == (("authorization", "Bearer t"),)
    with pytest.raises(MessageRefused):
        credentials_of([["authorization", 7]])
