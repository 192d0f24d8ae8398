"""Bodies as the pairs of a form: what JSON says in objects and lists stands in the names of the fields.

A form has no types: every value is a text. ``typed`` reads it back by the schema, as a server does.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from createflow.schemas.profile_target import MULTIPART

Nested = Literal["brackets", "dots"]
Lists = Literal["brackets", "repeat", "indices"]
_STEP = re.compile(r"\[([^\[\]]*)\]")
_PART = re.compile(rb'content-disposition:[^\r\n]*?;\s*name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_MOST_PAIRS = 10_000


class NoForm(ValueError):  # noqa: N818 - a statement about the value
    """A value that no field of a form can say."""


def form_encoded(body: Any, *, nested: Nested = "brackets", lists: Lists = "brackets") -> str:
    """The body as ``application/x-www-form-urlencoded`` (WHATWG URL §5.2).

    Raises:
        NoForm: a part of it cannot be said in a form.
    """
    return urlencode(list(pairs_of(body, nested=nested, lists=lists)))


def multipart(pairs: Sequence[tuple[str, str]], boundary: str) -> bytes:
    """The pairs as ``multipart/form-data`` (RFC 7578)."""
    lines = []
    for name, value in pairs:
        # RFC 7578 §2 takes the escapes of WHATWG HTML: a quote and the two line ends.
        shown = name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{shown}"\r\n\r\n{value}\r\n')
    return f"{''.join(lines)}--{boundary}--\r\n".encode()


def pairs_of(body: Any, *, nested: Nested = "brackets", lists: Lists = "brackets") -> Iterator[tuple[str, str]]:
    """Names and values, in the order of the body.

    Raises:
        NoForm: a part of it cannot be said in a form: ``null``, an empty list or table.
    """
    if not isinstance(body, Mapping):
        raise NoForm("a form is a table of fields")
    for name, value in body.items():
        yield from _pairs(str(name), value, nested, lists)


def _pairs(name: str, value: Any, nested: Nested, lists: Lists) -> Iterator[tuple[str, str]]:
    if value is None or value in ([], {}):
        raise NoForm(f"{name}: a form has no {json.dumps(value)}")
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(f"{name}.{key}" if nested == "dots" else f"{name}[{key}]", item, nested, lists)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            step = {"brackets": "[]", "repeat": "", "indices": f"[{number}]"}[lists]
            if lists != "indices" and isinstance(item, (Mapping, list)):
                raise NoForm(f"{name}: a list of tables needs their numbers in the names")
            yield from _pairs(f"{name}{step}", item, nested, lists)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def pairs_in(content: bytes, media_type: str) -> list[tuple[str, str]]:
    """The pairs of an encoded form that was made here; of something else, none."""
    if not media_type.startswith(MULTIPART):
        try:
            return parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PAIRS)
        except (ValueError, UnicodeDecodeError):
            return []
    boundary = media_type.partition("boundary=")[2].encode()
    found = []
    for part in content.split(b"--" + boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if name := _PART.search(head):
            shown = name[1].decode("utf-8", "replace").replace("%22", '"').replace("%0A", "\n").replace("%0D", "\r")
            found.append((shown, value.removesuffix(b"\r\n").decode("utf-8", "replace")))
    return found


def nested_of(pairs: Sequence[tuple[str, str]], *, nested: Nested = "brackets") -> dict[str, Any]:
    """The pairs as the table of texts that their names say."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        first, bracket, rest = name.partition("[")
        steps = [*(first.split(".") if nested == "dots" else [first]), *_STEP.findall(bracket + rest)]
        _put(whole, steps, value)
    return {name: _with_lists(item) for name, item in whole.items()}


def _put(table: dict[str, Any], steps: list[str], value: str) -> None:
    step, *below = steps
    if not below:
        if step not in table:
            table[step] = value
        else:  # a name that is repeated is a list
            table[step] = [*(table[step] if isinstance(table[step], list) else [table[step]]), value]
    elif below == [""]:
        already = table.get(step)
        table[step] = [*(already if isinstance(already, list) else []), value]
    else:
        inner = table.setdefault(step, {})
        if isinstance(inner, dict):
            _put(inner, below, value)


def _with_lists(value: Any) -> Any:
    """With a list for each table whose keys are the numbers from 0."""
    if not isinstance(value, dict):
        return value
    made = {name: _with_lists(item) for name, item in value.items()}
    return list(made.values()) if made and list(made) == [str(number) for number in range(len(made))] else made


def typed(value: Any, schema: Any) -> Any:
    """The texts of a form as a server reads them by its schema: what is no value of the type stays a text."""
    rules = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        properties = rules.get("properties", {})
        return {name: typed(item, properties.get(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item, rules.get("items")) for item in value]
    kinds = rules.get("type", "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "array" in kinds and isinstance(value, str):
        return [typed(value, rules.get("items"))]
    if "string" in kinds or not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    types: dict[str, type | tuple[type, ...]] = {"integer": int, "number": (int, float), "boolean": bool}
    is_one = any(
        isinstance(read, types[kind]) and (kind == "boolean") == isinstance(read, bool)
        for kind in kinds
        if kind in types
    )
    return read if is_one else value


def rules_of_value(value: Any) -> dict[str, Any]:
    """A schema with the types of a value, by which ``typed`` reads it back."""
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {name: rules_of_value(item) for name, item in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": rules_of_value(value[0]) if value else {}}
    kinds: tuple[tuple[type, str], ...] = ((bool, "boolean"), (int, "integer"), (float, "number"))
    return {"type": next((name for kind, name in kinds if isinstance(value, kind)), "string")}
