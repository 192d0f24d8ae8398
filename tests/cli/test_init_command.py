"""``createflow init`` writes a profile that loads."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from createflow.cli import openapi_source
from createflow.cli.app import app
from createflow.scenarios.drafting.draft import draft_profile
from createflow.scenarios.openapi.create_operation import CreateOperation
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import ApiKeyAuth
from tests.scenarios.malformed_server import malformed_server, reply


def run(*arguments: str) -> None:
    """The command in this process."""
    ended = CliRunner().invoke(app, ["init", *arguments], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output


def test_it_writes_a_profile_that_loads_and_never_writes_over_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder where it is called, under the name that run looks for."""
    monkeypatch.chdir(tmp_path)
    run()
    assert profile_file.find(tmp_path) == tmp_path / "createflow.toml"
    assert profile_file.load(tmp_path / "createflow.toml").target.path == "/api/resources"
    with pytest.raises(UserError, match=r"createflow\.toml already exists"):
        run()


def test_every_commented_key_is_one(tmp_path: Path) -> None:
    """With the marks taken away it still loads: no example in it is wrong."""
    lines = []
    for line in draft_profile().splitlines():
        bare = line.removeprefix("# ")
        is_key = bare.startswith("[") or (" = " in bare and bare.split(" = ")[0].replace("_", "").isalnum())
        known_already = bare.startswith(("kind", "writer_env", "schema_file", "ca_file"))
        lines.append(bare if is_key and not known_already else line)
    file = tmp_path / "all.toml"
    file.write_text("\n".join(lines))
    profile = profile_file.load(file, {"DB_PASSWORD": "x"})
    assert profile.limits is not None
    assert profile.target.envelope.request == "/item"
    assert profile.baseline


def test_an_openapi_document_fills_it(tmp_path: Path) -> None:
    """With its schema beside it."""
    document = {
        "openapi": "3.1.0",
        "servers": [{"url": "http://127.0.0.1:1"}],
        "paths": {
            "/items": {
                "post": {
                    "requestBody": {
                        "content": {"application/json": {"schema": {"properties": {"title": {"type": "string"}}}}}
                    },
                    "responses": {"201": {"description": "made"}},
                }
            }
        },
    }
    source = tmp_path / "openapi.json"
    source.write_text(json.dumps(document))
    output = tmp_path / "mine.toml"
    run("--openapi", str(source), "--output", str(output), "--base-url", "http://127.0.0.1:1/")
    target = profile_file.load(output).target
    assert (target.base_url, target.path, target.fields.name) == ("http://127.0.0.1:1", "/items", "title")
    assert target.schema_file == str(tmp_path / "createflow.create.schema.json")


@pytest.mark.parametrize(
    ("scheme", "kind"),
    [
        (None, "none"),
        ({"type": "http", "scheme": "bearer"}, "static"),
        ({"type": "http", "scheme": "basic"}, "basic"),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "api_key"),
        ({"type": "apiKey", "in": "cookie", "name": "c"}, "api_key"),
        ({"type": "apiKey", "in": "query", "name": "key"}, "api_key"),
        ({"type": "apiKey", "in": "query", "name": "a key"}, "none"),
        ({"type": "apiKey", "in": "elsewhere", "name": "c"}, "none"),
        ({"type": "mutualTLS"}, "none"),
        (
            {"type": "oauth2", "flows": {"password": {"tokenUrl": "https://login.example.com/token"}}},
            "oauth2_password",
        ),
        ({"type": "oauth2", "flows": {"password": {"tokenUrl": "https://elsewhere.example.com/token"}}}, "static"),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://login.example.com/token"}}},
            "oauth2_client_credentials",
        ),
        ({"type": "oauth2", "flows": {"authorizationCode": {}}}, "static"),
        ({"type": "openIdConnect"}, "static"),
    ],
)
def test_a_security_scheme_becomes_auth(tmp_path: Path, scheme: dict[str, Any] | None, kind: str) -> None:
    """What a profile cannot say is left to the reader."""
    assert _loaded(tmp_path, CreateOperation("/a", "", "application/json", None, scheme, ())).auth.kind == kind


def test_a_key_is_where_the_document_says(tmp_path: Path) -> None:
    """With its name."""
    scheme = {"type": "apiKey", "in": "query", "name": "key"}
    auth = _loaded(tmp_path, CreateOperation("/a", "", "application/json", None, scheme, ())).auth
    assert isinstance(auth, ApiKeyAuth)
    assert (auth.key_in, auth.name) == ("query", "key")


@pytest.mark.parametrize("names", [["tls", "key"], ["key", "tls"]])
def test_a_certificate_goes_with_another_credential(tmp_path: Path, names: list[str]) -> None:
    """In whatever order; where its files go is said."""
    schemes = {"tls": {"type": "mutualTLS"}, "key": {"type": "apiKey", "in": "cookie", "name": "c"}}
    source = tmp_path / "openapi.json"
    security = [{name: [] for name in names}]
    source.write_text(_document_with(security=security, components={"securitySchemes": schemes}))
    run("--openapi", str(source), "--output", str(tmp_path / "p.toml"))
    text = (tmp_path / "p.toml").read_text()
    assert profile_file.load(tmp_path / "p.toml", {}).auth.kind == "api_key"
    assert "# [target.client_certificate]" in text
    assert "another credential" not in text


