"""``createflow bench``: options in, one run, a table and an exit status out."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from createflow.cli import bench_command
from createflow.cli.bench_command import exit_code
from createflow.cli.exit_code import ExitCode
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.load_report import LoadReport
from tests.cli.test_bench_view import load_report
from tests.scenarios.load.conftest import Stub, start_stub
from tests.up_stack import UpCommand

__all__ = ["start_stub"]

StartStub = Callable[[str], Stub]


def _app() -> typer.Typer:
    app = typer.Typer()
    app.command("bench")(bench_command.bench)
    app.callback()(lambda: None)
    return app


def _bench(*arguments: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(_app(), ["bench", *arguments], env={"COLUMNS": "80", "TERM": "dumb"})
    return result.exit_code, result.output, result.exception


def test_a_fast_target_holds_and_the_report_is_saved(start_stub: StartStub, tmp_path: Path) -> None:
    """Exit 0, the verdict on the terminal, and JSON that is read again."""
    file = tmp_path / "bench.json"
    code, output, _ = _bench(
        "--url", f"{start_stub('fast').url}/api/things", "--rate", "100", "--duration", "1s", "--warmup", "500ms",
        "--report", f"json={file}",
    )  # fmt: skip
    assert code == 0, output
    assert "HELD: no objective was given: judged by errors and verification only (errors<0.1%)" in output
    assert "measuring" in output, "a log shows how it goes on"
    report = LoadReport.model_validate_json(file.read_text(encoding="utf-8"))
    assert report.ledger.completed == 100
    assert report.target.endswith("/api/things")
    assert "gevent" not in sys.modules


def test_the_other_formats_are_saved_too(
    start_stub: StartStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics are served meanwhile, and GitHub gets a summary when it runs there."""
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    forms = ("csv", "junit", "markdown", "hgrm")
    code, output, _ = _bench(
        "--url", start_stub("fast").url, "--rate", "50", "--duration", "1s", "--warmup", "0s", "--prometheus", "0",
        *(part for form in forms for part in ("--report", f"{form}={tmp_path / form}")),
    )  # fmt: skip
    assert code == 0, output
    assert "metrics: http://127.0.0.1:" in output
    assert all((tmp_path / form).stat().st_size for form in forms)
    assert "HELD: no objective was given" in summary.read_text().splitlines()[0]


def test_a_target_that_refuses_misses(start_stub: StartStub) -> None:
    """Exit 5: measured, and not good enough."""
    code, output, _ = _bench("--url", start_stub("refuse:2").url, "--rate", "50", "--duration", "1s", "--warmup", "0s")
    assert code == ExitCode.SLO_MISSED, output
    assert "MISSED: 1 of 1 target" in output


def test_an_unreachable_target_is_a_target_error() -> None:
    """The root turns it into exit 3."""
    _, _, error = _bench("--url", "http://127.0.0.1:9", "--duration", "1s")
    assert isinstance(error, TargetError)


@pytest.mark.parametrize(
    "arguments",
    [("--duration", "20"), ("--duration", "soon"), ("--rate", "0"), ("--rate", "many"), ("--workers", "0"), ("--huh",)],
)
def test_wrong_options_are_usage_errors(arguments: tuple[str, ...]) -> None:
    """Exit 2 before anything starts."""
    code, output, _ = _bench("--url", "http://127.0.0.1:9", *arguments)
    assert code == ExitCode.USAGE, output


