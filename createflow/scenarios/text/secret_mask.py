"""Keeps secrets, and text that no file format can hold, out of everything that is shown or saved."""

import re
from base64 import b64decode
from collections import deque
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel

from createflow.scenarios.text.encodings import encoded_forms, written_forms

Record = TypeVar("Record", bound=BaseModel)

MASKED = "****"
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?")
"""For whole texts only: to search with it would look at a long word again and again."""
_JWT_BEGINNING = "eyJ"
_WORD = re.compile(r"[A-Za-z0-9_-]*+")
_REST_OF_JWT = re.compile(r"\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?")
_SHORTEST_JWT_HEADER = 8
# A JWT of somebody else in base64 or hex: both begin with what they make of eyJ.
_ENCODED_JWT = re.compile(r"\b(ZXlK[A-Za-z0-9+/_-]{40,}={0,2}|65794[aA][0-9a-fA-F]{80,})")
_PASSWORD_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]{0,30}://[^/\s:@'\"]*:)[^/\s@'\"]+(?=@)", re.IGNORECASE)
_PASSWORD_SETTING = re.compile(r"(?P<before>\bpassword\s{0,9}=\s{0,9})('(?:\\.|[^'\\])*'|[^\s&]+)", re.IGNORECASE)
_COOKIE_LINE = re.compile(r"(?P<before>\bcookie:[ \t]{0,9}[^=;\s]{1,99}=)(?!['\"]{0,2}\$TOKEN\b)[^;\s]+", re.IGNORECASE)
_COOKIE_VALUE = re.compile(r"(?P<before>^[^=;\s]{1,99}=)(?!\$TOKEN\b)[^;]+")
_COOKIE_HEADERS = {"cookie", "set-cookie"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\s+(\S+)")
_SECRET_HEADER = re.compile("auth|key|token|secret|cookie|pass|credential", re.IGNORECASE)
_SECRET_PARAMETER = re.compile("pass|token|secret|key|credential", re.IGNORECASE)
_TOKEN_USER_SCHEMES = {"nats", "tls", "ws", "wss", "http", "https"}
"""A user without a password is a token there; for databases it is only a name."""

_SHORTEST = 6
"""Shorter secrets are not masked: they would hide ordinary words."""
_MOST_ENCODED = 1000
"""So many secrets are known in base64 and hex too: a load can have any number of tokens."""


def without_secrets(text: str) -> str:
    """The text without the secrets of any run of this process, for errors that were raised outside a report."""
    for mask in (Mask(remembered=False), *_masks):
        text = mask.text(text)
    return text


def is_secret_header(name: str) -> bool:
    """Whether the name tells that the value is a credential."""
    return _SECRET_HEADER.search(name) is not None


_masks: deque["Mask"] = deque(maxlen=4)
"""The last masks of this process; a command has one or two."""


class Mask:
    """Replaces the secrets of a run wherever they are."""

    def __init__(self, *, remembered: bool = True) -> None:
        if remembered:
            _masks.append(self)
        self._added: set[str] = set()
        self._shown: dict[str, str] = {}
        """Each form of each secret, with what is shown in its place."""
        self._lengths: dict[str, list[int]] = {}
        """By the first characters of a form: the lengths of the forms that begin so, the longest first.

        Why: a text is searched once, however many secrets there are.
        """

    def add(self, secret: str | None, shown: str = MASKED) -> None:
        """Mask this text from now on, and the parts of it if it is a JWT.

        Args:
            secret: shorter ones than six characters are not masked.
            shown: in its place.
        """
        if not secret or len(secret) < _SHORTEST or secret in self._added:
            return
        is_encoded = len(self._added) < _MOST_ENCODED
        self._added.add(secret)
        parts = secret.split(".") if _JWT.fullmatch(secret) else []
        for text in (secret, *parts):
            for form in written_forms(text) | (encoded_forms(text) if is_encoded else set()):
                self._add_form(form, shown)

    def _add_form(self, form: str, shown: str) -> None:
        if len(form) < _SHORTEST or form in self._shown:
            return
        self._shown[form] = shown
        lengths = self._lengths.setdefault(form[:_SHORTEST], [])
        if len(form) not in lengths:
            lengths.append(len(form))
            lengths.sort(reverse=True)

    def add_url(self, url: str) -> str:
        """Mask the password inside a DSN or URL, and every other credential in it.

        Returns:
            The password, or what stands for one; empty when there is none.
        """
        credentials = [found for found in _credentials(url) if found]
        for credential in credentials:
            self.add(credential)
        return credentials[0] if credentials else ""

    def add_header(self, name: str, value: str, shown: str = MASKED) -> None:
        """Mask the value of a header, and what is secret in it: a credential after its scheme, values of cookies."""
        self.add(value, shown)
        if not is_secret_header(name):
            return
        if found := _SCHEME.fullmatch(value):
            self.add(found[1], shown)
            self._add_basic(found[1], shown)
        for cookie in value.split(";") if "=" in value else ():
            self.add(cookie.partition("=")[2].strip().strip('"'), shown)

    def _add_basic(self, credential: str, shown: str) -> None:
        try:
            user, colon, password = b64decode(credential, validate=True).decode().partition(":")
        except ValueError:
            return
        if user and colon:
            self.add(password, shown)

    def text(self, text: str) -> str:
        """The text without secrets."""
        text = self._without_known(text)
        text = _without_tokens(text)
        text = _ENCODED_JWT.sub("$TOKEN", text)
        text = _PASSWORD_IN_URL.sub(rf"\g<before>{MASKED}", text)
        text = _COOKIE_LINE.sub(rf"\g<before>{MASKED}", text)
        return _PASSWORD_SETTING.sub(rf"\g<before>{MASKED}", text)

    def _without_known(self, text: str) -> str:
        """Replace every form of every secret; at the end also the beginning of one, where an excerpt was cut in it."""
        if not self._lengths:
            return text
        end = len(text.rstrip("'\". )…"))
        parts, copied, start = [], 0, 0
        while start <= len(text) - _SHORTEST:
            lengths = self._lengths.get(text[start : start + _SHORTEST])
            if lengths is not None and (found := self._found_at(text, start, end, lengths)):
                length, shown = found
                parts += [text[copied:start], shown]
                start = copied = start + length
            else:
                start += 1
        return "".join([*parts, text[copied:]]) if parts else text

    def _found_at(self, text: str, start: int, end: int, lengths: list[int]) -> tuple[int, str] | None:
        """The length of the secret that begins there, and what is shown in its place."""
        for length in lengths:
            shown = self._shown.get(text[start : start + length])
            if shown is not None:
                return length, shown
        cut = text[start:end]
        if len(cut) >= _SHORTEST and len(cut) < lengths[0]:
            for form, shown in self._shown.items():
                if form.startswith(cut):
                    return len(cut), shown
        return None

    def record(self, record: Record) -> Record:
        """The record with every string masked, and lone surrogates escaped, which UTF-8 and JSON cannot hold."""
        return type(record).model_validate(self._walked(record.model_dump()))

    def _walked(self, value: object, name: str = "") -> object:
        if isinstance(value, str):
            if type(value) is not str:
                return value
            shown = _without_surrogates(self.text(value))
            is_cookie = name.lower() in _COOKIE_HEADERS
            return _COOKIE_VALUE.sub(rf"\g<before>{MASKED}", shown) if is_cookie else shown
        if isinstance(value, dict):
            return {_without_surrogates(self.text(key)): self._walked(item, key) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return tuple(self._walked(item) for item in value)
        return value


def _credentials(url: str) -> Iterator[str]:
    """What a DSN or URL has of passwords, tokens and keys; the whole of it if it cannot be read."""
    for part in re.split(r",(?=[a-z]+://)", url):
        try:
            split = urlsplit(part)
            password, user = split.password or "", split.username or ""
        except ValueError:
            yield part
            continue
        yield unquote(password)
        yield password
        if not password and split.scheme in _TOKEN_USER_SCHEMES:
            yield user
        yield from (value for name, value in parse_qsl(split.query) if _SECRET_PARAMETER.search(name))
    for setting in _PASSWORD_SETTING.finditer(url):
        value = setting[2]
        yield re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value


def _without_tokens(text: str) -> str:
    """The text without JSON Web Tokens of anybody, in one pass: a long word is looked at once."""
    parts: list[str] = []
    kept = position = 0
    while (start := text.find(_JWT_BEGINNING, position)) >= 0:
        word = _WORD.match(text, start)
        position = word.end() if word else start + 1
        rest = _REST_OF_JWT.match(text, position)
        if rest is not None and position - start >= _SHORTEST_JWT_HEADER:
            parts += [text[kept:start], "$TOKEN"]
            kept = position = rest.end()
    return "".join((*parts, text[kept:]))


def _without_surrogates(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
