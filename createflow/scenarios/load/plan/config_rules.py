"""What a master says about a run, looked into before a load worker believes it.

A master on another machine may be anybody's: nothing that it sends may crash, hang or fill the worker that joined it.
The worker then sends what the master says to whom the master says: whoever joins a master trusts it that far.
"""

import math
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from createflow.scenarios.load.plan.messages import Document, MessageRefused, NodeConfig, decode_line
from createflow.scenarios.load.plan.mix import KNOWN_LETTERS
from createflow.scenarios.load.plan.options import MAX_ARRIVALS, MAX_PER_S, MOST_IN_FLIGHT_PER_WORKER
from createflow.scenarios.load.plan.schedule import MAX_STAGES
from createflow.scenarios.load.plan.write_log import NAME_STYLES
from createflow.schemas.operation import Operation
from createflow.schemas.origin import Origin

MAX_CONFIG_BYTES = 48 * 1024 * 1024
"""The bodies of a data file are in it, once for each operation."""
_MAX_PARTS = 2_000_000
_READ_PATH_TEXTS = ("path", "create_path", "id_pointer", "self_link", "id_header")
_MAX_NODES = 10_000
_MAX_DURATION_S = 1e7
_MAX_WAIT_S = 3_600.0
_MAX_TEXT = 8_192
_MAX_PRINCIPALS = 50_000
_MAX_BODIES = 200_000
_MAX_KNOWN = 1_000
_MAX_PATTERN = 100_000
_MAX_ORIGINS = 1_000
_MAX_CA_BYTES = 16 * 1024 * 1024
_MAX_START_AHEAD_S = 600.0
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
"""RFC 9110 §5.6.2."""
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,65536}")
"""RFC 9110 §5.5, without what would end the line."""
_TARGET = re.compile(r"[\x21-\x7e]{0,16384}")
_TEMPLATE = re.compile(r"(?:[^%]|%%|%d|%012x)*", re.DOTALL)
"""Python's other placeholders can ask for a gigabyte."""


