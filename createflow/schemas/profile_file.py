"""Reads a profile from TOML: environment variables, relative paths, and every mistake at once."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from createflow.schemas import slo
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import KINDS
from createflow.schemas.profile_sinks import SINK_TAGS
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed
from createflow.schemas.reading.bounded_toml import MOST_BYTES, parse_toml
from createflow.schemas.reading.toml_positions import TomlPositions

FILE_NAME = "createflow.toml"
TOKEN_VARIABLE = "CREATEFLOW_TOKEN"  # noqa: S105 - the name of a variable, not a token

_MOST_FILE_BYTES = 16 * 1024 * 1024
"""Of a file that a profile names."""
_MOST_FILLED_CHARACTERS = 1024 * 1024
_MOST_MISTAKES = 30
_MOST_SHOWN = 200
_MOST_EXPLAINED = 1000
_FILE_HINT = "--profile names a TOML file"

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FILE_KEYS = (
    ("target", "ca_file"),
    ("target", "schema_file"),
    ("target", "openapi_file"),
    ("target", "body_file"),
    ("auth", "key_file"),
    ("auth", "ca_file"),
)


@dataclass(frozen=True, slots=True)
class ProfileMistake:
    """One mistake. ``line`` is 0 when the key is missing from the file."""

    line: int
    key: str
    reason: str
    hint: str = ""

    def as_line(self, path: Path) -> str:
        """One line: file and line, key, reason and hint."""
        place = f"{path}:{self.line}" if self.line else str(path)
        key = f"{self.key[:_MOST_SHOWN]}: " if self.key else ""
        return f"{place}: {key}{self.reason}{f' ({self.hint})' if self.hint else ''}"


class ProfileError(UserError):
    """A profile that cannot be used. The message lists the mistakes, in the order of the file."""

    def __init__(self, path: Path, mistakes: list[ProfileMistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line)
        count = len(mistakes)
        lines = "\n".join(f"  {mistake.as_line(path)}" for mistake in self.mistakes[:_MOST_MISTAKES])
        lines += f"\n  and {count - _MOST_MISTAKES} more" if count > _MOST_MISTAKES else ""
        super().__init__(
            f"the profile has {count} mistake{'s' if count != 1 else ''}\n{lines}",
            hint="every key: docs/profile.md; `createflow init` writes a commented profile",
        )


def find(folder: Path) -> Path | None:
    """The profile of a folder: ``createflow.toml``, else a ``pyproject.toml`` with ``[tool.createflow]``."""
    own = folder / FILE_NAME
    if own.is_file():
        return own
    project = folder / "pyproject.toml"
    try:
        tool = parse_toml(_read(project)).get("tool", {})
    except (UserError, ValueError):
        return None
    return project if isinstance(tool, dict) and "createflow" in tool else None


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile of a file, with ``${VARIABLE}`` filled in and its paths made absolute.

    Raises:
        ProfileError: a UserError that lists every mistake with its line.
        UserError: there is no such file, or it cannot be read.
    """
    return read(path).profile(environment)


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile file that has been read and is TOML; whether it is a profile is not known yet."""

    path: Path
    text: str
    prefix: tuple[str, ...]
    """The table that holds the profile; empty for the whole file."""
    document: dict[str, Any]
    """That table, as it was written."""

    def profile(self, environment: Mapping[str, str] = os.environ) -> Profile:
        """The profile, with ``${VARIABLE}`` filled in and its paths made absolute.

        Raises:
            ProfileError: a UserError that lists every mistake with its line.
        """
        reader = _Reader(self.path, TomlPositions(self.text), self.prefix, environment)
        document = reader.filled(self.document, ())
        reader.resolve_files(document)
        return reader.profile(document)

    def commands(self, *sections: str) -> dict[str, tuple[str, ...]]:
        """The commands of ``auth``, ``faults``, ``scale`` and ``sinks``, as they were written: key and argument list.

        Variables are not filled in, so the list can be shown.
        """
        return {
            key: tuple(map(str, value))
            for section in sections
            for key, value in _LISTS[section](self.document.get(section), section)
            if section != "auth" or self.document[section].get("kind") in {"command", "signer"}
        }


def _lists_in(table: Any, key: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(table, dict):
        for name, inner in table.items():
            yield from _lists_in(inner, f"{key}.{name}")
    elif isinstance(table, list):
        yield key, table


def _commands_of_sinks(table: Any, key: str) -> Iterator[tuple[str, list[Any]]]:
    """Every list under a key that names a command, at any depth and in whatever kind of sink."""
    if isinstance(table, dict):
        for name, inner in table.items():
            if name.endswith("command") and isinstance(inner, list):
                yield f"{key}.{name}", inner
            else:
                yield from _commands_of_sinks(inner, f"{key}.{name}")
    elif isinstance(table, list):
        for number, inner in enumerate(table):
            yield from _commands_of_sinks(inner, f"{key}.{number}")


_LISTS = {"auth": _lists_in, "faults": _lists_in, "scale": _lists_in, "sinks": _commands_of_sinks}


def read(path: Path) -> ProfileFile:
    """The file of a profile.

    Raises:
        ProfileError: it is not TOML.
        UserError: there is no such file, it cannot be read, or it has no profile.
    """
    text = _read(path)
    try:
        document: Any = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        mistake = ProfileMistake(int(line[1]) if line else 0, "", f"not TOML: {error}")
        raise ProfileError(path, [mistake]) from None
    except Malformed as error:
        raise UserError(f"{path}: {error}", hint="a profile has a few levels and pages: docs/profile.md") from None
    prefix: tuple[str, ...] = ()
    if path.name == "pyproject.toml":
        prefix = ("tool", "createflow")
        tool = document.get("tool")
        document = tool.get("createflow") if isinstance(tool, dict) else None
        if not isinstance(document, dict):
            raise UserError(f"{path}: no [tool.createflow] table", hint=f"write one, or a {FILE_NAME}")
    return ProfileFile(path, text, prefix, document)


def from_url(url: str, environment: Mapping[str, str] = os.environ, *, ca_file: Path | None = None) -> Profile:
    """A profile with only the create URL, and a token when ``CREATEFLOW_TOKEN`` is set.

    Raises:
        UserError: not an http or https URL, or one with a user, a query or a fragment.
    """
    example = "--url https://api.example.com/api/resources"
    try:
        parts = urlsplit(url)
    except ValueError:
        # The URL is not shown: it may contain a password.
        raise UserError("--url: not a valid address", hint=example) from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise UserError(f"--url {url!r}: not an http:// or https:// URL", hint=example)
    if "@" in parts.netloc or parts.query or parts.fragment:
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise UserError(
            f"--url {shown}: no user, query or fragment here",
            hint=f"a token goes into the environment variable {TOKEN_VARIABLE}",
        )
    target = {"base_url": f"{parts.scheme}://{parts.netloc}"}
    if ca_file is not None:
        target["ca_file"] = str(ca_file)
    if parts.path.strip("/"):
        target["path"] = parts.path
    auth = {"kind": "static", "writer_env": TOKEN_VARIABLE} if environment.get(TOKEN_VARIABLE) else {"kind": "none"}
    try:
        return Profile.model_validate({"target": target, "auth": auth})
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        reason, hint = _explain(detail["type"], detail["msg"], detail["loc"])
        raise UserError(f"--url {url!r}: {reason}", hint=hint or example) from None


def _read(path: Path) -> str:
    try:
        return read_bounded(path, MOST_BYTES, hint=_FILE_HINT).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text", hint=_FILE_HINT) from None


class _Reader:
    """Makes a profile of a document, collects the mistakes, and raises them all at once."""

    def __init__(
        self, path: Path, positions: TomlPositions, prefix: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        self._path = path
        self._positions = positions
        self._prefix = prefix
        self._environment = environment
        self._filled_characters = 0
        self._mistakes: list[ProfileMistake] = []

    def filled(self, value: Any, at: tuple[str | int, ...]) -> Any:
        """The value with every ``${VARIABLE}`` replaced; an unset one is a mistake."""
        if isinstance(value, dict):
            return {key: self.filled(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, (*at, position)) for position, item in enumerate(value)]
        return _VARIABLE.sub(lambda match: self._variable(match, at), value) if isinstance(value, str) else value

    def _variable(self, match: re.Match[str], at: tuple[str | int, ...]) -> str:
        name = match[1]
        if name not in self._environment:
            self._add(at, f"the environment variable {name} is not set", f"export {name}=...")
            return match[0]
        value = self._environment[name]
        self._filled_characters += len(value)
        if self._filled_characters > _MOST_FILLED_CHARACTERS:
            self._add(at, f"its variables make the profile longer than {_MOST_FILLED_CHARACTERS} characters")
            return ""
        return value

    def resolve_files(self, document: Any) -> None:
        """Make file names absolute, relative to the profile's folder; a missing file is a mistake."""
        for section, key in _FILE_KEYS:
            self._resolve_file(document.get(section), (section,), key)
        target = document.get("target")
        for key in ("cert_file", "key_file") if isinstance(target, dict) else ():
            self._resolve_file(target.get("client_certificate"), ("target", "client_certificate"), key)
        sinks = document.get("sinks")
        if not isinstance(sinks, dict):
            return
        for name, table in sinks.items():
            self._resolve_file(table, ("sinks", name), "ca_file")
            if not isinstance(table, dict):
                continue
            self._resolve_file(table.get("stream"), ("sinks", name, "stream"), "ca_file")
            if isinstance(table.get("path"), str):  # a log file, which may be missing until the first entry
                table["path"] = str(self._path.parent / table["path"])

    def _resolve_file(self, table: Any, at: tuple[str, ...], key: str) -> None:
        if not isinstance(table, dict) or not isinstance(table.get(key), str):
            return
        if _VARIABLE.search(table[key]):
            return  # an unset variable has been reported already
        try:
            file = (self._path.parent / table[key]).resolve()
            status = file.stat() if file.is_file() else None
        except (OSError, ValueError):
            self._add((*at, key), "not the name of a file")
            return
        table[key] = str(file)
        if status is None:
            self._add((*at, key), f"no such file: {file}", "paths are relative to the profile's folder")
        elif status.st_size > _MOST_FILE_BYTES:
            self._add((*at, key), f"larger than {_MOST_FILE_BYTES} bytes")
        elif key == "body_file" and not file.is_relative_to(self._path.parent.resolve()):
            # A profile can come from anybody, and what is sent to the target can be any file of the user.
            self._add((*at, key), "outside the profile's folder, and it would be sent", "copy it there")

    def profile(self, document: Any) -> Profile:
        """The profile. Raises ProfileError with all mistakes."""
        profile = None
        try:
            profile = Profile.model_validate(document)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_context=False, include_input=False):
                if len(self._mistakes) > _MOST_EXPLAINED:
                    break
                at = tuple(part for part in detail["loc"] if part != "[key]")
                if at[:1] == ("auth",) and len(at) > 1 and at[1] in KINDS:
                    at = (at[0], *at[2:])
                reason, hint = _explain(detail["type"], detail["msg"], at)
                self._add(_without_tags(at), reason, hint)
        if self._mistakes or profile is None:
            raise ProfileError(self._path, self._mistakes)
        return profile

    def _add(self, at: tuple[str | int, ...], reason: str, hint: str = "") -> None:
        line = self._positions.line_of((*self._prefix, *at))
        self._mistakes.append(ProfileMistake(line, ".".join(str(part) for part in at), reason, hint))


