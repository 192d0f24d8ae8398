"""An audit trail in a log file: what is appended, through rotation and truncation."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.events import log_file
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import audit_table
from createflow.scenarios.sinks.sink import Row, Table
from createflow.schemas.profile import Profile

pytestmark = pytest.mark.anyio


def trail(path: Path, **changes: Any) -> Table:
    """The audit trail of a profile."""
    fields = {"actor": "/who/sub", "action": "/what", "resource_id": "/order"}
    section = {"kind": "log_file", "path": str(path), "fields": fields, **changes}
    raw = {"target": {"base_url": "http://127.0.0.1:1"}, "sinks": {"audit": section}}
    table = audit_table(Profile.model_validate(raw).sinks)
    assert table is not None
    return table


def write(path: Path, order: object, what: str = "order.created", who: str = "ann", end: str = "\n") -> None:
    """Append an entry."""
    with path.open("a") as file:
        file.write(json.dumps({"who": {"sub": who}, "what": what, "order": order}) + end)


async def found(table: Table, order: str, count: int = 1) -> list[Row]:
    """The entries about an order, once there are so many."""
    entries, _ = await eventually(lambda: table.by_id(order), lambda seen: len(seen) >= count, within_s=10)
    return entries


async def test_what_is_appended_is_found(tmp_path: Path) -> None:
    """Found, missing, doubled, late, changed; and nothing of before."""
    path = tmp_path / "audit.log"
    write(path, "before")
    table = trail(path)
    await table.open()
    try:
        write(path, "a")
        write(path, "b")
        write(path, "b", who="bob")
        assert await found(table, "a") == [
            {"who": {"sub": "ann"}, "what": "order.created", "order": "a", "resource_id": "a"}
            | {"actor": "ann", "action": "order.created"}
        ]
        assert [row["actor"] for row in await found(table, "b", 2)] == ["ann", "bob"]
        assert await table.by_id("before") == []
        assert await table.by_id("late") == []
        write(path, 17, "order.renamed")
        write(path, 17)
        assert len(await found(table, "17", 2)) == 2
        assert len(await table.by_actor("bob")) == 1
        pages = [page async for page in table.pages_by_ids("ids", [["a", "17", "x"]])]
        assert [row[0] for page in pages for row in page.rows] == ["a", "17"]
    finally:
        await table.close()


async def test_a_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    """Half of it is no entry, and no error."""
    path = tmp_path / "audit.log"
    table = trail(path)
    await table.open()
    try:
        write(path, "a")
        write(path, "b", end="")
        assert await found(table, "a")
        assert await table.by_id("b") == []
        with path.open("a") as file:
            file.write("\n")
        assert await found(table, "b")
    finally:
        await table.close()


async def test_a_file_that_is_renamed_and_made_anew_is_followed(tmp_path: Path) -> None:
    """What was written last to the old one counts as well."""
    path = tmp_path / "audit.log"
    write(path, "before")
    table = trail(path)
    await table.open()
    try:
        write(path, "a")
        path.rename(tmp_path / "audit.log.1")
        write(tmp_path / "audit.log.1", "b")  # by a process that has it open
        write(path, "c")
        assert [len(await found(table, order)) for order in "abc"] == [1, 1, 1]
    finally:
        await table.close()


async def test_a_file_that_is_truncated_is_read_from_its_beginning(tmp_path: Path) -> None:
    """As ``copytruncate`` does it."""
    path = tmp_path / "audit.log"
    for number in range(20):
        write(path, f"before-{number}")
    table = trail(path)
    await table.open()
    try:
        write(path, "a")
        assert await found(table, "a")
        os.truncate(path, 0)
        write(path, "b")
        assert await found(table, "b")
    finally:
        await table.close()


async def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """Its folder must be there."""
    table = trail(tmp_path / "audit.log")
    await table.open()
    write(tmp_path / "audit.log", "a")
    assert await found(table, "a")
    await table.close()
    with pytest.raises(SinkFailed, match=r"no folder .*/nowhere; check sinks\.audit\.path"):
        await trail(tmp_path / "nowhere" / "audit.log").open()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SinkFailed, match="is no regular file"):
        await trail(tmp_path / "pipe").open()


async def test_a_place_that_no_entry_has_is_told_with_the_nearest(tmp_path: Path) -> None:
    """The profile is wrong then."""
    path = tmp_path / "audit.log"
    table = trail(path, fields={"resource_id": "/ordre"})
    await table.open()
    write(path, "a")
    with pytest.raises(WrongMapping, match=r"sinks\.audit\.id: .* '/ordre'; the nearest is /order"):
        await found(table, "a")
    await table.close()


async def test_a_line_that_never_ends_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fill the memory."""
    monkeypatch.setattr(log_file, "MOST_EVENT_BYTES", 1000)
    path = tmp_path / "audit.log"
    table = trail(path)
    await table.open()
    path.write_text("x" * 2000)
    with pytest.raises(Inconclusive, match="a line of more than 1000 bytes"):
        await found(table, "a")
    await table.close()
