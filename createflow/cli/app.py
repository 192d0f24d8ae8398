"""The ``createflow`` command: its subcommands, and the messages and exit statuses of errors."""

import errno
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import createflow
from createflow.cli.exit_code import MEANINGS, ExitCode
from createflow.cli.interrupts import interrupt_like_ctrl_c
from createflow.cli.messages import print_error, print_traceback
from createflow.cli.streams import lost_output, protect_standard_streams
from createflow.schemas.error import TargetError, UserError

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS = {
    "run": "Check that a create endpoint keeps its promises.",
    "doctor": "Look whether a run could start, and say what it would do.",
    "bench": "Load a create endpoint, verify every write, and evaluate targets.",
    "up": "Start the reference implementation, to try createflow on it.",
    "join": "Run one process more for a stack that runs on another machine.",
    "stack": "Show or disturb the components of a running reference.",
    "sinks": "Create one resource, and show what each sink of the profile has of it.",
    "checks": "List the checks, or explain one of them.",
    "init": "Write a profile that describes your endpoint.",
    "token": "Print an access token for the reference or for your endpoint.",
    "report": "Show a saved report, or save it in other formats.",
    "replay": "Repeat the failed checks of a saved report.",
}
"""Name and help line of each command. ``createflow.cli.NAME_command`` holds its function ``NAME``."""


class LazyGroup(TyperGroup):
    """A group that imports the module of a command only when that command is called.

    Why: a run calls ``createflow stack`` many times to inject faults, so a command must not pay for the imports of the
    others. Help and completion of the group show only names and help lines.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> "tuple[str | None, Command | None, list[str]]":  # the group's own signature
        """Replace the placeholder of the called command by the command itself."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, _load(name) if name else command, rest

    def invoke(self, ctx: "Context") -> Any:
        """Carry out the command.

        Errors that Typer would end with status 1, which accuses the target, end as what they are: ``EOFError`` and a
        broken pipe anywhere in the program, and a question that was not confirmed.
        """
        _require_current_folder()
        try:
            result = super().invoke(ctx)
        except typer.Abort:
            raise UserError("not confirmed, so nothing was done") from None
        except KeyboardInterrupt:
            print_error("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EPIPE:
                raise
            raise _Defect from error
        if lost_output():
            # A command without a verdict has no other purpose than its output. A verdict stays what it is.
            raise typer.Exit(ExitCode.UNREACHABLE)
        return result


class _Defect(Exception):  # noqa: N818 - its cause is the error
    """Holds an error that Typer would take for something else."""


def _require_current_folder() -> None:
    """Say it once, before any command looks for a profile there.

    Raises:
        UserError: the folder was removed.
    """
    try:
        Path.cwd()
    except OSError:
        raise UserError("the current folder no longer exists", hint="change to another folder: cd") from None


def _load(name: str) -> "Command":
    module = import_module(f"createflow.cli.{name}_command")
    single = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)
    single.command(name)(getattr(module, name))
    return typer.main.get_command(single)


app = typer.Typer(
    cls=LazyGroup,
    name="createflow",
    help="Test that a create endpoint answers 201 only when the write is stored, replicated, audited, published, "
    "cached and indexed.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="[bold]run[/] and [bold]bench[/] use --profile or --url, else createflow.toml of the current folder, "
    "else the bundled stack.\n\n"
    "Example: createflow run --url http://localhost:8000/api/resources\n\n"
    "Exit status:\n" + "\n".join(f"{code.value:>5}  {meaning}" for code, meaning in MEANINGS.items()),
)


def _print_version(is_requested: bool) -> None:  # noqa: FBT001 - Typer's callback signature
    if is_requested:
        typer.echo(f"createflow {createflow.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""


def main() -> None:
    """Run the command. An error of the user or of the target is a message of two lines, never a traceback."""
    protect_standard_streams()
    interrupt_like_ctrl_c()
    try:
        status = _run_command()
    except KeyboardInterrupt:
        print_error("interrupted")
        status = ExitCode.INTERRUPTED
    if problem := lost_output():
        print_error(problem)
    sys.exit(status)


def _run_command() -> "str | int | None":
    try:
        app()
    except SystemExit as ended:
        return ended.code
    except UserError as error:
        print_error(error.message, error.hint)
        return ExitCode.USAGE
    except TargetError as error:
        print_error(str(error), error.hint)
        return ExitCode.UNREACHABLE
    except UnicodeError as error:
        print_error(f"an argument or a file is not valid text: {type(error).__name__}")
        return ExitCode.USAGE
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not end with the status that accuses the target
        return _report_defect(error.__cause__ or error if isinstance(error, _Defect) else error)
    return ExitCode.OK


def _report_defect(error: BaseException) -> ExitCode:
    """Tell of a mistake of ours. Never status 1, which accuses the target. Never its text, which may quote a secret."""
    if os.environ.get("CREATEFLOW_DEBUG"):
        print_traceback(error)
    places = traceback.extract_tb(error.__traceback__)
    location = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    print_error(f"createflow itself failed: {type(error).__name__}{location}", "CREATEFLOW_DEBUG=1 shows the traceback")
    return ExitCode.UNREACHABLE
