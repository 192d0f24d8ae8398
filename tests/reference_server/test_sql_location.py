"""SQL stands in the adapters, in ``sql/`` with the engines of the stack and with seeded defects, and nowhere else."""

import re
from pathlib import Path

import createflow.reference_server

ROOT = Path(createflow.reference_server.__file__).parent
ALLOWED = ("adapters/", "sql/", "stack/engines/", "defects/")
STATEMENT = re.compile(
    r"\binsert\s+into\b|\bselect\b[^\"']*\bfrom\b|\bupdate\s+\w+\s+set\b|\bdelete\s+from\b|\bcreate\s+(or\s+replace|table|trigger)\b",
    re.IGNORECASE,
)


def test_no_sql_outside_its_places() -> None:
    """A statement in the domain or a stage would tie it to one database."""
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted(ROOT.rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(ALLOWED)
        for match in STATEMENT.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_pattern_finds_the_statements_of_the_adapters() -> None:
    """Otherwise the test above would prove nothing."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "adapters").glob("*.py")]
    assert sum(len(STATEMENT.findall(text)) for text in texts) > 10
