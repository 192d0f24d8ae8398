"""Addresses in replies, documents, reports and histories are data: for each source and each command, nothing is sent.

Every pair of a source and a command is in ``PAIRS``, and tested, or in ``IMPOSSIBLE`` with its reason.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.cli.exit_code import ExitCode
from createflow.scenarios.benchmark.run import benchmark
from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.guardian.records import Record
from createflow.scenarios.harness.guardian.rescue import Stake, rescue
from createflow.scenarios.harness.state_folder import private_folder
from createflow.scenarios.load.capacity import max_rate
from createflow.scenarios.observers import OBSERVERS
from createflow.scenarios.reports.saved import read_load_report, to_json
from createflow.schemas import profile_file
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import Exchange, Finding, Outcome, ProfilePlace, RunReport
from tests.scenarios.benchmark.load_modes import MODES, options
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.misleading import ADDRESSES, TARGET_SOURCES, Misleading, misleading
from tests.scenarios.reports.conformance.made_report import report, result

CHECKS_OF_RUN = (
    "response.create_is_201",
    "response.location_is_ours",
    "response.location_answers_the_same",
    "response.values_come_back_as_sent",
    "index_update.create_is_found",
)
DOCUMENT_CHECK = "response.replies_fit_the_openapi_document"
SAVED_LOAD = Path(__file__).parent / "reports" / "saved_by_0_1_0" / "bench.json"
TOKEN = "a-token-that-must-not-leak"
STATIC = '[auth]\nkind = "static"\nwriter_env = "WRITER"\n'
SECTIONS = {
    "redirect of the token endpoint": (
        '[auth]\nkind = "oauth2_client_credentials"\ntoken_url = "{url}/token"\nwriter_env = "CLIENT"\n'
    ),
    "redirect of the search index": STATIC + '[sinks.search]\nurl = "{url}"\nindex = "things"\nname_keyword = "name"\n',
    "captured variable": STATIC + '[[setup]]\npath = "/tenants"\ncapture = {{tenant = "/name"}}\n',
}
KEYS = {
    "captured variable": 'path = "/{tenant}/resources"\n',
    "link in the body": 'self_link = "/self"\n',
    "$ref of a schema": 'schema_file = "schema.json"\n',
    "$ref of a document": 'openapi_file = "api.json"\n',
    "servers of a document": 'openapi_file = "api.json"\n',
    "token URL of a document": 'openapi_file = "api.json"\n',
}


class Attempt:
    """One command against one target, in a folder of its own: the current one."""

    def __init__(self, source: str, target: Misleading) -> None:
        self.source, self.target = source, target
        auth = SECTIONS.get(source, STATIC).format(url=target.url)
        deadlines = "[deadlines]\nrecovery_s = 0.2\nevent_s = 0.1\nindex_s = 0.1\n"
        head = f'[target]\nbase_url = "{target.url}"\ntimeout_s = 10\ncleanup = true\nupdate = true\n'
        Path("createflow.toml").write_text(head + KEYS.get(source, "") + auth + deadlines)
        Path("api.json").write_text(json.dumps(self.document()))
        Path("schema.json").write_text(json.dumps(self.schema()))

    @property
    def profile(self) -> Profile:
        """Of the target, with all that the source needs."""
        return profile_file.load(Path("createflow.toml"))

    def command(self, *arguments: str) -> tuple[int, str]:
        """A whole command in this process: its status, and what it says."""
        ended = CliRunner().invoke(app, list(arguments))
        match ended.exception:
            case None | SystemExit():
                return ended.exit_code, ended.output
            case UserError() | TargetError() as error:
                is_usage = isinstance(error, UserError)
                return ExitCode.USAGE if is_usage else ExitCode.UNREACHABLE, ended.output + str(error)
            case error:
                raise error

    def schema(self) -> dict[str, Any]:
        """Of a create, with references elsewhere."""
        names = {"name": {"type": "string"}}
        if not self.source.startswith("$ref"):
            return {"type": "object", "properties": names}
        references = {f"p{number}": {"$ref": self.target.address()} for number, _ in enumerate(ADDRESSES)}
        return {"$id": self.target.address(), "type": "object", "properties": {**names, **references}}

    def document(self) -> dict[str, Any]:
        """An OpenAPI document that leads elsewhere."""
        elsewhere = f"http://127.0.0.1:{self.target.elsewhere}"
        body = {"content": {"application/json": {"schema": self.schema()}}}
        path: dict[str, Any] = {"post": {"requestBody": body, "responses": {"201": {"description": "made", **body}}}}
        document: dict[str, Any] = {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {"/api/resources": path},
        }
        match self.source:
            case "servers of a document":
                document["servers"] = path["servers"] = [{"url": self.target.address()} for _ in ADDRESSES]
            case "$ref of a document":
                document["paths"]["/others"] = {"$ref": f"{elsewhere}/paths.json"}
                path["post"]["responses"]["400"] = {"$ref": f"{elsewhere}/replies.json"}
            case "token URL of a document":
                flow = {"tokenUrl": f"{elsewhere}/token", "refreshUrl": f"{elsewhere}/token", "scopes": {}}
                connect = {"type": "openIdConnect", "openIdConnectUrl": f"{elsewhere}/.well-known/openid-configuration"}
                oauth = {"type": "oauth2", "flows": {"clientCredentials": flow}}
                document["components"] = {"securitySchemes": {"o": oauth, "c": connect}}
                document["security"] = [{"o": []}, {"c": []}]
        return document

    def saved_report(self) -> RunReport:
        """A report that names strangers wherever a report can hold an address."""
        urls = [self.target.address() for _ in ADDRESSES]
        exchanges = tuple(
            Exchange(
                method="POST",
                url=url,
                request_headers={"host": "127.0.0.2", "authorization": "Bearer $TOKEN"},
                status=302,
                response_headers={"location": url, "link": f'<{url}>; rel="next"'},
                curl=f"curl -i -X POST {url}",
            )
            for url in urls
        )
        finding = Finding(
            promised="p", expected=urls[0], seen=urls[1], source=urls[2], exchanges=exchanges, curl="c", replay_id="1"
        )
        failed = tuple(
            result(check.rpartition(".")[2], Outcome.FAILED, step=Step(check.partition(".")[0]))
            for check in CHECKS_OF_RUN
        )
        made = report(
            *(one.model_copy(update={"finding": finding}) for one in failed),
            left_behind=tuple(urls),
            place=ProfilePlace(file="createflow.toml", lines={"target": 1}),
        )
        return made.model_copy(update={"target": urls[0], "profile": "createflow.toml"})


def run(attempt: Attempt) -> None:
    """Some checks that read, update and look into the index."""
    checks = [check for check in CHECKS if check.id in CHECKS_OF_RUN]
    asyncio.run(conformance(attempt.profile, checks, source="test", progress=QuietProgress()))


def clean_up(attempt: Attempt) -> None:
    """Deletes what one check has created."""
    checks = [check for check in CHECKS if check.id == "response.create_is_201"]
    made = asyncio.run(conformance(attempt.profile, checks, source="test", progress=QuietProgress()))
    assert made.created > 0
    assert set(attempt.target.deleted) == {f"r{number + 1}" for number in range(made.created)}


def rescue_of_a_killed_run(attempt: Attempt) -> None:
    """Its guardian was told of resources elsewhere, and of rows whose paths are none."""
    target = attempt.target
    who = {"subject": "writer", "token": TOKEN, "scheme": "Bearer", "header": "authorization"}
    urls = [target.address() for _ in ADDRESSES] + [f"{target.url}/api/resources/own"]
    told = {"who": who, "is_guessed": False, "kept_because": "", "variables": {}}
    stake = Stake(
        Record("r1", "run", 1, "now", urls[0]),
        {"target": {"base_url": target.url, "cleanup": True, "timeout_s": 10}},
        {url: {"url": url, "id": str(number), **told} for number, url in enumerate(urls)},
        writers=[who],
    )
    paths = [f"@127.0.0.1:{target.elsewhere}/x/1", f".localhost:{target.port}/x/1", f"0/x/1?{target.port}", *urls]
    stake.rows.add([[number, path, ""] for number, path in enumerate(paths)])
    asyncio.run(rescue(stake, lambda: None))
    assert "own" in target.deleted


def bench(mode: str) -> Callable[[Attempt], None]:
    """One mode of a load, which reads, updates and cleans up."""

    def load(attempt: Attempt) -> None:
        start, asked = MODES[mode]
        asyncio.run(start(attempt.profile, {"duration_s": 0.4, **asked}))

    return load


def verification(attempt: Attempt) -> None:
    """Reads back, and looks into the index."""
    asyncio.run(benchmark(attempt.profile, options(verify=True, duration_s=0.4)))


def init(attempt: Attempt) -> None:
    """Fills a profile from a document that leads elsewhere."""
    code, said = attempt.command("init", "--openapi", "api.json", "--output", "made.toml")
    assert code == ExitCode.OK, said


def init_from_address(attempt: Attempt) -> None:
    """Downloads the document; a redirect is not followed."""
    code, said = attempt.command("init", "--openapi", f"{attempt.target.url}/openapi.json", "--output", "made.toml")
    assert code in {ExitCode.OK, ExitCode.UNREACHABLE}, said


def run_with_documents(attempt: Attempt) -> None:
    """The profile names a document, and perhaps a schema that is refused."""
    checks = [check for check in (*CHECKS, *OBSERVERS) if check.id in {"response.create_is_201", DOCUMENT_CHECK}]
    with suppress(UserError):
        asyncio.run(conformance(attempt.profile, checks, source="test", progress=QuietProgress()))


def bench_with_schema(attempt: Attempt) -> None:
    """It is refused before anything is sent."""
    with suppress(UserError):
        asyncio.run(benchmark(attempt.profile, options(duration_s=0.3)))


def replay(attempt: Attempt) -> None:
    """Repeats the failures of a stranger's report at the target of the profile."""
    Path("saved.json").write_text(to_json(attempt.saved_report()))
    code, said = attempt.command("replay", "saved.json")
    assert code in {ExitCode.OK, ExitCode.FAILED, ExitCode.INCONCLUSIVE, ExitCode.UNREACHABLE}, said


