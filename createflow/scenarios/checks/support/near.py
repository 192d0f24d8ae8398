"""Subjects and keys that nearly match: what compares only a part of them, or a form, takes two for one."""

import unicodedata
from dataclasses import replace

from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer

_LONG = 254
"""OpenID Connect Core 1.0 §2: no subject is longer than 255, and one of those that nearly match has one more."""
_END = "\u00e9"
"""A letter that has two forms in Unicode: RFC 7519 §2 compares without any normalisation."""


def long_subject(principal: Principal) -> str:
    """A subject that begins with the principal's, and is nearly as long as one may be."""
    base = f"{principal.subject}-Owner-"
    return f"{base}{'x' * (_LONG - len(base) - 1)}{_END}"


def named(principal: Principal, issuer: Issuer, subject: str) -> Principal:
    """The same principal with another subject."""
    return replace(principal.holding(issuer.sign(principal.token or "", claims={"sub": subject})), subject=subject)


def near_subjects(subject: str) -> dict[str, str]:
    """Other subjects than this one, with what they have in common with it."""
    forms = {
        "a subject that the other's begins with": subject[:-1],
        "a subject in another letter case": subject.swapcase(),
        "a subject in another normal form": unicodedata.normalize("NFD", subject),
        "a subject with another last letter": f"{subject[:-1]}y",
        "a subject with the same first 128 letters": f"{subject[:128]}y",
        "a subject with the same first 64 letters": f"{subject[:64]}y",
        "a subject that is a pattern of the other's": f"{subject[:-1]}%",
        "a subject without the first letter": subject[1:],
        "a subject with a blank after it": f"{subject} ",
    }
    return {form: text for form, text in forms.items() if text != subject}


def near_keys(key: str) -> dict[str, str]:
    """Other keys than this one, with what they have in common with it."""
    last = "x" if key[-1] != "x" else "y"
    return {
        "a key with another last letter": f"{key[:-1]}{last}",
        "a key that the other begins with": key[:-1],
        "a longer key": f"{key}x",
        "a key in another letter case": key.swapcase(),
        "a key that is a pattern of the other": f"{key[:-1]}%",
    }
