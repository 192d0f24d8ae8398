"""The layout that ARCHITECTURE.md describes."""

import subprocess
from pathlib import Path

import pytest

import createflow

ROOT = Path(createflow.__file__).parent
LOOSE = {
    "scenarios": {"__init__.py", "outcome.py"},
    "reference_server": {"__init__.py", "__main__.py", "pipeline.py"},
}
"""The modules that stand beside the packages of a part, because everything in that part rests on them."""
FIRST_LEVEL = {
    ".ci", ".dockerignore", ".github", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile",
    "LICENSE", "Makefile", "README.md", "SECURITY.md", "action.yml", "benchmarks", "constraints-dev.txt",
    "constraints.txt", "createflow", "deploy", "docs", "examples", "pyproject.toml", "tests",
}  # fmt: skip
MODULES_MAX = 20
"""The most modules in a package that a reader can still take in."""
VAGUE = {"common", "helpers", "misc", "utils"}


def modules(folder: Path) -> set[str]:
    """The file names of the modules of one package."""
    return {path.name for path in folder.glob("*.py")}


def packages() -> list[Path]:
    """Every folder with modules."""
    return sorted({path.parent for path in ROOT.rglob("*.py")})


def test_no_module_lies_loose_in_a_part() -> None:
    """A module belongs to the package of its subject."""
    for part, expected in LOOSE.items():
        assert modules(ROOT / part) == expected


def test_at_most_one_package_is_large() -> None:
    """A list of many file names shows no design."""
    large = {str(folder.relative_to(ROOT)) for folder in packages() if len(modules(folder)) > MODULES_MAX}
    assert len(large) <= 1, large


def test_every_package_is_one_and_says_what_is_in_it() -> None:
    """Its ``__init__`` has a docstring."""
    for folder in packages():
        init = folder / "__init__.py"
        assert init.is_file(), folder
        assert init.read_text(encoding="utf-8").startswith('"""'), folder


def test_no_module_has_a_vague_name() -> None:
    """What fits nowhere has no place yet; ``utils`` is none."""
    assert not [path for path in ROOT.rglob("*.py") if path.stem in VAGUE]


def test_the_first_level_of_the_project_has_nothing_else() -> None:
    """A log or a report that a command left there would be committed with the rest."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone of the project")
    names = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert names - FIRST_LEVEL == set()
