"""``--report FORMAT=FILE``: where a report is saved, found out to be writable before anything runs."""

import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from createflow.schemas.error import UserError

ReportOption = Annotated[
    list[str] | None, typer.Option("--report", metavar="FORMAT=FILE", help="Save the report; may be given again.")
]
LoadReportOption = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT=FILE",
        help="Save the report as json, junit, markdown, html, csv, hgrm or hgrm-service; may be given again.",
    ),
]
RenderedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT=FILE",
        help="Save the report as json, junit, sarif, markdown, html or text; may be given again.",
    ),
]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file that a report goes into, all of it or not at all."""

    path: Path
    form: str = "json"

    def save(self, text: str) -> None:
        """Write the text beside the file, then put it in its place.

        Raises:
            UserError: the disk is full or the directory has gone.
        """
        beside = _beside(self.path)
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise UserError(f"{self.path}: the report cannot be written: {error.strerror}") from None


def report_files(options: list[str] | None, forms: Collection[str] = ("json",)) -> list[ReportFile]:
    """The files that ``--report`` names.

    Args:
        forms: the formats that can be written.

    Raises:
        UserError: not ``FORMAT=FILE``, one file twice, or a file that could not be written now.
    """
    files = [_checked(option, forms) for option in options or ()]
    for number, file in enumerate(files):
        if any(file.path == earlier.path for earlier in files[:number]):
            raise UserError(f"--report: {file.path.name} is named twice", hint="give each format a file of its own")
    return files


def _checked(option: str, forms: Collection[str]) -> ReportFile:
    form, equals, name = option.partition("=")
    if form not in forms or not equals or not name:
        example = f"--report json=report.json; the formats are {', '.join(forms)}"
        raise UserError(f"--report {option}: not a report that can be written", hint=example)
    try:
        path = Path(name).resolve()  # what a link leads to is what is replaced, not the link
        if path.is_dir():
            raise UserError(f"--report {option}: that is a directory", hint=f"--report {form}={name}/report.{form}")
        if path.exists() and not path.is_file():
            # Saving puts a new file in its place: for a device or a pipe that would be its end.
            raise UserError(f"--report {option}: that is no regular file", hint="name a file; createflow report prints")
        beside = _beside(path)
        beside.touch(exist_ok=False)
        beside.unlink()
    except OSError as error:
        raise UserError(f"--report {option}: cannot be written: {error.strerror}") from None
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"--report {option}: cannot be written: it is read-only")
    return ReportFile(path, form)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")
