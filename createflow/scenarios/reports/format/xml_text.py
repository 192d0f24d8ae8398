"""What JUnit documents share: text that XML can hold, and the counts of a suite."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

# XML 1.0 section 2.2: what a document may hold. The rest cannot even be written as a reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """The text with what XML cannot hold shown as its escape."""
    return _ILLEGAL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def counted_cases(cases: Sequence[ET.Element]) -> dict[str, str]:
    """The attributes of a suite that say how its cases ended."""
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    found = {name: str(sum(case.find(tag) is not None for case in cases)) for name, tag in tags.items()}
    return {"tests": str(len(cases)), **found}