@pytest.mark.parametrize("report", ["xml=file", "json", "json=", "json=/nowhere/at/all.json"])
def test_a_report_that_cannot_be_written_is_an_error_before_the_run(report: str) -> None:
    """Not after twenty seconds of load."""
    _, _, error = _bench("--url", "http://127.0.0.1:9", "--report", report)
    assert isinstance(error, UserError)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ExitCode.OK),
        ({"slos": [{"target": "p99_ms <= 100", "seen": 120.0, "held": False}]}, ExitCode.SLO_MISSED),
        (
            {"validity": "invalid", "slos": [{"target": "p99_ms <= 100", "seen": 120.0, "held": False}]},
            ExitCode.INCONCLUSIVE,
        ),
        ({"interrupted": True, "validity": "invalid"}, ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_status_never_blames_the_target_for_the_generator(changes: dict[str, object], code: ExitCode) -> None:
    """An unbelievable miss is inconclusive; an interrupted run is neither good nor bad."""
    assert exit_code(LoadReport.model_validate(load_report().model_dump() | changes)) is code


def test_ctrl_c_drains_and_reports(start_stub: StartStub, tmp_path: Path) -> None:
    """Exit 130 with the partial report written and a balanced ledger."""
    file = tmp_path / "bench.json"
    script = "import typer; from createflow.cli.bench_command import bench; a = typer.Typer(); a.command()(bench); a()"
    arguments = ["--url", start_stub("fast").url, "--rate", "50", "--warmup", "0s", "--report", f"json={file}"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any("measuring" in line for line in process.stderr)
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED, output
    assert "INTERRUPTED" in output
    ledger = json.loads(file.read_text(encoding="utf-8"))["ledger"]
    assert ledger.pop("scheduled") == sum(ledger.values())


def test_the_real_stack_takes_writes_of_a_hundred_users_over_verified_tls(stack: UpCommand, tmp_path: Path) -> None:
    """Tokens minted with the profile's key, its authority trusted and no other."""
    file = tmp_path / "bench.json"
    code, output, _ = _bench(
        "--profile", str(stack.profile_file), "--rate", "20", "--duration", "2s", "--warmup", "1s",
        "--report", f"json={file}",
    )  # fmt: skip
    assert code in {ExitCode.OK, ExitCode.SLO_MISSED}, output
    report = LoadReport.model_validate_json(file.read_text(encoding="utf-8"))
    assert (report.ledger.completed, report.errors, report.principals) == (40, {}, 100)
    assert report.statuses == {"201": 40}, "no token refused, no body, no limit"


def test_a_certificate_of_an_unknown_authority_is_an_error_with_the_key_to_set(
    stack: UpCommand, tmp_path: Path
) -> None:
    """Never an insecure fallback."""
    _, _, error = _bench("--url", stack.profile.target.base_url)
    assert isinstance(error, TargetError)
    assert "ca_file" in error.hint


@pytest.mark.parametrize(
    "asked",
    ["services", "services=", "=1", "services=0,1", "services=1,1", "services=1,x", "services=1,²", "services=1,-2",
     f"services={','.join(map(str, range(1, 18)))}"],
)  # fmt: skip
def test_numbers_of_instances_that_cannot_be_are_refused(asked: str) -> None:
    """Before anything is opened."""
    _, _, error = _bench("--url", "http://127.0.0.1:9/x", "--scale", asked)
    assert isinstance(error, UserError)
    assert error.message.startswith(f"--scale {asked}: ")


def test_instances_need_a_command_of_the_profile(start_stub: StartStub, tmp_path: Path) -> None:
    """It is named, with what the profile has, before the first load."""
    profile = tmp_path / "createflow.toml"
    profile.write_text(f'[target]\nbase_url = "{start_stub("fast").url}"\npath = "/x"\n')
    _, output, error = _bench("--profile", str(profile), "--scale", "services=1,2")
    assert isinstance(error, UserError)
    assert error.message == "--scale services: the profile has no command for it in [scale] (it has: none)"
    assert "warm-up" not in output


def test_a_command_that_sets_instances_needs_consent(start_stub: StartStub, tmp_path: Path) -> None:
    """With --scale only: no other load runs it."""
    profile = tmp_path / "createflow.toml"
    target = f'[target]\nbase_url = "{start_stub("fast").url}"\npath = "/x"\n'
    profile.write_text(f'{target}[scale.services]\ncommand = ["touch", "{tmp_path}/ran", "{{count}}"]\n')
    _, _, error = _bench("--profile", str(profile), "--scale", "services=1,2")
    assert isinstance(error, UserError)
    assert "scale.services.command" in error.message
    assert not (tmp_path / "ran").exists()
    code, _, _ = _bench("--profile", str(profile), "--rate", "50", "--duration", "1s", "--warmup", "0s")
    assert code != 2
