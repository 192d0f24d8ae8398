"""The import contracts in pyproject.toml: each one fails on an import that it forbids."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.prefix) / "bin" / "lint-imports"

FORBIDDEN = {
    "Areas": ("scenarios/outcome.py", "createflow.reference_server.domain.job"),
    "No import cycles": ("schemas/error.py", "createflow.schemas.profile_file"),
    "The tester's layers": ("scenarios/text/__init__.py", "createflow.scenarios.checks"),
    "The load engine's layers": ("scenarios/load/host/__init__.py", "createflow.scenarios.load.plan.plan"),
    "The reference's layers": ("reference_server/domain/__init__.py", "createflow.reference_server.pipeline"),
    "The parent of a load": ("scenarios/load/fleet/__init__.py", "gevent"),
    "A load process stays light": ("scenarios/load/plan/schedule.py", "pydantic"),
    "Locust and gevent": ("schemas/__init__.py", "locust"),
    "Clients of databases": ("scenarios/checks/api/__init__.py", "psycopg"),
    "Typer and Rich": ("scenarios/__init__.py", "rich"),
}
"""For each contract, by the beginning of its name: a module, and an import that the contract forbids there."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package and its contracts."""
    for name in ("createflow", "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a tree."""
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    """Each contract of the table exists, and there is no other."""
    result = lint_imports(tree)
    assert result.returncode == 0, result.stdout
    kept = [line for line in result.stdout.splitlines() if line.endswith(" KEPT")]
    assert len(kept) == len(FORBIDDEN)
    for name in FORBIDDEN:
        assert any(line.startswith(name) for line in kept), name


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(tree: Path, name: str) -> None:
    """The import is added to the module, and the contract says that it is broken."""
    module, imported = FORBIDDEN[name]
    with (tree / "createflow" / module).open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")
    result = lint_imports(tree)
    assert result.returncode == 1, result.stdout
    assert any(line.startswith(name) and line.endswith(" BROKEN") for line in result.stdout.splitlines()), result.stdout
