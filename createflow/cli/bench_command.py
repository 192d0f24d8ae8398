"""``createflow bench``: load a target, prove what it wrote, judge it."""

import asyncio
from pathlib import Path

import typer
from rich.console import Console

from createflow.cli import profile_source
from createflow.cli.address import address
from createflow.cli.bench_live import live_view
from createflow.cli.bench_options import (
    BaselineOption,
    CleanUpOption,
    DataOption,
    DropOption,
    DurationOption,
    FindMaxOption,
    MasterOption,
    MixOption,
    PoissonOption,
    PrometheusOption,
    RateOption,
    SeedOption,
    SelfTestOption,
    SendersOption,
    ShapeOption,
    TargetOption,
    UsersOption,
    VerifyOption,
    WarmupOption,
    WebOption,
    WorkerOption,
    WorkersOption,
)
from createflow.cli.bench_verdict import exit_code
from createflow.cli.bench_view import print_report
from createflow.cli.exit_code import ExitCode
from createflow.cli.interrupts import Interrupts
from createflow.cli.profile_source import ProfileOption, ProfileSource, UrlOption
from createflow.cli.report_option import ReportOption, report_files
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