def show_report(attempt: Attempt) -> None:
    """In every format."""
    Path("saved.json").write_text(to_json(attempt.saved_report()))
    formats = ("html", "markdown", "junit", "sarif", "text")
    code, said = attempt.command("report", "saved.json", *(f"--report={name}=out.{name}" for name in formats))
    assert code == ExitCode.OK, said


def with_baseline(attempt: Attempt) -> None:
    """Compares with a load that somebody else saved."""
    address = attempt.target.address()
    Path("base.json").write_text(
        json.dumps({**json.loads(SAVED_LOAD.read_text()), "target": address, "profile": f"--url {address}"})
    )
    made = asyncio.run(
        benchmark(attempt.profile, options(duration_s=0.4), baseline=read_load_report(Path("base.json")))
    )
    assert made.comparison is not None


def after_a_killed_run(command: str, *arguments: str) -> Callable[[Attempt], None]:
    """The next command, which tells of the run: what it left behind is at strangers."""

    def tell(attempt: Attempt) -> None:
        urls = [attempt.target.address() for _ in ADDRESSES]
        record = Record("r1", "run", 1, "2026-01-02T03:04:05Z", urls[0], created=len(urls), left_behind=urls)
        (private_folder("runs") / "r1-1.json").write_text(json.dumps(asdict(record)))
        Path("saved.json").write_text(to_json(attempt.saved_report()))
        _, said = attempt.command(command, *arguments)
        assert "still there: " in said

    return tell


