"""Whatever stands in the files that commands leave for each other: it is told, or it is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from createflow.cli.left_behind import describe_record
from createflow.scenarios.harness.guardian.records import take_left_records
from createflow.scenarios.harness.lease import Holder, Waiting, lease_of
from createflow.scenarios.harness.state_folder import private_folder
from createflow.schemas.error import TargetError

URL = "http://127.0.0.1:7"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
RECORD = {"run_id": "r", "command": "run", "pid": 1, "started_at": "now", "target": "http://t", "created": 1}
NAMES = st.sampled_from([*RECORD, "faults", "healed", "not_healed", "left_behind", "removed", "has_ended"])
RECORDS = st.dictionaries(NAMES, JSON, max_size=4).map(lambda some: json.dumps({**RECORD, **some}).encode())
HOLDERS = st.lists(JSON, min_size=5, max_size=5).map(lambda parts: json.dumps(parts).encode())
TRIES = settings(max_examples=60, deadline=None)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@TRIES
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | RECORDS)
@example(b"[" * 100_000)
@example(json.dumps({**RECORD, "faults": {"a": 1}}).encode())
@example(json.dumps({**RECORD, "faults": {"a": [1]}}).encode())
@example(json.dumps({**RECORD, "healed": [1]}).encode())
@example(json.dumps({**RECORD, "left_behind": [{}]}).encode())
@example(json.dumps({**RECORD, "not_healed": {"a": None}, "faults": {"a": ["x"]}}).encode())
def test_any_record_is_told_or_removed(content: bytes) -> None:
    """And no second time."""
    path = private_folder("runs") / "r-1.json"
    path.write_bytes(content)
    for record in take_left_records():
        assert all(isinstance(line, str) for line in describe_record(record))
    assert not path.exists()


@pytest.mark.anyio
async def test_any_name_of_a_holder_is_told_or_passed_over() -> None:
    """The lock decides who has the lease; the names are for the message."""
    holder = Holder.this_process("first", is_alone=True)
    async with lease_of(holder, Waiting(URL, wait_s=0, on_message=lambda _: None)):
        (name,) = private_folder("leases").glob("*.json")

        @TRIES
        @given(st.binary(max_size=100) | HOLDERS)
        @example(b"[" * 100_000)
        @example(json.dumps(["c", 10**30, "h", "s", True]).encode())
        @example(b'["c", 1e400, "h", "s", true]')
        @example(json.dumps(["c", -1, "h", "s", True]).encode())
        def look(content: bytes) -> None:
            name.write_bytes(content)
            with pytest.raises(TargetError, match="in use by"):
                _enter(URL)

        look()


def _enter(url: str) -> Any:
    """Ask for the lease once, without an event loop of its own: nothing is waited for."""
    second = Holder.this_process("second", is_alone=True)
    lease = lease_of(second, Waiting(url, wait_s=0, on_message=lambda _: None))
    lease.__aenter__().__await__().send(None)
