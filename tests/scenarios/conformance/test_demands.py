"""Every must is demanded by a MUST of a standard or by a key of the profile, and every cited section says something."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.demands.by_check import DEMANDS
from createflow.scenarios.conformance.demands.page import demands_of, page
from createflow.scenarios.conformance.demands.standards import STANDARDS
from createflow.scenarios.harness.check import Check, Need
from createflow.schemas.profile import Profile
from createflow.schemas.report import Level

PAGE = Path(__file__).parents[3] / "docs" / "levels.md"
MUST = re.compile(r"\b(MUST|REQUIRED|SHALL)\b")
FOR_OTHERS = {
    "RFC 6750 §2": "clients",
    "RFC 6750 §5.3": "clients",
    "RFC 6797 §7.1": "the field, not that there is one",
    "RFC 7493 §2.3": "I-JSON only",
    "RFC 7519 §4.1.2": "issuers",
    "RFC 9068 §2.2": "issuers",
    "RFC 9111 §3.5": "caches",
    "RFC 9213 §2.2": "caches",
    "RFC 9457 §3.1": "consumers",
    "RFC 9457 §3.1.1": "consumers",
    "RFC 9700 §4.3.2": "clients",
}
"""A MUST that is not one for a server."""
_SECTION = re.compile(r"§[\w.]+")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None or isinstance(annotation, UnionType) or annotation is Union:
        for part in get_args(annotation):
            yield from _models(part)


def _keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{before}{name}"
        for inner in _models(field.annotation):
            yield from _keys(inner, f"{before}{name}.")


KEYS = set(_keys(Profile))


def _cited(source: str) -> Iterator[str]:
    """Each section of a source: ``RFC 9110 §9.1, §15.5.6`` is two."""
    for part in source.split(";"):
        text = part.strip()
        document = text.partition(" §")[0]
        if document.startswith(("RFC", "draft")):
            sections = _SECTION.findall(text)
            assert sections, f"{text}: without a section"
            yield from (f"{document} {section.rstrip('.')}" for section in sections)


def _is_demand(part: str) -> bool:
    if part in KEYS:
        return True
    is_in_force = part in STANDARDS and not part.startswith("draft-")
    return is_in_force and part not in FOR_OTHERS and bool(MUST.search(STANDARDS[part]))


def test_every_check_stands_once_in_the_table() -> None:
    """A new check is read against its source before it is added."""
    assert DEMANDS.keys() == {check.id for check in CATALOGUE}


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda check: check.id)
def test_a_must_is_a_must(check: Check) -> None:
    """Every part of what demands it is a MUST or a key, and a should has none, unless a promise raises it."""
    parts = demands_of(check.id)
    assert [part for part in parts if not _is_demand(part)] == []
    is_must = check.level is Level.MUST or check.must_with is not None
    assert bool(parts) is is_must
    if not is_must:
        assert DEMANDS[check.id].lesser, "why is it only a should?"
    if check.must_with is not None:
        assert check.must_with.value in parts
        assert check.level is not Level.MUST


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda check: check.id)
def test_a_source_says_what_is_demanded(check: Check) -> None:
    """Every section of the source has its words in the table, and what demands the check is in its source."""
    cited = set(_cited(check.source))
    assert cited - STANDARDS.keys() == set()
    assert {part for part in demands_of(check.id) if part in STANDARDS} - cited == set()


@pytest.mark.parametrize("check", [one for one in CATALOGUE if one.needs], ids=lambda check: check.id)
def test_a_promise_that_a_check_needs_demands_it(check: Check) -> None:
    """A check that is skipped without a promise fails on nothing else."""
    needed = {need.value for need in check.needs if need.value.startswith("promises.")} & {need.value for need in Need}
    assert needed <= set(demands_of(check.id))


def test_all_words_are_cited() -> None:
    """No section stands in the table for nothing."""
    assert {section for check in CATALOGUE for section in _cited(check.source)} == STANDARDS.keys()


def test_what_is_for_others_is_a_must() -> None:
    """The list names sections that stand in the table and could be taken for a demand."""
    assert [section for section in FOR_OTHERS if not MUST.search(STANDARDS[section])] == []


def test_a_draft_has_its_version() -> None:
    """Drafts change."""
    drafts = [check.source for check in CATALOGUE if "draft-" in check.source]
    assert drafts
    assert all(re.search(r"draft-[\w-]+-\d\d §", source) for source in drafts)


def test_the_page_is_current() -> None:
    """Made again with: python -m createflow.scenarios.conformance.demands.page docs/levels.md."""
    assert PAGE.read_text(encoding="utf-8") == page()