def _explain(kind: str, message: str, at: tuple[str | int, ...]) -> tuple[str, str]:
    """Reason and hint for one error of the model."""
    default = message[0].lower() + message[1:]
    reason, hint = default, ""
    if kind == "extra_forbidden":
        known = _known_keys(at[:-1])
        near = difflib.get_close_matches(str(at[-1]), known, n=1)
        reason, hint = "unknown key", f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
    elif kind == "missing":
        reason = "required, but missing"
    elif kind in {"union_tag_not_found", "union_tag_invalid"}:
        reason = "needs a kind" if kind == "union_tag_not_found" else "unknown kind"
        kinds = message.rpartition("expected tags: ")[2].replace("'", "") if at[:1] == ("sinks",) else ", ".join(KINDS)
        hint = f"one of: {kinds}"
    elif kind == "value_error":
        reason = message.removeprefix("Value error, ")
    elif kind == slo.ERROR_TYPE:
        reason, hint = message, slo.SYNTAX_HINT
    elif at == ("target", "base_url") and kind != "value_error":
        reason, hint = (
            "not an http:// or https:// address",
            "scheme, host and port only: https://api.example.com:8443",
        )
    elif at[:1] == ("faults",) and kind == "literal_error":
        reason, hint = "unknown fault", default
    return reason, hint


