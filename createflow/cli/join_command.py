"""``createflow join``: one process more for a stack that runs elsewhere, until Ctrl-C."""

import os
import re
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from createflow.cli.bundled_stack import reference_extra
from createflow.schemas.error import TargetError, UserError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Kind(StrEnum):
    """What can join."""

    SERVICE = "service"
    WORKER = "worker"
    GATEWAY = "gateway"


def join(
    *,
    kind: Annotated[Kind, typer.Argument(help="What joins.", show_default=False)],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Its join file, which createflow up --listen has written.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Its name in logs. Default: of kind, machine and process.")
    ] = "",
    address: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address of this machine where the balancer reaches a gateway. Default: the one on the way to the "
            "stack.",
        ),
    ] = "",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port where the balancer reaches a gateway. 0: any free port.")
    ] = 0,
    status_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of /readyz and /metrics, on loopback. 0: any free port.")
    ] = 0,
) -> None:
    """Run one process more for a stack that runs on another machine.

    It takes its share of the requests until Ctrl-C or SIGTERM, and then
    finishes what it has begun. The stack must have been started with
    createflow up --listen ADDRESS, which writes a join file for each kind
    into .createflow/join: addresses, certificates and passwords, of this
    start and of this kind only. Every hop has TLS. Logs go to stdout.

    Example: createflow join service service.json
    Example: createflow join worker worker.json --name worker-b --status-port 9101
    Example: createflow join gateway gateway.json --port 8444
    """
    if name and not _NAME.fullmatch(name):
        raise UserError(f"--name {name!r} cannot be used", hint="up to 64 letters, digits, dots, hyphens, underscores")
    if kind != Kind.GATEWAY and (address or port):
        raise UserError(f"--address and --port: nobody connects to a {kind}", hint="/readyz is at --status-port")
    with reference_extra():
        from createflow.reference_server.joining.join_file import load
        from createflow.reference_server.joining.member import run_member
    found = load(file, kind)
    typer.echo(f"joining the stack at {found.host} ...", err=True)
    try:
        run_member(found, name=name or _own_name(kind), status_port=status_port, address=address, port=port, tell=_tell)
    except SystemExit:
        raise TargetError(kind, "ended because a part of it failed", hint="see the last lines of its log") from None
    typer.echo("left", err=True)


def _own_name(kind: str) -> str:
    machine = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    return f"{kind}-{machine}-{os.getpid()}"


def _tell(message: str) -> None:
    typer.echo(message, err=True)
