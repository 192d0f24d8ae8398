"""What a correct server may do one way or another. Each field is a switch of the lawful service."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Habits:
    """The defaults are what the bundled contract says; a liberty replaces some of them."""

    # HTTP
    unknown_method: int = 405
    has_allow: bool = True
    patch: int | None = None
    """The status of a PATCH of a media type that it does not know; None where PATCH is no method of it."""
    options: int = 405
    head: bool = True
    unknown_path: int = 404
    media_type: Literal["strict", "any", "json suffix"] = "strict"
    wrong_media_type: int = 415
    too_large: int = 413
    max_body_bytes: int = 1_000_000
    content_coding: Literal["refused", "ignored", "decoded"] = "refused"
    compresses: bool = False
    """Replies to who accepts gzip; their entity tags say so, too."""
    without_length: int | None = None
    """The status of a request with a chunked body."""
    always: Headers = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
    """Headers of every reply."""
    has_date: bool = True
    date_lag_s: float = 0.0
    slash_redirect: int | None = None
    """The status that sends the path without its last slash to the one with it."""
    read_redirect: int | None = None
    """The status that sends the path of a resource to the one with a slash after it."""
    wire: Callable[[bytes], bytes] = bytes
    """What becomes of the bytes of a reply."""
    pieces: int = 1
    """The parts in which a reply is written."""
    closes_after: int | None = None
    """Requests of a connection; the last reply says that it closes."""
    hangs_up_after: int | None = None
    """Requests of a connection, which it then closes without a word."""
    most_at_once: int | None = None
    """Requests at once; more are told 503 with Retry-After."""
    delay_s: float = 0.0

    # Credentials
    challenges: tuple[str, ...] = ('Bearer realm="resources"{error}',)
    """Of a 401; ``{error}`` becomes the error of RFC 6750 where a token was sent."""
    challenge_on_403: bool = True
    no_token: int = 401
    malformed_token: int = 401
    other_scheme: int = 401
    two_credentials: int = 400
    expired_status: int = 401
    one_spelling: bool = True
    """Of a token: base64url as RFC 7515 §2 has it."""
    needs_end: bool = True
    leeway_s: int = 0
    type: str | None = "at+jwt"
    """The required ``typ``."""
    future_tokens: bool = False
    most_bad_tokens: int | None = None
    """After so many an address is told 429."""
    content_before_identity: bool = False
    """For what can be judged without reading the body."""
    forbidden: int = 403
    roles: bool = True
    roles_of: Callable[[dict[str, Any]], Collection[str]] = lambda claims: claims.get("roles", ())
    """The roles that a token says."""

    # Bodies
    invalid: int = 400
    unreadable: int = 400
    parses: Callable[[bytes], Any] | None = None
    unknown_fields: Literal["refused", "ignored", "kept"] = "refused"
    names_unknown_fields: bool = True
    blank_names: Literal["refused", "judged by the schema"] = "refused"
    trailing: Callable[[dict[str, Any]], dict[str, Any]] = dict
    """What a representation shows beside what was sent."""
    json_type: str = "application/json"
    """The Content-Type of what is no refusal."""
    written: Callable[[bytes], bytes] = bytes
    """Another text of the same JSON."""
    error_media_type: str = "application/problem+json"
    error_body: Callable[[int, str, str], bytes] | None = None

    # Resources
    new_id: Callable[[int], str] | None = None
    id_form: str | None = None
    """What an id matches; another one in a path is told 400."""
    location: Callable[[str, str], str] = lambda path, _: path
    id_in_query: bool = False
    """A resource is read at the collection's path, with its id in the query."""
    """From the path of the resource and the origin."""
    time_format: Callable[[float], str | int] | None = None
    time_lag_s: float = 0.0
    etag: Literal["strong", "weak", "none", "hash"] = "strong"
    created_etag: bool = True
    body_of_201: Literal["whole", "partial"] = "whole"
    read_lag_s: float = 0.0
    updated: Literal[200, 204] = 200
    shows_updated: bool = True
    """The reply to an update shows the resource with its ETag; else it says how the update went."""
    deleted: Literal[200, 204] = 204
    deleted_again: int = 404
    gone: int = 404
    stale: int = 412
    taken: int = 409
    replayed: int | None = None
    """The status of a replayed create, where it is not that of the first."""
    replay_headers: Headers = ()
    key_reused: int = 422
    key_in_progress: int = 409
    strange_key: int | None = 400
    limit_headers: Callable[[int], Headers] = lambda _: ()
    retry_after: Callable[[float], str | None] = lambda wait_s: str(max(1, round(wait_s + 0.5)))
    window_s: float | None = None
    """Fixed windows in place of a bucket."""
