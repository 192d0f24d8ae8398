"""Liberties of the 201, of reads and changes, and of limits."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate

from tests.scenarios.checks.liberties.liberty import AUTH, HTTP, LIMIT, LOGIC, REPLY, VALID, Liberty


def _time(zone_h: float = 0.0, *, digits: int = 6, z: str = "Z") -> Callable[[float], str]:
    def made(at: float) -> str:
        moment = datetime.fromtimestamp(at, UTC).astimezone(timezone(timedelta(hours=zone_h)))
        text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06}"[: digits + 1] if digits else "")
        return (
            text
            + "0" * max(0, digits - 6)
            + (z if not zone_h else moment.strftime("%z")[:3] + ":" + moment.strftime("%z")[3:])
        )

    return made


def _encoded_once_more(path: str, _: str) -> str:
    """The first letter of the id, where it is one, by its code."""
    start, name = path[: path.rindex("/") + 1], path[path.rindex("/") + 1 :]
    return path if name.startswith("%") else f"{start}%{ord(name[0]):02x}{name[1:]}"


LIBERTIES: dict[str, Liberty] = {
    "a Location with the origin": Liberty("RFC 9110 §10.2.2", REPLY, {"location": lambda path, origin: origin + path}),
    "a Location relative to the request": Liberty(
        "RFC 9110 §10.2.2; RFC 3986 §5.2", REPLY, {"location": lambda path, _: "resources/" + path.rpartition("/")[2]}
    ),
    "a Location relative to the request, with a dot": Liberty(
        "RFC 3986 §5.2.4", REPLY, {"location": lambda path, _: "./resources/" + path.rpartition("/")[2]}
    ),
    "a Location with a query": Liberty(
        "RFC 9110 §10.2.2: any URI reference", REPLY, {"location": lambda path, _: path + "?view=full"}
    ),
    "a Location with the id in its query": Liberty(
        "RFC 3986 §3.4: path and query identify a resource together",
        LOGIC + REPLY + VALID + ("service_router",),
        {"location": lambda path, _: "?id=" + path.rpartition("/")[2], "id_in_query": True},
    ),
    "a Location with a fragment": Liberty("RFC 9110 §10.2.2", REPLY, {"location": lambda path, _: path + "#created"}),
    "a Location with dot segments": Liberty(
        "RFC 3986 §6.2.2.3", REPLY, {"location": lambda path, _: path.replace("/resources/", "/x/../resources/")}
    ),
    "a Location with the host in capitals": Liberty(
        "RFC 3986 §6.2.2.1", REPLY, {"location": lambda path, origin: origin.upper() + path}
    ),
    "a Location that encodes more than it must": Liberty("RFC 3986 §6.2.2.2", REPLY, {"location": _encoded_once_more}),
    "ids with a blank": Liberty("an id is a string", REPLY, {"new_id": lambda n: f"no {n}"}),
    "ids with a slash": Liberty("RFC 3986 §2.2: encoded", REPLY, {"new_id": lambda n: f"2026/{n}"}),
    "ids of other scripts": Liberty("an id is a string", REPLY, {"new_id": lambda n: f"資源-{n}"}),
    "ids with reserved characters": Liberty("RFC 3986 §2.2", REPLY, {"new_id": lambda n: f"a:b+c@{n}=="}),
    "ids that are counted": Liberty("OWASP API1:2023: not secret by itself", REPLY, {"new_id": str}),
    "ids that are UUIDs in capitals": Liberty(
        "RFC 9562 §4: output is lower case SHOULD", REPLY, {"new_id": lambda n: f"01A227D1-1B54-79BD-9E52-{n:012X}"}
    ),
    "very long ids": Liberty("an id is a string", REPLY, {"new_id": lambda n: "x" * 200 + str(n)}),
    "a time with an offset": Liberty("RFC 3339 §5.6", REPLY, {"time_format": _time(2.0)}),
    "a time with a negative offset of half an hour": Liberty("RFC 3339 §5.6", REPLY, {"time_format": _time(-3.5)}),
    "a time in seconds": Liberty("RFC 3339 §5.6: the fraction is optional", REPLY, {"time_format": _time(digits=0)}),
    "a time in milliseconds": Liberty("RFC 3339 §5.6", REPLY, {"time_format": _time(digits=3)}),
    "a time in nanoseconds": Liberty("RFC 3339 §5.6", REPLY, {"time_format": _time(digits=9)}),
    "a time with a small z": Liberty("RFC 3339 §5.6: t and z may be lower case", REPLY, {"time_format": _time(z="z")}),
    "a time with +00:00": Liberty("RFC 3339 §5.6", REPLY, {"time_format": _time(z="+00:00")}),
    "more fields in a reply": Liberty(
        "no schema of replies is declared",
        REPLY,
        {"trailing": lambda row: {**row, "links": {"self": "/x"}, "version": 1, "updated_at": row["created_at"]}},
    ),
    "a field that differs in each reply": Liberty(
        "RFC 9110 §9.2.1: a read may show when it was made",
        REPLY,
        {"trailing": lambda row: {**row, "served": time.time()}},
        should=(
            "response.reads_show_writes",
            "response.reads_match_writes_at_the_end",
            "response.location_answers_the_same",
            "response.defaults_are_filled_alike",
        ),
        is_alone=True,
    ),
    "the members in another order": Liberty(
        "RFC 8259 §4: unordered", REPLY, {"trailing": lambda row: dict(sorted(row.items(), reverse=True))}
    ),
    "an update that is told to be done": Liberty(
        "RFC 9110 §15.3.1: or a representation of the status of the action", REPLY, {"shows_updated": False}
    ),
    "a partial 201": Liberty("declared", REPLY, {"body_of_201": "partial"}, {"target": {"reply": "partial"}}),
    "the 201 has no ETag": Liberty(
        "RFC 9110 §15.3.2: may", REPLY, {"created_etag": False}, {"target": {"versions": False}}
    ),
    "no ETag, no versions": Liberty("none declared", REPLY + LOGIC, {"etag": "none"}, {"target": {"versions": False}}),
    "weak ETags, no versions": Liberty(
        "RFC 9110 §8.8.1", REPLY + LOGIC, {"etag": "weak"}, {"target": {"versions": False}}
    ),
    "ETags that are hashes": Liberty("RFC 9110 §8.8.3: opaque", REPLY + LOGIC, {"etag": "hash"}),
    "weak ETags and versions": Liberty(
        "RFC 9110 §13.1.1: If-Match compares strongly, so a weak one never matches", LOGIC, {"etag": "weak"}
    ),
    "reads 0.3 s behind": Liberty(
        "declared",
        ("response", "replicate", "invalidate_cache"),
        {"read_lag_s": 0.3},
        {"deadlines": {"read_s": 2.0, "replica_s": 5.0, "cache_s": 5.0}},
        is_alone=True,
    ),
    "204 to an update": Liberty("RFC 9110 §9.3.4", REPLY + LOGIC + VALID, {"updated": 204}),
    "200 to a delete": Liberty("RFC 9110 §9.3.5", REPLY, {"deleted": 200}),
    "410 to what is gone": Liberty("RFC 9110 §15.5.11", REPLY, {"gone": 410, "deleted_again": 410}),
    "204 to a second delete": Liberty("RFC 9110 §9.2.2: idempotent", REPLY, {"deleted_again": 204}),
    "no updates": Liberty("none declared", REPLY + LOGIC, {}, {"target": {"update": False}}),
    "no deletes": Liberty("none declared", REPLY + LOGIC, {}, {"target": {"delete": False}}),
    "no idempotency": Liberty("none declared", LOGIC, {}, {"target": {"idempotency": False}}),
    "a replay is marked": Liberty(
        "draft-ietf-httpapi-idempotency-key-header-07 says nothing",
        LOGIC,
        {"replay_headers": (("idempotent-replayed", "true"),)},
    ),
    "a replay is 200": Liberty(
        "draft-ietf-httpapi-idempotency-key-header-07 §2.6: the result of the first", LOGIC, {"replayed": 200}
    ),
    "409 to a reused key": Liberty(
        "declared", LOGIC, {"key_reused": 409}, {"target": {"errors": {"statuses": {"key_reuse": 409}}}}
    ),
    "a repeated key is refused": Liberty("declared", LOGIC, {}, {"target": {"idempotency_policy": "refuse"}}),
    "any key is taken": Liberty(
        "draft-ietf-httpapi-idempotency-key-header-07 §2.1: the format is the server's", LOGIC, {"strange_key": None}
    ),
    "unique names": Liberty("declared", LOGIC + REPLY + HTTP, {}, {"target": {"unique_name": True}}),
    "422 to a name that is taken": Liberty(
        "declared", LOGIC, {"taken": 422}, {"target": {"unique_name": True, "errors": {"statuses": {"conflict": 422}}}}
    ),
    "private resources": Liberty("declared", LOGIC + REPLY + AUTH, {}, {"target": {"private": True, "owned": False}}),
    "a limit by bucket": Liberty(
        "declared", (*LIMIT, *LOGIC), {}, {"limits": {"rate_per_s": 200, "burst": 300}}, is_alone=True
    ),
    "a limit by window": Liberty(
        "RFC 6585 §4: says nothing of the way to count",
        LIMIT,
        {"window_s": 1.0},
        {"limits": {"rate_per_s": 200, "burst": 200}},
        is_alone=True,
    ),
    "Retry-After as a date": Liberty(
        "RFC 9110 §10.2.3",
        LIMIT,
        {"retry_after": lambda wait_s: formatdate(time.time() + wait_s + 1, usegmt=True)},
        {"limits": {"rate_per_s": 200, "burst": 300}},
        is_alone=True,
    ),
    "503 with Retry-After past 20 requests at once": Liberty(
        "RFC 9110 §15.6.4: overload",
        ("connection_pool", *LOGIC, *VALID),
        {"most_at_once": 20},
        {"promises": {"saturation": True}},
        is_alone=True,
    ),
    "a redirect to the slash": Liberty(
        # A reference that is relative to the path without the slash names another resource.
        "RFC 9110 §15.4.9",
        HTTP + REPLY,
        {"slash_redirect": 308, "location": lambda path, _: path},
        {"target": {"path": "/api/resources/"}},
    ),
}
