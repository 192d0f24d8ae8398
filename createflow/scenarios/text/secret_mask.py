"""Keeping secrets out of everything that is shown or saved."""

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
_PASSWORD_WORD = re.compile(r"(?P<before>\bpassword\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)
_SHORTEST = 6
"""Shorter secrets are not searched for: they would mask ordinary words and hide what was seen."""

_QUERY = "!$&'()*+,/:;=?@"
"""What httpx leaves as it is in a query."""


class Mask:
    """Knows the run's secrets and blots them out."""

    def __init__(self) -> None:
        self._added: set[str] = set()
        self._secrets: dict[str, str] = {}
        self._longest_first: list[str] = []
        self._beginnings: dict[str, list[str]] = {}
        """The secrets by their first characters: each string is looked at many times, each secret added once."""

    def add(self, secret: str | None, shown: str = MASKED) -> None:
        """Remember a secret, and what is shown in its place."""
        if secret and len(secret) >= _SHORTEST and secret not in self._added:
            self._added.add(secret)
            for form in _forms(secret):
                self._secrets[form] = shown
                self._beginnings.setdefault(form[:_SHORTEST], []).append(form)
            self._longest_first = sorted(self._secrets, key=len, reverse=True)

    def add_url(self, url: str) -> None:
        """Remember the password inside a DSN or URL."""
        try:
            self.add(urlsplit(url).password)
        except ValueError:
            self.add(url)
        if word := _PASSWORD_WORD.search(url):
            self.add(word[2].strip("'"))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._longest_first:
            if secret in text:
                text = text.replace(secret, self._secrets[secret])
        text = self._without_cut_one(text)
        text = _JWT.sub("$TOKEN", text)
        text = _PASSWORD_IN_URL.sub(rf"\g<before>{MASKED}", text)
        return _PASSWORD_WORD.sub(rf"\g<before>{MASKED}", text)

    def _without_cut_one(self, text: str) -> str:
        """Without the beginning of a secret at the end of the text, where an excerpt was cut in the middle of it."""
        whole = text.rstrip("'\". )…")
        for start in range(len(whole) - _SHORTEST + 1):
            for secret in self._beginnings.get(whole[start : start + _SHORTEST], ()):
                if secret.startswith(whole[start:]):
                    return whole[:start] + self._secrets[secret] + text[len(whole) :]
        return text

    def record(self, record: Record) -> Record:
        """The record with every string in it masked."""
        return type(record).model_validate(self._walked(record.model_dump()))

    def _walked(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value) if type(value) is str else value
        if isinstance(value, dict):
            return {self.text(key): self._walked(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return tuple(self._walked(item) for item in value)
        return value


def _forms(secret: str) -> set[str]:
    """The secret as URLs, JSON, HTML, Python, a shell and Basic authentication write it."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote(secret, safe=_QUERY), unquote(secret)}
    forms |= {escape(secret), repr(secret)[1:-1]}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {form.replace("/", r"\/") for form in tuple(forms)}
    forms.add(b64encode(secret.encode()).decode())
    # An excerpt of a JSON reply is shown as Python writes it.
    forms |= {repr(form)[1:-1] for form in forms}
    return forms | {form.replace("'", "'\"'\"'") for form in forms}
