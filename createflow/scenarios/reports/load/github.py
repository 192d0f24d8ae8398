"""Workflow commands of GitHub Actions about a load run: what accuses is an error, what doubts a warning."""

from createflow.scenarios.reports.conformance.github import command
from createflow.scenarios.reports.conformance.place import WITHOUT_PROFILE
from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.slo_words import seen
from createflow.scenarios.reports.load.verdict import broken_promises, doubts, worsened
from createflow.schemas.load_report import LoadReport, Validity


def annotations(report: LoadReport) -> str:
    """One line each, errors before warnings: the view shows only the first ten of a kind."""
    errors = [("broken promise", told) for told in broken_promises(report)]
    warnings = [("no verdict", told) for told in doubts(report)]
    missed = [("target missed", f"{one_line(slo.target)}: {seen(slo)}") for slo in report.slos if not slo.held]
    if report.interrupted or report.validity is Validity.INVALID:
        warnings += missed
    else:
        errors += missed
    errors += [("worse than the baseline", name) for name in worsened(report)]
    if report.validity is Validity.SUSPECT:
        warnings += [("suspect numbers", one_line(reason)) for reason in report.reasons]
    if report.comparison:
        warnings += [("not compared", one_line(reason)) for reason in report.comparison.refused]
    lines = [_line("error", *told) for told in errors] + [_line("warning", *told) for told in warnings]
    return "".join(f"{line}\n" for line in lines)


def _line(kind: str, title: str, message: str) -> str:
    return command(kind, file=WITHOUT_PROFILE, line=1, title=f"bench: {title}", message=message)
