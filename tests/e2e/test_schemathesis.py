"""Schemathesis, a fuzzer of others, finds nothing on the reference: its OpenAPI document says what it does."""

import subprocess
import sys
from pathlib import Path

import pytest

from createflow.schemas import profile_file
from tests.up_stack import UpCommand

pytest.importorskip("schemathesis")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
WITHIN_S = 600


@pytest.mark.parametrize("examples", [4, pytest.param(20, marks=pytest.mark.thorough)])
def test_schemathesis_finds_nothing(stack: UpCommand, tmp_path: Path, examples: int) -> None:
    """With a writer's token, below the rate limit, the same requests each time."""
    token = subprocess.run(
        [sys.executable, "-m", "createflow", "token", "--role", "writer", "--profile", str(stack.profile_file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.strip()
    target = profile_file.load(stack.profile_file).target
    found = subprocess.run(
        [
            Path(sys.executable).with_name("st"),
            f"--config-file={CONFIGURATION}",
            "run",
            f"{target.base_url}/openapi.json",
            f"--url={target.base_url}",
            f"--header=Authorization: Bearer {token}",
            f"--tls-verify={target.ca_file}",
            f"--rate-limit={stack.profile.limits.rate_per_s * 0.9:.0f}/s" if stack.profile.limits else "",
            f"--max-examples={examples}",
            "--generation-deterministic",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
        cwd=tmp_path,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Tested: 5" in found.stdout
