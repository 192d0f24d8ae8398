"""A recorded create is enough for a profile, and none of its secrets is in what is written or said."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.scenarios.drafting import har
from createflow.scenarios.drafting.curl import read_curl
from createflow.scenarios.drafting.har import read_har
from createflow.scenarios.drafting.recorded import Exchange, recorded_create
from createflow.scenarios.target.contract import Contract
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
BOOK = {"title": "A long walk", "isbn": "9783161484100", "pages": 12, "tags": ["a"], "shelf": {"row": 1}}


def exchange(method: str, path: str, body: Any, status: int, reply: Any, **headers: str) -> dict[str, Any]:
    """An entry of a recording."""
    sent = {"Content-Type": "application/json", "User-Agent": "x", "Sec-Fetch-Mode": "cors", **headers}
    answered = {"Location": f"{path}/7"} if status == 201 else {}
    return {
        "request": {
            "method": method,
            "url": f"https://api.example.com{path}",
            "headers": [{"name": name, "value": value} for name, value in sent.items()],
            "postData": {"mimeType": "application/json", "text": json.dumps(body)} if body is not None else {},
        },
        "response": {
            "status": status,
            "headers": [{"name": name, "value": value} for name, value in answered.items()],
            "content": {"text": json.dumps(reply)},
        },
    }


def written(folder: Path, *arguments: str, stdin: str = "") -> tuple[Profile, str, str]:
    """The profile that init writes, its files as text, and what it says."""
    output = folder / "createflow.toml"
    ended = CliRunner().invoke(app, ["init", "--output", str(output), *arguments], input=stdin, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    text = "".join(file.read_text() for file in sorted(folder.glob("createflow*")))
    names = dict.fromkeys((f"CREATEFLOW_{name}" for name in ("BODY_PASSWORD", "HEADER_X_CSRF_TOKEN")), "filled")
    return profile_file.load(output, names), text, ended.output


def recording(folder: Path, *entries: Any) -> str:
    """A file with these entries."""
    file = folder / "recorded.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return str(file)


def test_a_recording_becomes_a_profile(tmp_path: Path) -> None:
    """Of several creates the one whose reply shows a new resource; its reply says where the fields are."""
    reply = {"data": {**BOOK, "id": 7, "created_at": "2024-01-01T00:00:00Z"}}
    file = recording(
        tmp_path,
        exchange("POST", "/login", {"user": "u", "password": "hunter22"}, 200, {"id": "1", "token": "t0psecret"}),
        exchange("POST", "/events", {"name": "page seen"}, 204, None),
        exchange("POST", "/v1/books", BOOK, 201, reply, Authorization=f"Bearer {TOKEN}", **{"X-Tenant": "acme"}),
        exchange("GET", "/v1/books/7", None, 200, reply),
    )
    profile, text, said = written(tmp_path, "--from-har", file)
    target = profile.target
    assert (target.base_url, target.path, target.fields.name) == ("https://api.example.com", "/v1/books", "title")
    assert (target.envelope.reply, target.fields.id, target.fields.created_at) == ("/data", "id", "created_at")
    assert target.headers == {"X-Tenant": "acme"}
    assert (profile.auth.kind, target.schema_file) == ("static", None)
    body = Contract(target).document()
    assert body.keys() == BOOK.keys()
    assert {**body, "title": ""} == {**BOOK, "title": ""}
    assert not [one for one in (TOKEN, "hunter22", "t0psecret") if one in text + said]
    assert "export CREATEFLOW_TOKEN" in said
    assert "# Another create: POST /events" in text


SECRETS = ("s3cret-of-user", TOKEN, "s3cret-key", "s3cret-cookie", "s3cret-csrf", "s3cret-word")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["-u", f"me:{SECRETS[0]}"], "basic"),
        (["-H", f"Authorization: Bearer {TOKEN}"], "static"),
        (["--oauth2-bearer", TOKEN], "static"),
        (["-H", f"Authorization: Token {SECRETS[2]}"], "static"),
        (["-H", f"X-Api-Key: {SECRETS[2]}"], "api_key"),
        (["-H", f"x-custom: {TOKEN}"], "none"),
        (["-b", f"session={SECRETS[3]}; theme=dark"], "api_key"),
        (["-H", f"Cookie: sid={SECRETS[3]}", "-H", f"X-CSRF-Token: {SECRETS[4]}"], "api_key"),
        ([], "none"),
    ],
)
def test_no_credential_is_written(tmp_path: Path, words: list[str], kind: str) -> None:
    """Wherever it was; the variable for it is said."""
    body = json.dumps({"title": "A long walk", "password": SECRETS[5]})
    command = shlex.join(["curl", "-sS", *words, f"https://api.example.com/books?lang=en&sig={SECRETS[2]}", "-d", body])
    output = tmp_path / "createflow.toml"
    ended = CliRunner().invoke(app, ["init", "--output", str(output), "--from-curl", command], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    text = output.read_text()
    assert not [one for one in SECRETS if one in text + ended.output]
    document = profile_file.read(output).document
    kinds = {kind, "api_key"} if kind == "none" else {kind}
    assert document["auth"]["kind"] in kinds
    assert document["target"]["path"] == "/books?lang=en"
    assert document["target"]["body"] == {"title": "A long walk", "password": "${CREATEFLOW_BODY_PASSWORD}"}
    assert "export CREATEFLOW_BODY_PASSWORD" in ended.output


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("curl https://a.example/x -d '{\"n\":1}'", ("POST", '{"n":1}')),
        ("curl -XPUT https://a.example/x/1 --json '{\"n\":1}'", ("PUT", '{"n":1}')),
        (
            "$ curl \\\n  --request POST \\\n  --url https://a.example/x \\\n  --data-raw '{\"n\": 1}'",
            ("POST", '{"n": 1}'),
        ),
        ("curl.exe ^\r\n https://a.example/x --compressed -d @", None),
        (r"""curl 'https://a.example/x' --data-raw $'{"n":"it\'s \u00e9\n"}'""", ("POST", '{"n":"it\'s é\n"}')),
        ("curl https://a.example/x -o out -m 3 -kL --data-raw @n", ("POST", "@n")),
        ("wget https://a.example/x", None),
        ("curl https://a.example/x -F file=@x", None),
        ("curl -d x", None),
        ("curl 'https://a.example/x", None),
        ("curl ftp://a.example/x", None),
        ("curl https://[::1", None),
        ("curl https://a.example/x --unheard-of", None),
        ("", None),
    ],
)
def test_curl_commands_as_people_paste_them(command: str, found: tuple[str, str] | None) -> None:
    """Quotes of shells, lines that go on, options with values; what is no request is told."""
    if found is None:
        with pytest.raises(UserError, match="--from-curl"):
            read_curl(command)
        return
    read = read_curl(command)
    assert (read.method, read.body) == found


def test_a_command_from_standard_input_and_a_put(tmp_path: Path) -> None:
    """So that it is in no history. A PUT gets a new id each time; a list has one element."""
    command = 'curl -X PUT https://a.example/v1/shelves/3/books/8 -d \'[{"title": "A long walk"}]\''
    profile, _, said = written(tmp_path, "--from-curl", "-", stdin=command)
    assert (profile.target.method, profile.target.path) == ("PUT", "/v1/shelves/3/books/{new_id}")
    assert profile.target.envelope.request == "/-"
    assert "no reply was recorded" in said


def test_a_body_without_a_text_is_sent_as_it_is(tmp_path: Path) -> None:
    """With its secrets left out, which is said."""
    file = recording(tmp_path, exchange("POST", "/pins", {"code": "A1", "pin": "987654"}, 201, {"id": 1}))
    profile, text, said = written(tmp_path, "--from-har", file)
    assert Contract(profile.target).raw is not None
    assert "987654" not in text + said
    assert "pin of the body is a secret" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no log.entries"),
        ('{"log": {"entries": 7}}', "no log.entries"),
        ('{"log": {"entries": [7, {}, {"request": {"url": "http://[", "method": 3}}]}}', "recorded: nothing"),
        ('{"log": {"entries": ' + "[" * 500 + "]" * 500 + "}}", "levels"),
        ('{"log": {"entries": [' + "{}," * 30_000 + "{}]}}", "more than 20000 exchanges"),
    ],
)
def test_a_hostile_recording_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Within bounds of size and depth."""
    file = tmp_path / "recorded.har"
    file.write_text(text)
    with pytest.raises(UserError) as told:
        recorded_create(read_har(file))
    assert words in f"{told.value.message} {told.value.hint}"


def test_bodies_of_any_depth_and_size_are_borne(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that is too deep is none; a file that is too large is refused."""
    deep = Exchange("POST", "http://a.example/x", body="[" * 400 + "]" * 400)
    near = Exchange("POST", "http://a.example/y", body='{"a":' * 90 + "1" + "}" * 90)
    assert recorded_create([deep, near]).operation.path == "/y"
    monkeypatch.setattr(har, "MAX_BYTES", 10)
    (tmp_path / "a.har").write_text("x" * 11)
    with pytest.raises(UserError, match="larger than 10 bytes"):
        read_har(tmp_path / "a.har")
    assert sys.getrecursionlimit() >= 1000


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from-curl", "curl a", "--openapi", "x"],
        ["--from-curl", "curl a", "--path", "/x"],
        ["--update"],
        ["--path", "/x"],
    ],
)
def test_options_that_do_not_fit_together_are_refused(arguments: list[str]) -> None:
    """With the one that is needed."""
    with pytest.raises(UserError, match=r"needs|two targets"):
        CliRunner().invoke(app, ["init", *arguments], catch_exceptions=False)
