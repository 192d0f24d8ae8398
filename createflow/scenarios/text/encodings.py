"""How a text looks where createflow or a target writes it: in URLs, JSON, HTML, Python, shells, base64 and hex."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus, unquote
from xml.sax.saxutils import escape as xml_escape

_QUERY = "!$&'()*+,/:;=?@"
"""Characters that httpx does not encode in a query."""
_PLAIN = re.compile(r"[A-Za-z0-9._-]*")
"""Characters that no format escapes, such as those of a JWT."""
_URL_SAFE = str.maketrans("+/", "-_")
_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""As JSON is written inside a page, and by some servers everywhere."""
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})
"""As template engines write HTML."""


def written_forms(text: str) -> set[str]:
    """The text as it is and as each format escapes it, also inside an excerpt, other JSON and a shell's quotes."""
    if _PLAIN.fullmatch(text):
        return {text}
    forms = {text, *_in_urls(text), *_in_markup(text), *_in_code(text)}
    forms |= {form.replace("/", r"\/") for form in forms}
    # Excerpts of JSON replies are shown with repr(), and JSON is sent inside JSON.
    forms |= {repr(form)[1:-1] for form in forms} | {json.dumps(form)[1:-1] for form in forms}
    return forms | {form.replace("'", quoted) for form in forms for quoted in ("'\"'\"'", r"'\''", r"\'")}


def encoded_forms(text: str) -> set[str]:
    """What base64 and hex make of the text, whatever stands before and after it."""
    raw = text.encode("utf-8", "backslashreplace")
    forms = {raw.hex(), raw.hex().upper(), raw.hex(":"), raw.hex(" ")}
    for shift in range(3):
        forms |= set(_base64_from(raw, shift))
    return forms


def _base64_from(raw: bytes, shift: int) -> Iterator[str]:
    """The characters that depend on the text alone when so many bytes, counted modulo 3, stand before it."""
    encoded = b64encode(bytes(shift) + raw).decode()
    inside = encoded[-(-shift * 4 // 3) : (shift + len(raw)) * 4 // 3]
    for form in (inside, inside.translate(_URL_SAFE)):
        yield form
        yield quote(form, safe="")


def _in_urls(text: str) -> set[str]:
    forms = {quote(text, safe=""), quote(text), quote(text, safe=_QUERY), quote_plus(text)}
    forms |= {_lower_escapes(form) for form in forms}
    return forms | {quote(form, safe="") for form in forms} | {unquote(text)}


def _lower_escapes(text: str) -> str:
    head, *rest = text.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _in_markup(text: str) -> set[str]:
    quotes: tuple[dict[str, str], ...] = ({}, {'"': "&quot;"}, {"'": "&apos;"}, {'"': "&quot;", "'": "&apos;"})
    return {escape(text), text.translate(_MARKUP), *(xml_escape(text, entities) for entities in quotes)}


def _in_code(text: str) -> set[str]:
    raw = text.encode("utf-8", "backslashreplace")
    forms = {repr(text)[1:-1], ascii(text)[1:-1], repr(raw)[2:-1], raw.decode("latin-1"), text.replace('"', '""')}
    forms |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    forms |= {form.translate(_SCRIPT) for form in forms}
    # $'...' of bash, which curl lines use for bodies that are no text.
    return forms | {"".join(chr(byte) if _is_plain(byte) else f"\\x{byte:02x}" for byte in raw)}


def _is_plain(byte: int) -> bool:
    return 32 <= byte < 127 and chr(byte) not in "'\\"
