"""On which line of a TOML text a key stands; the parser of the standard library does not say."""

import re

Path = tuple[str | int, ...]

_TABLE = re.compile(r"^\s*\[(?P<array>\[)?\s*(?P<name>[^\[\]#]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*(?P<name>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


class TomlLines:
    """The lines of a TOML text's keys and tables. Keys inside an inline table share their parent's line."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        table: Path = ()
        counts: dict[Path, int] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _TABLE.match(line):
                table = _split(header["name"])
                if header["array"]:
                    position = counts.get(table, 0)
                    counts[table] = position + 1
                    table = (*table, position)
                self._note(table, number)
            elif key := _KEY.match(line):
                self._note((*table, *_split(key["name"])), number)

    def of(self, path: Path) -> int:
        """The line of the key, or of the nearest table around it; 0 when nothing of it is there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 0

    def _note(self, path: Path, number: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)


def _split(name: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(name))
