"""A small correct service in memory: creates, reads, updates and deletes of one collection, with tokens."""

import asyncio
import gzip
import json
import re
import secrets
import time
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from createflow.scenarios.bodies.judge import Judge
from createflow.scenarios.text.json_pointer import reference_tokens
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import JwtAuth
from tests.scenarios.checks.liberties.habits import Habits, Headers
from tests.scenarios.checks.liberties.wire import Answer, Request

COLLECTION = "/api/resources"
CHOSEN_ID = "x-chosen-id"
"""The id that a PUT names; only what stands before the service sends it."""
ISSUER, AUDIENCE = "https://issuer.example", "resources"
_METADATA_BYTES, _METADATA_LEVELS = 16_384, 8
_TAG = re.compile('"[^"]*"')
_CODES = {
    400: "validation_failed", 401: "invalid_token", 403: "permission_denied", 404: "not_found",
    405: "method_not_allowed", 409: "conflict", 412: "precondition_failed", 413: "too_large",
    415: "unsupported_media_type", 422: "key_reused", 429: "rate_limited", 503: "service_unavailable",
}  # fmt: skip


class _Refused(Exception):  # noqa: N818 - a reply, not an error
    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        code: str = "",
        headers: Headers = (),
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(status, detail)
        self.status, self.detail, self.headers, self.errors = status, detail, headers, errors
        self.code = code or _CODES.get(status, f"status_{status}")


