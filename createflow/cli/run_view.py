"""A conformance run on a terminal: the progress while it runs, and the report when it has ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from createflow.cli.messages import print_message
from createflow.scenarios.conformance.preflight import Looked
from createflow.scenarios.conformance.run import Progress
from createflow.scenarios.harness.check import Check
from createflow.scenarios.reports.conformance import as_text
from createflow.scenarios.reports.conformance.problems import (
    explain,
    group_compared,
    group_skipped,
    list_notes,
    list_problems,
)
from createflow.scenarios.reports.conformance.verdict import Verdict, count_outcomes, summarize, verdict_of
from createflow.scenarios.text.printable import foldable
from createflow.schemas.flow import Step, Tier
from createflow.schemas.report import CheckResult, Level, Outcome, RunReport

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.BROKEN: "magenta",
}
_COLUMNS = {
    "passed": (Outcome.PASSED,),
    "failed": (Outcome.FAILED,),
    "skipped": (Outcome.SKIPPED,),
    "unclear": (Outcome.INCONCLUSIVE, Outcome.BROKEN),
}

_WIDE_COLUMNS = 110
"""A terminal of this width has room for what each step does."""
_VERDICT_STYLES = {
    Verdict.HOLDS: "bold green",
    Verdict.FAILED: "bold red",
    Verdict.BROKEN: "bold red",
    Verdict.SILENT: "bold red",
}


def print_report(console: Console, report: RunReport) -> None:
    """Print a finished report: with tables on a terminal, as plain lines into a file or a pipe."""
    if not console.is_terminal:
        console.file.write(as_text.render(report))
        return
    console.print(Text(f"\n{foldable(report.target)}", "bold"))
    console.print(Text(foldable(f"{report.profile}, run {report.run_id}"), "dim"))
    console.print(_table(report, wide=console.width >= _WIDE_COLUMNS))
    for result in list_problems(report):
        _print_problem(console, result)
    console.print()  # what follows does not belong to the last problem
    for reason, ids in group_skipped(report).items():
        console.print(foldable(f"skipped, {reason}: {', '.join(ids)}"), style="dim", markup=False, highlight=False)
    for power, ids in group_compared(report).items():
        console.print(foldable(f"{power}: {', '.join(ids)}"), style="dim", markup=False, highlight=False)
    for note in list_notes(report):
        console.print(foldable(note), markup=False, highlight=False)
    style = _VERDICT_STYLES.get(verdict_of(report), "bold yellow")
    console.print(f"\n{summarize(report)}", style=style, markup=False, highlight=False)


def print_looked(console: Console, looked: Looked) -> None:
    """Print one line of the preflight."""
    mark = "?" if looked.is_doubtful else " "
    print_message(console, f"{mark} {looked.what:<14} {looked.took_ms:>7.0f} ms  {looked.seen}")


@contextmanager
def live_progress(console: Console) -> Iterator[Progress]:
    """The progress of a run: a line that is updated on a terminal, a line for each check elsewhere."""
    if not console.is_terminal:
        yield _ProgressLog(console)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield _ProgressLine(console, live)


class _ProgressLog:
    """One line for each check that ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def planned(self, checks: Sequence[Check]) -> None:
        self._print(f"{len(checks)} checks")

    def started(self, check: Check) -> None:
        """A log does not show that a check started."""

    def ended(self, result: CheckResult) -> None:
        self._print(f"{result.outcome.value:<13}{result.id} ({result.duration_ms:.0f} ms)")

    def _print(self, line: str) -> None:
        print_message(self._console, line)


class _ProgressLine:
    """One line that shows how far the run is; checks that did not pass are printed above it at once."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console = console
        self._live = live
        self._total = 0
        self._running: list[str] = []
        self._ended: list[CheckResult] = []

    def planned(self, checks: Sequence[Check]) -> None:
        self._total = len(checks)
        self._draw()

    def started(self, check: Check) -> None:
        self._running.append(check.id)
        self._draw()

    def ended(self, result: CheckResult) -> None:
        self._running.remove(result.id)
        self._ended.append(result)
        if result.outcome not in {Outcome.PASSED, Outcome.SKIPPED}:
            line = Text.assemble((f"{result.outcome.value} ", _STYLES[result.outcome]), result.id)
            self._console.print(line)
        self._draw()

    def _draw(self) -> None:
        failed = sum(result.outcome is Outcome.FAILED for result in self._ended)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{len(self._ended):>3}/{self._total} ", "bold")
        if failed:
            text.append(f"{failed} failed ", "bold red")
        text.append(", ".join(self._running), "dim")
        self._live.update(text)


def _table(report: RunReport, *, wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("#", justify="right", style="dim", min_width=2)
    table.add_column("step", no_wrap=True, min_width=max(len(step.value) for step in Step))
    if wide:
        table.add_column("", style="dim", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    for tier in Tier:
        steps = [step for step in Step if step.tier is tier and _results_of(report, step)]
        if steps:
            table.add_row("", Text(f"{tier.value} tier", "bold"))
        for step in steps:
            does = [step.does] if wide else []
            table.add_row(str(step.number), step.value, *does, *_cells(_results_of(report, step)))
    return table


def _cells(results: tuple[CheckResult, ...]) -> list[Text]:
    counts = count_outcomes(results)
    cells = []
    for outcomes in _COLUMNS.values():
        count = sum(counts[outcome] for outcome in outcomes)
        cells.append(Text(str(count), _STYLES[outcomes[0]]) if count else Text("·", "dim"))
    return cells


def _results_of(report: RunReport, step: Step) -> tuple[CheckResult, ...]:
    return tuple(result for result in report.results if result.step is step)


def _print_problem(console: Console, result: CheckResult) -> None:
    level = "" if result.level is Level.MUST else f" ({result.level.value})"
    console.print(
        Text.assemble("\n", (result.outcome.value.upper(), _STYLES[result.outcome]), f" {foldable(result.id)}{level}")
    )
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", min_width=8)
    grid.add_column(overflow="fold")
    lines = explain(result)
    for label, text in lines:
        if label != "curl":
            grid.add_row(label, Text(foldable(text)))
    console.print(grid)
    for label, text in lines:
        if label == "curl":
            # Not in the grid: a line that is copied must not be wrapped.
            console.print(Text(f"  {text}", "cyan"), soft_wrap=True)
