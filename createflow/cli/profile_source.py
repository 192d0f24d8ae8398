"""The target of a command: ``--profile``, ``--url``, the profile of the current folder, or the bundled stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from createflow.cli.messages import print_message
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

_URL_PREFIX = "--url "


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """Where the description of the target comes from. Neither a file nor a URL: the bundled stack."""

    file: Path | None = None
    url: str | None = None

    @property
    def description(self) -> str:
        """The text that reports and messages show."""
        if self.file is not None:
            return str(self.file)
        return f"{_URL_PREFIX}{self.url}" if self.url is not None else "the bundled stack"


def choose_source(profile: Path | None, url: str | None, *, folder: Path | None = None) -> ProfileSource:
    """The source that the options name; without options the folder's profile, else the bundled stack.

    Raises:
        UserError: two targets are given.
    """
    if profile is not None and url is not None:
        raise UserError("--profile and --url name two targets", hint="leave one of them out")
    if url is not None:
        return ProfileSource(url=url)
    return ProfileSource(file=profile or profile_file.find(folder or Path.cwd()))


def source_of_report(profile: str, *, has_file: bool) -> ProfileSource:
    """The source that a saved report names.

    Args:
        profile: the description in the report.
        has_file: the report points into a profile file.
    """
    if has_file:
        return ProfileSource(file=Path(profile))
    if profile.startswith(_URL_PREFIX):
        return ProfileSource(url=profile.removeprefix(_URL_PREFIX))
    return ProfileSource()


@asynccontextmanager
async def open_profile(source: ProfileSource, console: Console) -> AsyncIterator[Profile]:
    """The profile of a source. The bundled stack runs as long as the block.

    Args:
        source: as ``choose_source`` returned it.
        console: is shown the target, and any component of the bundled stack that ends by itself.

    Raises:
        UserError: the profile is invalid, or the extra ``reference`` is not installed.
        TargetError: a component of the bundled stack did not start.
    """
    print_message(console, f"target: {source.description}")
    if source.url is not None:
        yield profile_file.from_url(source.url)
    elif source.file is not None:
        yield profile_file.load(source.file)
    else:
        from createflow.cli.bundled_stack import run_bundled_stack

        async with run_bundled_stack(lambda death: console.print(death, style="red", markup=False)) as stack:
            yield profile_file.load(stack.profile_file)
