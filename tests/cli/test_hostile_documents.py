"""``createflow init`` with documents that somebody made to hang it, to fill its memory, or to make it run or send."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from createflow.cli.exit_code import ExitCode
from tests.bounded_command import Bounded, run_bounded
from tests.scenarios.malformed_server import Habit, malformed_server, reply

HEAD = "openapi: 3.1.0\n"
MEGABYTE = 1024 * 1024


def _json(schema: Any, **parts: Any) -> str:
    content = {"application/json": {"schema": schema}}
    post = {"requestBody": {"content": content}, "responses": {"201": {}}}
    return json.dumps({"openapi": "3.1.0", "paths": {"/x": {"post": post}}, **parts})


def _laughs(levels: int, line: str) -> str:
    """Each level contains the one before it nine times."""
    return HEAD + "a0: &a0 {k: x}\n" + "".join(line.format(n, ", ".join([f"*a{n - 1}"] * 9)) for n in range(1, levels))


def _doubling(levels: int) -> dict[str, Any]:
    def pair(number: int) -> dict[str, Any]:
        return {f"p{number}{side}": {"$ref": f"#/components/schemas/S{number + 1}"} for side in "abcdefgh"}

    return {"schemas": {f"S{number}": {"type": "object", "properties": pair(number)} for number in range(levels)}}


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "aliases of aliases": (_laughs(12, "a{0}: &a{0} [{1}]\n"), "more than 2500000 parts"),
    "merge keys of merge keys": (_laughs(20, "a{0}: &a{0} {{<<: [{1}], k{0}: x}}\n"), "more than 2500000 parts"),
    "one long text, many times": (HEAD + f"a: &a {'x' * MEGABYTE}\nb: [{'*a, ' * 10_000}]", "characters"),
    "an alias of itself": (HEAD + "a: &a [*a]", "the alias *'a' has no value before it"),
    "an unknown alias": (HEAD + "a: *b", "the alias *'b' has no value before it"),
    "an object of Python": (HEAD + "a: !!python/object/apply:os.system ['touch ran']", "only plain values"),
    "a private tag": (HEAD + "a: !x y", "only plain values"),
    "TAG directives": ("".join(f"%TAG !a{n}! tag:x{n},2000:\n" for n in range(200_000)) + "---\n" + HEAD, "TAG"),
    "two documents": (HEAD + "---\n" + HEAD, "more than one document"),
    "a key that is a list": (HEAD + "? [a]\n: b", "a key that is not text"),
    "a key twice": (HEAD + "paths: {}\npaths: {}", "the key 'paths' stands twice"),
    "a key twice, JSON": ('{"openapi": "3.1.0", "openapi": "3.0.0"}', "the key 'openapi' stands twice"),
    "deep YAML": (HEAD + "a: " + "[" * 200_000, "more than 100 levels"),
    "deep blocks": (HEAD + "a:\n" + "- " * 200_000, "more than 100 levels"),
    "deep JSON": ('{"openapi": "3.1.0", "a": ' + "[" * 200_000 + "]" * 200_000 + "}", "more than 100 levels"),
    "deep, but not too deep for Python": ('{"openapi": "3.1.0", "a": ' + "[" * 150 + "]" * 150 + "}", "100 levels"),
    "many small objects": ('{"openapi": "3.1.0", "a": [' + "{}," * 6_000_000 + "{}]}", "more than 2500000 parts"),
    "many small values": (HEAD + "a: [" + "a," * 8_000_000 + "a]", "more than 2500000 parts"),
    "an enormous integer": ('{"openapi": "3.1.0", "a": ' + "9" * MEGABYTE + "}", "a number of 1048576 digits"),
    "an enormous integer, YAML": (HEAD + "a: 0x" + "f" * MEGABYTE, "digits"),
    "an enormous fraction": (HEAD + "a: 0." + "1" * MEGABYTE, "digits"),
    "a number beyond all doubles": ('{"openapi": "3.1.0", "a": 1e999}', "the number '1e999' is too large"),
    "not a number": ('{"openapi": "3.1.0", "a": NaN}', "NaN is not a number of JSON"),
    "not a number, YAML": (HEAD + "a: .inf", ".inf is not a number"),
    "half a surrogate": ('{"openapi": "3.1.0", "a": "\\ud800"}', "surrogate"),
    "UTF-16": (HEAD.encode("utf-16"), "not UTF-8 text"),
    "NUL": (HEAD + "a: \x00", "neither JSON nor YAML"),
    "NUL, JSON": ('{"openapi": "3.1.0"\x00}', "not JSON: line 1"),
    "not a mapping": ("[openapi, 3.1.0]", "not a Swagger 2.0 or OpenAPI 3.0, 3.1 or 3.2 document"),
    "only text": ("openapi", "not a Swagger 2.0 or OpenAPI 3.0, 3.1 or 3.2 document"),
    "nothing": ("", "not a Swagger 2.0 or OpenAPI 3.0, 3.1 or 3.2 document"),
    "51 MB": (HEAD + f"# {'x' * 51 * MEGABYTE}", "larger than 52428800 bytes"),
    "a path of a megabyte": (
        json.dumps({"openapi": "3.1.0", "paths": {f"/{'x' * MEGABYTE}": {"post": {"responses": {"201": {}}}}}}),
        "the path of the create has more than 2000 characters",
    ),
}

BORNE: dict[str, str] = {
    "references that double": _json({"$ref": "#/components/schemas/S0"}, components=_doubling(60)),
    "a reference to itself": _json({"$ref": "#/l/A"}, l={"A": {"$ref": "#/l/A"}}),
    "a circle of request bodies": json.dumps(
        {
            "openapi": "3.1.0",
            "paths": {"/x": {"post": {"requestBody": {"$ref": "#/b"}, "responses": {"201": {}}}}},
            "b": {"$ref": "#/c"},
            "c": {"$ref": "#/b"},
        }
    ),
    "a long chain": _json({"$ref": "#/s/S0"}, s={f"S{n}": {"$ref": f"#/s/S{n + 1}"} for n in range(10_000)}),
    "a reference of a megabyte, many times": (
        f"{HEAD}a: &a {{$ref: '#/{'/' * MEGABYTE}'}}\n"
        "paths: {/x: {post: {responses: {'201': {}}, requestBody: {content: {application/json: {schema: {properties: {"
        f"{', '.join(f'p{number}: *a' for number in range(10))}}}}}}}}}}}}}}}"
    ),
    "a reference into a list, with other digits": _json({"$ref": "#/l/\u00b2"}, l=[1]),
    "an allOf of many parts": _json({"allOf": [{"properties": {f"p{n}": {}}} for n in range(15_000)]}),
    "many security schemes": _json(
        {}, security=[{"k": []}] * 60_000, components={"securitySchemes": {"k": {"$ref": "#/security"}}}
    ),
    "many braces": json.dumps({"openapi": "3.1.0", "paths": {"/" + "{" * 1900: {"post": {"responses": {"201": {}}}}}}),
    "a byte order mark": "\ufeff" + _json({}),
    "enormous lengths": _json(
        {
            "required": ["a", "b"],
            "properties": {"a": {"type": "string", "minLength": 10**300}, "b": {"type": "array", "minItems": 10**18}},
        }
    ),
}


def test_there_are_many_kinds() -> None:
    """Of documents that are refused, and of those that are borne."""
    assert len(REFUSED) >= 30
    assert len(BORNE) >= 10


def _init(folder: Path, where: str) -> Bounded:
    return run_bounded("init", "--openapi", where, folder=folder)


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_document_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    """Status 2 in bounded time and memory, and no file is written."""
    text, reason = REFUSED[name]
    source = tmp_path / "document"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = _init(tmp_path, str(source))
    assert done.status == ExitCode.USAGE, done.errors
    assert reason in done.errors
    assert len(done.errors) < 1000
    assert [file.name for file in tmp_path.iterdir()] == ["document"]


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("name", BORNE)
def test_a_strange_document_becomes_a_profile_or_a_reason(tmp_path: Path, name: str) -> None:
    """In bounded time and memory."""
    source = tmp_path / "document"
    source.write_text(BORNE[name], encoding="utf-8")
    done = _init(tmp_path, str(source))
    assert done.status in {ExitCode.OK, ExitCode.USAGE}, done.errors
    if done.status == ExitCode.OK:
        checked = run_bounded("run", "--only", "validation", folder=tmp_path)
        assert checked.status in {ExitCode.USAGE, ExitCode.UNREACHABLE}, checked.errors


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device", "missing"])
def test_what_is_not_a_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    """Nothing waits for a writer, and nothing endless is read."""
    source = tmp_path / "document"
    match kind:
        case "pipe":
            os.mkfifo(source)
        case "device":
            source = Path("/dev/zero")
        case "folder":
            source.mkdir()
        case "link to a device":
            source.symlink_to("/dev/zero")
    done = _init(tmp_path, str(source))
    assert done.status == ExitCode.USAGE
    assert "it is" in done.errors or "no such file" in done.errors


def _from_server(folder: Path, habit: Habit, path: str = "/openapi.json") -> Bounded:
    async def fetch() -> Bounded:
        async with malformed_server(habit) as url:
            return await asyncio.to_thread(_init, folder, f"{url}{path}")

    return asyncio.run(fetch())


GOOD = _json({"properties": {"name": {"type": "string"}}}).encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply("302 Found", headers="location: http://127.0.0.1:1/\r\n"), "answered 302"),
        (reply("302 Found", headers="location: http:\\\\127.0.0.1\r\n"), "answered 302"),
        (reply("200 OK", GOOD, headers="content-encoding: gzip\r\n"), "compressed"),
        (reply("200 OK", GOOD, headers="content-encoding: gzip, gzip\r\n"), "compressed"),
        (reply("200 OK", headers="".join(f"x{n}: {'y' * 90}\r\n" for n in range(20_000))), "127.0.0.1"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\n", "127.0.0.1"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + b"\x00", "127.0.0.1"),
        (b"\x00" * 100_000, "127.0.0.1"),
    ],
    ids=[
        "redirect",
        "redirect to nowhere",
        "coding",
        "two codings",
        "headers",
        "chunk size",
        "interim replies",
        "no HTTP",
    ],
)
def test_a_hostile_server_of_a_document_is_told(tmp_path: Path, answer: bytes, reason: str) -> None:
    """As a target that does not answer, status 3."""
    done = _from_server(tmp_path, lambda _: answer)
    assert done.status == ExitCode.UNREACHABLE, done.errors
    assert reason in done.errors


def test_an_address_with_a_password_is_refused_and_not_shown(tmp_path: Path) -> None:
    """Nothing is sent."""
    done = _init(tmp_path, "http://user:hunter2@127.0.0.1:1/x")
    assert done.status == ExitCode.USAGE
    assert "hunter2" not in done.errors
