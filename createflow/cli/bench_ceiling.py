"""``createflow bench --self-test`` without a target: what the generator can do on this machine."""

import asyncio

from rich.console import Console
from rich.table import Table

from createflow.scenarios.benchmark.self_test import self_test
from createflow.scenarios.load.search.ceiling import Ceiling


def print_ceiling(console: Console, *, workers: int) -> None:
    """Measure, and print what was seen.

    Raises:
        TargetError: a load process could not start.
    """
    talk = Console(stderr=True)
    ceiling = asyncio.run(
        self_test(workers, lambda told: talk.print(told, soft_wrap=True, highlight=False, markup=False))
    )
    console.print(_runs(ceiling))
    console.print(ceiling.told, soft_wrap=True, highlight=False, markup=False)


def _runs(ceiling: Ceiling) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("offered/s", "sent/s", "busiest worker", "stub", "late ms (p99)"):
        table.add_column(heading, justify="right")
    for run in ceiling.runs:
        table.add_row(
            f"{run.offered_per_s:,.0f}",
            f"{run.sent_per_s:,.0f}",
            f"{run.busiest_ratio:.0%}",
            f"{run.stub_ratio:.0%}",
            f"{run.pacing_p99_ms:.1f}",
        )
    return table