COMMANDS = (
    "run",
    "clean-up",
    "clean-up of a killed run",
    *(f"bench: {mode}" for mode in MODES),
    "bench: verification",
    "init",
    "replay",
    "report",
)
DOCUMENT_SOURCES = ("servers of a document", "$ref of a document", "token URL of a document")
SCHEMA = "$ref of a schema"
SOURCES = (*TARGET_SOURCES, *DOCUMENT_SOURCES, SCHEMA, "saved report", "saved baseline", "saved history")
BENCH = tuple(command for command in COMMANDS if command.startswith("bench: ") and "verification" not in command)
INDEX = "redirect of the search index"

PAIRS: dict[tuple[str, str], Callable[[Attempt], None]] = {
    **{(source, "run"): run for source in TARGET_SOURCES},
    **{(source, "replay"): replay for source in TARGET_SOURCES},
    **{(source, "bench: verification"): verification for source in TARGET_SOURCES},
    **{
        (source, command): bench(command.removeprefix("bench: "))
        for source, command in product(TARGET_SOURCES, BENCH)
        if source != INDEX
    },
    **{
        (source, "clean-up"): clean_up
        for source in ("Location", "redirect of the rest", "other fields", "link in the body", "captured variable")
    },
    **{
        (source, "clean-up of a killed run"): rescue_of_a_killed_run
        for source in ("redirect of the rest", "saved history")
    },
    **{(source, "init"): init_from_address for source in ("redirect of the rest", "other fields")},
    **{(source, "init"): init for source in DOCUMENT_SOURCES},
    **{(source, "run"): run_with_documents for source in (*DOCUMENT_SOURCES, SCHEMA)},
    (SCHEMA, "bench: one process"): bench_with_schema,
    ("saved report", "replay"): replay,
    ("saved report", "report"): show_report,
    ("saved baseline", "bench: one process"): with_baseline,
    ("saved history", "run"): after_a_killed_run("run", "--only", "response.create_is_201"),
    ("saved history", "replay"): after_a_killed_run("replay", "saved.json"),
    ("saved history", "bench: one process"): after_a_killed_run("bench", "--rate", "20", "--duration", "1s"),
}
IMPOSSIBLE = (
    ("*", "report", "it reads a saved report and nothing else"),
    (INDEX, "bench: *", "only the verification of a load reads the index"),
    (INDEX, "clean-up*", "no clean-up reads the index"),
    ("redirect of a create", "clean-up*", "then nothing was created"),
    ("redirect of the token endpoint", "clean-up", "then nothing was created"),
    (
        "*",
        "clean-up of a killed run",
        "a guardian has the addresses and the credentials that it was told, and only deletes",
    ),
    ("*document", "clean-up", "no clean-up reads a document"),
    ("*document", "replay", "it reads documents as run does, by the same function"),
    ("*document", "bench: *", "no load reads a document"),
    (SCHEMA, "bench: *", "the command reads the schema, whatever the mode, before the load begins"),
    (SCHEMA, "clean-up", "nothing was created with a schema that is refused"),
    (SCHEMA, "replay", "it reads the schema as run does, by the same function"),
    (SCHEMA, "init", "a document has it: see $ref of a document"),
    ("saved baseline", "bench: *", "the command compares, whatever the mode, after the load has ended"),
    ("saved history", "bench: *", "the command tells it, whatever the mode, before the load begins"),
    ("saved report", "*", "only replay and report read a saved report of a run"),
    ("saved baseline", "*", "only bench reads a saved report of a load"),
    ("saved history", "*", "only run, replay and bench tell what killed runs left"),
    ("*", "init", "it creates nothing, and has no token and no index"),
)
"""Source and command, which may be patterns, of the pairs that cannot exist; the first that fits is the reason."""


