"""What a service adds to the objects that it was sent is no fault; what it takes from them or changes is one."""

from pathlib import Path

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.observers import OBSERVERS
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport
from tests.scenarios.checks.shapes.documented_service import Bend, run
from tests.scenarios.checks.shapes.shapes import SHAPES, Json

_OF_BODIES = ("validation.", "response.")
_JUDGED = [check for check in CHECKS if check.id.startswith(_OF_BODIES)]


def _failed(report: RunReport) -> list[CheckResult]:
    return [one for one in report.results if one.outcome in {Outcome.FAILED, Outcome.BROKEN}]


@pytest.mark.parametrize("name", SHAPES)
def test_a_service_may_add_to_what_it_was_sent(name: str, tmp_path: Path) -> None:
    """Nothing is accused, and its bodies were looked at."""
    report = run(SHAPES[name], [*CHECKS, *OBSERVERS], tmp_path)
    accused = [one for one in _failed(report) if one.level is Level.MUST]
    assert [(one.id, (one.finding and one.finding.seen) or one.reason) for one in accused] == []
    passed = {one.id for one in report.results if one.outcome is Outcome.PASSED}
    assert passed >= {
        "response.body_has_the_fields",
        "response.location_answers_the_same",
        "validation.generated_bodies_come_back",
        "validation.listed_values_are_judged_by_the_schema",
    }


def _lose_email(_sent: Json, shown: Json) -> None:
    shown["customer"].pop("email")


def _change_quantity(_sent: Json, shown: Json) -> None:
    shown["lines"][0]["quantity"] += 1


def _double_line(_sent: Json, shown: Json) -> None:
    shown["lines"].append(shown["lines"][0])


def _invent_preference(_sent: Json, shown: Json) -> None:
    shown["preferences"]["newsletter"] = True


def _cut_city(_sent: Json, shown: Json) -> None:
    if shown["address"]:
        shown["address"]["city"] = shown["address"]["city"][:5]


def _drop_name(_sent: Json, shown: Json) -> None:
    shown["metadata"]["name"] = shown["metadata"]["name"][:10]


def _forget_given_names(_sent: Json, shown: Json) -> None:
    for one in shown["name"]:
        one.pop("given", None)


@pytest.mark.parametrize(
    ("name", "bend"),
    [
        ("order", _lose_email),
        ("order", _change_quantity),
        ("order", _double_line),
        ("person", _invent_preference),
        ("person", _cut_city),
        ("cluster", _drop_name),
        ("patient", _forget_given_names),
    ],
)
def test_what_is_not_shown_as_it_was_sent_is_accused(name: str, bend: Bend, tmp_path: Path) -> None:
    """At every depth, in lists and in maps."""
    report = run(SHAPES[name], _JUDGED, tmp_path, bend)
    assert [one.id for one in _failed(report) if one.level is Level.MUST]
