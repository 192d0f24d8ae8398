"""Finds the credentials of a recorded request, and names a variable for each: none is written into a profile."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from createflow.scenarios.drafting.draft import FromEnvironment, key_lines

_SECRET = re.compile(
    r"(^|[-_.])(auth|authorization|token|secret|password|passwd|pwd|passphrase|pin|otp|cvv|cvc|signature|sig|"
    r"credentials?|cookie|session|sessionid|sid|csrf|xsrf|jwt|bearer|api[-_.]?key|apikey|access[-_.]?key|"
    r"private[-_.]?key|key|card[-_.]?number)([-_.]|$)"
)
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w+/=.-]{32,}")
_SESSION = re.compile(r"sess|sid|auth|token|jwt", re.IGNORECASE)
_SIGNED = ("aws4-hmac", "signature", "digest", "hawk", "oauth ", "hmac")
_LONGEST_VARIABLE = 60


def is_secret_name(name: str) -> bool:
    """Whether a header, parameter or member of this name holds a secret."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return _SECRET.search(words) is not None and not words.startswith("idempotency")


class Secrets:
    """The credentials of one request.

    Args:
        headers: of the request.
        query: its parameters.
        user: ``user:password``, where they were given apart.

    Attributes:
        auth: the lines of ``[auth]``.
        headers: other headers with secrets, each with its variable.
        told: a line for each secret.
    """

    def __init__(self, headers: Sequence[tuple[str, str]], query: Sequence[tuple[str, str]], user: str) -> None:
        self.headers: dict[str, FromEnvironment] = {}
        self.told: list[str] = []
        self.auth: tuple[str, ...] = ()
        given = {name.lower(): value for name, value in headers}
        own = given.get("authorization", "")
        if own.lower().startswith("basic ") or (user and not own):
            self._take(['kind = "basic"'], "CREATEFLOW_WRITER", "user:password")
        elif own:
            self._authorization(own)
        for name, value in headers:
            if name.lower() not in {"authorization", "cookie"} and self.is_one(name, value):
                self._header(name)
        for name, value in query:
            if is_secret_name(name) and value:
                self._elsewhere({"in": "query", "name": name}, f"the parameter {name}")
        self._cookies(given.get("cookie", ""))
        if not self.auth:
            self.auth = ("[auth]", 'kind = "none"')

    def is_one(self, name: str, value: str) -> bool:
        """Whether the header holds a secret, by its name or by its value."""
        return is_secret_name(name) or bool(_JWT.search(value)) or bool(_RANDOM.fullmatch(value))

    def without(self, value: Any, name: str = "") -> Any:
        """The value with a variable in place of each secret."""
        if isinstance(value, Mapping):
            return {key: self.without(one, str(key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.without(one, name) for one in value]
        if isinstance(value, str) and value and (is_secret_name(name) or _JWT.fullmatch(value)):
            variable = _variable("BODY", name)
            self._tell(f"{name} of the body", variable)
            return FromEnvironment(f"${{{variable}}}")
        return value

    def blanked(self, value: Any, name: str = "") -> Any:
        """The value with an empty text in place of each secret, for a file in which no variable is filled in."""
        if isinstance(value, Mapping):
            return {key: self.blanked(one, str(key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.blanked(one, name) for one in value]
        if isinstance(value, str) and value and (is_secret_name(name) or _JWT.fullmatch(value)):
            self.told.append(f"{name} of the body is a secret and was left out: write it into the file of the body")
            return ""
        return value

    def _authorization(self, value: str) -> None:
        scheme, blank, _ = value.partition(" ")
        if value.lower().startswith(_SIGNED):
            self.told.append(
                'the recorded signature cannot be sent again: [auth] kind = "command" signs (docs/profile.md)'
            )
            return
        lines = ['kind = "static"']
        if not blank or scheme.lower() != "bearer":
            lines.append(f'scheme = "{scheme if blank and re.fullmatch("[A-Za-z][A-Za-z0-9-]*", scheme) else ""}"')
        self._take(lines, "CREATEFLOW_TOKEN", "the token")

    def _header(self, name: str) -> None:
        if not self.auth and re.search("key|token|auth", name, re.IGNORECASE) and "csrf" not in name.lower():
            self._take(key_lines({"in": "header", "name": name}), "CREATEFLOW_KEY", f"the value of {name}")
            return
        variable = _variable("HEADER", name)
        self.headers[name] = FromEnvironment(f"${{{variable}}}")
        self._tell(f"the header {name}", variable)

    def _cookies(self, value: str) -> None:
        names = [one.partition("=")[0].strip() for one in value.split(";") if "=" in one]
        chosen = next((name for name in names if _SESSION.search(name)), names[0] if len(names) == 1 else "")
        if chosen:
            self._elsewhere({"in": "cookie", "name": chosen}, f"the cookie {chosen}")
        if len(names) > bool(chosen):
            self.told.append(f"{len(names) - bool(chosen)} of the cookies were left out")

    def _elsewhere(self, place: Mapping[str, str], what: str) -> None:
        if self.auth:
            self.told.append(f"{what} was left out: the credential is elsewhere already")
            return
        if not re.fullmatch(r"[\w.~-]+", place["name"]):
            self.told.append(f"{what} was left out")
            return
        self._take(key_lines(place), "CREATEFLOW_KEY", f"the value of {what}")

    def _take(self, lines: Sequence[str], variable: str, what: str) -> None:
        self.auth = ("[auth]", *lines, f'writer_env = "{variable}"  # holds {" ".join(what.split())}')
        self._tell(what, variable)

    def _tell(self, what: str, variable: str) -> None:
        self.told.append(f"{what} was not written: export {variable}=...")


def _variable(place: str, name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return f"CREATEFLOW_{place}_{re.sub(r'[^A-Za-z0-9]+', '_', words).strip('_').upper()}"[:_LONGEST_VARIABLE]
