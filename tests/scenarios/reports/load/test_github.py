"""Annotations of a load: errors accuse, warnings doubt."""

import pytest

from createflow.scenarios.reports.load.github import annotations
from tests.scenarios.reports.load.made_load_report import ALL


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("load_report", []),
        ("stalled", ["error bench%3A target missed"] * 3),
        ("starved", ["warning bench%3A no verdict", "warning bench%3A target missed"]),
        ("suspect", ["warning bench%3A suspect numbers"]),
        ("lossy", ["error bench%3A broken promise"] * 3 + ["warning bench%3A no verdict"]),
        ("compared", ["error bench%3A worse than the baseline"]),
        ("refused", ["warning bench%3A not compared"] * 2),
    ],
)
def test_each_trouble_is_a_line_of_its_kind(name: str, expected: list[str]) -> None:
    """A missed target of an invalid run accuses nobody."""
    found = []
    for line in annotations(ALL[name]).splitlines():
        kind, _, rest = line.removeprefix("::").partition(" ")
        found.append(f"{kind} {rest.partition('title=')[2].partition('::')[0]}")
    assert found == expected
