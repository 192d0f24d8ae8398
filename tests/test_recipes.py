"""The recipes of CONTRIBUTING.md work as written: each is carried out on a copy of the tree."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES_MAX = 3
"""The most files that a recipe may touch."""
COPIED = ("createflow", "tests", "docs", "benchmarks", "examples", ".github", ".ci")
BIN = Path(sys.prefix) / "bin"


@dataclass(frozen=True)
class Edit:
    """One block of a recipe: a new file, text for the end of one, or a change within one."""

    path: str
    language: str
    text: str

    def apply(self, tree: Path) -> None:
        """Carry it out."""
        file = tree / self.path
        if self.language == "diff":
            before, after = self._sides()
            content = file.read_text(encoding="utf-8")
            assert content.count(before) == 1, f"{self.path}: the context must stand there once:\n{before}"
            file.write_text(content.replace(before, after), encoding="utf-8")
        elif file.exists():
            file.write_text(f"{file.read_text(encoding='utf-8')}\n\n{self.text}", encoding="utf-8")
        else:
            file.write_text(self.text, encoding="utf-8")

    def _sides(self) -> tuple[str, str]:
        lines = self.text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        return before, after


@dataclass(frozen=True)
class Recipe:
    """One section: its edits, and the commands that show that they work."""

    title: str
    edits: tuple[Edit, ...]
    commands: tuple[str, ...]


def read_recipes() -> list[Recipe]:
    """The sections of CONTRIBUTING.md that begin with "Add"."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        title = section.partition("\n")[0]
        if not title.startswith("Add "):
            continue
        edits: list[Edit] = []
        commands: list[str] = []
        path = ""
        for named, language, block in re.findall(
            r"^\*\*`([^`]+)`\*\*[^\n]*$|^```(python|diff|sh)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL
        ):
            if named:
                path = named
            elif language == "sh":
                commands += block.splitlines()
            else:
                edits.append(Edit(path, language, block))
        recipes.append(Recipe(title, tuple(edits), tuple(commands)))
    return recipes


RECIPES = read_recipes()
pytestmark = pytest.mark.xdist_group("recipes")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with all recipes carried out."""
    tree = tmp_path_factory.mktemp("recipes")
    tree.chmod(0o755)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, tree)
    for recipe in RECIPES:
        for edit in recipe.edits:
            edit.apply(tree)
    return tree


def run(tree: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run one command of a recipe in the copy, which is imported in place of the installed package."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        del environment[name]
    return subprocess.run(
        ["bash", "-c", command], cwd=tree, capture_output=True, text=True, check=False, timeout=300, env=environment
    )


def test_there_are_five_recipes() -> None:
    """Each with edits and a command."""
    assert len(RECIPES) == 5
    assert all(recipe.edits and recipe.commands for recipe in RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_touches_few_files(recipe: Recipe) -> None:
    """What is added often must not be spread over the tree."""
    assert len({edit.path for edit in recipe.edits}) <= FILES_MAX


@pytest.mark.stack
@pytest.mark.many(one_in=2)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_works(tree: Path, recipe: Recipe) -> None:
    """Its own commands show it."""
    for command in recipe.commands:
        ended = run(tree, command)
        assert ended.returncode == 0, f"$ {command}\n{ended.stdout[-3000:]}\n{ended.stderr[-2000:]}"
        if command.startswith("pytest"):
            assert re.search(r"\d+ passed", ended.stdout), ended.stdout[-500:]


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        pytest.param("mypy", marks=pytest.mark.thorough),
        "lint-imports --no-cache",
    ],
)
def test_the_code_of_the_recipes_keeps_the_rules(tree: Path, command: str) -> None:
    """It is code that people copy."""
    ended = run(tree, command)
    assert ended.returncode == 0, ended.stdout[-3000:]
