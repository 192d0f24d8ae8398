"""Makes plain values of the text of a document, JSON or YAML. The document may come from anybody.

YAML is read event by event, because a loader builds the whole document before anything can be counted: with aliases and
merge keys, 1 kB becomes as large as one likes. Only the values of YAML's core schema (YAML 1.2.2 §10.3) exist: no
timestamps, no objects of Python.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from createflow.schemas.reading.bounded_json import (
    MOST_LEVELS,
    Malformed,
    check_size,
    integer,
    number,
    parse_json,
    refuse_constant,
    shown,
)

MOST_PARTS = 2_500_000
"""Values and keys, with every alias written out."""
MOST_CHARACTERS = 64 * 1024 * 1024
"""Characters of all texts, with every alias written out."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_MERGE = object()
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# libyaml compares each TAG directive with all before it: 8 MB of them take hours.
_TAG_DIRECTIVE = re.compile(r"^%TAG", re.MULTILINE)


def parse(raw: bytes) -> Any:
    """The value of a document: objects, lists, text, finite numbers, booleans, null.

    Raises:
        Malformed: neither JSON nor YAML, or larger or deeper than any document that describes an API.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8 text") from None
    if text.lstrip()[:1] == "{":
        return parse_json(text, most_parts=MOST_PARTS)
    value = _yaml(text)
    check_size(value, most_parts=MOST_PARTS)
    return value


@dataclass(slots=True)
class _Open:
    """A list or an object whose end has not come yet."""

    value: Any
    anchor: str | None
    parts: int
    characters: int
    """Both as they were when it began."""
    key: Any = None
    """The key whose value comes next."""
    has_key: bool = False
    merged: list[Any] = field(default_factory=list)
    """Values of the key ``<<``."""


class _Builder:
    """Makes one value of the events of a document."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        """Value, parts and characters of each anchor whose value is complete."""
        self._parts = 0
        self._characters = 0
        self._documents = 0
        self.value: Any = None

    def add(self, event: yaml.Event) -> None:
        """One event of the document."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise Malformed("more than one document")
            case yaml.ScalarEvent():
                self._count(1, len(event.value))
                self._put(self._scalar(event), event.anchor, 1, len(event.value))
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise Malformed(f"the alias *{shown(event.anchor)} has no value before it")
                value, parts, characters = self._anchors[event.anchor]
                self._count(parts, characters)
                self._put(value, None, parts, characters)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        is_object = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in {None, "!", f"{_TAG}map" if is_object else f"{_TAG}seq"}:
            raise Malformed(f"the tag {shown(event.tag)}: only plain values are read")
        if self._open and isinstance(self._open[-1].value, dict) and not self._open[-1].has_key:
            raise Malformed("a key that is not text")
        if len(self._open) >= MOST_LEVELS:
            raise Malformed(f"more than {MOST_LEVELS} levels")
        self._open.append(_Open({} if is_object else [], event.anchor, self._parts, self._characters))
        self._count(1, 0)

    def _end(self) -> None:
        ended = self._open.pop()
        for source in ended.merged:
            # A key of the object itself goes before a merged one.
            ended.value.update({key: value for key, value in source.items() if key not in ended.value})
        self._put(ended.value, ended.anchor, self._parts - ended.parts, self._characters - ended.characters)

    def _put(self, value: Any, anchor: str | None, parts: int, characters: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, parts, characters)
        if not self._open:
            self.value = value
            return
        into = self._open[-1]
        if isinstance(into.value, list):
            into.value.append(value)
        elif not into.has_key:
            if value is not _MERGE and not isinstance(value, str):
                raise Malformed("a key that is not text")
            if value in into.value:
                raise Malformed(f"the key {shown(value)} stands twice in one object")
            into.key, into.has_key = value, True
        else:
            into.has_key = False
            if into.key is _MERGE:
                into.merged += _merge_sources(value)
            else:
                into.value[into.key] = value

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text, is_plain = event.value, event.implicit[0]
        if self._open and isinstance(self._open[-1].value, dict) and not self._open[-1].has_key:
            # A status such as 200 is a key as well.
            return _MERGE if text == "<<" and is_plain else text
        if event.tag in {None, "!", f"{_TAG}str"}:
            return _plain(text) if is_plain and event.tag is None else text
        if event.tag not in {f"{_TAG}{name}" for name in ("null", "bool", "int", "float")}:
            raise Malformed(f"the tag {shown(event.tag)}: only plain values are read")
        return _plain(text)

    def _count(self, parts: int, characters: int) -> None:
        self._parts += parts
        self._characters += characters
        if self._parts > MOST_PARTS:
            raise Malformed(f"more than {MOST_PARTS} parts")
        if self._characters > MOST_CHARACTERS:
            raise Malformed(f"more than {MOST_CHARACTERS} characters")


def _merge_sources(value: Any) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise Malformed("the value of << is neither an object nor a list of objects")
    return sources


def _yaml(text: str) -> Any:
    if _TAG_DIRECTIVE.search(text):
        raise Malformed("TAG directives: only plain values are read")
    # Each value but the first follows one of these; inside of texts they only make the estimate larger.
    if sum(map(text.count, ",:[{\n")) > 2 * MOST_PARTS + len(text) // 8:
        raise Malformed(f"more than {MOST_PARTS} parts")
    builder = _Builder()
    line = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            line = event.start_mark.line + 1 if event.start_mark else line
            builder.add(event)
    except Malformed as error:
        raise Malformed(f"line {line}: {error}") from None
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise Malformed(f"neither JSON nor YAML: {place}{error.problem}") from None
    except yaml.YAMLError as error:
        raise Malformed(f"neither JSON nor YAML: {getattr(error, 'reason', error)}") from None
    return builder.value


def _plain(text: str) -> Any:
    """The value of a plain scalar (YAML 1.2.2 §10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return integer(text)
    if _NOT_FINITE.fullmatch(text):
        refuse_constant(text)
    return number(text) if _FLOAT.fullmatch(text) else text
