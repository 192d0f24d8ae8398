"""The outputs of a finished report besides the terminal: the files of ``--report``, and GitHub Actions."""

import os
import secrets
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file for a report. It is written completely or not at all."""

    path: Path
    format_name: str

    def save(self, text: str) -> None:
        """Write the text to a new file, then move that to the path.

        Raises:
            UserError: the disk is full, or the directory no longer exists.
        """
        temporary = _temporary_path(self.path)
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise UserError(f"{self.path}: the report cannot be written: {error.strerror}") from None


def open_report_files(options: list[str] | None, formats: Collection[str]) -> list[ReportFile]:
    """The files that ``--report`` names. They are tested for being writable before anything runs.

    Args:
        options: ``FORMAT=FILE`` each.
        formats: the formats that can be written.

    Raises:
        UserError: not ``FORMAT=FILE``, a file is named twice, or a file cannot be written.
    """
    files = [_open(option, formats) for option in options or ()]
    for number, file in enumerate(files):
        if any(file.path == earlier.path for earlier in files[:number]):
            raise UserError(f"--report: {file.path.name} is named twice", hint="give each format a file of its own")
    return files


def _open(option: str, formats: Collection[str]) -> ReportFile:
    format_name, equals, name = option.partition("=")
    if format_name not in formats or not equals or not name:
        raise UserError(
            f"--report {option}: not FORMAT=FILE with a known format",
            hint=f"--report json=report.json; the formats are {', '.join(formats)}",
        )
    try:
        path = Path(name).resolve()  # a link stays a link; the file behind it is replaced
        if path.is_dir():
            example = f"--report {format_name}={name}/report.{format_name}"
            raise UserError(f"--report {option}: this is a directory", hint=example)
        if path.exists() and not path.is_file():
            # Saving replaces the path by a new file, which would remove a device or a pipe.
            raise UserError(
                f"--report {option}: not a regular file", hint="name a file; createflow report prints a report"
            )
        temporary = _temporary_path(path)
        temporary.touch(exist_ok=False)
        temporary.unlink()
    except OSError as error:
        raise UserError(f"--report {option}: cannot be written: {error.strerror}") from None
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"--report {option}: cannot be written: the file is read-only")
    return ReportFile(path, format_name)


def _temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def publish_to_github(report: RunReport | LoadReport, environment: Mapping[str, str]) -> None:
    """In GitHub Actions, print annotations and append the report to the summary of the job. Elsewhere, do nothing.

    A summary that cannot be written is a message and changes nothing else.
    """
    # Here: most runs are not in GitHub Actions.
    from createflow.scenarios.reports.github_actions import render_annotations, render_summary

    if environment.get("GITHUB_ACTIONS") == "true":
        # GitHub reads commands from both streams; stdout holds the report alone.
        sys.stderr.write(render_annotations(report))
    if name := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(name).open("a", encoding="utf-8") as file:
                file.write(render_summary(report))
        except OSError as error:
            sys.stderr.write(f"createflow: $GITHUB_STEP_SUMMARY cannot be written: {error.strerror}\n")
