"""The option that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_STATE = Path(".createflow")

StateOption = Annotated[
    Path, typer.Option("--state", metavar="DIR", help="State directory: profile, keys, logs, data.")
]
