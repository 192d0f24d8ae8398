"""The Typer application, and the one place where errors become words and an exit status."""

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

import createflow
from createflow.cli.exit_code import ExitCode
from createflow.schemas.error import TargetError, UserError

app = typer.Typer(
    name="createflow",
    help="Proves that a create endpoint keeps its word: secure, correct, atomic, visible everywhere, fast enough.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without --profile or --url, [bold]run[/] and [bold]bench[/] start the bundled stack and test that.",
)
_COMMANDS = ("run", "bench", "up", "stack", "checks", "init", "token", "report", "replay")
# A run calls `createflow stack` many times to bring faults in and out: what one command needs, others need not import.
_asked = sys.argv[1] if sys.argv[1:2] and sys.argv[1] in _COMMANDS else ""
for _name in [_asked] if _asked else _COMMANDS:
    import_module(f"createflow.cli.{_name}_command").register(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's callback signature
    if wanted:
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
    """Run the command. A user's mistake or a dead target is told in two lines, never as a traceback."""
    try:
        app()
    except UserError as error:
        _tell(error.message, error.hint)
        sys.exit(ExitCode.USAGE)
    except TargetError as error:
        _tell(str(error), error.hint)
        sys.exit(ExitCode.UNREACHABLE)
    except KeyboardInterrupt:
        _tell("interrupted", "")
        sys.exit(ExitCode.INTERRUPTED)
    except UnicodeError as error:
        _tell(f"something given is no text that can be used here: {type(error).__name__}", "")
        sys.exit(ExitCode.USAGE)
    except BrokenPipeError:
        # The reader of our output went away (`createflow checks | head`): nothing is wrong with us.
        sys.stderr.close()
        sys.exit(ExitCode.OK)
    except Exception as error:
        if os.environ.get("CREATEFLOW_DEBUG"):
            raise
        # Never status 1, which accuses the target; and not the error's own words, which may quote a secret.
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        _tell(f"createflow itself failed: {type(error).__name__} at {place}", "CREATEFLOW_DEBUG=1 shows all of it")
        sys.exit(ExitCode.UNREACHABLE)


def _tell(message: str, hint: str) -> None:
    from createflow.scenarios.reports.format.one_line import (
        one_line,  # here: a command without errors needs no scenarios
    )

    # A target's words, or a document's, may stand in both: nothing in them may move the cursor.
    told = f"createflow: {message}" + (f"\n  hint: {hint}" if hint else "")
    for line in told.split("\n"):
        typer.echo(one_line(line), err=True)
