"""Reads a recording of a browser or a proxy (HTTP Archive 1.2). It may come from anybody, so it is bounded."""

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from createflow.scenarios.drafting.recorded import Exchange
from createflow.scenarios.openapi.values import as_list, as_object
from createflow.schemas.error import UserError
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed, parse_json

MAX_BYTES = 50 * 1024 * 1024
_MOST_PARTS = 2_000_000
_MOST_ENTRIES = 20_000
_MOST_HEADERS = 200
_LONGEST_URL = 8_000
_MOST_BODY_CHARACTERS = 1024 * 1024
_HINT = "a .har file, as the network tab of a browser saves it"


def read_har(file: Path) -> list[Exchange]:
    """The exchanges of a recording, in its order; what is no HTTP request is left out.

    Raises:
        UserError: no such file, too large, too deep, or no recording.
    """
    raw = read_bounded(file, MAX_BYTES, hint=_HINT)
    try:
        whole = parse_json(raw.decode("utf-8-sig"), most_parts=_MOST_PARTS)
    except UnicodeDecodeError:
        raise UserError(f"{file}: not UTF-8 text", hint=_HINT) from None
    except Malformed as error:
        raise UserError(f"{file}: {error}", hint=_HINT) from None
    entries = as_object(as_object(whole).get("log")).get("entries")
    if not isinstance(entries, list):
        raise UserError(f"{file}: no recording: it has no log.entries", hint=_HINT)
    if len(entries) > _MOST_ENTRIES:
        raise UserError(f"{file}: more than {_MOST_ENTRIES} exchanges", hint=_HINT)
    return list(_exchanges(entries))


def _exchanges(entries: list[Any]) -> Iterator[Exchange]:
    for entry in entries:
        request, response = (as_object(as_object(entry).get(name)) for name in ("request", "response"))
        url = request.get("url")
        if not isinstance(url, str) or not _is_http(url):
            continue
        status = response.get("status")
        yield Exchange(
            method=str(request.get("method", "")).upper(),
            url=url,
            headers=_headers(request),
            body=_text(as_object(request.get("postData"))),
            user=urlsplit(url).netloc.rpartition("@")[0],
            # 0 stands for a reply that never came.
            status=status if isinstance(status, int) and not isinstance(status, bool) else 0,
            reply_headers=_headers(response),
            reply=_text(as_object(response.get("content"))),
        )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return len(url) <= _LONGEST_URL and parts.scheme in {"http", "https"} and bool(parts.netloc)
    except ValueError:
        return False


def _headers(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = [as_object(one) for one in as_list(message.get("headers"))[:_MOST_HEADERS]]
    return tuple((str(one.get("name", "")), str(one.get("value", ""))) for one in found)


def _text(content: dict[str, Any]) -> str:
    text = content.get("text")
    if not isinstance(text, str) or len(text) > _MOST_BODY_CHARACTERS:
        return ""
    if content.get("encoding") != "base64":
        return text
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
