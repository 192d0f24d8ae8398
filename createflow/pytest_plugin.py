"""Shows each check as a test: ``pytest --createflow-profile FILE``. Without this option it does nothing.

pytest imports this module in every environment that has createflow, so it imports nothing of ours until it is asked to.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from createflow.cli.profile_source import ProfileSource
    from createflow.scenarios.harness.check import Check
    from createflow.schemas.report import CheckResult, RunReport

_NAME = "createflow"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all with one prefix."""
    group = parser.getgroup(_NAME, "checks of a create endpoint (createflow)")
    group.addoption("--createflow-profile", metavar="FILE", help="Show each check of this target as a test.")
    group.addoption("--createflow-url", metavar="URL", help="The same for a target without a profile.")
    group.addoption(
        "--createflow-checks", metavar="FILE", action="append", default=[], help="Python file with checks of your own."
    )
    group.addoption(
        "--createflow-allow-commands", action="store_true", help="Run the commands of the profile without asking."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a distribution that would tear the one run apart."""
    if _is_asked_for(config) and config.getoption("dist", "no") not in {"no", "loadgroup"}:
        raise pytest.UsageError("the checks of createflow are one run: use --dist loadgroup, or no -n")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the checks after the tests that were found. Before ``-k`` is looked at, which chooses among them too."""
    if _is_asked_for(config):
        made = _Checks.made(session, config)
        collected = session.ihook.pytest_make_collect_report(collector=made)
        session.ihook.pytest_collectreport(report=collected)  # so that pytest counts them
        items.extend(collected.result)


def _is_asked_for(config: pytest.Config) -> bool:
    return bool(config.getoption("createflow_profile") or config.getoption("createflow_url"))


class _Checks(pytest.Collector):
    """The run: made when the first of its items is."""

    catalogue: "tuple[Check, ...]"
    source: "ProfileSource"
    report: "RunReport | None" = None
    problem: str = ""
    """Why there is no report, once that was told."""

    @classmethod
    def made(cls, session: pytest.Session, config: pytest.Config) -> Self:
        """With the profile and the checks that the options name.

        Raises:
            UsageError: one of them cannot be used.
        """
        from createflow.cli.profile_source import choose_source, load_source
        from createflow.scenarios.conformance.own_checks import catalogue_with
        from createflow.schemas.error import UserError

        made: Self = cls.from_parent(session, name=_NAME, nodeid=_NAME)
        profile, url = config.getoption("createflow_profile"), config.getoption("createflow_url")
        try:
            made.catalogue = catalogue_with([Path(file) for file in config.getoption("createflow_checks")])
            source = choose_source(Path(profile) if profile else None, url)
            made.source = load_source(source, allow_commands=config.getoption("createflow_allow_commands"))
        except UserError as error:
            raise pytest.UsageError(_told(error)) from None
        return made

    def collect(self) -> "Iterator[_CheckItem]":
        """One item a check, in the order of the flow."""
        for check in self.catalogue:
            yield _CheckItem.from_parent(self, name=check.id, check=check)

    def result_of(self, check: "Check") -> "tuple[RunReport, CheckResult]":
        """The result of a check, of one run of all that were chosen.

        Raises:
            Failed: there could be no run, or the target fell silent, which the first check that asks is told.
            Skipped: the others, where there could be no run.
        """
        if self.problem:
            pytest.skip(f"no run: {self.problem}")
        if self.report is None:
            chosen = {item.check.id for item in self.session.items if isinstance(item, _CheckItem)}
            self.report = self._run(tuple(one for one in self.catalogue if one.id in chosen))
            if self.report.silent:
                pytest.fail(self.report.silent, pytrace=False)
        return self.report, next(one for one in self.report.results if one.id == check.id)

    def _run(self, checks: "tuple[Check, ...]") -> "RunReport":
        from typer import Exit

        from createflow.cli.interrupts import interrupts
        from createflow.cli.run_command import run_checks
        from createflow.schemas.error import TargetError, UserError

        try:
            with interrupts() as signals:
                report = run_checks(self.source, checks, signals, [], catalogue=self.catalogue)
        except (UserError, TargetError) as error:
            self.problem = _told(error)
        except Exit:
            raise KeyboardInterrupt from None
        if self.problem:
            pytest.fail(self.problem, pytrace=False)
        if report.interrupted:
            raise KeyboardInterrupt
        return report


class _CheckItem(pytest.Item):
    """One check."""

    def __init__(self, *, check: "Check", **of_pytest: Any) -> None:
        super().__init__(**of_pytest)
        self.check = check
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(_NAME))

    def runtest(self) -> None:
        """Passed, failed, skipped, or failed as expected: what ``docs/pytest.md`` says for each outcome."""
        from createflow.scenarios.reports.conformance.problems import describe_baseline_entry, explain_as_text
        from createflow.scenarios.reports.conformance.verdict import is_gating
        from createflow.schemas.report import Outcome, Standing

        assert isinstance(self.parent, _Checks)  # noqa: S101 - for mypy: it makes its items itself
        report, result = self.parent.result_of(self.check)
        known = next((one for one in report.baseline if one.id == result.id), None)
        if result.outcome is Outcome.BROKEN:
            pytest.fail(f"createflow could not carry it out\n{explain_as_text(result)}", pytrace=False)
        if known is not None and known.standing in {Standing.STALE, Standing.EXPIRED}:
            pytest.fail(describe_baseline_entry(known), pytrace=False)
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(result.reason)
        if result.outcome is Outcome.INCONCLUSIVE:
            pytest.xfail(f"inconclusive: {result.reason}")
        if result.outcome is Outcome.FAILED and known is not None:
            pytest.xfail(describe_baseline_entry(known))
        if result.outcome is Outcome.FAILED and is_gating(report, result):
            pytest.fail(explain_as_text(result), pytrace=False)
        if result.outcome is Outcome.FAILED:
            seen = result.finding.seen if result.finding is not None else result.reason
            pytest.xfail(f"only a {result.level.value}: {seen}")

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The heading of a failure."""
        return self.config.rootpath / _NAME, None, self.check.id


def _told(error: Any) -> str:
    """Message and hint of an error of ours."""
    return f"{error} ({error.hint})" if error.hint else str(error)