def test_odd_names_make_no_odd_profile(tmp_path: Path) -> None:
    """The profile is valid TOML with the same text, whatever the document holds."""
    operation = CreateOperation(
        '/a"b/{user-id}\n', "http://127.0.0.1:1", 'x/"json', None, None, ('/c\n[auth]\nkind = "x"',)
    )
    target = _loaded(tmp_path, operation).target
    assert (target.path, target.media_type) == ("/a%22b/{user_id}%0A", 'x/"json')


def _loaded(folder: Path, operation: CreateOperation) -> Profile:
    file = folder / "createflow.toml"
    file.write_text(draft_profile(operation, base_url="http://127.0.0.1:1", may_send_to=["https://login.example.com"]))
    return profile_file.load(file)


def _document_with(**parts: Any) -> str:
    schemes = {"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://127.0.0.2:2/token"}}}}
    document = {
        "openapi": "3.1.0",
        "servers": [{"url": "http://127.0.0.2:1/v1"}],
        "security": [{"o": []}],
        "components": {"securitySchemes": schemes},
        "paths": {"/items": {"post": {"responses": {"201": {}}}}},
    }
    return json.dumps({**document, **parts})


def _asked(monkeypatch: pytest.MonkeyPatch, answers: list[bool]) -> list[str]:
    """Somebody is on the terminal and gives these answers; what was asked."""
    asked: list[str] = []
    monkeypatch.setattr(openapi_source, "is_on_terminal", lambda: True)
    monkeypatch.setattr(openapi_source, "is_confirmed", lambda question: asked.append(question) or answers.pop(0))
    return asked


def test_the_servers_of_a_document_decide_nothing(tmp_path: Path) -> None:
    """Where nobody can be asked, neither the server nor the token endpoint is taken; both are said."""
    source = tmp_path / "openapi.json"
    source.write_text(_document_with())
    ended = CliRunner().invoke(app, ["init", "--openapi", str(source), "--output", str(tmp_path / "p.toml")])
    profile = profile_file.load(tmp_path / "p.toml", {})
    assert (profile.target.base_url, profile.target.path) == ("http://127.0.0.1:8080", "/v1/items")
    assert profile.auth.kind == "static"
    assert "the document names the server http://127.0.0.2:1: it was not taken" in ended.stderr
    text = (tmp_path / "p.toml").read_text()
    assert "# The document names the server http://127.0.0.2:1." in text
    assert '# token_url = "http://127.0.0.2:2/token"' in text


@pytest.mark.parametrize("answer", [True, False])
def test_the_user_can_confirm_what_a_document_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, answer: bool
) -> None:
    """The server and the token endpoint, each for itself."""
    source = tmp_path / "openapi.json"
    source.write_text(_document_with())
    asked = _asked(monkeypatch, [answer, answer])
    run("--openapi", str(source), "--output", str(tmp_path / "p.toml"))
    profile = profile_file.load(tmp_path / "p.toml", {})
    assert profile.target.base_url == ("http://127.0.0.2:1" if answer else "http://127.0.0.1:8080")
    assert profile.auth.kind == ("oauth2_client_credentials" if answer else "static")
    assert ["http://127.0.0.2:1" in asked[0], "http://127.0.0.2:2" in asked[1]] == [True, True]


def test_a_downloaded_document_describes_the_server_it_came_from(tmp_path: Path) -> None:
    """Whatever server it names; what it refers to elsewhere is told and not fetched."""
    schema = {"properties": {"name": {"type": "string"}, "other": {"$ref": "http://127.0.0.2:3/other.json"}}}
    post = {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {"201": {}}}
    answer = reply("200 OK", _document_with(paths={"/items": {"post": post}}).encode())

    async def fetch() -> tuple[str, Any]:
        async with malformed_server(lambda _: answer) as url:
            arguments = ["init", "--openapi", f"{url}/openapi.json", "--output", str(tmp_path / "p.toml")]
            return url, await asyncio.to_thread(CliRunner().invoke, app, arguments, catch_exceptions=False)

    url, ended = asyncio.run(fetch())
    assert profile_file.load(tmp_path / "p.toml", {}).target.base_url == url
    assert "refers to http://127.0.0.2:3/other.json, which was not read" in ended.stderr


