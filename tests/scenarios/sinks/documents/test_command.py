"""A store that a command reads: what it shows, how it fails, and its bounds."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.documents import command as module
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.scenarios.sinks.registry import audit_table, cache, primary_table, replica_tables, search_index
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import Sinks

pytestmark = pytest.mark.anyio
READ = """
import json, sys
store = json.load(open(sys.argv[1]))
wanted = sys.argv[3] if sys.argv[2:] else ""
ids = [line.strip() for line in sys.stdin] if not wanted else []
for document in store:
    if document["meta"]["key"] in ids or (wanted and document["title"].startswith(wanted)):
        print(json.dumps(document))
"""
STORE: list[dict[str, Any]] = [
    {"meta": {"key": "a", "by": "ann"}, "title": "load ab12 1", "price": 1, "verb": "order.created"},
    {"meta": {"key": "b", "by": "bob"}, "title": "load ab12 2", "price": 2, "verb": "order.created"},
    {"meta": {"key": "b", "by": "bob"}, "title": "load ab12 2", "price": 2, "verb": "order.renamed"},
]


def sinks(folder: Path, store: list[dict[str, Any]], **changes: Any) -> Sinks:
    """A profile in which the same command is every sink."""
    file = folder / "store.json"
    file.write_text(json.dumps(store))
    command = [sys.executable, "-c", READ, str(file)]
    section = {
        "kind": "command",
        "command": command,
        "id": "/meta/key",
        "marker": "/title",
        "fields": {"name": "/title"},
        **changes,
    }
    primary = {**section, "run_command": [*command, "by", "{prefix}"], "name_command": [*command, "by", "{name}"]}
    entries = {**section, "fields": {"actor": "/meta/by", "action": "/verb"}}
    raw = {"primary": primary, "audit": entries, "cache": section, "search": section}
    raw["replicas"] = [{"name": "copy", "command": command}]
    return Profile.model_validate({"target": {"base_url": "http://127.0.0.1:1"}, "sinks": raw}).sinks


async def test_each_role_shows_the_documents_of_a_resource(tmp_path: Path) -> None:
    """Found, missing, doubled; each with its fields in their places."""
    declared = sinks(tmp_path, STORE)
    primary, audit = primary_table(declared), audit_table(declared)
    assert primary is not None
    assert audit is not None
    assert [row["name"] for row in await primary.by_id("a")] == ["load ab12 1"]
    assert await primary.by_id("nowhere") == []
    assert len(await primary.by_id("b")) == 2
    assert [row["price"] for row in await primary.by_name("load ab12 1")] == [1]
    (copy,) = replica_tables(declared)
    assert len(await copy.by_id("a")) == 1
    assert [(row["actor"], row["action"]) for row in await audit.by_id("b")] == [
        ("bob", "order.created"),
        ("bob", "order.renamed"),
    ]
    assert declared.cache is not None
    assert declared.search is not None
    assert (await cache(declared.cache).value("a") or {})["price"] == 1
    index = search_index(declared.search)
    assert (await index.document("a") or {})["price"] == 1
    assert await index.with_ids(["a", "x"]) == ["a"]
    assert [found.id for found in await index.documents(["a", "x"], by_name=False)] == ["a"]


async def test_a_load_is_listed_and_looked_up(tmp_path: Path) -> None:
    """By the start of its names, and by many ids at once; of the audit trail only entries about creates."""
    declared = sinks(tmp_path, STORE)
    primary, audit = primary_table(declared), audit_table(declared)
    assert primary is not None
    assert audit is not None
    values = {"prefix": "load ab12 ", "since": datetime.now(UTC)}
    pages = [page async for page in primary.pages(None, values)]  # type: ignore[arg-type]
    rows = [row[:2] for page in pages for row in page.rows]
    assert rows == [("a", "load ab12 1"), ("b", "load ab12 2"), ("b", "load ab12 2")]
    pages = [page async for page in audit.pages_by_ids("ids", [["a", "b", "c"]])]
    assert [row[0] for page in pages for row in page.rows] == ["a", "b"]


async def test_what_cannot_be_said_is_not_declared(tmp_path: Path) -> None:
    """So the checks that need it are skipped."""
    declared = sinks(tmp_path, STORE)
    audit = audit_table(declared)
    assert audit is not None
    assert declared.cache is not None
    assert declared.search is not None
    for asking in (
        audit.by_actor("ann"),
        audit.by_name("x"),
        audit.by_creators([], datetime.now(UTC)),
        cache(declared.cache).keys_holding("x"),
        search_index(declared.search).found("name", "x"),
    ):
        with pytest.raises(NotDeclared):
            await asking


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "/meta/kee"}, "sinks.primary.id: the document has nothing at '/meta/kee'; the nearest is /meta/key"),
        ({"fields": {"name": "/titel"}}, "sinks.primary.fields.name: .* the nearest is /title"),
        ({"resource": "/order"}, "sinks.primary.resource: .*; it has /meta, /title"),
    ],
)
async def test_a_place_that_is_not_there_is_told_with_the_nearest(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    """The profile is wrong, and not the target."""
    primary = primary_table(sinks(tmp_path, STORE, **changes))
    assert primary is not None
    with pytest.raises(WrongMapping, match=words):
        await primary.by_id("a")


async def test_a_place_that_one_document_lacks_is_for_the_checks(tmp_path: Path) -> None:
    """It is the target that left it out, where another document has it."""
    primary = primary_table(sinks(tmp_path, [*STORE, {"meta": {"key": "c"}, "title": "x"}], fields={"price": "/price"}))
    assert primary is not None
    assert "price" in (await primary.by_id("a"))[0]
    assert "price" not in (await primary.by_id("c"))[0]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["./nowhere"], r"\./nowhere cannot be run: No such file or directory; check `command`"),
        (["sh", "-c", "echo no rights >&2; exit 7"], "sh ended with status 7: no rights"),
        (["sh", "-c", "sleep 60 & wait"], "sh did not end within 0.3 s; see `timeout_s`"),
    ],
)
async def test_a_command_that_fails_is_told_when_it_is_opened(command: list[str], words: str, tmp_path: Path) -> None:
    """With what it said, before the first check."""
    primary = primary_table(sinks(tmp_path, STORE, timeout_s=0.3).model_copy())
    section = sinks(tmp_path, STORE, command=command, timeout_s=0.3).cache
    assert primary is not None
    assert section is not None
    with pytest.raises(SinkFailed, match=words):
        await cache(section).open()


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("echo 'not json'", "line 1 of its command is no JSON: 'not json'"),
        ("head -c 3000 /dev/zero", "printed more than 2000 bytes"),
        ("head -c 300 /dev/zero | tr '\\0' 1", "line 1 of its command has more than 200 bytes"),
    ],
)
async def test_what_is_printed_is_bounded(
    printed: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In all, and in a line; and it is JSON."""
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 2_000)
    monkeypatch.setattr(module, "MAX_DOCUMENT_BYTES", 200)
    section = sinks(tmp_path, STORE, command=["sh", "-c", printed]).cache
    assert section is not None
    with pytest.raises(Inconclusive, match=words):
        await cache(section).value("a")