def decode_config(text: str) -> Document:
    """The document of a command that a master sent. Raises MessageRefused."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_CONFIG_BYTES or data.count(b",") > _MAX_PARTS:
        raise MessageRefused(f"a message of {len(data)} bytes: the limit is {MAX_CONFIG_BYTES}, of {_MAX_PARTS} parts")
    document = decode_line(data)
    if not isinstance(document, dict):
        raise MessageRefused("a message that is not an object")
    return document


def node_config(document: object) -> NodeConfig:
    """The configuration of a worker, as its parent or its master sent it.

    Raises:
        MessageRefused: it is none, or no worker could carry it out.
    """
    known = {field.name for field in fields(NodeConfig)}
    if not isinstance(document, dict) or set(document) - known:
        raise MessageRefused("a configuration that is none, or with unknown fields")
    for name, rule in _RULES.items():
        if name in document and not _holds(rule, document[name]):
            raise MessageRefused(f"a configuration whose {name} is not valid")
    try:
        config = NodeConfig.from_document(document)
        _require_possible(config)
    except MessageRefused:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError) as error:
        raise MessageRefused(f"a configuration that is none: {type(error).__name__}") from None
    return config


def start_time(value: object, now_s: float) -> float:
    """When a run starts, on the wall clock. Raises MessageRefused for a time that no run starts at."""
    if not _is_number(value) or not abs(float(value) - now_s) <= _MAX_START_AHEAD_S:  # type: ignore[arg-type]
        raise MessageRefused("a start that is not soon")
    return float(value)  # type: ignore[arg-type]


def credentials_of(value: object) -> tuple[tuple[str, ...], ...]:
    """Names and values of each principal. Raises MessageRefused."""
    if not _holds(_are_credentials, value):
        raise MessageRefused("credentials that are none")
    return tuple(tuple(parts) for parts in value)  # type: ignore[attr-defined]


def _require_possible(config: NodeConfig) -> None:
    """Require what several fields say together."""
    schedule = config.schedule
    duration_s = schedule.duration_s
    if not 0 < duration_s <= _MAX_DURATION_S or config.warmup_s > duration_s or config.index >= config.node_count:
        raise MessageRefused("a configuration of no possible run")
    if not config.closed and not (
        schedule.peak_per_s <= MAX_PER_S * config.node_count and schedule.arrival_count(0.0, duration_s) <= MAX_ARRIVALS
    ):
        raise MessageRefused("a configuration of more requests than a worker can send")
    if not {KNOWN_LETTERS[letter].value for letter in config.pattern} <= set(config.forms):
        raise MessageRefused("a configuration with operations that have no form")


def _holds(rule: Callable[[Any], bool], value: object) -> bool:
    try:
        return rule(value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_between(value: object, least: float, most: float) -> bool:
    return _is_number(value) and least <= value <= most  # type: ignore[operator]


def _is_count(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object, most: int = _MAX_TEXT) -> bool:
    return isinstance(value, str) and len(value) <= most and value.isprintable()


def _is_origin(value: Any) -> bool:
    Origin.of(value)
    return len(value) <= _MAX_TEXT


def _is_ca_file(value: Any) -> bool:
    """A file that can be read to its end: a device would block the worker."""
    if value is None:
        return True
    try:
        status = Path(value).stat()
    except OSError:
        return _is_text(value)  # it is told that it is not there when it is used
    return stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_CA_BYTES


def _is_client_certificate(value: Any) -> bool:
    """Nothing, or the names of two files and of a variable."""
    if not isinstance(value, list | tuple) or len(value) not in {0, 3} or not all(map(_is_text, value)):
        return False
    return all(not file or _is_ca_file(file) for file in value[:2])


def _are_stages(value: Any) -> bool:
    return 0 < len(value) <= MAX_STAGES and all(
        len(stage) == 3 and all(_is_between(number, 0, _MAX_DURATION_S * MAX_PER_S) for number in stage)
        for stage in value
    )


def _are_pairs(value: Any, most: int) -> bool:
    return isinstance(value, list | tuple) and len(value) <= most and all(len(pair) == 2 for pair in value)


def _are_headers(value: Any, most: int) -> bool:
    return _are_pairs(value, most) and all(
        _TOKEN.fullmatch(name) and _FIELD_VALUE.fullmatch(text) for name, text in value
    )


def _are_credentials(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= _MAX_PRINCIPALS and all(map(_is_credential, value))


def _is_credential(parts: Any) -> bool:
    """Names and values in turn, or one parameter of the query."""
    if not isinstance(parts, list | tuple) or len(parts) not in {2, 4, 6}:
        return False
    if parts[0][:1] == "?":
        return len(parts) == 2 and all(0 < len(part) <= _MAX_TEXT and part.isprintable() for part in parts)
    return _are_headers(list(zip(parts[::2], parts[1::2], strict=True)), most=3)


def _are_forms(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_form, value.items()))


def _is_form(item: tuple[Any, Any]) -> bool:
    operation, form = item
    Operation(operation)
    return (
        set(form) == {"method", "path", "headers", "bodies"}
        and _TOKEN.fullmatch(form["method"]) is not None
        and _TARGET.fullmatch(form["path"]) is not None
        and _TEMPLATE.fullmatch(form["path"]) is not None
        and _are_headers(form["headers"], most=1_000)
        and isinstance(form["bodies"], list | tuple)
        and len(form["bodies"]) <= _MAX_BODIES
        and all(_TEMPLATE.fullmatch(body) for body in form["bodies"])
    )


def _is_read_path(value: Any) -> bool:
    return (
        set(value) == {"by_id", *_READ_PATH_TEXTS}
        and all(_is_text(value[name]) for name in _READ_PATH_TEXTS)
        and _is_flag(value["by_id"])
    )


def _are_known(value: Any) -> bool:
    return _are_pairs(value, _MAX_KNOWN) and all(
        _TARGET.fullmatch(path) and _is_count(principal, 0, _MAX_PRINCIPALS) for path, principal in value
    )


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_PATTERN and set(value) <= set(KNOWN_LETTERS)


_RULES: dict[str, Callable[[Any], bool]] = {
    "index": lambda value: _is_count(value, 0, _MAX_NODES),
    "node_count": lambda value: _is_count(value, 1, _MAX_NODES),
    "run_id": lambda value: _is_text(value, 64),
    "base_url": _is_origin,
    "ca_file": _is_ca_file,
    "client_certificate": _is_client_certificate,
    "stages": _are_stages,
    "poisson": _is_flag,
    "seed": lambda value: _is_count(value, 0, 2**64),
    "warmup_s": lambda value: _is_between(value, 0, _MAX_DURATION_S),
    "pattern": _is_pattern,
    "forms": _are_forms,
    "read_path": _is_read_path,
    "credentials": _are_credentials,
    "known": _are_known,
    "senders": lambda value: _is_count(value, 1, MOST_IN_FLIGHT_PER_WORKER),
    "most_senders": lambda value: _is_count(value, 1, MOST_IN_FLIGHT_PER_WORKER),
    "timeout_s": lambda value: _is_between(value, 0, _MAX_WAIT_S),
    "drain_s": lambda value: _is_between(value, 0, _MAX_WAIT_S),
    "drop": _is_flag,
    "closed": _is_flag,
    "location_origins": lambda value: len(value) <= _MAX_ORIGINS and all(map(_is_origin, value)),
    "reports_created": _is_flag,
    "read_back_ratio": lambda value: _is_between(value, 0, 1),
    "clean_up": lambda value: value is None or isinstance(value, dict),
    "locust_statistics": _is_flag,
    "verify_tls": _is_flag,
    "created_status": lambda value: _is_count(value, 200, 299),
    "name_style": lambda value: isinstance(value, str) and value in NAME_STYLES,
}
"""By the name of the field. What ``clean_up`` says is looked into like a profile when it is used."""
