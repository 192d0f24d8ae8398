"""The services of ``examples/`` keep what their profiles declare, and each of their broken forms is caught."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.examples.services import Postgres, Service, served

SERVICES = ("fastapi", "django", "express")
RUN_LIMIT_S = 300.0
ALWAYS = {
    "fastapi": {"double_insert", "reply_before_commit"},
    "django": {"check_then_insert", "creator_from_body"},
    "express": {"truncation"},
}
"""The broken forms of every test run, one of a kind. `make thorough` tries all."""


def of(name: str, defect: str = "") -> Any:
    """The tests of a service share a process, and so its installation."""
    marks: list[pytest.MarkDecorator] = [pytest.mark.xdist_group(name)]
    if defect and defect not in ALWAYS[name]:
        marks.append(pytest.mark.thorough)
    if name == "express":
        marks.append(pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js and npm are not installed"))
    return pytest.param(name, *filter(None, [defect]), id="-".join(filter(None, [name, defect])), marks=marks)


def run(service: Service, folder: Path, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """``createflow run`` with the service's profile: the exit status, and what failed by id."""
    report = folder / "run.json"
    command = [
        sys.executable,
        "-m",
        "createflow",
        "run",
        "--profile",
        str(service.profile),
        "--report",
        f"json={report}",
    ]
    environment = {**os.environ, **service.environment}
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
    )
    assert report.exists(), done.stderr
    results = json.loads(report.read_text())["results"]
    told = {one["id"]: one for one in results if one["outcome"] not in {"passed", "skipped"}}
    return done.returncode, told


SHOULD: dict[str, set[str]] = {
    "fastapi": {
        "https_request.replies_are_not_stored",
        "https_request.unknown_method_is_405",
        "auth_check.two_credentials_are_refused",
        "auth_check.other_kind_of_token_is_401",
    },
    "django": {
        "https_request.replies_are_not_stored",
        "auth_check.scheme_has_no_case",
        "auth_check.challenge_says_what_is_wrong",
        "response.errors_are_problem_json",
    },
    "express": {
        "https_request.replies_are_not_stored",
        "auth_check.two_credentials_are_refused",
        "auth_check.other_kind_of_token_is_401",
        "validation.what_no_bound_covers_is_kept_or_refused",
    },
}
"""What is told of an honest service below the level *must*; its README and docs/examples.md tell it as well."""
BY_TIME = {
    "auth_check.strange_key_id_is_401",
    "auth_check.encrypted_token_is_401_quickly",
    "https_request.compressed_bomb_is_refused",
}
"""Checks that also judge how long a reply took, which another process on the machine decides."""


@pytest.mark.parametrize("name", [of(name) for name in SERVICES])
def test_a_well_built_service_is_green(
    name: str, installed: Callable[[str], Path], postgres: Postgres, tmp_path: Path
) -> None:
    """Without a baseline; what is left is below the level *must*, and its maintainers would call it a fault."""
    with served(name, installed(name), postgres, tmp_path) as service:
        status, told = run(service, tmp_path)
    assert {one for one in told if told[one]["level"] == "must"} == set(), told
    failed = {one for one in told if told[one]["outcome"] == "failed"}
    assert (status, failed - BY_TIME) == (0, SHOULD[name])


CAUGHT = {
    "double_insert": "business_logic.one_of_many_creates_of_a_name_wins",
    "truncation": "validation.listed_values_are_judged_by_the_schema",
    "check_then_insert": "business_logic.one_of_many_creates_of_a_name_wins",
    "reply_before_commit": "write_primary.row_equals_reply",
    "creator_from_body": "response.created_by_is_the_subject",
}
"""By defect: a check about this very defect, which fails at the level *must*."""


@pytest.mark.parametrize(("name", "defect"), [of(name, defect) for name in SERVICES for defect in CAUGHT])
def test_a_broken_form_is_caught(
    name: str, defect: str, installed: Callable[[str], Path], postgres: Postgres, tmp_path: Path
) -> None:
    """By a check about this very defect. The whole run is tried by hand; here, only that check runs."""
    with served(name, installed(name), postgres, tmp_path, defect=defect) as service:
        status, told = run(service, tmp_path, "--only", CAUGHT[defect])
    assert told[CAUGHT[defect]]["outcome"] == "failed"
    assert (status, told[CAUGHT[defect]]["level"]) == (1, "must")
