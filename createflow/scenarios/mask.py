"""Keeping secrets out of everything that is shown or saved."""

import re
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel

Record = TypeVar("Record", bound=BaseModel)

MASKED = "****"
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_PASSWORD_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/\s:@'\"]*:)[^/\s@'\"]+(?=@)", re.IGNORECASE)
_PASSWORD_WORD = re.compile(r"(?P<before>\bpassword\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)
_SHORTEST = 6
"""Shorter secrets are not searched for: they would mask ordinary words and hide what was seen."""


class Mask:
    """Knows the run's secrets and blots them out."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def add(self, secret: str | None, shown: str = MASKED) -> None:
        """Remember a secret, and what is shown in its place."""
        if secret and len(secret) >= _SHORTEST:
            for form in (secret, quote(secret, safe=""), unquote(secret)):
                self._secrets[form] = shown

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
        for secret in sorted(self._secrets, key=len, reverse=True):
            if secret in text:
                text = text.replace(secret, self._secrets[secret])
        text = _JWT.sub("$TOKEN", text)
        text = _PASSWORD_IN_URL.sub(rf"\g<before>{MASKED}", text)
        return _PASSWORD_WORD.sub(rf"\g<before>{MASKED}", text)

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
