"""Joins a document of several files: what its references name in other files becomes a part of it.

Only files in the folder of the document are read, and what else the user has allowed: a document may come from anybody,
and a reference to ``/etc/passwd`` or to another host is one, too.
"""

import posixpath
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from createflow.scenarios.openapi.parsing import MOST_PARTS, parse
from createflow.scenarios.openapi.references import Document
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.reading.bounded_json import Malformed, shown

FILES = "x-createflow-files"
"""Where the other files are in the joined document, by their addresses."""
UNREAD = "x-createflow-unread"
"""Why references were not followed, by the reference."""
_MOST_FILES = 5_000
_MOST_DOWNLOADS = 200
_LONGEST_REFERENCE = 1000
_MOST_UNREAD = 1_000

Read = Callable[[str], bytes]
"""The content at an address."""


class SeveralFiles:
    """Reads the files that a document refers to.

    Args:
        where: file or URL of the document.
        read: the content of a file or URL, within a bound.
        allowed: folders and origins (or URLs of folders) that may be read beside the document's own folder.
        most_bytes: of all files together.
    """

    def __init__(self, where: str, read: Read, *, allowed: Sequence[str], most_bytes: int) -> None:
        self._root = _address(where)
        self._read = read
        self._folders = tuple(_folder(one) for one in (self._root.rpartition("/")[0], *map(_address, allowed)))
        self._bytes_left = most_bytes
        self._parts_left = MOST_PARTS
        self._waiting: list[str] = []
        self._found: dict[str, Any] = {}
        self._unread: dict[str, str] = {}

    def joined(self, document: Document) -> Document:
        """The document with all that its references name.

        Raises:
            UserError: they are too many, or too large together.
        """
        if not _refers_elsewhere(document):
            return document
        made: dict[str, Any] = self._rewritten(document, self._root)
        while self._waiting:
            address = self._waiting.pop()
            self._found[address] = self._rewritten(self._content(address), address)
        if self._found:
            made[FILES] = self._found
        if self._unread:
            made[UNREAD] = self._unread
        return made

    def _content(self, address: str) -> Any:
        """The value of a file; where it cannot be read, nothing, and why not is noted."""
        try:
            raw = self._read(address)
        except (UserError, TargetError) as error:
            self._note(address, str(error))
            return {}
        self._bytes_left -= len(raw)
        if self._bytes_left < 0:
            raise UserError("the files of the document are too large together")
        try:
            return parse(raw)
        except Malformed as error:
            self._note(address, str(error))
            return {}

    def _rewritten(self, value: Any, base: str) -> Any:
        """The value with its references to other files as references into the joined document."""
        self._parts_left -= 1
        if self._parts_left < 0:
            raise UserError(f"the files of the document have more than {MOST_PARTS} parts together")
        if isinstance(value, list):
            return [self._rewritten(one, base) for one in value]
        if not isinstance(value, dict):
            return value
        made = {name: self._rewritten(one, base) for name, one in value.items()}
        if isinstance(made.get("$ref"), str):
            made["$ref"] = self._reference(made["$ref"], base)
        mapping = made.get("mapping")
        if isinstance(mapping, dict) and "propertyName" in made:
            made["mapping"] = {
                name: self._reference(one, base) if isinstance(one, str) and _is_address(one) else one
                for name, one in mapping.items()
            }
        return made

    def _reference(self, reference: str, base: str) -> str:
        if len(reference) > _LONGEST_REFERENCE:
            return reference
        file, _, fragment = reference.partition("#")
        address = _joined(base, file)
        if address == self._root:
            return f"#{fragment}"
        if address not in self._found and not self._may_read(reference, address):
            return reference
        return f"#/{FILES}/{address.replace('~', '~0').replace('/', '~1')}{unquote(fragment)}"

    def _may_read(self, reference: str, address: str) -> bool:
        """Whether the address is taken up; else why not is noted."""
        if not _is_below(address, self._folders):
            self._note(reference, "it is not in the folder of the document (--follow FOLDER_OR_URL allows another)")
            return False
        most = _MOST_DOWNLOADS if _is_url(address) else _MOST_FILES
        if len(self._found) >= most:
            raise UserError(f"the document refers to more than {most} files")
        self._found[address] = {}
        self._waiting.append(address)
        return True

    def _note(self, reference: str, reason: str) -> None:
        if len(self._unread) < _MOST_UNREAD:
            self._unread[reference] = reason


def _refers_elsewhere(document: Any) -> bool:
    """Whether any reference leads out of the document, without a copy of it: it may have 50 MB."""
    rest = [document]
    while rest:
        part = rest.pop()
        if isinstance(part, list):
            rest += [one for one in part if isinstance(one, (dict, list))]
        elif isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str) and not reference.startswith("#"):
                return True
            rest += [one for one in part.values() if isinstance(one, (dict, list))]
    return False


def unread_files(document: Document, references: Sequence[str]) -> list[str]:
    """What is said of files that could not be read, and of the references that were not followed."""
    reasons = document.get(UNREAD, {})
    files = [f"{name}: {reason}" for name, reason in reasons.items() if name in document.get(FILES, {})]
    foreign = [
        f"the document refers to {name[:_LONGEST_REFERENCE]}, which was not read: "
        f"{reasons.get(name, 'it is in another document')}; the schema allows anything there"
        for name in references
    ]
    return [*files, *foreign]


def _is_url(where: str) -> bool:
    return where.lower().startswith(("http://", "https://"))


def _is_address(text: str) -> bool:
    """Whether a value of a mapping is a reference, and not the name of a schema."""
    return "/" in text or "#" in text or text.endswith((".json", ".yaml", ".yml"))


def _address(where: str) -> str:
    """One spelling for each file and URL: links are followed, so that what they name counts."""
    return where.partition("#")[0] if _is_url(where) else str(Path(where).resolve())


def _folder(address: str) -> str:
    return address.rstrip("/") + "/"


def _joined(base: str, file: str) -> str:
    if not file:
        return base
    if _is_url(base) or _is_url(file):
        return urljoin(base, file)
    if urlsplit(file).scheme == "file":
        return _address(unquote(urlsplit(file).path))
    try:
        return _address(posixpath.join(posixpath.dirname(base), unquote(file)))
    except (ValueError, OSError, RuntimeError):
        # A NUL, or links in a circle.
        return f"{shown(file)} is not the name of a file"


def _is_below(address: str, folders: Sequence[str]) -> bool:
    """Whether it is in one of the folders; of URLs, with the same scheme, host and port."""
    return any(address.startswith(folder) and ".." not in address.split("/") for folder in folders)