def _without_tags(at: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The place in the file, without the kinds of sinks that the model has in it."""
    if at[:1] != ("sinks",):
        return at
    # A name stands before the tag of its kind: sinks.events.nats.url, sinks.audit.events.stream.nats.url.
    kept: list[str | int] = list(at[:2])
    may_be_tag = True
    for part in at[2:]:
        if may_be_tag and part in SINK_TAGS:
            may_be_tag = False
        else:
            may_be_tag = part == "stream" or kept[-1] == "replicas"
            kept.append(part)
    return tuple(kept)


def _known_keys(at: tuple[str | int, ...]) -> list[str]:
    """The keys that the model allows in a section; those of all variants where the kind is not known."""
    models: list[type[BaseModel]] = [Profile]
    for part in at:
        of_kind = [model for model in models if _kind_of(model) == part]
        if of_kind and len(models) > 1:
            models = of_kind
        elif isinstance(part, str):
            models = [
                inner
                for model in models
                for inner in _models_in(model.model_fields[part].annotation if part in model.model_fields else None)
            ] or models
    return sorted({key for model in models for key in model.model_fields})


def _kind_of(model: type[BaseModel]) -> object:
    kind = model.model_fields.get("kind")
    return kind.annotation.__args__[0] if kind is not None and kind.annotation is not None else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
