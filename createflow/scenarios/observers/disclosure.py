"""What no reply may show: secrets, the parts of a token, and the inside of the server."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from createflow.scenarios.harness.check import Need
from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.traffic import ordinary_requests
from createflow.scenarios.sinks.registry import secret_urls
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_LONGEST_BODY_BYTES = 64 * 1024
"""Only the beginning of a longer body is searched."""
_SHORTEST_PART = 16
"""Shorter parts of a token are not told from ordinary words."""
_FOLDERS = ("usr", "home", "opt", "var", "app", "srv", "root", "tmp", "proc")
"""First folders of paths on a server."""
_INTERNALS = {
    "a stack trace": (
        r"Traceback \(most recent|File \\?\".{1,200}\", line \d+|\n[ \t]{1,16}at [\w.$<>]{1,200}\(|goroutine \d+ \["
    ),
    "SQL": (r"\b(?:INSERT INTO|DELETE FROM|UPDATE \w{1,64} SET|SELECT .{1,80} FROM)\b|SQLSTATE|ORA-\d{4}"),
    "a connection string": (
        r"\b(?:postgres(?:ql)?|mysql|rediss?|nats|mongodb|amqps?|kafka|jdbc:\w{1,20})(?:\+\w{1,20})?://"
    ),
    "a path of the server": (
        rf"/(?:{'|'.join(_FOLDERS)})/[\w.-]+/?|site-packages|node_modules"
        r"|\b[A-Z]:\\+\w"
    ),
    "a library's exception": (
        r"\b(?:psycopg\d?|sqlalchemy|asyncpg|django|java\.lang|org\.springframework|org\.hibernate|System\.Data)"
        r"\.[\w.]+"
    ),
    "a name of the inner network": r"\b[\w-]{1,63}\.(?:svc\.cluster\.local|internal|intranet|corp|lan)\b",
    "an address of the inner network": (
        r"(?<![\w.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?![\w.])"
    ),
    "a private key": r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    "a hash of a password": r"\$(?:2[aby]|argon2(?:id|i|d)|6|scrypt)\$[\w./$+=,-]{20,}",
}
"""Every repetition is bounded: a target may send anything."""
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _INTERNALS.items()}
_HINT_LIST = (
    "Traceback|File | at |goroutine|INSERT INTO|DELETE FROM|UPDATE |SELECT |SQLSTATE|ORA-|postgres|mysql|redis|nats"
    "|mongodb|amqp|kafka|jdbc:|site-packages|node_modules|:\\"
    "|psycopg|sqlalchemy|asyncpg|django|java.lang|System.Data|org.springframework|org.hibernate|.local|.internal"
    "|.intranet|.corp|.lan|10.|192.168|172.|PRIVATE KEY|$2|$argon|$6$|$scrypt"
)
_HINTS = [*_HINT_LIST.split("|"), *(f"/{folder}/" for folder in _FOLDERS)]
"""Every kind has one of these words. Looking for words takes a tenth of the time of a pattern."""
_ANY = re.compile("|".join(f"(?:{pattern})" for pattern in _INTERNALS.values()))
_EVER_SENT_MAX = 4096
_BODY = "the body"
_SET_COOKIE = "the field set-cookie"
_WHOLE = "the token of the request"


@observer(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    must_with=Need.CONTRACT,
    source="contract: no-internals; OWASP API8:2023; CWE-200; CWE-522",
    traffic=ordinary_requests,
    catches="token_echoed",
)
def no_secret_in_replies(facts: Facts) -> Look:
    """No header and no body of a reply shows a secret of the profile, the token of the request, or a part of it.

    Why: replies are kept in logs, caches and browsers. With the three parts of a token anybody can act as its subject;
    even its signature alone, beside the claims, is the token. Replies to set-up requests may carry new tokens.
    """
    secrets = facts.secrets
    auth = facts.profile.auth
    # A session goes on by a Set-Cookie with the same value: that is no disclosure.
    is_cookie = auth.kind == "session" or (auth.kind == "api_key" and auth.key_in == "cookie")
    header = "" if is_cookie else auth.header.lower() if hasattr(auth, "header") else "authorization"

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if not seen.is_own:
            return None
        credential = seen.request_headers.get(header, "").rpartition(" ")[2]
        wanted = {
            "a secret of the profile": [secret for secret in secrets if secret not in seen.url],
            **_parts_of(credential),
        }
        # A check may put a token elsewhere on purpose; what it wrote there is not the server's disclosure.
        sent = seen.content.decode("utf-8", "replace") + seen.url
        found = []
        for place, text in _texts(seen):
            if is_cookie and place == _SET_COOKIE:
                continue
            shown = [kind for kind, words in wanted.items() if any(word in text and word not in sent for word in words)]
            # The whole token has all its parts.
            told = [_WHOLE] if _WHOLE in shown else shown
            found += [Deviation(f"{kind} in {place} of {_kind(seen)}", "no secret in any reply") for kind in told]
        return found

    return look


@observer(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    must_with=Need.CONTRACT,
    source="contract: no-internals; OWASP API8:2023; CWE-209",
    traffic=ordinary_requests,
    catches="stack_trace_leaks",
)
def errors_show_no_internals(facts: Facts) -> Look:
    """No refusal shows a stack trace, SQL, a connection string, a path, a host or a library of the server."""
    return _internals(facts, is_refusal=True)


@observer(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    must_with=Need.CONTRACT,
    source="contract: no-internals; OWASP API8:2023; CWE-497",
    traffic=ordinary_requests,
    catches="query_in_header",
)
def successes_show_no_internals(facts: Facts) -> Look:
    """No success shows a stack trace, SQL, a connection string, a path, a host or a library of the server.

    Text that the run itself has sent is data, and is shown as such.
    """
    return _internals(facts, is_refusal=False)


def _internals(facts: Facts, *, is_refusal: bool) -> Look:
    own = urlsplit(facts.profile.target.base_url).hostname or ""
    hosts = {urlsplit(url).hostname for url in secret_urls(facts.profile.sinks)} - {own, None, "localhost"}
    inner = [host for host in hosts if host is not None and not host.startswith("127.")]
    path = re.escape(facts.profile.target.path.partition("/{new_id}")[0])
    collection = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", path))
    sent = {own}

    def note_sent(seen: Observed) -> None:
        """Remember what looks like internals in a request: a reply that shows it again tells nothing new."""
        given = (value for name, value in seen.request_headers.items() if name != "authorization")
        for text in (seen.content.decode("utf-8", "replace"), unquote(seen.url), "\n".join(given)):
            if len(sent) < _EVER_SENT_MAX and _may_have_any(text) and _ANY.search(text):
                sent.update(found[0] for form in _readings(text) for found in _ANY.finditer(form))

    def look(seen: Observed) -> Iterable[Deviation] | None:
        note_sent(seen)
        if not seen.is_own or (seen.status >= 400) is not is_refusal:
            return None
        whole = "\n".join(text for _, text in _texts(seen))
        if not _may_have_any(whole) and not any(host in whole for host in inner):
            return ()
        found = []
        # The list of resources has what other clients have stored.
        has_data_of_others = seen.method == "GET" and collection.fullmatch(seen.path) is not None
        for place, text in _texts(seen):
            if has_data_of_others and place == _BODY:
                continue
            kinds = _kinds_in(text, sent)
            found += [
                Deviation(f"{kind} in {place} of {_kind(seen)}", f"no {_without_article(kind)}") for kind in kinds
            ]
            if any(host in text for host in inner):
                found.append(Deviation(f"the host of a sink in {place} of {_kind(seen)}", "no inner host"))
        return found

    return look


@lru_cache(maxsize=16)
def _may_have_any(text: str) -> bool:
    """Cached, since two observers look at the texts of each exchange."""
    return any(hint in text for hint in _HINTS)


def _kinds_in(text: str, sent: set[str]) -> Iterator[str]:
    if not _may_have_any(text) or not _ANY.search(text):
        return
    for kind, pattern in _PATTERNS.items():
        if any(not _was_sent(found[0], sent) for found in pattern.finditer(text)):
            yield kind


def _was_sent(found: str, sent: set[str]) -> bool:
    return found in sent or any(found in text or text in found for text in sent)


def _texts(seen: Observed) -> Iterator[tuple[str, str]]:
    """Each field of the reply and its body, with the name of the place. Location is a place, not a text."""
    for name, value in seen.headers:
        if name != "location":
            yield f"the field {name}", value
    if seen.body:
        body = seen.body[:_LONGEST_BODY_BYTES].decode("utf-8", "replace")
        yield _BODY, "\n".join(_readings(body))


def _readings(text: str) -> list[str]:
    """A text as it stands, and its strings when it is JSON, so that no escape hides anything."""
    if "\\" not in text:
        return [text]
    try:
        return list(_strings(json.loads(text)))
    except (ValueError, RecursionError):
        return [text]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _parts_of(credential: str) -> dict[str, list[str]]:
    """The token of a request, and its parts when it is a JWT; nothing for what is no secret."""
    if len(credential) < _SHORTEST_PART:
        return {}
    names = ("header", "claims", "signature")
    parts = credential.split(".")
    found = {_WHOLE: [credential]}
    if len(parts) == len(names):
        found |= {
            f"the {name} of the token": [part]
            for name, part in zip(names, parts, strict=True)
            if len(part) >= _SHORTEST_PART
        }
    return found


def _kind(seen: Observed) -> str:
    return f"a {seen.status} to {seen.method}"


def _without_article(kind: str) -> str:
    return kind.partition(" ")[2] if kind.startswith(("a ", "an ")) else kind
