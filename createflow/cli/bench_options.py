"""The options of ``createflow bench``, in the groups in which ``--help`` shows them."""

from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.options import parse_duration_s, report_option
from createflow.scenarios.reports.load.renderers import RENDERERS

_LOAD = "Load"
_VERDICT = "Targets and verification"
_SCALE = "Load processes"
_MONITORING = "Monitoring"

Rate = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        help="Requests per second, sent on schedule however slow the replies are. Default: 500.",
        rich_help_panel=_LOAD,
    ),
]
Duration = Annotated[
    float | None,
    typer.Option(
        parser=parse_duration_s,
        metavar="DURATION",
        help="Length of the measurement: 500ms, 20s, 2m, 1h. Default: 20s; 1h for a soak.",
        rich_help_panel=_LOAD,
    ),
]
Warmup = Annotated[
    float,
    typer.Option(
        parser=parse_duration_s,
        metavar="DURATION",
        help="Time before the measurement, excluded from all results.",
        rich_help_panel=_LOAD,
    ),
]
Shape = Annotated[
    str,
    typer.Option(
        metavar="SHAPE",
        help="constant, ramp, steps:N, spike:FACTOR, soak, closed:CLIENTS, or stages such as 0..1000/1m,1000/5m.",
        rich_help_panel=_LOAD,
    ),
]
Poisson = Annotated[
    bool,
    typer.Option(
        "--poisson", help="Random arrivals at the same rate, as from independent users.", rich_help_panel=_LOAD
    ),
]
Mix = Annotated[
    str,
    typer.Option(
        metavar="WEIGHTS", help="Operations by weight, such as create=80,read=15,update=5.", rich_help_panel=_LOAD
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Bodies to create, one JSON object a line.", rich_help_panel=_LOAD),
]
Users = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of principals that send. Default: 100, or more if their rate limit needs it.",
        rich_help_panel=_LOAD,
    ),
]
Senders = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Most requests in flight. Default: as many as may be unanswered until they time out.",
        rich_help_panel=_LOAD,
    ),
]
Drop = Annotated[
    bool,
    typer.Option("--drop", help="Drop a request that finds no free sender; otherwise it waits.", rich_help_panel=_LOAD),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="NUMBER",
        help="Seed of random arrivals and of the mix. Default: a new seed.",
        rich_help_panel=_LOAD,
    ),
]
CleanUp = Annotated[
    bool, typer.Option("--clean-up", help="Delete the created resources afterwards.", rich_help_panel=_LOAD)
]
Slo = Annotated[
    list[str] | None,
    typer.Option(
        "--slo",
        metavar="TARGET",
        help="Target, such as p99<=100ms, rate>=500/s, errors<0.1% or 'create.p95<=80ms every 10s'. Can be repeated. "
        "Default: the targets of the profile; without any, errors and verification only.",
        rich_help_panel=_VERDICT,
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        help="Search every sink of the profile for every accepted create, or without sinks read them back.",
        rich_help_panel=_VERDICT,
    ),
]
FindMax = Annotated[
    bool,
    typer.Option(
        "--find-max",
        help="Search the highest rate that meets the targets, starting at --rate (default here: 50).",
        rich_help_panel=_VERDICT,
    ),
]
ScaleOption = Annotated[
    str | None,
    typer.Option(
        "--scale",
        metavar="NAME=N,N...",
        help="Do so with several numbers of instances, set by the command [scale.NAME] of the profile: services=1,2,4.",
        rich_help_panel=_VERDICT,
    ),
]
Baseline = Annotated[
    Path | None,
    typer.Option(
        "--baseline", metavar="FILE", help="Compare with the saved report of an earlier run.", rich_help_panel=_VERDICT
    ),
]
SelfTest = Annotated[
    bool,
    typer.Option("--self-test", help="Measure the highest rate that this machine can send.", rich_help_panel=_VERDICT),
]
Workers = Annotated[
    int, typer.Option(min=1, max=1000, help="Number of load processes that share the rate.", rich_help_panel=_SCALE)
]
Master = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="[HOST:]PORT",
        help="Wait on this address for --workers from other machines. Default host: loopback.",
        rich_help_panel=_SCALE,
    ),
]
Worker = Annotated[
    str | None,
    typer.Option("--worker", metavar="HOST:PORT", help="Work for the master at this address.", rich_help_panel=_SCALE),
]
Web = Annotated[
    int | None,
    typer.Option(
        "--web",
        metavar="PORT",
        min=1,
        max=65535,
        help="Serve Locust's web page on this port of loopback.",
        rich_help_panel=_MONITORING,
    ),
]
Prometheus = Annotated[
    str | None,
    typer.Option(
        "--prometheus",
        metavar="[HOST:]PORT",
        help="Serve metrics on this address during the run. Default host: loopback.",
        rich_help_panel=_MONITORING,
    ),
]
Report = Annotated[list[str] | None, report_option(RENDERERS)]
