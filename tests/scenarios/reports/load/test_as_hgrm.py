"""The percentile distribution reads as HdrHistogram's plotters read it."""

import re

from createflow.scenarios.reports.load import as_hgrm
from tests.scenarios.reports.load.made_load_report import encoded, interrupted, load_report

LINE = re.compile(r"^ *(\d+\.\d{3}) (\d\.\d{12}) +(\d+)(?: +(\d+\.\d{2}))?$")


def _lines(text: str) -> list[tuple[float, float, int]]:
    head, *rest = text.splitlines()
    assert head.split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    found = [LINE.match(line) for line in rest if line and not line.startswith("#")]
    assert all(found)
    return [(float(match[1]), float(match[2]), int(match[3])) for match in found if match]


def test_every_line_is_value_percentile_count_and_inverse() -> None:
    """Ascending, from 0 to 1, and the last count is all of them."""
    text = as_hgrm.render(load_report(histograms={"response": encoded([float(value) for value in range(1, 1001)])}))
    lines = _lines(text)
    assert lines == sorted(lines)
    assert (lines[0][1], lines[-1][1:]) == (0.0, (1.0, 1000))
    assert next(line for line in lines if line[1] == 0.5)[0] == 500.223, "in milliseconds, at the slot's upper end"
    assert "#[Mean    =      500.5" in text
    assert "StdDeviation   =      288.6" in text, "in milliseconds as well"
    assert "Total count    =         1000]" in text


def test_service_is_a_distribution_of_its_own() -> None:
    """Plotted beside the other."""
    report = load_report(histograms={"response": encoded([9.0]), "service": encoded([3.0])})
    assert _lines(as_hgrm.render_service(report))[-1][0] < 4 < _lines(as_hgrm.render(report))[-1][0]


def test_nothing_measured_is_an_empty_distribution() -> None:
    """Not an error at the end of an interrupted run."""
    assert _lines(as_hgrm.render(interrupted())) == []
