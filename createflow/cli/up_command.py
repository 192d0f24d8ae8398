"""``createflow up``: run the reference implementation until Ctrl-C."""

import asyncio
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli.bundled_stack import components_table, reference_extra
from createflow.cli.command_consent import remember_consent
from createflow.cli.exit_code import ExitCode
from createflow.cli.left_behind import tell_what_was_left
from createflow.cli.messages import print_message
from createflow.cli.options import DEFAULT_STATE, StateOption, duration_option
from createflow.schemas import profile_file
from createflow.schemas.error import UserError

if TYPE_CHECKING:  # the extra may not be installed
    from createflow.reference_server.stack.options import StackOptions

_KEEP_LEAST_S, _KEEP_MOST_S = 1.0, 366 * 86_400.0  # the most that a profile can promise


def _complete_defect(incomplete: str) -> list[tuple[str, str]]:
    """Names and help lines for the completion of a shell; none without the extra ``reference``."""
    try:
        from createflow.reference_server.defects.registry import DEFECTS
        from createflow.reference_server.defects.slow import SLOW
    except ModuleNotFoundError:
        return []
    return [(name, defect.breaks) for name, defect in (DEFECTS | SLOW).items() if name.startswith(incomplete)]


def up(
    *,
    gateways: Annotated[int, typer.Option(min=1, max=16, help="Number of gateway processes.")] = 1,
    services: Annotated[int, typer.Option(min=1, max=16, help="Number of service processes.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Number of worker processes.")] = 1,
    replicas: Annotated[int, typer.Option(min=0, max=5, help="Number of streaming replicas.")] = 2,
    port: Annotated[int, typer.Option(min=0, max=65535, help="HTTPS port of the load balancer. 0: any free port.")] = 0,
    search_url: Annotated[
        str,
        typer.Option(metavar="URL", help="Elasticsearch or OpenSearch to use instead of the bundled search engine."),
    ] = "",
    pgbouncer: Annotated[bool, typer.Option(help="Use PgBouncer if it is installed.")] = True,
    private: Annotated[bool, typer.Option("--private", help="A resource exists for its creator only.")] = False,
    unique_names: Annotated[bool, typer.Option("--unique-names", help="Refuse a second resource with a name.")] = False,
    conditional_updates: Annotated[
        bool, typer.Option("--conditional-updates", help="Refuse an update or delete without If-Match.")
    ] = False,
    defect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Seed a defect, for createflow run to find. Can be repeated. Names: docs/defects.md.",
            autocompletion=_complete_defect,
        ),
    ] = None,
    service_capacity: Annotated[
        float,
        typer.Option(
            min=0, max=100_000, metavar="N", help="Requests a second that each service takes at most. 0: all it can."
        ),
    ] = 0.0,
    keep: Annotated[
        float,
        duration_option("--keep", help_="How long Idempotency-Keys are known and events stay in the outbox."),
    ] = "24h",  # type: ignore[assignment] # Typer parses the default too
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Let processes of other machines join, over TLS at this address of this machine, or ADDRESS:PORT.",
        ),
    ] = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Start the reference implementation, to try createflow on it.

    It runs until Ctrl-C: TLS load balancer, gateway, service, worker,
    PostgreSQL with replicas, cache, message broker and search engine.
    It writes a profile of itself, so that you can test it in a second
    terminal: createflow run --profile .createflow/profile.toml

    Example: createflow up --port 8443 --replicas 1
    Example: createflow up --services 4 --service-capacity 150
    Example: createflow up --listen 10.0.0.1:7000
    Example: createflow up --defect event_lost --defect no_rollback
    """
    if search_url and not search_url.startswith(("http://", "https://")):
        raise UserError(f"--search-url {search_url} is not a URL", hint="for example http://localhost:9200")
    if listen and search_url and not search_url.startswith("https://"):
        raise UserError(
            "--listen: who joins uses --search-url over the network", hint="an address that begins with https://"
        )
    if not _KEEP_LEAST_S <= keep <= _KEEP_MOST_S:
        raise UserError(f"--keep {keep:g}s is not possible", hint="from 1s to 8784h")
    with reference_extra():
        from createflow.reference_server.defects.registry import find_defect
        from createflow.reference_server.stack.options import StackOptions
    options = StackOptions(
        gateways=gateways,
        services=services,
        workers=workers,
        replicas=replicas,
        port=port,
        search_url=search_url.rstrip("/"),
        pgbouncer=pgbouncer,
        private=private,
        unique_names=unique_names,
        conditional_updates=conditional_updates,
        service_capacity_per_s=service_capacity,
        keep_s=keep,
        listen=listen,
        defects=tuple(dict.fromkeys(defect or ())),
    )
    for name in options.defects:  # before anything starts
        find_defect(name)
    tell_what_was_left()
    try:
        asyncio.run(_up(options, state))
    except asyncio.CancelledError:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


async def _up(options: "StackOptions", state: Path) -> None:
    with reference_extra():
        import psutil

        from createflow.reference_server.defects.registry import find_defect
        from createflow.reference_server.stack.stack import running_stack
    console = Console(stderr=True)
    _cancel_on_signals()
    console.print("starting the stack ...")
    async with running_stack(state, options, on_exit=lambda ended: print_message(console, ended.describe())) as stack:
        console.print(f"ready after {time.time() - psutil.Process().create_time():.1f} s; Ctrl-C stops it\n")
        out = Console()
        out.print(components_table([asdict(row) for row in await stack.rows()]))
        for note in stack.notes:
            print_message(console, f"\n{note}")
        for name in stack.defects:
            print_message(console, f"\nseeded defect {name}: {find_defect(name).breaks}")
        # We wrote the profile, so a run need not ask whether its commands may run.
        remember_consent(stack.profile_file, profile_file.read(stack.profile_file).commands("auth", "faults", "scale"))
        profile = _relative(stack.profile_file)
        out.print(f"\ncreate   POST {stack.base_url}/api/resources", soft_wrap=True)
        out.print(f"profile  {profile}", soft_wrap=True)
        out.print(f"logs     {_relative(stack.logs)}", soft_wrap=True)
        if stack.join_files is not None:
            folder = _relative(stack.join_files)
            out.print(f"join     {folder}: copy one to another machine, createflow join service FILE", soft_wrap=True)
        out.print(f"\ntest it  createflow run --profile {profile}", soft_wrap=True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            console.print("stopping ...")
    console.print("stopped")


def _cancel_on_signals() -> None:
    """Ctrl-C, SIGTERM and a closed terminal stop the stack in order; a second signal ends it at once."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a task runs this
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _relative(path: Path) -> str:
    """The path relative to the current folder, if it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
