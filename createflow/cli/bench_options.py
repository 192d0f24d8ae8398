"""The options of ``createflow bench``, each with what it means, in the groups in which ``--help`` shows them."""

from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.duration import duration_s

_LOAD = "What is sent"
_VERDICT = "What is judged"
_SCALE = "More load, more machines"
_WATCH = "To look at"

RateOption = Annotated[
    float | None,
    typer.Option(min=0.1, help="Arrivals a second, whatever the replies do; 500.", rich_help_panel=_LOAD),
]
DurationOption = Annotated[
    float | None,
    typer.Option(
        parser=duration_s,
        metavar="DURATION",
        help="Measured window: 20s, 2m, 500ms; 20s, for a soak 1h.",
        rich_help_panel=_LOAD,
    ),
]
WarmupOption = Annotated[
    float,
    typer.Option(parser=duration_s, metavar="DURATION", help="Before it, and in no number.", rich_help_panel=_LOAD),
]
ShapeOption = Annotated[
    str,
    typer.Option(
        metavar="SHAPE",
        help="constant, ramp, steps:N, spike:FACTOR, soak, closed:CLIENTS; or stages such as 0..1000/1m,1000/5m.",
        rich_help_panel=_LOAD,
    ),
]
PoissonOption = Annotated[
    bool,
    typer.Option("--poisson", help="Random arrivals at that rate, as independent users make.", rich_help_panel=_LOAD),
]
MixOption = Annotated[
    str,
    typer.Option(metavar="WEIGHTS", help="Operations by weight: create=80,read=15,update=5.", rich_help_panel=_LOAD),
]
DataOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Documents to create, a JSON object a line.", rich_help_panel=_LOAD),
]
UsersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Distinct principals; 100, or more if their rate limit needs it.", rich_help_panel=_LOAD),
]
SendersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Most requests in flight; enough for half a second each.", rich_help_panel=_LOAD),
]
DropOption = Annotated[
    bool,
    typer.Option("--drop", help="Drop what finds no free sender, instead of letting it wait.", rich_help_panel=_LOAD),
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, help="Of random arrivals and of the mix.", rich_help_panel=_LOAD)
]
CleanUpOption = Annotated[
    bool, typer.Option("--clean-up", help="Take away what was created, afterwards.", rich_help_panel=_LOAD)
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--slo",
        metavar="TARGET",
        help="p99<=100ms, rate>=500/s, errors<0.1%, 'create.p95<=80ms every 10s'; may be given again. "
        "The profile's unless given.",
        rich_help_panel=_VERDICT,
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify", help="Look for every create in every declared sink.", rich_help_panel=_VERDICT
    ),
]
FindMaxOption = Annotated[
    bool,
    typer.Option(
        "--find-max",
        help="Search the highest rate that holds the targets; --rate is the first.",
        rich_help_panel=_VERDICT,
    ),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline", metavar="FILE", help="A saved report of an earlier run to compare with.", rich_help_panel=_VERDICT
    ),
]
SelfTestOption = Annotated[
    bool,
    typer.Option(
        "--self-test", help="Measure what this machine's generator can send at most.", rich_help_panel=_VERDICT
    ),
]
WorkersOption = Annotated[
    int, typer.Option(min=1, max=1000, help="Load processes that share the rate.", rich_help_panel=_SCALE)
]
MasterOption = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="[HOST:]PORT",
        help="Wait here for --workers from other machines; loopback unless a host is named.",
        rich_help_panel=_SCALE,
    ),
]
WorkerOption = Annotated[
    str | None,
    typer.Option("--worker", metavar="HOST:PORT", help="Work for the master that waits there.", rich_help_panel=_SCALE),
]
WebOption = Annotated[
    int | None,
    typer.Option(
        "--web", metavar="PORT", min=1, max=65535, help="Show Locust's web page on loopback.", rich_help_panel=_WATCH
    ),
]
PrometheusOption = Annotated[
    str | None,
    typer.Option(
        "--prometheus",
        metavar="[HOST:]PORT",
        help="Metrics to scrape during the run; loopback unless a host is named.",
        rich_help_panel=_WATCH,
    ),
]
