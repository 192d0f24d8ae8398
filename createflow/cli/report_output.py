"""The outputs of a finished report besides the terminal: the files of ``--report``, and GitHub Actions."""

import os
import secrets
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from createflow.cli.messages import print_error
from createflow.scenarios.reports.saved import to_json
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport

Report = TypeVar("Report", RunReport, LoadReport)


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file for a report. It is written completely or not at all."""

    path: Path
    format_name: str

    def save(self, text: str) -> None:
        """Write the text to a new file, then move that to the path.

        A new file can be read by its owner alone, because it quotes the target. An old one keeps its permissions.

        Raises:
            UserError: the disk is full, or the directory no longer exists.
        """
        temporary = _temporary_path(self.path)
        try:
            with os.fdopen(create_private(temporary), "w", encoding="utf-8") as file:
                file.write(text)
                if self.path.exists():
                    os.fchmod(file.fileno(), self.path.stat().st_mode & 0o777)
            temporary.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise UserError(f"{self.path}: the report cannot be written: {error.strerror}") from None


def create_private(path: Path) -> int:
    """A descriptor to write a new file that nobody else can read from its first byte on. No link is followed.

    Raises:
        OSError: it is there already, or cannot be made.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def save_all(files: Sequence[ReportFile], renderers: Mapping[str, Callable[[Report], str]], report: Report) -> bool:
    """Save the report in every format. One that cannot be made or written is a message and costs no other.

    Returns:
        Whether all were saved.
    """
    is_complete = True
    # JSON first: the other formats can be made of it.
    for file in sorted(files, key=lambda file: file.format_name != "json"):
        try:
            file.save(renderers[file.format_name](report))
        except UserError as error:
            print_error(error.message, error.hint)
            is_complete = False
        except Exception as error:  # noqa: BLE001 - a defect of one format must not cost the verdict or the others
            print_error(f"{file.path}: the {file.format_name} report cannot be made: {type(error).__name__}")
            is_complete = False
    return is_complete


def partial_writer(files: Sequence[ReportFile]) -> Callable[[RunReport | LoadReport], None] | None:
    """A function that saves a report in the JSON files while its run goes on.

    So a run that is killed leaves what it found. A file that cannot be written is a message, once.

    Returns:
        None: no file is JSON.
    """
    writable = [file for file in files if file.format_name == "json"]
    if not writable:
        return None

    def save(report: RunReport | LoadReport) -> None:
        for file in tuple(writable):
            try:
                file.save(to_json(report))
            except UserError as error:
                writable.remove(file)
                print_error(error.message, "the run goes on; at its end createflow tries again")

    return save


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
        os.close(create_private(temporary))
        temporary.unlink()
    except RuntimeError:  # a link to itself
        raise UserError(f"--report {option}: cannot be written: too many levels of symbolic links") from None
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
