"""What the documentation says about the tree is true."""

import re
from pathlib import Path

import pytest

from createflow.scenarios.checks import CHECKS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
FILES = {
    str(path.relative_to(ROOT))
    for folder in ("createflow", "tests", "benchmarks", "examples")
    for path in (ROOT / folder).rglob("*.*")
}
MADE_BY_RECIPES = set(
    re.findall(r"^\*\*`([^`]+)`\*\*", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
)
PUBLISHED = "https://github.com/createflow/createflow/blob/main/"
"""Where the README's links lead: a package index shows it too, and has none of the other files."""
PATTERN = re.compile(r"(?<![\w*=/.-])((?:[\w-]+/)*[\w-]+\.(?:py|sql|lua|j2))\b")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    """By its whole path, or by the end of it."""
    text = re.sub(r"```python.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = {
        name
        for name in PATTERN.findall(text)
        if name not in MADE_BY_RECIPES and not any(f"/{path}".endswith(f"/{name}") for path in FILES)
    }
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    """To a file, and to a heading or an anchor in it."""
    text = document.read_text(encoding="utf-8")
    for target in re.findall(rf"\]\((?:{re.escape(PUBLISHED)}|(?!https?://))([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        folder = ROOT if f"({PUBLISHED}{target})" in text else document.parent
        file = folder / name if name else document
        assert file.exists(), f"{document.name}: {target}"
        if anchor:
            linked = file.read_text(encoding="utf-8")
            headings = {
                re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
                for heading in re.findall(r"^#+ (.+)$", linked, re.MULTILINE)
            }
            assert anchor in headings | set(re.findall(r'<a id="([^"]+)">', linked)), f"{document.name}: {target}"


def test_the_readme_can_be_read_on_a_package_index() -> None:
    """Every link is absolute, or leads to a heading of the same text."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert PUBLISHED in text
    assert not re.findall(r"\]\((?!https://|#)[^)]*\)", text)


def test_the_architecture_counts_the_checks_with_a_seeded_defect() -> None:
    """How many checks are seen to fail on the reference itself."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    seeded = sum(bool(check.catches) for check in CHECKS)
    assert f"{seeded} of the {len(CHECKS)}\nchecks name the seeded defect" in text


def test_the_threat_model_names_code_and_tests_that_exist() -> None:
    """A defence without a test is a claim."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) > 10
    for _, _, defended, test in rows:
        assert all((ROOT / path).exists() for path in re.findall(r"`([\w/.]+)`", test)), test
        named = [path for path in re.findall(r"`(\w[\w/]+(?:\.py|\.sql|\.txt)?)`", defended) if "/" in path]
        assert all((ROOT / "createflow" / path).exists() for path in named), defended
