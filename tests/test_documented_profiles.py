"""Every profile, or part of one, in the documentation is accepted as it stands there."""

import re
import tomllib
from pathlib import Path

import pytest

from createflow.schemas import profile_file

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGET = '[target]\nbase_url = "https://api.example.com"\n\n'


def blocks(document: Path) -> list[str]:
    """The TOML blocks of a document, without those of a package's pyproject.toml."""
    found = re.findall(r"```toml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if "project" not in tomllib.loads(block)]


BLOCKS = [
    pytest.param(block, id=f"{document.name}-{number}")
    for document in DOCUMENTS
    for number, block in enumerate(blocks(document), 1)
]


def test_there_are_blocks() -> None:
    """The pattern finds them."""
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("block", BLOCKS)
def test_a_documented_profile_is_accepted(block: str, tmp_path: Path) -> None:
    """A part is completed with a target; each variable that it names has a value."""
    whole = block if "target" in tomllib.loads(block) else TARGET + block
    file = tmp_path / "createflow.toml"
    file.write_text(whole, encoding="utf-8")
    environment = dict.fromkeys(re.findall(r"\$\{(\w+)\}", whole), "value")
    for name in re.findall(r'^\w*file = "([^"$]+)"', whole, re.MULTILINE):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    (tmp_path / "value").write_text("", encoding="utf-8")
    assert profile_file.load(file, environment).target.base_url
