"""The target of a command: ``--profile``, ``--url``, the profile of the current folder, or the bundled stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from createflow.cli.command_consent import require_consent
from createflow.cli.messages import print_message
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

_URL_PREFIX = "--url "
_DOCUMENT_PREFIX = "--openapi "
_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """Where the description of the target comes from. Neither a file, a URL nor a document: the bundled stack."""

    file: Path | None = None
    url: str | None = None
    document: str | None = None
    """File or URL of an OpenAPI document, of which the profile was made."""
    profile: Profile | None = None
    """The profile of the file. ``load_source`` sets it, once its commands may run."""
    ca_file: Path | None = None
    """Of the authority that signed the certificate of ``url``."""
    is_insecure: bool = False
    """The certificate of the target is not verified, whatever the profile says."""

    @property
    def is_bundled(self) -> bool:
        """The target is a stack that this command starts, and that ends with it."""
        return self.file is None and self.url is None and self.document is None

    @property
    def description(self) -> str:
        """The text that reports and messages show."""
        if self.file is not None:
            return str(self.file)
        if self.document is not None:
            return f"{_DOCUMENT_PREFIX}{self.document}"
        return f"{_URL_PREFIX}{self.url}" if self.url is not None else "the bundled stack"


def choose_source(
    profile: Path | None, url: str | None, *, ca_file: Path | None = None, folder: Path | None = None
) -> ProfileSource:
    """The source that the options name; without options the folder's profile, else the bundled stack.

    Raises:
        UserError: two targets are given, or an authority that is none.
    """
    if ca_file is not None and url is None:
        raise UserError("--ca is for a target that --url names", hint="in a profile: target.ca_file")
    _require_file(ca_file)
    if profile is not None and url is not None:
        raise UserError("--profile and --url name two targets", hint="leave one of them out")
    if url is not None:
        return ProfileSource(url=url, ca_file=ca_file)
    return ProfileSource(file=profile or profile_file.find(folder or Path.cwd()))


def trusting(source: ProfileSource, ca_file: Path | None) -> ProfileSource:
    """The source of a document, whose target's certificate this authority signed.

    Raises:
        UserError: there is no such file.
    """
    _require_file(ca_file)
    if ca_file is None or source.profile is None:
        return source
    target = source.profile.target.model_copy(update={"ca_file": str(ca_file)})
    return replace(source, profile=source.profile.model_copy(update={"target": target}))


def _require_file(ca_file: Path | None) -> None:
    if ca_file is not None and not ca_file.is_file():
        raise UserError(f"--ca {ca_file}: no such file", hint="the authority's certificate, in PEM")


def _verified(profile: Profile, source: ProfileSource, console: Console) -> Profile:
    """The profile, with whether the certificate is verified; that it is not is told."""
    if source.is_insecure:
        target = profile.target.model_copy(update={"verify_tls": False, "ca_file": None})
        profile = profile.model_copy(update={"target": target})
    if profile.target.is_unverified:
        print_message(
            console,
            f"WARNING: the certificate of {profile.target.base_url} is NOT verified. "
            "Whoever is on the way can read the credentials and answer in its place.",
        )
    return profile


def source_of_report(profile: str, *, has_file: bool) -> ProfileSource:
    """The source that a saved report names.

    Args:
        profile: the description in the report.
        has_file: the report points into a profile file.

    Raises:
        UserError: an address, or a file outside the current folder. The report may come from anybody, so the user has
            to name these.
    """
    if has_file:
        file = Path(profile)
        if not file.resolve().is_relative_to(Path.cwd().resolve()):
            raise UserError(
                f"the report names a profile outside this folder: {profile[:_MOST_SHOWN]}",
                hint="name the profile: --profile FILE",
            )
        return ProfileSource(file=file)
    if profile.startswith(_URL_PREFIX):
        raise UserError(
            f"the report names the address {profile.removeprefix(_URL_PREFIX)[:_MOST_SHOWN]}, "
            "and requests go only to addresses that you name",
            hint="if it is the target: --url URL",
        )
    if profile.startswith(_DOCUMENT_PREFIX):
        raise UserError(
            f"the report names the document {profile.removeprefix(_DOCUMENT_PREFIX)[:_MOST_SHOWN]}, "
            "and a document of a stranger is not read",
            hint="write a profile of it, and name that: createflow init --openapi, --profile FILE",
        )
    return ProfileSource()


def load_source(
    source: ProfileSource, *, allow_commands: bool, sections: tuple[str, ...] = ("auth", "faults", "sinks")
) -> ProfileSource:
    """The source with its profile, whose commands may run. A URL and the bundled stack need no consent.

    Call it before an event loop runs: it may ask on the terminal.

    Args:
        source: as ``choose_source`` returned it.
        allow_commands: do not ask.
        sections: the sections of the profile whose commands this call of createflow may run.

    Raises:
        UserError: the profile is invalid, or nobody consented to its commands.
    """
    if source.file is None:
        return source
    file = profile_file.read(source.file)
    profile = file.profile()
    require_consent(source.file, file.commands(*sections), is_allowed=allow_commands)
    return replace(source, profile=profile)


@asynccontextmanager
async def open_profile(source: ProfileSource, console: Console, *, keeps_all: bool = False) -> AsyncIterator[Profile]:
    """The profile of a source. The bundled stack runs as long as the block.

    Args:
        source: as ``load_source`` returned it.
        console: is shown the target, and any component of the bundled stack that ends by itself.
        keeps_all: the bundled stack promises also what it promises on request only.

    Raises:
        UserError: the URL is invalid, or the extra ``reference`` is not installed.
        TargetError: a component of the bundled stack did not start.
    """
    print_message(console, f"target: {source.description}")
    if source.url is not None:
        yield _verified(profile_file.from_url(source.url, ca_file=source.ca_file), source, console)
    elif source.profile is not None:
        yield _verified(source.profile, source, console)
    elif source.file is not None:
        raise AssertionError("load_source comes first: it asks whether the commands of the profile may run")
    else:
        from createflow.cli.bundled_stack import run_bundled_stack

        async with run_bundled_stack(lambda death: print_message(console, death), keeps_all=keeps_all) as stack:
            yield profile_file.load(stack.profile_file)
