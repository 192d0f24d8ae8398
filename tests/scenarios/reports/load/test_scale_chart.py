"""The chart of the highest rate by the number of instances."""

from createflow.scenarios.load.capacity.scalability import fit_law
from createflow.scenarios.reports.load.charts import draw_charts
from createflow.scenarios.reports.load.scale_chart import draw_scale
from createflow.scenarios.reports.load.series import series_of
from createflow.schemas.load_finding import Bound, Scale, ScalePoint
from tests.scenarios.reports.load.made_load_report import load_report


def scaled(*rates: float, fitted: bool = True) -> Scale:
    """Rates of 1, 2, 4 and so on services."""
    points = tuple(
        ScalePoint(count=2**number, rate_per_s=rate, bound=Bound.HIGHEST if rate else Bound.NONE)
        for number, rate in enumerate(rates)
    )
    fit = fit_law([(point.count, point.rate_per_s) for point in points]) if fitted else None
    return Scale(name="services", points=points, fit=fit)


def test_points_and_law_are_drawn() -> None:
    """The law a little further than it was measured."""
    chart = draw_scale(scaled(100.0, 190.0, 340.0))
    assert chart is not None
    proportion, law, points = chart.spec["layer"]
    assert [row["rate"] for row in points["data"]["values"]] == [100.0, 190.0, 340.0]
    assert (law["data"]["values"][0]["count"], law["data"]["values"][-1]["count"]) == (1, 6)
    assert law["data"]["values"][-1]["law"] < proportion["data"]["values"][-1]["proportion"]
    assert [line.name for line, _ in chart.keys] == ["highest rate", "in proportion", "Universal Scalability Law"]


def test_without_a_law_there_is_the_proportion() -> None:
    """And what was not found is no point."""
    chart = draw_scale(scaled(100.0, 0.0, fitted=False))
    assert chart is not None
    _, points = chart.spec["layer"]
    assert len(points["data"]["values"]) == 1
    assert draw_scale(scaled(0.0, fitted=False)) is None


def test_it_is_the_first_chart_of_a_report() -> None:
    """Others are of the last number of services only."""
    report = load_report(scale=scaled(100.0, 190.0, 340.0))
    assert draw_charts(report, series_of(report))[0].id == "scale"
