"""Every dependency is pinned, with hashes, and nothing of the machine that pinned it stands in the lists."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


def _pinned(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = "".join(line for line in text.splitlines(keepends=True) if line.strip() and not line.startswith("#"))
    pins = PIN.findall(lines)
    assert "".join(f"{pin}=={version} \\\n{hashes}" for pin, version, hashes in pins) == lines
    return {_canonical(pin): version for pin, version, _ in pins}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", name)[0]).lower()  # type: ignore[index]


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-dev.txt"])
def test_every_line_is_a_pin_with_hashes(name: str) -> None:
    """No address, no path, no range."""
    assert _pinned(name)


def test_every_dependency_of_the_project_is_pinned() -> None:
    """So that an installation with hashes is complete."""
    wanted = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["build-system"]["requires"],
        *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
    ]
    assert {_canonical(one) for one in wanted} <= _pinned("constraints.txt").keys()
    developers = {_canonical(one) for one in PROJECT["dependency-groups"]["dev"]}
    assert developers <= _pinned("constraints-dev.txt").keys()


def test_developers_have_the_releases_of_users() -> None:
    """What is tested is what is installed."""
    assert _pinned("constraints.txt").items() <= _pinned("constraints-dev.txt").items()
