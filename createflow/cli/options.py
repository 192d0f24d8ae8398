"""Options that several commands share, and the notations of their values."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from createflow.schemas.error import UserError

DEFAULT_STATE = Path(".createflow")

ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile", metavar="FILE", help="Profile of the target. Default: createflow.toml of the current folder."
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Create URL of a target without a profile. Its token: $CREATEFLOW_TOKEN."
    ),
]
CaOption = Annotated[
    Path | None,
    typer.Option(
        "--ca", metavar="FILE", help="PEM file of the authority that signed the target's certificate, with --url."
    ),
]
InsecureOption = Annotated[
    bool,
    typer.Option("--insecure", help="Do not verify the target's certificate. The output and the report say so."),
]
AllowCommandsOption = Annotated[
    bool,
    typer.Option("--allow-commands", help="Run the commands of the profile without asking. For CI."),
]
StateOption = Annotated[
    Path,
    typer.Option("--state", metavar="DIR", help="State directory of the reference: profile, keys, logs, data."),
]

OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="PREFIX", help="Run only checks whose id starts like this. Can be repeated."),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="PREFIX", help="Skip checks whose id starts like this. Can be repeated."),
]
ChecksOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--checks", metavar="FILE", help="Python file with checks of your own, whose code is run. Can be repeated."
    ),
]

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def report_option(formats: Iterable[str]) -> Any:
    """The option ``--report`` of a command that can save these formats."""
    *others, last = formats
    return typer.Option(
        "--report",
        metavar="FORMAT=FILE",
        help=f"Save the report as {', '.join(others)} or {last}. Can be repeated.",
    )


def parse_duration_s(text: str) -> float:
    """Seconds of a duration such as ``20s``, ``2m``, ``500ms`` or ``1h``.

    Raises:
        typer.BadParameter: not a duration, or no unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration; write 20s, 2m, 500ms or 1h")
    return float(match[1]) * _UNITS_S[match[2]]


def duration_option(name: str, *, help_: str) -> Any:
    """An option whose value is a duration, in seconds for the command. Its default is a text: Typer parses it too."""
    return typer.Option(name, metavar="DURATION", parser=parse_duration_s, help=help_)


WaitForLeaseOption = Annotated[
    float,
    duration_option(
        "--wait-for-lease",
        help_="How long to wait while another command uses the target and one of them injects faults.",
    ),
]
WaitOption = Annotated[float, duration_option("--wait", help_="How long to wait for a target that is still starting.")]


def parse_address(text: str, *, option: str, default_host: str, default_port: int | None = None) -> tuple[str, int]:
    """Host and port of an address.

    Args:
        text: ``HOST:PORT``, ``PORT``, or ``HOST`` when there is a default port; IPv6 in brackets.
        option: the option's name, for the error message.
        default_host: the host when none is given.
        default_port: the port when none is given.

    Raises:
        UserError: not an address.
    """
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = ("", text) if text.isdigit() else (text, "" if default_port is None else str(default_port))
    host = host.strip("[]")
    if not port.isdigit() or int(port) > 65535 or " " in host:
        raise UserError(
            f"{option} {text}: not an address", hint=f"{option} HOST:PORT, for example {option} {default_host}:5557"
        )
    return host or default_host, int(port)
