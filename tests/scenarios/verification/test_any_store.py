"""A load is verified in stores that a command reads and in a log file, as in those of the reference."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.load_finding import SinkVerdict
from createflow.schemas.profile import Profile
from tests.scenarios.verification.fakes import writes_of

pytestmark = pytest.mark.anyio
READ = """
import json, sys
prefix = sys.argv[2] if sys.argv[2:] else None
ids = sys.stdin.read().split() if prefix is None else []
for line in open(sys.argv[1]):
    order = json.loads(line)
    if order["key"] in ids or (prefix is not None and order["body"]["title"].startswith(prefix)):
        print(line, end="")
"""


def profile_of(folder: Path) -> Profile:
    """Everything is in two files."""
    command = [sys.executable, "-c", READ, str(folder / "orders")]
    mapped = {
        "kind": "command",
        "command": command,
        "id": "/key",
        "resource": "/body",
        "fields": {"name": "/body/title"},
    }
    primary = {**mapped, "marker": "/body/title", "run_command": [*command, "{prefix}"]}
    fields = {"actor": "/who", "action": "/what", "resource_id": "/order"}
    sinks = {
        "primary": primary,
        "search": mapped,
        "audit": {"kind": "log_file", "path": str(folder / "audit.log"), "fields": fields},
    }
    deadlines = {"audit_s": 0.3, "index_s": 0.3}
    target = {"base_url": "http://127.0.0.1:1"}
    return Profile.model_validate({"target": target, "sinks": sinks, "deadlines": deadlines})


def append(file: Path, *documents: dict[str, Any]) -> None:
    """One line each."""
    with file.open("a") as out:
        out.writelines(json.dumps(document) + "\n" for document in documents)


async def test_each_fate_of_a_write_is_told(tmp_path: Path) -> None:
    """Found, missing, altered, doubled, and there although it was refused."""
    orders, audit = tmp_path / "orders", tmp_path / "audit.log"
    orders.touch()
    writes = writes_of("aaaaar")

    def order(k: int, **changes: Any) -> dict[str, Any]:
        return {"key": f"o{k}", "body": {"title": f"load ab12 {k}", "price": k, **changes}}

    def entry(k: int, what: str = "order.created", who: str = "ann") -> dict[str, Any]:
        return {"who": who, "what": what, "order": f"o{k}"}

    append(audit, entry(0))  # of before the load
    profile = profile_of(tmp_path)
    sent = SentWrites(['{"name": "load ab12 918273645546", "price": 918273645546}'], profile.target, subjects=["ann"])
    async with Reconciliation(profile, Mask(), "ab12") as reconciliation:
        append(orders, order(0), order(1, price=7), order(2), order(2), order(4), order(5))
        append(audit, entry(0), entry(1), entry(2), entry(2), entry(2, "order.changed"), entry(4, who="bob"))
        told = await reconciliation.verify(writes, sent=sent)
    assert told is not None
    found = {one.sink: one for one in told.sinks}

    def counts(one: SinkVerdict) -> tuple[int, int, int, int]:
        return one.missing, one.altered, one.duplicated, one.phantom

    assert [one.error for one in told.sinks] == ["", "", ""]
    assert counts(found["primary"]) == (1, 1, 1, 1)
    assert counts(found["audit"]) == (0, 1, 1, 0)
    assert "has the actor 'bob' instead of ann" in str(found["audit"].examples)
    assert found["search"].error == ""
    assert told.verified == 1


async def test_a_log_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The other sinks are verified all the same."""
    (tmp_path / "orders").touch()
    (tmp_path / "audit.log").mkdir()
    profile = profile_of(tmp_path)
    append(tmp_path / "orders", {"key": "o0", "body": {"title": "load ab12 0"}})
    async with Reconciliation(profile, Mask(), "ab12") as reconciliation:
        told = await reconciliation.verify(writes_of("a"))
    assert told is not None
    errors = {one.sink: one.error for one in told.sinks}
    assert (errors["primary"], errors["search"]) == ("", "")
    assert "is no regular file; check sinks.audit.path" in errors["audit"]
