"""The line of each key and table of a TOML document; the standard library's parser does not report it.

The text must have been parsed by ``tomllib`` before: this scanner relies on its being valid TOML 1.0, and so needs to
know only where keys, strings, arrays and tables begin and end.
"""

import re
import tomllib
from itertools import count

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # up to two quotes may precede the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]*")


class TomlPositions:
    """The lines of a document's keys and tables, counted from 1.

    Args:
        text: valid TOML; a byte order mark is ignored.
    """

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._at = 0
        self._line = 1
        self._counted = 0
        """Up to here line breaks are counted."""
        self._lines: dict[Path, int] = {}
        self._scan()

    def line_of(self, path: Path) -> int:
        """The line of a key, or of the nearest table around it; 0 when the document has none of them.

        Args:
            path: keys, and numbers for the tables of an array.
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 0

    def _scan(self) -> None:
        table: Path = ()
        arrays: dict[Path, count[int]] = {}
        latest: dict[Path, int] = {}
        self._skip(_SPACE)
        while self._at < len(self._text):
            line = self._current_line()
            if self._text[self._at] != "[":
                self._key_value(table)
            else:
                is_array = self._text.startswith("[[", self._at)
                self._at += 1 + is_array
                table = _inside_arrays(self._key(), latest, is_array=is_array)
                self._at += 1 + is_array
                if is_array:
                    number = next(arrays.setdefault(table, count()))
                    latest[table] = number
                    self._note(table, line)
                    table = (*table, number)
                self._note(table, line)
            self._skip(_SPACE)

    def _key_value(self, table: Path) -> None:
        line = self._current_line()
        path = (*table, *self._key())
        self._note(path, line)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        match self._text[self._at : self._at + 1]:
            case '"' | "'":
                self._skip(_STRING)
            case "[":
                self._members(path, "]")
            case "{":
                self._members(path, "}")
            case _:
                self._skip(_SCALAR)

    def _members(self, path: Path, end: str) -> None:
        """An array, or an inline table."""
        self._at += 1
        for number in count():
            self._skip(_SPACE)
            if self._text[self._at] == end:
                break
            if end == "]":
                self._note((*path, number), self._current_line())
                self._value((*path, number))
            else:
                self._key_value(path)
            self._skip(_SPACE)
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _key(self) -> Path:
        """A key with its dots, and the blanks around it."""
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            start = self._at
            if self._text[start] in "\"'":
                self._skip(_STRING)
                parts.append(tomllib.loads(f"key = {self._text[start : self._at]}")["key"])
            else:
                self._skip(_BARE_KEY)
                parts.append(self._text[start : self._at])
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()

    def _current_line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)


def _inside_arrays(name: Path, latest: dict[Path, int], *, is_array: bool) -> Path:
    """The path of a header: a part that names an array of tables means its last table so far."""
    path: Path = ()
    for position, part in enumerate(name, 1):
        path = (*path, part)
        is_last = position == len(name)
        if path in latest and not (is_last and is_array):
            path = (*path, latest[path])
    return path