class LawfulService:
    """Keeps the promises that a profile declares, in the way that its habits say.

    Args:
        profile: what it promises: ``[target]`` and ``[limits]``.
        key: verifies tokens; None when no credential is needed.
        schema: of the create body.
    """

    def __init__(
        self, profile: Profile, habits: Habits, key: Ed25519PublicKey | bytes | None, schema: Mapping[str, Any]
    ) -> None:
        self._target = profile.target
        self._auth = profile.auth
        self._limits = profile.limits
        self._habits = habits
        self._key = key
        self._judge = Judge(dict(schema), with_formats=True)
        self._fields = {*schema.get("properties", {})}
        self._rows: dict[str, dict[str, Any]] = {}
        self._versions: dict[str, int] = {}
        self._owners: dict[str, str] = {}
        self._shown: dict[str, list[tuple[float, bytes | None, int]]] = {}
        self._names: set[str] = set()
        self._called = profile.target.fields
        self._envelope = profile.target.envelope
        self._keys: dict[tuple[str, str], tuple[bytes, Answer | None]] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        self._bad_tokens = 0
        self._at_once = 0
        self._created = 0

    async def answer(self, request: Request) -> Answer:
        """The reply to one request."""
        self._at_once += 1
        try:
            if self._habits.most_at_once is not None and self._at_once > self._habits.most_at_once:
                await asyncio.sleep(0)
                return self._refusal(_Refused(503, "busy", headers=(("retry-after", "1"),)))
            if self._habits.delay_s or self._habits.most_at_once is not None:
                await asyncio.sleep(self._habits.delay_s or 0.002)
            return self._presented(request, self._routed(request))
        except _Refused as refused:
            return self._presented(request, self._refusal(refused))
        finally:
            self._at_once -= 1

    def _presented(self, request: Request, answer: Answer) -> Answer:
        """The reply as text of its own form, compressed where the client takes that."""
        habits = self._habits
        if answer.status < 300 and answer.body:
            answer = replace(answer, body=habits.written(answer.body), media_type=habits.json_type)
        if not habits.compresses or "gzip" not in (request.first("accept-encoding") or "") or not answer.body:
            return answer
        headers = (*answer.headers, ("content-encoding", "gzip"), ("vary", "Accept-Encoding"))
        return replace(answer, headers=headers, body=gzip.compress(answer.body, mtime=0))

    def _routed(self, request: Request) -> Answer:
        path, _, query = request.target.partition("?")
        habits = self._habits
        if request.method == "PATCH" and habits.patch is not None:
            raise _Refused(habits.patch, headers=(("accept-patch", "application/merge-patch+json"),))
        if habits.id_in_query and path == COLLECTION and query.startswith("id="):
            return self._one(request, unquote(query.removeprefix("id=")))
        elsewhere, path = self._place(path)
        if elsewhere is not None:
            return elsewhere
        if path == COLLECTION:
            if request.method == "OPTIONS" and habits.options != habits.unknown_method:
                return Answer(habits.options, (("allow", "POST, OPTIONS"),))
            if request.method != "POST":
                raise self._no_such_method("POST")
            return self._create(request)
        prefix, _, name = path.rpartition("/")
        if prefix != COLLECTION:
            raise _Refused(habits.unknown_path)
        if habits.id_form is not None and not re.fullmatch(habits.id_form, name):
            raise _Refused(400, "no id", code="validation_failed")
        return self._one(request, unquote(name))

    def _place(self, path: str) -> tuple[Answer | None, str]:
        """A redirect to the path with a slash at its end, where that is the one; the path without it."""
        is_collection = path.rstrip("/") == COLLECTION
        status = self._habits.slash_redirect if is_collection else self._habits.read_redirect
        is_below = path.strip("/").count("/") > COLLECTION.count("/")
        if status is None or is_below or not path.startswith(COLLECTION):
            return None, path
        return (None, path[:-1]) if path.endswith("/") else (Answer(status, (("location", path + "/"),)), path)

    def _no_such_method(self, allowed: str) -> _Refused:
        status = self._habits.unknown_method
        return _Refused(status, headers=(("allow", allowed),) if status == 405 and self._habits.has_allow else ())

    # What has to hold before a request is looked at

    def _subject(self, request: Request, role: str) -> str:
        if self._key is None:
            return ""
        habits = self._habits
        fields = request.all("authorization")
        if len(fields) > 1:
            raise self._unauthenticated(habits.two_credentials, "invalid_request")
        scheme, _, token = (fields or [""])[0].partition(" ")
        if "access_token=" in request.target and not fields:
            raise self._unauthenticated(habits.no_token, "")
        if not fields:
            raise self._unauthenticated(habits.no_token, "")
        if scheme.lower() != "bearer":
            raise self._unauthenticated(habits.other_scheme, "")
        try:
            claims = self._claims(token.strip())
        except jwt.ExpiredSignatureError:
            raise self._unauthenticated(habits.expired_status, "invalid_token") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise self._unauthenticated(401, "invalid_token") from None
        if not claims["sub"]:
            raise self._unauthenticated(401, "invalid_token")
        if habits.roles and not {role, "writer"} & {*habits.roles_of(claims)}:
            challenge = [text.format(error=', error="insufficient_scope"') for text in habits.challenges]
            headers = tuple(("www-authenticate", text) for text in challenge) if habits.challenge_on_403 else ()
            raise _Refused(habits.forbidden, headers=headers)
        return str(claims["sub"])

    def _claims(self, token: str) -> dict[str, Any]:
        habits = self._habits
        token = token if habits.one_spelling else _respelt(token)
        try:
            jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            status = habits.malformed_token
            raise self._unauthenticated(status, "invalid_request" if status == 400 else "invalid_token") from None
        header = jwt.get_unverified_header(token)
        if habits.type is not None and str(header.get("typ", "")).lower() != habits.type:
            raise jwt.InvalidTokenError
        if habits.one_spelling and _respelt(token) != token:
            raise jwt.InvalidTokenError
        algorithm, issuer, audience = "EdDSA", ISSUER, AUDIENCE
        if isinstance(self._auth, JwtAuth):
            algorithm, issuer, audience = self._auth.algorithm, self._auth.issuer, self._auth.audience
        given = {"sub": True, "iss": issuer is not None, "aud": audience is not None, "exp": habits.needs_end}
        required = [name for name, is_given in given.items() if is_given]
        assert self._key is not None
        return jwt.decode(
            token, self._key, algorithms=[algorithm], audience=audience, issuer=issuer, leeway=habits.leeway_s,
            options={"require": required, "verify_iat": not habits.future_tokens},
        )  # fmt: skip

    def _unauthenticated(self, status: int, error: str) -> _Refused:
        if error and self._habits.most_bad_tokens is not None:
            self._bad_tokens += 1
            if self._bad_tokens > self._habits.most_bad_tokens:
                return _Refused(429, "too many bad tokens", headers=(("retry-after", "1"),))
        said = f', error="{error}"' if error else ""
        challenges = tuple(("www-authenticate", text.format(error=said)) for text in self._habits.challenges)
        return _Refused(status, headers=challenges if status == 401 else (), code="invalid_token")

    def _limited(self, subject: str) -> Headers:
        if self._limits is None:
            return ()
        now, rate, burst = time.monotonic(), self._limits.rate_per_s, float(self._limits.burst)
        window_s = self._habits.window_s
        if window_s is not None:
            begin, used = self._buckets.get(subject, (now, 0.0))
            if now - begin >= window_s:
                begin, used = now, 0.0
            left, wait_s = rate * window_s - used - 1, begin + window_s - now
            self._buckets[subject] = (begin, used + (left >= 0))
        else:
            at, tokens = self._buckets.get(subject, (now, burst))
            tokens = min(burst, tokens + (now - at) * rate)
            left, wait_s = tokens - 1, (1 - tokens) / rate
            self._buckets[subject] = (now, tokens - (left >= 0))
        if left < 0:
            after = self._habits.retry_after(wait_s)
            raise _Refused(429, headers=(("retry-after", after),) if after is not None else ())
        return self._habits.limit_headers(int(left))

    def _document(self, request: Request) -> dict[str, Any]:
        habits = self._habits
        self._check_kind(request)
        try:
            document = (habits.parses or _parse)(request.body)
            json.dumps(document, ensure_ascii=False, allow_nan=False).encode()  # what cannot be shown is not kept
            document = self._known(_composed(self._unwrapped(document)))
            wrong = self._misfits(document)
        except (ValueError, RecursionError) as error:
            raise _Refused(habits.unreadable, str(error), code="validation_failed") from None
        if wrong:
            raise _Refused(habits.invalid, code="validation_failed", errors=wrong)
        return dict(document)

    def _unwrapped(self, document: Any) -> Any:
        for name in reference_tokens(self._envelope.request):
            if not isinstance(document, dict) or name not in document:
                raise ValueError(f"no member {name}")
            document = document[name]
        return document

    def _known(self, document: Any) -> Any:
        if self._habits.unknown_fields != "ignored" or not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if key in self._fields}

    def _misfits(self, document: Any) -> list[dict[str, str]]:
        wrong = [{"pointer": misfit.pointer, "detail": misfit.reason[:200]} for misfit in self._judge.misfits(document)]
        if self._habits.names_unknown_fields and wrong and isinstance(document, dict):
            unknown = [key.replace("~", "~0").replace("/", "~1") for key in document if key not in self._fields]
            wrong += [{"pointer": f"/{key}", "detail": "unknown"} for key in unknown]
        if wrong:
            return wrong
        name = str(document.get(self._called.name, "x"))
        if self._habits.blank_names == "refused" and not any(map(_is_visible, name)):
            wrong.append({"pointer": f"/{self._called.name}", "detail": "blank"})
        if "metadata" in self._fields and not _is_small(document.get("metadata", {})):
            wrong.append({"pointer": "/metadata", "detail": "too large"})
        return wrong

    def _check_kind(self, request: Request) -> None:
        habits = self._habits
        coding = request.first("content-encoding")
        if coding not in {None, "identity"} and habits.content_coding == "refused":
            raise _Refused(415, "no content coding")
        kind = (request.first("content-type") or "").partition(";")[0].strip().lower()
        is_json = kind == "application/json" or (habits.media_type == "json suffix" and kind.endswith("+json"))
        if not is_json and habits.media_type != "any":
            raise _Refused(habits.wrong_media_type)

    # The operations

    def _create(self, request: Request) -> Answer:
        habits = self._habits
        if habits.content_before_identity:
            self._check_kind(request)
        subject = self._subject(request, "writer")
        told = self._limited(subject)
        key = request.first(self._target.idempotency_header.lower()) if self._target.idempotency else None
        if key is not None:
            if self._target.idempotency_key_form == "quoted" and not (key[0] == key[-1] == '"' and len(key) > 2):
                raise _Refused(400, "the key is no string (RFC 8941 §3.3.3)")
            self._check_key(key)
            known = self._keys.get((subject, key))
            if known is not None:
                if known[0] != request.body:
                    raise _Refused(habits.key_reused)
                if known[1] is None or self._target.idempotency_policy == "refuse":
                    raise _Refused(habits.key_in_progress)
                first = known[1]
                return Answer(habits.replayed or first.status, first.headers + habits.replay_headers, first.body)
        document = self._document(request)
        if self._target.unique_name and document[self._called.name] in self._names:
            raise _Refused(habits.taken)
        self._names.add(document.get(self._called.name, ""))
        self._created += 1
        made_id = habits.new_id(self._created) if habits.new_id else secrets.token_hex(12)
        resource_id = request.first(CHOSEN_ID) or made_id
        at = time.time() - habits.time_lag_s
        made = habits.time_format(at) if habits.time_format else datetime.fromtimestamp(at, UTC).isoformat()
        called = self._called
        given = {called.id: resource_id, called.created_at: made, called.created_by: subject}
        row = {**self._defaults(), **document, **{name: value for name, value in given.items() if name}}
        self._rows[resource_id], self._versions[resource_id] = row, 1
        self._owners[resource_id] = subject
        self._show(resource_id)
        path = f"{COLLECTION}/{quote(resource_id, safe='')}"
        location = habits.location(path, f"http://{request.first('host')}")
        shown = row if habits.body_of_201 == "whole" else {called.id: resource_id}
        where = () if self._target.self_link or self._target.read_path else (("location", location),)
        headers: Headers = (*where, *(self._tag(resource_id) if habits.created_etag else ()), *told)
        raw = self._raw(shown, is_whole=habits.body_of_201 == "whole")
        if self._target.self_link:
            raw = json.dumps({**json.loads(raw), "links": {"self": location}}, ensure_ascii=False).encode()
        answer = Answer(201, headers, raw)
        if key is not None:
            self._keys[subject, key] = (request.body, answer)
        return answer

    def _check_key(self, key: str) -> None:
        bare = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
        if self._habits.strange_key is not None and (not 0 < len(bare) <= 255 or not bare.isascii()):
            raise _Refused(self._habits.strange_key, "a key of 1 to 255 ASCII characters", code="validation_failed")

    def _defaults(self) -> dict[str, Any]:
        return {"description": "", "metadata": {}} if {"description", "metadata"} <= self._fields else {}

    def _one(self, request: Request, resource_id: str) -> Answer:
        habits, method = self._habits, request.method
        allowed = ["GET", *(["HEAD"] if habits.head else [])]
        allowed += [
            name for name, is_there in (("PUT", self._target.update), ("DELETE", self._target.delete)) if is_there
        ]
        if method not in allowed:
            raise self._no_such_method(", ".join(allowed))
        subject = self._subject(request, "writer" if method in {"PUT", "DELETE"} else "reader")
        told = self._limited(subject)
        if method in {"GET", "HEAD"}:
            body, version = self._seen(resource_id)
            if self._target.private and self._owners.get(resource_id) != subject:
                raise _Refused(404)
            tag = self._tag(resource_id, version)
            if tag and _is_named(tag[0][1], request.first("if-none-match") or ""):
                return Answer(304, tag)
            return Answer(200, (*tag, *told), body)
        row = self._rows.get(resource_id)
        if row is None:
            again = habits.deleted_again if method == "DELETE" else habits.gone
            raise _Refused(again if resource_id in self._shown else 404)
        if (self._target.owned or self._target.private) and self._owners[resource_id] != subject:
            raise _Refused(404 if self._target.private else habits.forbidden)
        self._check_version(request, resource_id)
        if method == "DELETE":
            del self._rows[resource_id]
            self._names.discard(row.get(self._called.name, ""))
            self._shown[resource_id].append((time.monotonic(), None, 0))
            return Answer(habits.deleted, told, b"" if habits.deleted == 204 else b"{}")
        document = self._document(request)
        if self._target.unique_name and document[self._called.name] in self._names - {row[self._called.name]}:
            raise _Refused(habits.taken)
        self._names = self._names - {row.get(self._called.name, "")} | {document.get(self._called.name, "")}
        given = (self._called.id, self._called.created_at, self._called.created_by)
        kept = {key: row[key] for key in given if key}
        self._rows[resource_id] = {**self._defaults(), **document, **kept}
        self._versions[resource_id] += 1
        self._show(resource_id)
        if not habits.shows_updated:
            return Answer(habits.updated, told, b"" if habits.updated == 204 else b'{"updated": 1}')
        headers: Headers = (*self._tag(resource_id), *told)
        whole = self._raw(self._rows[resource_id])
        return Answer(habits.updated, headers, b"" if habits.updated == 204 else whole)

    def _check_version(self, request: Request, resource_id: str) -> None:
        none_of = request.first("if-none-match")
        current = "".join(value for _, value in self._tag(resource_id))
        if none_of is not None and (none_of.strip() == "*" or (current and current in none_of)):
            raise _Refused(self._habits.stale)
        condition = request.first("if-match")
        if condition is None and self._target.conditional_updates:
            raise _Refused(428, code="precondition_required")
        if condition is None or condition.strip() == "*":
            return
        tags = [tag.strip() for tag in condition.split(",")]
        if not current or current.startswith("W/") or current not in tags:
            raise _Refused(self._habits.stale)

    # What is shown

    def _show(self, resource_id: str) -> None:
        shown = self._raw(self._rows[resource_id], at=self._envelope.read)
        states = self._shown.setdefault(resource_id, [])
        states.append((time.monotonic(), shown, self._versions[resource_id]))

    def _seen(self, resource_id: str) -> tuple[bytes, int]:
        horizon = time.monotonic() - self._habits.read_lag_s
        states = [state for state in self._shown.get(resource_id, ()) if state[0] <= horizon]
        if not states or states[-1][1] is None:
            raise _Refused(self._habits.gone if resource_id in self._shown else 404)
        return states[-1][1], states[-1][2]

    def _tag(self, resource_id: str, version: int | None = None) -> Headers:
        number = self._versions.get(resource_id, 0) if version is None else version
        match self._habits.etag:
            case "none":
                return ()
            case "weak":
                return (("etag", f'W/"{number}"'),)
            case "hash":
                return (("etag", f'"{number * 7919:x}-{resource_id.encode().hex()[:8]}"'),)
            case _:
                return (("etag", f'"{number}"'),)

    def _raw(self, shown: dict[str, Any], *, is_whole: bool = True, at: str | None = None) -> bytes:
        if is_whole:
            shown = self._habits.trailing(shown)
        for name in reversed(reference_tokens(self._envelope.reply if at is None else at)):
            shown = {name: shown}
        return json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()

    def _refusal(self, refused: _Refused) -> Answer:
        habits = self._habits
        phrase = HTTPStatus(refused.status).phrase
        detail = refused.detail.encode("ascii", "replace").decode()[:500]
        problem: dict[str, Any] = {
            "type": f"urn:example:{refused.code}", "title": phrase, "status": refused.status,
            "detail": detail, "instance": COLLECTION, "code": refused.code,
        }  # fmt: skip
        if refused.code == "validation_failed":
            problem["errors"] = [*refused.errors] or [{"pointer": "", "detail": detail}]
        made = habits.error_body
        body = made(refused.status, refused.code, detail) if made else json.dumps(problem).encode()
        return Answer(refused.status, refused.headers, body, habits.error_media_type)


