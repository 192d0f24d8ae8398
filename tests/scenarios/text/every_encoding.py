"""Secrets of every kind, and every way in which createflow or a target writes them."""

import html
import json
import re
import shlex
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import quoteattr

from createflow.scenarios.text.curl_line import curl_line
from createflow.scenarios.text.secret_mask import Mask

HEADER, PAYLOAD, SIGNATURE = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9",
    "eyJzdWIiOiJyLXdyaXRlciJ9",
    "c2lnbmF0dXJlLXNpZ25hdHVyZQ",
)
TOKEN = f"{HEADER}.{PAYLOAD}.{SIGNATURE}"
OPAQUE = "opaque-Zk3&<x>\"y'/+=\\é"
PASSWORD = "p%ss/w?rd+1é"
LINE_OF_KEY = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"

SECRETS = {
    "token": TOKEN,
    "header of a token": HEADER,
    "payload of a token": PAYLOAD,
    "signature of a token": SIGNATURE,
    "opaque token": OPAQUE,
    "password of a DSN": PASSWORD,
    "password of a keyword DSN": "it's-a-pass",
    "token of a NATS URL": "nats-token-77",
    "password in a query": "query-pass-5&6",
    "value of a cookie": "biscuit-value-123",
    "credential of a header": "header-credential-9",
    "password of Basic": "basic:pass-word",
    "API key": "api-key-000111",
    "line of a key": LINE_OF_KEY,
}


def mask() -> Mask:
    """Knows them as a run learns them."""
    made = Mask()
    made.add(TOKEN, "$TOKEN")
    made.add(OPAQUE, "$TOKEN")
    made.add(LINE_OF_KEY, "$KEY")
    made.add_url(f"postgresql://u:{quote(PASSWORD, safe='')}@h/db")
    made.add_url(r"host=h password='it\'s-a-pass' user=u")
    made.add_url("nats://nats-token-77@h:4222,nats://other-token-88@h2:4222")
    made.add_url(f"postgresql://h/db?user=u&password={quote('query-pass-5&6')}&sslmode=require")
    made.add_header("Cookie", 'theme=d; session="biscuit-value-123"', "$COOKIE")
    made.add_header("X-Auth", "ApiKey header-credential-9", "$X_AUTH")
    made.add_header("Proxy-Authorization", f"Basic {b64encode(b'user:basic:pass-word').decode()}")
    made.add_header("X-Api-Key", "api-key-000111", "$X_API_KEY")
    return made


def _base64(before: str, encode: Callable[[bytes], bytes] = b64encode) -> Callable[[str], str]:
    return lambda secret: encode(f"{before}{secret} and more".encode()).decode()


def _unicode(secret: str) -> str:
    return json.dumps(secret).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a sentence": lambda secret: f"password authentication failed for '{secret}', bye",
    "url": lambda secret: quote(secret, safe=""),
    "url with slashes": quote,
    "url in lower case": lambda secret: re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "url twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "json": json.dumps,
    "json with letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "json with slashes": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "json of a page": _unicode,
    "json in json": lambda secret: json.dumps(json.dumps({"a": secret})),
    "html": html.escape,
    "html of a template": lambda secret: html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "xml": quoteattr,
    "python": repr,
    "bytes of python": lambda secret: repr(secret.encode()),
    "excerpt of json": lambda secret: repr(json.dumps({"a": secret})),
    "shell": shlex.quote,
    "curl line": lambda secret: curl_line("POST", "https://h", {"x": secret}, secret.encode() + b"\n", variables={}),
    "csv": lambda secret: secret.replace('"', '""'),
    "latin-1": lambda secret: secret.encode().decode("latin-1"),
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64 without padding": lambda secret: b64encode(secret.encode()).decode().rstrip("="),
    "base64 after one byte": _base64("a"),
    "base64 after two": _base64("ab"),
    "base64 after many": _base64("the secret: "),
    "base64 of Basic": _base64("user:"),
    "url-safe base64": _base64("a", urlsafe_b64encode),
    "base64 in a url": lambda secret: quote(b64encode(secret.encode()).decode(), safe=""),
}


def traces(secret: str) -> set[str]:
    """Pieces of a secret and of what encodings make of it, which show that something of it is left."""
    found = {secret[2:-2], secret[:9], secret[-9:]}
    encoded = [ENCODINGS[name](secret) for name in ("url", "hex", "HEX", "html")]
    for form in encoded:
        found |= {form[2:-2]}
    for shift in range(3):
        inside = b64encode(bytes(shift) + secret.encode() + b"  ").decode()[4:-6]
        found |= {inside, inside.translate(str.maketrans("+/", "-_"))}
    return {trace for trace in found if len(trace) >= 6}