def reason_against(source: str, command: str) -> str:
    """Why there is no such pair; empty when nothing says so."""
    fitting = (why for one, other, why in IMPOSSIBLE if _fits(source, one) and fnmatchcase(command, other))
    return next(fitting, "")


def _fits(source: str, pattern: str) -> bool:
    return source == pattern or fnmatchcase(source, pattern)


def test_every_pair_is_tested_or_impossible() -> None:
    """And nothing is called impossible in vain."""
    pairs = set(product(SOURCES, COMMANDS))
    assert set(PAIRS) <= pairs
    assert [pair for pair in pairs - set(PAIRS) if not reason_against(*pair)] == []
    used = {reason_against(*pair) for pair in pairs - set(PAIRS)}
    assert {why for *_, why in IMPOSSIBLE} == used


def test_a_stranger_notes_what_reaches_it() -> None:
    """The control: at either address, in clear text or not."""
    with misleading("Location") as target:
        for address in (("127.0.0.1", target.elsewhere), ("127.0.0.2", target.port), ("127.0.0.1", target.port)):
            with socket.create_connection(address, timeout=30) as client:
                client.sendall(b"\x16\x03\x01")
                client.shutdown(socket.SHUT_WR)
                client.settimeout(30)
                assert client.recv(1) == b""
        assert len(target.received) == 3


@pytest.mark.parametrize(
    ("source", "command"),
    [
        pytest.param(*pair, id=" x ".join(pair), marks=pytest.mark.thorough if pair[1].startswith("bench") else ())
        for pair in PAIRS
    ],
)
def test_nothing_is_sent(source: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to another port or host, nor in another scheme; the target is spoken to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("WRITER", TOKEN)
    monkeypatch.setenv("CLIENT", "client:secret-of-the-client")
    monkeypatch.setattr(max_rate, "_MIN_HOLD_S", 0.5)
    monkeypatch.setattr(max_rate, "_PRECISION_RATIO", 0.9)
    with misleading(source) as target:
        attempt = Attempt(source, target)
        # Without a token, or without a single create, neither a run nor a load goes on. The target accepts so many that
        # a search for the highest rate ends there, sooner or later.
        refused = source in {"redirect of the token endpoint", "redirect of a create"} or "search" in command
        with suppress(*((TargetError, UserError) if refused else ())):
            PAIRS[source, command](attempt)
    assert target.received == []
    assert target.misled > 0 or source not in TARGET_SOURCES
