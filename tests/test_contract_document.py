"""Every promise that a check cites has its place in the contract."""

import re
from pathlib import Path

import pytest

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.harness.check import Check

DOCUMENT = Path(__file__).parents[1] / "docs" / "contract.md"
ANCHORS = frozenset(re.findall(r'<a id="([a-z0-9-]+)"></a>', DOCUMENT.read_text(encoding="utf-8")))
CITATION = re.compile(r"contract: ([a-z0-9-]+)")


def test_the_contract_has_anchors_and_checks_cite_them() -> None:
    """An empty set on either side would let everything pass."""
    assert len(ANCHORS) > 30
    assert sum("contract: " in check.source for check in CATALOGUE) > 50


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda check: check.id)
def test_every_cited_promise_is_in_the_contract(check: Check) -> None:
    """A citation is ``contract: ANCHOR``; several sources are separated by semicolons."""
    for source in check.source.split("; "):
        if source.startswith("contract"):
            cited = CITATION.fullmatch(source)
            assert cited, f"{check.id}: {source!r} is not a citation"
            assert cited[1] in ANCHORS, f"{check.id} cites {cited[1]}, which docs/contract.md does not have"
        else:
            assert "contract" not in source
            assert "seed" not in source
