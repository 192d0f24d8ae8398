"""Nothing but the address of its OpenAPI document and a token: the verdict on a well-built service is true."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from createflow.schemas import profile_file
from tests.examples.services import Postgres, Service, served
from tests.examples.test_services import BY_TIME, RUN_LIMIT_S, SERVICES, SHOULD, of

CREATEFLOW = (sys.executable, "-m", "createflow")


@pytest.mark.thorough
@pytest.mark.parametrize("name", [of(name) for name in SERVICES])
def test_a_document_and_a_token_are_enough(
    name: str, installed: Callable[[str], Path], postgres: Postgres, tmp_path: Path
) -> None:
    """No required check fails or is broken, and of the others only those that fail with the whole profile as well."""
    with served(name, installed(name), postgres, tmp_path) as service:
        base_url = profile_file.load(service.profile, service.environment).target.base_url
        command = [*CREATEFLOW, "run", "--openapi", f"{base_url}/openapi.json", "--token-env", "FIRST_TOKEN"]
        done = subprocess.run(
            [*command, "--report", f"json={tmp_path}/run.json"],
            env={**os.environ, "FIRST_TOKEN": _token(service)},
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "run.json").read_text())["results"]
    told = {one["id"] for one in results if one["outcome"] not in {"passed", "skipped"}}
    assert told - BY_TIME <= SHOULD[name]
    assert sum(one["outcome"] == "passed" for one in results) > 60


def _token(service: Service) -> str:
    """Of a writer: from the environment, else of the service's issuer."""
    writer = service.environment.get("DJANGO_WRITER")
    if writer is not None:
        return writer
    done = subprocess.run(
        [*CREATEFLOW, "token", "--profile", service.profile],
        env={**os.environ, **service.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()
