"""Values that a target sends, each read by its grammar and within bounds: JSON, times, delays and entity tags.

JSON is read strictly (RFC 8259). What Python reads beyond it (NaN, other encodings), and what it cannot work with later
(lone surrogates, numbers that become infinite), is refused here, so that no check meets it.
"""

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_VALUES = 200_000
_DELAY = re.compile(r"[0-9]{1,9}")
_MAX_DATE_CHARACTERS = 64
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,24})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ENTITY_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_MAX_TAG_CHARACTERS = 1_024
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_SCHEME = re.compile(_WORD)
_AUTH_PARAM = re.compile(rf"{_WORD}[ \t]*=[ \t]*(?:{_WORD}|{_QUOTED})")
_TOKEN_68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class NotJson(ValueError):  # noqa: N818 - read as a statement
    """The bytes are no JSON text within the bounds; the message says why."""


class TooDeep(NotJson):
    """It may be JSON: it is nested deeper than we read."""


def is_too_deep(body: bytes) -> bool:
    """Whether a body may be JSON, but is nested deeper than we read."""
    try:
        json_of(body)
    except TooDeep:
        return True
    except NotJson:
        pass
    return False


def json_of(body: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        NotJson: see there.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except RecursionError:
        raise TooDeep(f"nested more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    _require_bounds(value)
    return value


def _require_bounds(value: Any) -> None:
    count, depth, level = 0, 0, [value]
    while level:
        count, depth = count + len(level), depth + 1
        if count > MAX_VALUES:
            raise NotJson(f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise TooDeep(f"nested more than {MAX_DEPTH} levels deep")
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                for key in one:
                    _require_text(key)
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str):
                _require_text(one)
            elif isinstance(one, float) and not math.isfinite(one):
                raise NotJson("a number that is too large (RFC 8259 §6)")
        level = below


def _require_text(text: str) -> None:
    try:
        text.isascii() or text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotJson("a lone surrogate in a text (RFC 8259 §8.2)") from None


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"{name} is not a JSON value (RFC 8259 §6)")


def delay_seconds(value: str) -> float | None:
    """The seconds of a Retry-After (RFC 9110 §10.2.3: ``delay-seconds = 1*DIGIT``)."""
    digits = value.strip(" \t")
    return float(digits) if _DELAY.fullmatch(digits) else None


def http_date(value: str) -> datetime | None:
    """The moment of an HTTP date, in UTC (RFC 9110 §5.6.7)."""
    if len(value) > _MAX_DATE_CHARACTERS or not value.isascii():
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def rfc_3339(value: object) -> datetime | None:
    """The moment of a time with an offset (RFC 3339 §5.6)."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # a 13th month, or an offset beyond the first year
        return None


def is_entity_tag(value: str) -> bool:
    """Whether it is an entity tag (RFC 9110 §8.8.3)."""
    return len(value) <= _MAX_TAG_CHARACTERS and _ENTITY_TAG.fullmatch(value) is not None


def challenge_schemes(value: str) -> list[str]:
    """The schemes of the challenges in a field, in lower case; none when it is no list of challenges.

    RFC 9110 §11.3: ``auth-scheme [ 1*SP ( token68 / #auth-param ) ]``. Commas separate both challenges and their
    parameters (§11.6.1), so each element begins a challenge or continues one.
    """
    schemes: list[str] = []
    takes_parameters = False
    for element in list_elements(value):
        part = element.strip(" \t")
        if not part or (takes_parameters and _AUTH_PARAM.fullmatch(part)):
            continue
        scheme, space, rest = part.partition(" ")
        rest = rest.strip(" \t")
        is_parameter = _AUTH_PARAM.fullmatch(rest) is not None
        if not _SCHEME.fullmatch(scheme) or (space and rest and not is_parameter and not _TOKEN_68.fullmatch(rest)):
            return []
        schemes.append(scheme.lower())
        takes_parameters = is_parameter or not rest
    return schemes


def list_elements(value: str) -> list[str]:
    """The elements of a list; a comma in a quoted string separates nothing."""
    found, start, is_quoted, is_escaped = [], 0, False, False
    for place, letter in enumerate(value):
        if is_escaped:
            is_escaped = False
        elif is_quoted and letter == "\\":
            is_escaped = True
        elif letter == '"':
            is_quoted = not is_quoted
        elif letter == "," and not is_quoted:
            found.append(value[start:place])
            start = place + 1
    return [*found, value[start:]]
