"""What a document refers to in other files is read below its folder, and nowhere else unless somebody allows it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.openapi import several_files
from createflow.scenarios.openapi.create_operation import CreateOperation, find_create_operation
from createflow.scenarios.openapi.document import read_document
from createflow.schemas.error import UserError
from tests.scenarios.malformed_server import malformed_server, reply

NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}


def document(schema: Any) -> dict[str, Any]:
    """A document with one create of this schema."""
    content = {"application/json": {"schema": schema}}
    post = {"requestBody": {"content": content}, "responses": {"201": {"description": "made"}}}
    return {"openapi": "3.1.0", "paths": {"/things": {"post": post}}}


def found(folder: Path, schema: Any, *, allowed: Sequence[str] = ()) -> CreateOperation:
    """The create of a document in ``api``, beside which ``other`` is."""
    for name in ("api/inner", "other"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "thing.json").write_text(json.dumps({"Thing": NAMED, "again": {"$ref": "#/Thing"}}))
    (folder / "api" / "openapi.json").write_text(json.dumps(document(schema)))
    return find_create_operation(read_document(str(folder / "api" / "openapi.json"), allowed=allowed))


@pytest.mark.parametrize("reference", ["inner/thing.json#/Thing", "./inner/../inner/thing.json#/again"])
def test_files_below_the_folder_are_read(tmp_path: Path, reference: str) -> None:
    """However they are written; what they refer to is looked up in them."""
    operation = found(tmp_path, {"$ref": reference})
    assert operation.schema is not None
    assert "name" in operation.schema["properties"]
    assert operation.notes == ()


@pytest.mark.parametrize("reference", ["../other/thing.json#/Thing", "{}/other/thing.json#/Thing", "link.json#/Thing"])
def test_files_elsewhere_are_read_only_where_somebody_allows_it(tmp_path: Path, reference: str) -> None:
    """Not by a path that leads up, nor by the whole path, nor by a link; what was not read is told."""
    reference = reference.format(tmp_path)
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "link.json").symlink_to(tmp_path / "other" / "thing.json")
    closed = found(tmp_path, {"$ref": reference})
    assert closed.schema is None
    assert "--follow" in closed.notes[0]
    assert reference in closed.notes[0]
    assert found(tmp_path, {"$ref": reference}, allowed=[str(tmp_path / "other")]).schema is not None


@pytest.mark.parametrize(
    "reference", ["/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x.json", "a\x00b", "~/x"]
)
def test_no_other_file_and_no_host_is_asked(tmp_path: Path, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a document alone opens nothing."""
    read: list[str] = []
    monkeypatch.setattr("createflow.scenarios.openapi.document._downloaded", lambda url: read.append(url) or b"{}")
    assert found(tmp_path, {"$ref": reference}).notes
    assert read == []


def test_a_missing_or_broken_file_and_a_path_that_was_not_read_are_told(tmp_path: Path) -> None:
    """The rest of the document is used."""
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "broken.yaml").write_text("[")
    parts = {name: {"$ref": f"{name}.yaml"} for name in ("broken", "missing")}
    notes = found(tmp_path, {**NAMED, "properties": {**NAMED["properties"], **parts}}).notes
    assert ["neither JSON nor YAML" in "".join(notes), "no such file" in "".join(notes)] == [True, True]
    (tmp_path / "api" / "openapi.json").write_text(
        json.dumps({"openapi": "3.1.0", "paths": {"/a": {"$ref": "../a.json"}}})
    )
    with pytest.raises(UserError, match="no create") as told:
        find_create_operation(read_document(str(tmp_path / "api" / "openapi.json")))
    assert "not read: /a; ../a.json" in told.value.hint


def test_files_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in size; files that refer to each other in a circle are read once."""
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "a.json").write_text('{"b": {"$ref": "b.json#/a"}}')
    (tmp_path / "api" / "b.json").write_text('{"a": {"$ref": "a.json#/b"}}')
    assert found(tmp_path, {"$ref": "a.json#/b"}).schema is None
    monkeypatch.setattr(several_files, "_MOST_FILES", 1)
    with pytest.raises(UserError, match="more than 1 files"):
        found(tmp_path, {"$ref": "a.json#/b"})
    monkeypatch.setattr(several_files, "_MOST_FILES", 9)
    monkeypatch.setattr("createflow.scenarios.openapi.document.MAX_BYTES", 300)
    (tmp_path / "api" / "b.json").write_text(json.dumps({"a": "x" * 290}))
    with pytest.raises(UserError, match="too large together"):
        found(tmp_path, {"$ref": "a.json#/b"})


def test_files_of_a_url_are_read_below_it_on_the_same_origin() -> None:
    """A path that leads up is told, as another port is."""
    asked: list[str] = []
    parts = {
        "a": {"$ref": "inner/thing.json#/Thing"},
        "b": {"$ref": "../up.json"},
        "c": {"$ref": "//127.0.0.1:1/c.json"},
    }
    texts = {
        "/api/openapi.json": document({**NAMED, "properties": {**NAMED["properties"], **parts}}),
        "/api/inner/thing.json": {"Thing": NAMED},
    }

    def answer(request: bytes) -> Any:
        path = request.split(b" ")[1].decode()
        asked.append(path)
        return reply("200 OK", json.dumps(texts.get(path, {})).encode())

    async def run() -> CreateOperation:
        async with malformed_server(answer) as url:
            read = await asyncio.to_thread(read_document, f"{url}/api/openapi.json")
        return find_create_operation(read)

    operation = asyncio.run(run())
    assert asked == ["/api/openapi.json", "/api/inner/thing.json"]
    assert operation.schema is not None
    assert operation.schema["properties"]["a"] == NAMED
    assert len(operation.notes) == 2
