"""What the copies of each write must show."""

import json
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.load.node.request_builder import RequestBuilder
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import make_plan
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Profile

DOCUMENTS = (
    {"name": "x", "description": "100 % of %d and %s", "metadata": {"arrival": "kept", "list": [1, {"a": None}]}},
    {"name": "x", "description": 'quotes " and \\ and \u00e9', "metadata": {}},
)


def profile_with(**target: Any) -> Profile:
    """A target without sinks."""
    return Profile.model_validate({"target": {"base_url": "http://stub.test", **target}})


@pytest.mark.parametrize("place", ["", "/data/attributes"])
@pytest.mark.parametrize("has_documents", [False, True])
def test_the_states_are_what_the_load_processes_send(
    place: str,
    has_documents: bool,  # noqa: FBT001 - a parameter
    tmp_path: Path,
) -> None:
    """The same bytes, parsed, for every arrival: from the schema and from documents, in an envelope and without."""
    file = tmp_path / "documents.jsonl"
    file.write_text("\n".join(map(json.dumps, DOCUMENTS)), encoding="utf-8")
    profile = profile_with(envelope={"request": place})
    plan = make_plan(profile, LoadOptions(rate_per_s=10, duration_s=1, data=file if has_documents else None))
    (config,) = plan.node_configs((), {})
    builder = RequestBuilder(config)
    sent = SentWrites(plan.bodies, profile.target)
    for k in (0, 1, 2, 10, 123_456_789):
        request = builder.build(Arrival(k, 0.0, Operation.CREATE))
        assert request is not None
        document = json.loads(request.partition(b"\r\n\r\n")[2])
        for name in filter(None, place.split("/")):
            document = document[name]
        assert json.dumps(sent.state(k), sort_keys=True) == json.dumps(document, sort_keys=True)
        assert sent.state(k)["name"] == f"load {plan.run_id} {k}"


def test_the_creator_is_the_principal_of_the_arrival() -> None:
    """In turns, as the load processes use them; nothing is said where it is not known."""
    body = ['{"name":"load ab12 %d"}']
    sent = SentWrites(body, profile_with().target, subjects=["a", "", "c"])
    assert [sent.state(k).get("created_by") for k in range(4)] == ["a", None, "c", "a"]
    assert [sent.actor(k) for k in range(4)] == ["a", None, "c", "a"]
    hidden = SentWrites(body, profile_with(fields={"created_by": "/meta/owner"}).target, subjects=["a"])
    assert hidden.state(0) == {"name": "load ab12 0"}
    assert hidden.actor(0) == "a"
