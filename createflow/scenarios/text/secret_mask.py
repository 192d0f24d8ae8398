"""Keeps secrets, and text that no file format can hold, out of everything that is shown or saved."""

import json
import re
from base64 import b64encode
from html import escape
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel

Record = TypeVar("Record", bound=BaseModel)

MASKED = "****"
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?")
_PASSWORD_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/\s:@'\"]*:)[^/\s@'\"]+(?=@)", re.IGNORECASE)
_PASSWORD_SETTING = re.compile(r"(?P<before>\bpassword\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)
_SHORTEST = 6
"""Shorter secrets are not masked: they would hide ordinary words."""

_QUERY = "!$&'()*+,/:;=?@"
"""Characters that httpx does not encode in a query."""


class Mask:
    """Replaces the secrets of a run wherever they are."""

    def __init__(self) -> None:
        self._added: set[str] = set()
        self._secrets: dict[str, str] = {}
        self._longest_first: list[str] = []
        self._beginnings: dict[str, list[str]] = {}
        """The secrets by their first characters: strings are searched often, secrets are added once."""

    def add(self, secret: str | None, shown: str = MASKED) -> None:
        """Mask this text from now on.

        Args:
            secret: shorter ones than six characters are not masked.
            shown: in its place.
        """
        if secret and len(secret) >= _SHORTEST and secret not in self._added:
            self._added.add(secret)
            for form in _forms(secret):
                self._secrets[form] = shown
                self._beginnings.setdefault(form[:_SHORTEST], []).append(form)
            self._longest_first = sorted(self._secrets, key=len, reverse=True)

    def add_url(self, url: str) -> str:
        """Mask the password inside a DSN or URL. Returns it; empty when there is none."""
        try:
            password = urlsplit(url).password or ""
        except ValueError:
            self.add(url)
            password = ""
        if setting := _PASSWORD_SETTING.search(url):
            password = password or setting[2].strip("'")
            self.add(setting[2].strip("'"))
        self.add(password)
        return password

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._longest_first:
            if secret in text:
                text = text.replace(secret, self._secrets[secret])
        text = self._without_cut_secret(text)
        text = _JWT.sub("$TOKEN", text)
        text = _PASSWORD_IN_URL.sub(rf"\g<before>{MASKED}", text)
        return _PASSWORD_SETTING.sub(rf"\g<before>{MASKED}", text)

    def _without_cut_secret(self, text: str) -> str:
        """Mask the beginning of a secret at the end of the text, where an excerpt was cut inside the secret."""
        whole = text.rstrip("'\". )…")
        for start in range(len(whole) - _SHORTEST + 1):
            for secret in self._beginnings.get(whole[start : start + _SHORTEST], ()):
                if secret.startswith(whole[start:]):
                    return whole[:start] + self._secrets[secret] + text[len(whole) :]
        return text

    def record(self, record: Record) -> Record:
        """The record with every string masked, and lone surrogates escaped, which UTF-8 and JSON cannot hold."""
        return type(record).model_validate(self._walked(record.model_dump()))

    def _walked(self, value: object) -> object:
        if isinstance(value, str):
            return _without_surrogates(self.text(value)) if type(value) is str else value
        if isinstance(value, dict):
            return {_without_surrogates(self.text(key)): self._walked(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return tuple(self._walked(item) for item in value)
        return value


def _without_surrogates(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _forms(secret: str) -> set[str]:
    """The secret as it is written in URLs, JSON, HTML, Python, a shell and Basic authentication."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote(secret, safe=_QUERY), unquote(secret)}
    forms |= {escape(secret), repr(secret)[1:-1]}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {form.replace("/", r"\/") for form in tuple(forms)}
    forms.add(b64encode(secret.encode()).decode())
    # Excerpts of JSON replies are shown with repr().
    forms |= {repr(form)[1:-1] for form in forms}
    return forms | {form.replace("'", "'\"'\"'") for form in forms}
