"""Conditional requests: whether If-Match and If-None-Match hold for a version (RFC 9110 §13).

An empty field is no condition: it holds. The entity tag of version 3 is ``"3"`` (§8.8.3).
"""

import re

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def if_match_holds(field: str, version: int) -> bool:
    """Whether the version is among the tags (§13.1.1: strong comparison, so a weak tag never matches)."""
    return (
        not field
        or field.strip() == "*"
        or any(not weak and tag == f'"{version}"' for weak, tag in _TAG.findall(field))
    )


def if_none_match_holds(field: str, version: int) -> bool:
    """Whether the version is not among the tags (§13.1.2: weak comparison)."""
    return not field or not (field.strip() == "*" or any(tag == f'"{version}"' for _, tag in _TAG.findall(field)))
