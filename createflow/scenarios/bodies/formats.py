"""The formats of JSON Schema Validation 2020-12 §7.3 and of the OpenAPI Format Registry: bounds, checks, values."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from createflow.scenarios.text.json_schema import with_subschemas

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_NUMBER_BOUNDS: Mapping[str, tuple[float, float]] = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "float": (-3.4028234663852886e38, 3.4028234663852886e38),
}
"""The least and the largest value of each format of numbers; ``float`` is binary32 of IEEE 754."""


def with_bounds(schema: Any) -> Any:
    """The schema, with the bounds that its formats of numbers mean as ``minimum`` and ``maximum``."""
    if not isinstance(schema, dict):
        return schema
    made = with_subschemas(schema, lambda _, one: with_bounds(one))
    bounds = _NUMBER_BOUNDS.get(str(schema.get("format")))
    if bounds is not None:
        least, most = made.get("minimum"), made.get("maximum")
        made["minimum"] = max(bounds[0], least) if isinstance(least, (int, float)) else bounds[0]
        made["maximum"] = min(bounds[1], most) if isinstance(most, (int, float)) else bounds[1]
    return made


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


TEXT_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "byte": _is_base64,
    "base64url": lambda text: set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="),
    "char": lambda text: len(text) == 1,
    "http-date": lambda text: text.endswith("GMT"),
    "media-range": lambda text: "/" in text,
}
"""Formats of text that the validator does not know."""


def strategies() -> dict[str, "SearchStrategy[Any]"]:
    """For each format of text, values of it that every program takes for one."""
    from hypothesis import strategies as st

    number = st.integers(1, 10**6)
    word = st.text(st.sampled_from("abcdefghijkmnpqrstuvwxyz23456789"), min_size=3, max_size=10)
    # A time zone database, a leap second or the year 1 is no matter of a create endpoint.
    moments = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
    instants = moments.map(lambda moment: moment.replace(microsecond=0).isoformat().replace("+00:00", "Z"))
    urls = number.map(lambda one: f"https://example.com/{one}")
    emails = number.map(lambda one: f"user{one}@example.com")
    return {
        "uuid": st.uuids(version=4).map(str),
        "date": moments.map(lambda moment: moment.date().isoformat()),
        "date-time": instants,
        "time": instants.map(lambda text: text.partition("T")[2]),
        "duration": st.sampled_from(("P1D", "PT1H", "P3M", "P1Y2M", "PT90S", "P2W")),
        "email": emails,
        "idn-email": emails,
        "hostname": word.map(lambda name: f"{name}.example.com"),
        "idn-hostname": word.map(lambda name: f"{name}.example.com"),
        # Documentation addresses (RFC 5737, RFC 3849): nothing listens there.
        "ipv4": st.integers(1, 254).map(lambda one: f"192.0.2.{one}"),
        "ipv6": st.integers(1, 0xFFFF).map(lambda one: f"2001:db8::{one:x}"),
        "uri": urls,
        "url": urls,
        "iri": urls,
        "uri-reference": urls,
        "iri-reference": urls,
        "uri-template": number.map(lambda one: f"https://example.com/{one}/{{id}}"),
        "json-pointer": word.map(lambda name: f"/{name}"),
        "relative-json-pointer": word.map(lambda name: f"1/{name}"),
        "regex": word.map(lambda name: f"^{name}$"),
        "byte": st.binary(min_size=3, max_size=30).map(lambda raw: base64.b64encode(raw).decode()),
        "base64url": st.binary(min_size=3, max_size=30).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
        "char": st.sampled_from("abcxyz09"),
        "http-date": moments.map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
        "media-range": st.sampled_from(("application/json", "text/*")),
    }


def format_of_text(schema: Mapping[str, Any]) -> str:
    """The format of a text; that of its bytes where it carries bytes (JSON Schema Validation 2020-12 §8.3)."""
    encodings = {"base64": "byte", "base64url": "base64url"}
    return encodings.get(str(schema.get("contentEncoding")).lower(), str(schema.get("format")))
