"""Which target is meant: ``--profile``, ``--url``, the profile of this folder, or else the bundled stack."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

ProfileOption = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="Profile of the target (createflow.toml)."),
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Create URL of a target without a profile; token in $CREATEFLOW_TOKEN."),
]


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """Where the description of the target comes from. Neither file nor URL: from the bundled stack."""

    file: Path | None = None
    url: str | None = None

    @property
    def told(self) -> str:
        """In words, for the report and the user."""
        if self.file is not None:
            return str(self.file)
        return f"--url {self.url}" if self.url is not None else "the bundled stack"


def choose(profile: Path | None, url: str | None, *, folder: Path | None = None) -> ProfileSource:
    """The source that the options mean; without options, the folder's own profile, else the bundled stack.

    Raises:
        UserError: two targets at once.
    """
    if profile is not None and url is not None:
        raise UserError("--profile and --url name two targets", hint="leave one of them out")
    if url is not None:
        return ProfileSource(url=url)
    return ProfileSource(file=profile or profile_file.find(folder or Path.cwd()))


@asynccontextmanager
async def opened(source: ProfileSource, on_death: Callable[[str], None]) -> AsyncIterator[Profile]:
    """The profile of a source; the bundled stack runs for as long as this block.

    Args:
        source: as ``choose`` gave it.
        on_death: told in words when a component of the bundled stack ends by itself.

    Raises:
        UserError: the profile is broken, or the extra ``reference`` is not installed.
        TargetError: a component of the bundled stack did not start.
    """
    if source.url is not None:
        yield profile_file.from_url(source.url)
    elif source.file is not None:
        yield profile_file.load(source.file)
    else:
        from createflow.cli.embedded_stack import running_stack

        async with running_stack(on_death) as stack:
            yield profile_file.load(stack.profile_file)
