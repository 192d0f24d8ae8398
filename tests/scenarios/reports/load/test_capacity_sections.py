"""The highest rate in a report, and how it grows with the instances."""

from createflow.scenarios.load.capacity.scalability import fit_law
from createflow.scenarios.reports.load import as_html, as_markdown
from createflow.scenarios.reports.load.capacity_sections import highest_rate, scale
from createflow.scenarios.reports.load.content import Severity
from createflow.schemas.load_finding import Bound, Knee, KneeStep, Scale, ScalePoint
from tests.scenarios.reports.load.made_load_report import load_report

KNEE = Knee(
    bound=Bound.HIGHEST,
    rate_per_s=300.0,
    steps=(
        *(KneeStep(rate_per_s=10.0 * n, hold_s=3.0, held=True, accepted_per_s=9.0, p99_ms=20.0) for n in range(12)),
        KneeStep(rate_per_s=320.0, hold_s=3.0, held=False, accepted_per_s=300.0, p99_ms=float("inf")),
        KneeStep(rate_per_s=300.0, hold_s=15.0, held=True, accepted_per_s=300.0, p99_ms=80.0, confirmation=True),
    ),
)  # fmt: skip


def points(*rates: float, bound: Bound = Bound.HIGHEST) -> tuple[ScalePoint, ...]:
    """Rates of 1, 2, 4 and so on instances."""
    return tuple(
        ScalePoint(count=2**number, rate_per_s=rate, bound=bound, p99_ms=50.0) for number, rate in enumerate(rates)
    )


def scaled(*rates: float) -> Scale:
    """The rates and their law."""
    found = points(*rates)
    return Scale(name="services", points=found, fit=fit_law([(point.count, point.rate_per_s) for point in found]))


def test_the_steps_of_the_search_are_shown() -> None:
    """The last ones, with the confirmation."""
    section = highest_rate(load_report(knee=KNEE))
    assert section.title == "highest rate: 300/s"
    assert section.rows[-1].cells == ("held, confirmation", "300.0", "300.0", "80.0", "15")
    assert section.rows[-2].cells[0] == "not held"
    assert section.notes == ("2 earlier steps not shown.",)
    assert not highest_rate(load_report()).rows


def test_each_number_of_instances_has_its_rate_and_its_efficiency() -> None:
    """Beside what the law says."""
    section = scale(load_report(scale=scaled(150.0, 300.0, 540.0)))
    assert section.title == "highest rate by services"
    assert [row.cells[:4] for row in section.rows] == [
        ("1", "150.0", "150.0", "100%"),
        ("2", "300.0", "150.0", "100%"),
        ("4", "540.0", "135.0", "90%"),
    ]
    assert "contention" in section.notes[0]


def test_the_peak_is_told() -> None:
    """Of a law that has one, of one that levels out, and of one that grows."""
    assert "highest with" in scale(load_report(scale=scaled(100.0, 180.0, 200.0, 150.0))).notes[1]
    assert "no number of instances does more than" in scale(load_report(scale=scaled(100.0, 150.0, 200.0))).notes[1]
    assert "in proportion" in scale(load_report(scale=scaled(100.0, 200.0, 400.0))).notes[1]


def test_what_was_not_found_is_told() -> None:
    """A rate that the generator limited, and none."""
    limited = ScalePoint(count=1, rate_per_s=90.0, bound=Bound.AT_LEAST, reason="generator-limited")
    none = ScalePoint(count=2, rate_per_s=0.0, bound=Bound.NONE, reason="even 50/s was not held")
    section = scale(load_report(scale=Scale(name="services", points=(limited, none))))
    assert [row.severity for row in section.rows] == [Severity.UNSURE, Severity.BAD]
    assert section.rows[0].cells[0] == "1: at least, generator-limited"
    assert section.rows[1].cells[0] == "2: none, even 50/s was not held"
    assert "needs the highest rates of two" in section.notes[0]


def test_every_format_shows_it() -> None:
    """Markdown and HTML."""
    report = load_report(scale=scaled(150.0, 300.0, 540.0), knee=KNEE)
    for text in (as_markdown.render(report), as_html.render(report)):
        assert "highest rate by services" in text.lower()
        assert "highest rate: 300/s" in text.lower()
