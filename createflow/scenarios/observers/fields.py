"""The header fields of every reply, by the grammar of each, and the challenges in every 401."""

import re
from collections.abc import Callable, Iterable

from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.traffic import ordinary_requests
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.received import (
    challenge_schemes,
    delay_seconds,
    http_date,
    is_entity_tag,
    list_elements,
)
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_OWS = r"[ \t]*+"
"""Possessive: blanks that one of two could take would be tried in all ways, which has no end for ``; ; ; ;``."""
_PARAMETER = rf"{_WORD}=(?:{_WORD}|{_QUOTED})"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_SHOWN_CHARACTERS = 80


def _list_of(item: str) -> Callable[[str], bool]:
    pattern = re.compile(item)
    return lambda value: all(
        not part.strip(" \t") or pattern.fullmatch(part.strip(" \t")) for part in list_elements(value)
    )


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


_GRAMMARS: dict[str, tuple[Callable[[str], bool], str, tuple[str, ...]]] = {
    "content-type": (
        _matches(rf"{_WORD}/{_WORD}(?:{_OWS};{_OWS}(?:{_PARAMETER})?)*"),
        "RFC 9110 §8.3.1",
        (),
    ),
    "etag": (is_entity_tag, "RFC 9110 §8.8.3", ("response.etag_matches",)),
    "last-modified": (lambda value: http_date(value) is not None, "RFC 9110 §8.8.2", ()),
    "retry-after": (
        lambda value: delay_seconds(value) is not None or http_date(value) is not None,
        "RFC 9110 §10.2.3",
        ("rate_limit.retry_after_is_given",),
    ),
    "allow": (_list_of(_WORD), "RFC 9110 §10.2.1", ()),
    "cache-control": (_list_of(rf"{_WORD}(?:=(?:{_WORD}|{_QUOTED}))?"), "RFC 9111 §5.2", ()),
    "vary": (_list_of(rf"\*|{_WORD}"), "RFC 9110 §12.5.5", ()),
    "content-length": (_matches(r"[0-9]+"), "RFC 9110 §8.6", ()),
    "age": (_matches(r"[0-9]+"), "RFC 9111 §5.1", ()),
    "connection": (_list_of(_WORD), "RFC 9110 §7.6.1", ()),
    "content-encoding": (_list_of(_WORD), "RFC 9110 §8.4", ()),
    "content-language": (_list_of(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*"), "RFC 9110 §8.5", ()),
    "accept-ranges": (_list_of(_WORD), "RFC 9110 §14.3", ()),
}
"""The grammar of a field, where it stands, and the checks that test the same field."""
_ONCE = ("content-type", "etag", "last-modified", "retry-after", "location", "date", "content-length", "age")
"""No lists: RFC 9110 §5.3 lets a sender have one line of each."""


@observer(
    step=Step.HTTPS_REQUEST,
    source="RFC 9110 §2.2, §5.3",
    traffic=ordinary_requests,
    catches="allow_without_commas",
)
def fields_fit_their_grammar(facts: Facts) -> Look:
    """Every header field of a reply that HTTP defines has a value of its grammar, and comes once if it is no list."""
    del facts

    def look(seen: Observed) -> Iterable[Deviation] | None:
        found = []
        for name, value in seen.headers:
            known = _GRAMMARS.get(name)
            if known is not None and not known[0](value):
                text = f"{name}: {value[:_SHOWN_CHARACTERS]!r}"
                found.append(Deviation(text, f"a {name} of its grammar ({known[1]})", known[2]))
            if _CONTROL.search(value):
                found.append(Deviation(f"a control character in {name}", "no control character (RFC 9110 §5.5)"))
        lines = [name for name, _ in seen.headers]
        several = [name for name in _ONCE if lines.count(name) > 1 and len(set(seen.values(name))) > 1]
        return [*found, *(Deviation(f"several {name} fields", f"one {name} field (RFC 9110 §5.3)") for name in several)]

    return look


@observer(
    step=Step.AUTH_CHECK,
    source="RFC 9110 §2.2, §15.5.2",
    traffic=ordinary_requests,
    catches="challenge_malformed",
)
def challenges_are_challenges(facts: Facts) -> Look:
    """Every 401 has a WWW-Authenticate field of one or more challenges: a scheme, then parameters or a token68.

    Several challenges may stand in one field or in several.
    """
    if facts.profile.auth.kind == "none":
        raise NotDeclared("`auth` is not configured")

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if seen.status != 401:
            return None
        values = seen.values("www-authenticate")
        if not any(value.strip() for value in values):
            expected = "a challenge on every 401"
            return (Deviation("a 401 without a challenge", expected, ("auth_check.refusal_carries_challenge",)),)
        wrong = [value for value in values if not challenge_schemes(value)]
        return tuple(
            Deviation(f"www-authenticate: {value[:_SHOWN_CHARACTERS]!r}", "challenges (RFC 9110 §11.3)")
            for value in wrong
        )

    return look
