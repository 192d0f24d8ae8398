"""The picture shows what became of the requests of each second."""

import re
import xml.etree.ElementTree as ET

from createflow.scenarios.reports.load import as_svg
from createflow.schemas.load_finding import Bound, Scale, ScaleFit, ScalePoint
from createflow.schemas.load_report import LoadReport, Moment
from tests.scenarios.reports.load.made_load_report import load_report


def _overload(*, refused: int = 300, other: int = 0) -> LoadReport:
    """Two seconds: one of 100 accepted requests, one past the limit."""
    calm = Moment(t_s=0, offered=100, statuses={"2xx": 100}, accepted_p99_ms=40.0)
    much = Moment(
        t_s=1,
        offered=400 + other,
        statuses={"2xx": 100} | ({"503": refused} if refused else {}),
        failed=other,
        accepted_p99_ms=90.0,
        refused_p99_ms=8.0 if refused else 0.0,
    )
    return load_report(series=(calm, much, Moment(t_s=2)))


def _labels(report: LoadReport) -> list[str]:
    """What each mark says to those who cannot see it."""
    root = ET.fromstring(as_svg.render(report))  # noqa: S314 - our own
    return [element.get("aria-label", "") for element in root.iter() if element.get("aria-label")]


def test_each_second_has_its_replies_and_what_was_due() -> None:
    """What was accepted, what was refused; the line is at what was due."""
    labels = _labels(_overload())
    assert [label for label in labels if label.startswith("second ")] == [
        "second 0, accepted: 100",
        "second 1, accepted: 100",
        "second 1, refused: 300",
    ]
    assert re.findall(r"due: (\d+)", " ".join(labels)) == ["100", "400"]


def test_the_waits_of_accepted_and_refused_are_apart() -> None:
    """Each second a point of each; a second without refusals has no point of theirs."""
    found = re.findall(r"ms: ([\d.]+); what: (\w+)", " ".join(_labels(_overload())))
    assert set(found) == {("40", "accepted"), ("90", "accepted"), ("8", "refused")}


def test_requests_without_an_answer_are_shown() -> None:
    """They are neither accepted nor refused."""
    assert "second 1, other: 7" in _labels(_overload(other=7))


def test_a_load_at_scale_shows_rates_by_number_of_instances() -> None:
    """Each point that has a rate, the law through them, and the line of those that do not meet."""
    points = [ScalePoint(count=count, rate_per_s=rate, bound=Bound.HIGHEST) for count, rate in ((1, 100.0), (4, 340.0))]
    none = ScalePoint(count=8, rate_per_s=0.0, bound=Bound.NONE)
    fit = ScaleFit(rate_per_s=100.0, contention=0.06)
    report = _overload().model_copy(update={"scale": Scale(name="services", points=(*points, none), fit=fit)})
    labels = " ".join(_labels(report))
    assert re.findall(r"count: (\d+); rate: (\d+); what: measured", labels) == [
        ("1", "100"),
        ("4", "340"),
    ]
    assert "what: by the law" in labels
    assert "what: in proportion" in labels


def test_a_run_without_seconds_is_an_empty_picture() -> None:
    """An interrupted run may have none."""
    assert as_svg.render(load_report(series=())).startswith("<svg")
