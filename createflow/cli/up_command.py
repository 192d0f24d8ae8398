"""``createflow up``: run the reference stack until Ctrl-C."""

import asyncio
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli.exit_code import ExitCode
from createflow.cli.reference_extra import reference_extra
from createflow.cli.stack_table import stack_table
from createflow.cli.state_option import DEFAULT_STATE, StateOption
from createflow.schemas.error import UserError

if TYPE_CHECKING:  # the extra may not be installed
    from createflow.reference_server.stack.options import StackOptions


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    *,
    gateways: Annotated[int, typer.Option(min=1, max=16, help="Gateway processes.")] = 1,
    services: Annotated[int, typer.Option(min=1, max=16, help="Service processes.")] = 1,
    replicas: Annotated[int, typer.Option(min=0, max=5, help="Streaming replicas.")] = 2,
    port: Annotated[int, typer.Option(min=0, max=65535, help="HTTPS port of the balancer; 0 takes a free one.")] = 0,
    search_url: Annotated[
        str, typer.Option(metavar="URL", help="An Elasticsearch or OpenSearch instead of the bundled engine.")
    ] = "",
    pgbouncer: Annotated[bool, typer.Option(help="Pool through PgBouncer when it is installed.")] = True,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Run the reference stack: TLS balancer, gateway, service, worker, and every engine behind them.

    It writes a profile that describes itself, so that another terminal can test it:
    createflow run --profile .createflow/profile.toml
    """
    if search_url and not search_url.startswith(("http://", "https://")):
        raise UserError(f"--search-url {search_url} is not a URL", hint="for example http://localhost:9200")
    with reference_extra():
        from createflow.reference_server.stack.options import StackOptions
    options = StackOptions(
        gateways=gateways,
        services=services,
        replicas=replicas,
        port=port,
        search_url=search_url.rstrip("/"),
        pgbouncer=pgbouncer,
    )
    try:
        asyncio.run(_up(options, state))
    except asyncio.CancelledError:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


async def _up(options: "StackOptions", state: Path) -> None:
    with reference_extra():
        import psutil

        from createflow.reference_server.stack.stack import running_stack
    talk = Console(stderr=True)
    _cancel_on_signals()
    talk.print("starting the stack ...")
    async with running_stack(state, options, on_death=lambda death: talk.print(death.describe())) as stack:
        talk.print(f"ready after {time.time() - psutil.Process().create_time():.1f} s; Ctrl-C stops it\n")
        out = Console()
        out.print(stack_table([asdict(row) for row in stack.rows()]))
        for remark in stack.remarks:
            talk.print(f"\n{remark}")
        profile = _shortest(stack.profile_file)
        out.print(f"\ncreate   POST {stack.base_url}/api/resources", soft_wrap=True)
        out.print(f"profile  {profile}", soft_wrap=True)
        out.print(f"logs     {_shortest(stack.logs)}", soft_wrap=True)
        out.print(f"\ntest it  createflow run --profile {profile}", soft_wrap=True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            talk.print("stopping ...")
    talk.print("stopped")


def _cancel_on_signals() -> None:
    """Ctrl-C, SIGTERM and a closed terminal end the stack in order; a second one ends it at once."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - we are inside of it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _shortest(path: Path) -> str:
    """The path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