def _is_named(tag: str, none_match: str) -> bool:
    """Whether a tag is among those of an If-None-Match, which are compared weakly (RFC 9110 §13.1.2)."""
    return none_match.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(none_match)


def _respelt(token: str) -> str:
    """The token in base64url without padding, or bits that nobody reads (RFC 7515 §2). Other letters stay."""
    parts = []
    for part in token.split("."):
        bare = part.rstrip("=")
        read = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
        spelt = jwt.utils.base64url_encode(read).decode()
        parts.append(spelt if len(spelt) == len(bare) else part)
    return ".".join(parts)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _no_pair_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _parse(body: bytes) -> Any:
    return json.loads(body.decode(), parse_constant=_no_constant, object_pairs_hook=_no_pair_twice)


def _is_visible(character: str) -> bool:
    return character != " " and character.isprintable()


def _is_small(metadata: Any) -> bool:
    size = len(json.dumps(metadata, separators=(",", ":"), ensure_ascii=False).encode())
    return size <= _METADATA_BYTES and _is_flat(metadata, _METADATA_LEVELS)


def _is_flat(value: Any, levels: int) -> bool:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return members is None or (levels > 0 and all(_is_flat(member, levels - 1) for member in members))


def _composed(value: Any) -> Any:
    """The value with every text in Normalization Form C, names too."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_composed(key): _composed(member) for key, member in value.items()}
    return [_composed(member) for member in value] if isinstance(value, list) else value
