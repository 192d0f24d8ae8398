"""``createflow doctor`` on the real stack: what it sees, what it plans, and what it leaves."""

from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from tests.bounded_command import run_bounded
from tests.up_stack import UpCommand

pytestmark = pytest.mark.stack
SINKS = ("primary", "replicas", "audit", "events", "cache", "search")


def test_everything_is_looked_at_and_planned(stack: UpCommand, tmp_path: Path) -> None:
    """Each principal and each sink has the create; floods and faults are named with the way to leave them out."""
    done = run_bounded("doctor", "--profile", str(stack.profile_file), folder=tmp_path)
    assert done.status == ExitCode.OK, done.errors
    told = done.errors.splitlines()
    for what in ("create", "read", "other_writer", "reader", *(f"sinks.{name}" for name in SINKS)):
        assert any(line.split()[0] == what for line in told), (what, told)
    assert not any(line.startswith("?") for line in told)
    for words in ("runs", "--skip rate_limit", "[faults]", "skipped:", "target.cleanup = true"):
        assert words in done.output


@pytest.mark.many(one_in=4)
@pytest.mark.parametrize(
    ("line", "written", "told"),
    [
        ("issuer", '"https://other.example"', ("the writer's credential is not taken", "auth.key_file")),
        ("path", '"/api/resourcez"', ("there is no such path", "target.path")),
        ("ca_file", None, ("CERTIFICATE_VERIFY_FAILED", "target.ca_file")),
        ("by_id", '"select 1 from nowhere where %(id)s is null"', ("sinks.primary cannot be asked", "[sinks.primary]")),
    ],
)
def test_one_mistake_has_one_cause(
    stack: UpCommand, tmp_path: Path, line: str, written: str | None, told: tuple[str, str]
) -> None:
    """And the key that mends it."""
    lines = stack.profile_file.read_text(encoding="utf-8").splitlines()
    number = next(number for number, text in enumerate(lines) if text.startswith(f"{line} = "))
    lines[number : number + 1] = [] if written is None else [f"{line} = {written}"]
    profile = stack.profile_file.with_name(f"{tmp_path.name}.toml")
    profile.write_text("\n".join(lines), encoding="utf-8")
    done = run_bounded("run", "--allow-commands", "--profile", str(profile), folder=tmp_path)
    assert done.status == ExitCode.UNREACHABLE
    (message,) = [text for text in done.errors.splitlines() if text.startswith("createflow: ")]
    (hint,) = [text for text in done.errors.splitlines() if text.startswith("  hint: ")]
    assert told[0] in message
    assert told[1] in hint
