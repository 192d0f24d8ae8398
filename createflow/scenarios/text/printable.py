"""Text of strangers that may be shown: nothing in it is a command to a terminal, a CI system or a reader's eyes."""

import json
import re

_SHOWN_CHARACTERS = 240

# GitHub Actions reads "::name parameters::" at the start of a line.
_WORKFLOW_COMMAND = re.compile(r"::(?=[A-Za-z][\w-]*(?: [^\n]*?)?::)")
_AT_START = re.compile(rf"(\s*){_WORKFLOW_COMMAND.pattern}")
# GitHub's older "##[name]", Azure's "##vso[name]" and TeamCity's "##teamcity[name]", anywhere in a line.
_LOGGING_COMMAND = re.compile(r"##(?=\w*\[)")


class _Escapes(dict[int, str]):
    """Each character that does not print by its escape. Holds nothing: a hostile text can have them all."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        return char if char.isprintable() else char.encode("unicode_escape").decode()


_ESCAPES = _Escapes()


class _JsonEscapes(dict[int, str]):
    """The same as JSON writes them; newlines stay."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        return char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1]


_JSON_ESCAPES = _JsonEscapes({0x7F: "\\u007f"})


def one_line(text: str) -> str:
    """Replace every character that does not print by its escape, and what begins a CI command.

    Why: a newline or an escape sequence in a reply would add lines to a terminal or a log, a direction override would
    show a line as something else, and a CI system obeys a command wherever it finds one. What is replaced already
    stays as it is.
    """
    if not text.isprintable():
        text = text.translate(_ESCAPES)
    if start := _AT_START.match(text):
        text = rf"{start[1]}\x3a:{text[start.end() :]}"
    return _LOGGING_COMMAND.sub(r"#\\x23", text)


def foldable(text: str) -> str:
    """The same for text that will be folded: then any part of it can stand at the start of a line."""
    return _WORKFLOW_COMMAND.sub(r"\\x3a:", one_line(text))


def printable_json(document: str) -> str:
    """A JSON document in which every character that does not print is written as its escape (RFC 8259 section 7).

    It means the same: such characters stand in strings only, apart from the newlines between the tokens.
    """
    return document if document.isprintable() else document.translate(_JSON_ESCAPES)


def printable_lines(text: str) -> str:
    """The same for each line of a text that may have several."""
    return "\n".join(map(one_line, text.split("\n")))


def cut(text: str, characters: int = _SHOWN_CHARACTERS) -> str:
    """The text, or its beginning."""
    return text if len(text) <= characters else f"{text[: characters - 3]}..."
