"""A profile of a stranger, or a file that it names, takes bounded time and memory, and it is said what is wrong."""

import json
import os
import re
from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from tests.bounded_command import run_bounded

TARGET = '[target]\nbase_url = "http://127.0.0.1:1"\n'
ESCAPE = "\\u001b[2J"

PROFILES: dict[str, tuple[str | bytes, str]] = {
    "a dotted key": ("a." * 100_000 + "a = 1", "too many dots"),
    "many dotted keys": ("\n".join("a." * 900 + f"b{number} = 1" for number in range(140)), "too many dots"),
    "a deep header": (f"[{'a.' * 100}a]", "more than 40 levels"),
    "open lists": ("a = " + "[" * 200_000, "more than 40 levels"),
    "digits": (f"{TARGET}timeout_s = {'1' * 5000}", "too long or too large"),
    "hexadecimal digits": (f"{TARGET}body = {{a = 0x{'f' * 200_000}}}", "too long or too large"),
    "a megabyte": (TARGET + "#" * 1024 * 1024, "larger than 262144 bytes"),
    "unknown keys": ("\n".join(f"k{number} = 1" for number in range(20_000)), "and 9"),
    "a long key": (f"{'k' * 200_000} = 1", "unknown key"),
    "a key with commands to the terminal": (f'"{ESCAPE}" = 1', "unknown key"),
    "many unknown variables": (TARGET + f'path = "/{"${NOT_THERE}" * 15_000}"', "NOT_THERE is not set"),
    "UTF-16": (TARGET.encode("utf-16"), "not UTF-8 text"),
    "NUL": (TARGET + "\x00", "not TOML"),
    "half a surrogate": (TARGET + 'path = "/\\ud800"', "not TOML"),
    "infinity": (TARGET + "timeout_s = inf", "less than or equal to 3600"),
    "not a number": (TARGET + "timeout_s = nan", "timeout_s"),
    "an infinite rate": (TARGET + "[limits]\nrate_per_s = inf\nburst = 1", "rate_per_s"),
    "a huge burst": (TARGET + "[limits]\nrate_per_s = 1\nburst = 1_000_000_000", "burst"),
    "a huge body": (TARGET + "max_body_bytes = 1_000_000_000_000", "max_body_bytes"),
    "a body with infinity": (TARGET + "body = {a = inf}", "not a JSON value"),
    "many names of a status": (TARGET + f"[target.errors.statuses]\nvalidation = [{'4,' * 50_000}]", "validation"),
    "a schema that is a device": (TARGET + 'schema_file = "/dev/zero"', "no such file"),
    "a schema that is a folder": (TARGET + 'schema_file = "/"', "no such file"),
    "a body of somebody's file": (TARGET + 'body_file = "/etc/passwd"', "outside the profile's folder"),
    "a body beyond a link": (TARGET + 'body_file = "link"', "outside the profile's folder"),
    "a huge key": (TARGET + '[auth]\nkind = "jwt"\nkey_file = "huge"', "larger than 16777216 bytes"),
    "a huge certificate": (TARGET + 'ca_file = "huge"', "larger than 16777216 bytes"),
    "a target of the load": (TARGET + f'[slo]\ntargets = ["p{"9" * 100_000} < 1 ms"]', "slo"),
}


def test_there_are_many_kinds() -> None:
    """Of profiles."""
    assert len(PROFILES) >= 20


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("name", PROFILES)
def test_a_hostile_profile_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    """Status 2 in bounded time and memory; the message is short and holds no command to the terminal."""
    text, reason = PROFILES[name]
    (tmp_path / "link").symlink_to("/etc/passwd")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 30)
    (tmp_path / "p.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run_bounded("run", "--profile", "p.toml", folder=tmp_path)
    assert done.status == ExitCode.USAGE, done.errors
    assert reason in re.sub(r"\s+", " ", done.errors)
    assert len(done.errors) < 10_000
    assert "\x1b[2J" not in done.errors


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device"])
def test_what_is_not_a_regular_file_is_no_profile(tmp_path: Path, kind: str) -> None:
    """Nothing waits for a writer, and nothing endless is read."""
    profile = tmp_path / "p.toml"
    match kind:
        case "pipe":
            os.mkfifo(profile)
        case "device":
            profile = Path("/dev/zero")
        case "folder":
            profile.mkdir()
        case _:
            profile.symlink_to("/dev/zero")
    for command in ("run", "bench"):
        done = run_bounded(command, "--profile", str(profile), folder=tmp_path)
        assert done.status == ExitCode.USAGE, done.errors
        assert "it is" in done.errors


SCHEMAS: dict[str, str] = {
    "a circle": json.dumps({"properties": {"a": {"$ref": "#/properties/a"}}}),
    "a pattern": json.dumps({"properties": {"name": {"type": "string", "pattern": "^(a|a)*$"}}}),
    "a pattern that is compiled slowly": json.dumps({"properties": {"a": {"pattern": "(?i)" + "[\0-\uffff]" * 2000}}}),
    "many types": json.dumps({"properties": {"a": {"type": [*range(50_000), "a"]}}}),
    "deep": '{"properties": {"a": ' + '{"not": ' * 90 + "{}" + "}" * 92,
    "deeper": '{"properties": ' * 50_000,
    "digits": '{"properties": {"a": {"minLength": ' + "1" * 10_000 + "}}}",
    "a long text": json.dumps(
        {"required": ["a"], "properties": {"a": {"type": "string", "minLength": 10**300}}},
    ),
}


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_hostile_schema_is_refused_or_does_no_harm(tmp_path: Path, name: str) -> None:
    """Nobody answers at the target, so a schema that can be used leads to status 3."""
    (tmp_path / "schema.json").write_text(SCHEMAS[name])
    (tmp_path / "p.toml").write_text(TARGET + 'schema_file = "schema.json"')
    done = run_bounded("run", "--profile", "p.toml", "--only", "validation", folder=tmp_path)
    assert done.status in {ExitCode.USAGE, ExitCode.UNREACHABLE}, done.errors
    assert done.errors
    assert len(done.errors) < 2000


@pytest.mark.parametrize("pattern", ["^(a|a)*$", r"(a*)*\1b"])
def test_a_pattern_that_backtracks_ends_in_time(tmp_path: Path, pattern: str) -> None:
    """The example does not fit, whatever engine looks, and no other body is found: nothing is sent."""
    schema = {
        "required": ["name", "other"],
        "properties": {
            "other": {"type": "string", "pattern": pattern, "not": {"maxLength": 50}},
            "name": {"type": "string"},
        },
        "examples": [{"name": "a", "other": f"{'a' * 60}!"}],
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    (tmp_path / "p.toml").write_text(TARGET + 'schema_file = "schema.json"')
    done = run_bounded("run", "--profile", "p.toml", folder=tmp_path)
    assert done.status == ExitCode.USAGE, done.output
    assert "schema.json: " in done.errors
    assert "hint: add" in done.errors