@pytest.mark.parametrize("way", ["--token-env", "--bearer-file"])
def test_a_document_behind_a_credential_is_downloaded_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The profile names the variable, and holds no token."""
    monkeypatch.setenv("TOKEN", "the-token")
    (tmp_path / "token").write_text("the-token\n")
    post = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}, "responses": {"201": {}}}
    whole = _document_with(paths={"/items": {"post": post}}).encode()

    def answer(request: bytes) -> bytes:
        return reply("200 OK", whole) if b"Bearer the-token" in request else reply("401 Unauthorized", b"")

    async def fetch(*options: str) -> Any:
        async with malformed_server(answer) as url:
            arguments = ["init", "--openapi", f"{url}/openapi.json", "--output", str(tmp_path / "p.toml"), *options]
            return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    assert asyncio.run(fetch()).exit_code != 0
    is_file = way == "--bearer-file"
    variable = "CREATEFLOW_TOKEN" if is_file else "TOKEN"
    ended = asyncio.run(fetch(way, str(tmp_path / "token") if is_file else "TOKEN"))
    assert ended.exit_code == 0, ended.output
    text = (tmp_path / "p.toml").read_text()
    assert f'writer_env = "{variable}"' in text
    assert "the-token" not in text + ended.output
    assert profile_file.load(tmp_path / "p.toml", {variable: "the-token"}).auth.kind == "static"


def test_the_authority_goes_into_the_profile(tmp_path: Path) -> None:
    """A run needs it as the download did."""
    (tmp_path / "ca.pem").write_text("")
    post = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}, "responses": {"201": {}}}
    (tmp_path / "openapi.json").write_text(_document_with(paths={"/items": {"post": post}}), encoding="utf-8")
    files = {"--openapi": "openapi.json", "--ca": "ca.pem", "--output": "p.toml"}
    run(*(part for option, name in files.items() for part in (option, str(tmp_path / name))))
    assert profile_file.load(tmp_path / "p.toml", {}).target.ca_file == str(tmp_path / "ca.pem")


@pytest.mark.parametrize("address", ["ftp://x", "http://u:p@x", "http://x/path", "x", "http://a:99999"])
def test_a_base_url_that_is_no_origin_is_refused(tmp_path: Path, address: str) -> None:
    """Nothing is written."""
    with pytest.raises(UserError, match="--base-url"):
        run("--base-url", address, "--output", str(tmp_path / "p.toml"))
    assert not (tmp_path / "p.toml").exists()


def _create(**schema: Any) -> str:
    content = {
        "application/json": {"schema": {"type": "object", "properties": {"title": {"type": "string"}, **schema}}}
    }
    parameters = [{"in": "header", "name": "X-Plan", "required": True, "example": "${HOME}"}]
    post = {"requestBody": {"content": content}, "parameters": parameters, "responses": {"201": {}}}
    return _document_with(paths={"/items": {"post": post}}, security=[])


def test_an_update_keeps_what_people_wrote(tmp_path: Path) -> None:
    """What the document says otherwise is told; files beside the profile are replaced, and their old ones stay."""
    source, output = tmp_path / "openapi.json", tmp_path / "createflow.toml"
    source.write_text(_create())
    run("--openapi", str(source), "--output", str(output), "--base-url", "http://127.0.0.1:1")
    text = output.read_text().replace('name = "title"', 'name = "label"   # ours')
    output.write_text(text.replace("[auth]\n", "[auth]   # none needed\n"))
    source.write_text(_create(size={"type": "integer"}))
    ended = CliRunner().invoke(app, ["init", "--openapi", str(source), "--output", str(output), "--update"])
    assert ended.exit_code == 0, ended.output
    assert "target.fields.name: kept; the description says 'title'" in ended.stderr
    assert 'name = "label"   # ours' in output.read_text()
    assert "[auth]   # none needed" in output.read_text()
    schemas = [tmp_path / f"createflow.create.schema.json{end}" for end in ("", ".old")]
    assert ["size" in file.read_text() for file in schemas] == [True, False]
    assert profile_file.load(output).target.base_url == "http://127.0.0.1:1"


def test_an_update_needs_a_profile_and_a_document(tmp_path: Path) -> None:
    """Each is told."""
    (tmp_path / "openapi.json").write_text(_create())
    with pytest.raises(UserError, match="no such file"):
        run("--update", "--openapi", str(tmp_path / "openapi.json"), "--output", str(tmp_path / "none.toml"))
    with pytest.raises(UserError, match="--update needs"):
        run("--update", "--output", str(tmp_path / "none.toml"))


def test_a_document_has_nothing_of_the_environment_sent(tmp_path: Path) -> None:
    """``${NAME}`` of a document stays text, whatever value it is: a profile would fill it in."""
    source, output = tmp_path / "openapi.json", tmp_path / "createflow.toml"
    source.write_text(_create())
    run("--openapi", str(source), "--output", str(output))
    assert profile_file.load(output, {"HOME": "secret"}).target.headers == {"X-Plan": "$(HOME)"}


def test_every_list_says_how_many_more_there_are(tmp_path: Path) -> None:
    """Other creates, and values that are needed."""
    post = json.loads(_create())["paths"]["/items"]["post"]
    post["parameters"] = [{"in": "header", "name": f"X-{n}", "required": True} for n in range(15)]
    source, output = tmp_path / "openapi.json", tmp_path / "createflow.toml"
    source.write_text(_document_with(paths={f"/items{n}": {"post": post} for n in range(15)}, security=[]))
    run("--openapi", str(source), "--output", str(output))
    assert [line for line in output.read_text().splitlines() if "more" in line][:2] == ["# and 4 more", "# and 5 more"]
