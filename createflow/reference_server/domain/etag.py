"""Entity tags: which of those that a client names is the version at hand (RFC 9110 §8.8.3)."""

import re

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def names_strongly(field: str, version: int) -> bool:
    """RFC 9110 §13.1.1: If-Match MUST use the strong comparison function: a weak tag never matches."""
    return field.strip() == "*" or any(not weak and tag == f'"{version}"' for weak, tag in _TAG.findall(field))


def names_weakly(field: str, version: int) -> bool:
    """RFC 9110 §13.1.2: If-None-Match MUST use the weak comparison function."""
    return field.strip() == "*" or any(tag == f'"{version}"' for _, tag in _TAG.findall(field))
