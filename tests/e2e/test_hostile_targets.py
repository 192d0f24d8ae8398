"""The whole commands against hostile targets and documents: the right status, and nothing for a stranger."""

import json
from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from tests.bounded_command import run_beside
from tests.scenarios.hostile_replies import HOSTILE, HostileServer
from tests.scenarios.stranger import stranger

pytestmark = pytest.mark.anyio
PROFILE = """\
[target]
base_url = "{url}"
timeout_s = 4.0
{more}
[auth]
kind = "static"
writer_env = "WRITER"
[deadlines]
recovery_s = 0.5
"""
LONGEST_S = 100.0
KINDS = (
    "a chunk size of -2",
    "a gigabyte as 1 MB of gzip",
    "two replies",
    "a Location with port 99999",
    "a Date with a zone of a million hours",
    "a status of four digits",
    "the end in the body",
    "busy for thirty years",
)


@pytest.fixture
def anyio_backend() -> str:
    """The servers are asyncio's."""
    return "asyncio"


async def command(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run createflow in the folder."""
    env = {"WRITER": "a-token-that-must-not-leak"}
    return await run_beside(*arguments, folder=folder, env=env, within_s=LONGEST_S)


def _profile(folder: Path, url: str, more: str = "") -> None:
    (folder / "createflow.toml").write_text(PROFILE.format(url=url, more=more), encoding="utf-8")


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("name", KINDS)
async def test_run_and_bench_end_in_order(name: str, tmp_path: Path) -> None:
    """``run`` fails by a finding; ``bench`` writes its report, whatever its verdict is."""
    async with HostileServer(HOSTILE[name]).serving() as url:
        _profile(tmp_path, url)
        only = [part for check in ("response", "https_request.date") for part in ("--only", check)]
        code, said = await command(tmp_path, "run", *only, "--report", "json=run.json")
        assert code == ExitCode.FAILED, said
        assert "Traceback" not in said
        results = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["results"]
        assert [result["id"] for result in results if result["outcome"] == "broken"] == []
        options = ("--rate", "20", "--duration", "1s", "--warmup", "0s", "--mix", "create=1,read=1", "--no-verify")
        code, said = await command(tmp_path, "bench", *options, "--report", "json=bench.json")
        assert code in {ExitCode.OK, ExitCode.FAILED, ExitCode.SLO_MISSED, ExitCode.INCONCLUSIVE}, said
        assert "Traceback" not in said
        assert json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["ledger"]["scheduled"] > 0


async def test_a_document_makes_init_and_run_speak_to_nobody(tmp_path: Path) -> None:
    """Its servers, its token endpoint and its references, in the document and in a schema."""
    async with stranger() as (port, received):
        elsewhere = f"http://127.0.0.1:{port}"
        flow = {"clientCredentials": {"tokenUrl": f"{elsewhere}/token", "scopes": {}}}
        body = {"content": {"application/json": {"schema": {"$ref": f"{elsewhere}/schema.json"}}}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "servers": [{"url": elsewhere}],
            "components": {"securitySchemes": {"o": {"type": "oauth2", "flows": flow}}},
            "security": [{"o": []}],
            "paths": {
                "/things": {"post": {"requestBody": body, "responses": {"201": {"description": "made"}}}},
                "/others": {"$ref": f"{elsewhere}/paths.json"},
            },
        }
        (tmp_path / "api.json").write_text(json.dumps(document), encoding="utf-8")
        _, said = await command(tmp_path, "init", "--openapi", "api.json")
        assert "Traceback" not in said
        schema = {"type": "object", "properties": {"name": {"$ref": f"{elsewhere}/name.json"}}, "required": ["name"]}
        (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
        _profile(tmp_path, "http://127.0.0.1:9", 'schema_file = "schema.json"')
        for arguments in (("run", "--only", "response"), ("bench", "--rate", "5", "--duration", "1s")):
            code, said = await command(tmp_path, *arguments)
            assert code in {ExitCode.USAGE, ExitCode.UNREACHABLE}, said
            assert "Traceback" not in said
    assert received == []


async def test_a_replay_sends_nothing_to_a_location_of_its_report(tmp_path: Path) -> None:
    """Neither the saved exchanges nor the new replies are addresses."""
    async with stranger() as (port, received), HostileServer(HOSTILE["a Location elsewhere"]).serving() as url:
        _profile(tmp_path, url)
        code, said = await command(tmp_path, "run", "--only", "response.location", "--report", "json=run.json")
        assert code == ExitCode.FAILED, said
        saved = (tmp_path / "run.json").read_text(encoding="utf-8")
        (tmp_path / "run.json").write_text(saved.replace("192.0.2.1", f"127.0.0.1:{port}"), encoding="utf-8")
        code, said = await command(tmp_path, "replay", "run.json")
        assert code == ExitCode.FAILED, said
    assert received == []
