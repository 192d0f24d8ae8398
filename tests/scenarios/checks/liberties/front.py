"""What stands before the lawful service where a profile declares other paths, methods or credentials."""

import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import ApiKeyAuth, Auth, Placed, SessionAuth
from tests.scenarios.checks.liberties.other_forms import JOBS, Later, as_json
from tests.scenarios.checks.liberties.service import AUDIENCE, CHOSEN_ID, COLLECTION, ISSUER
from tests.scenarios.checks.liberties.wire import Answer, Request

PARENTS = "/api/parents"
_SUBJECTS = {
    "WRITER": ("writer-a", "writer"), "OTHER_WRITER": ("writer-b", "writer"),
    "READER": ("reader-a", "reader"), "EXPIRED": ("writer-a", "writer"),
}  # fmt: skip
_OWN_TOKENS = frozenset(
    {"none", "jwt", "command", "oauth2_client_credentials", "oauth2_password", "oauth2_refresh_token"}
)
PRINCIPALS = tuple(name.lower() for name in _SUBJECTS)
ENVIRONMENT = {f"SWITCH_{name}": f"{subject}:secret-of-{name.lower()}" for name, (subject, _) in _SUBJECTS.items()}
ENVIRONMENT["SWITCH_SECRET"] = (
    "c2hhcmVkIGJ5IGlzc3VlciBhbmQgdGFyZ2V0LCBhbmQgbG9uZyBlbm91Z2ggZm9yIGVhY2ggb2YgdGhlIGFsZ29yaXRobXM="
)
"""What the profile's credentials come from; as they stand they are users with passwords."""


@dataclass(frozen=True)
class Front:
    """How the service looks from outside."""

    path: str = COLLECTION
    """Of the collection."""
    puts: bool = False
    """A PUT at a new id creates."""
    has_parents: bool = False
    """The collection belongs to a parent, which a POST makes and a DELETE removes."""
    removal: str = ""
    """A POST at this path below a resource removes it."""
    needed: tuple[str, str] | None = None
    """A header without which nothing is served."""
    later: str = ""
    """Creates are answered 202; see ``Later``."""
    created: int = 201
    """The status of a create."""

    def placed(self, path: str) -> str:
        """The path as it is outside."""
        return path.replace(COLLECTION, self.path, 1)


class FrontService:
    """Translates requests for the service, and its replies back.

    Args:
        front: what differs.
        profile: ``[auth]`` and ``target.media_type``.
        service: answers what was translated.
        key: signs the tokens that the service takes.
        schema: of the create body.
    """

    def __init__(
        self,
        front: Front,
        profile: Profile,
        service: Callable[[Request], Awaitable[Answer]],
        key: Ed25519PrivateKey,
        schema: Mapping[str, Any],
    ) -> None:
        self._front = front
        self._auth = profile.auth
        self._media_type = profile.target.media_type
        self._target = profile.target
        self._schema = dict(schema)
        self._later = Later(front.later)
        self._service = service
        self._key = key
        self._known: set[str] = set()

    async def answer(self, request: Request) -> Answer:
        """The reply as it is outside."""
        front = self._front
        if request.target in {"/token", "/login"}:
            return self._token(request) if request.target == "/token" else self._login(request)
        if front.later and request.target.startswith(JOBS):
            return self._later.job(request.target.removeprefix(JOBS))
        answer = await self._answer(request)
        if answer.status != 201 or (request.target.startswith(PARENTS) and not request.target.startswith(front.path)):
            return answer
        return self._later.accepted(answer) if front.later else replace(answer, status=front.created)

    async def _answer(self, request: Request) -> Answer:
        front = self._front
        if front.needed is not None and request.first(front.needed[0].lower()) != front.needed[1]:
            return Answer(400, body=b"{}")
        if front.has_parents and request.target.startswith(PARENTS) and not request.target.startswith(front.path):
            return Answer(201, body=b'{"id": "p-1"}') if request.method == "POST" else Answer(204)
        if not request.target.startswith(front.path):
            inner = replace(request, target="/nowhere")
        else:
            inner = replace(request, target=COLLECTION + request.target[len(front.path) :])
        inner = self._as_json(self._with_token(inner))
        if front.removal and inner.method == "POST" and inner.target.endswith(front.removal):
            inner = replace(inner, method="DELETE", target=inner.target.removesuffix(front.removal))
        name = inner.target.removeprefix(COLLECTION + "/")
        creates = front.puts and inner.method == "PUT" and name not in self._known
        if creates and inner.first("if-match") is None:  # there is nothing that it could match (RFC 9110 §13.1.1)
            chosen = (*inner.headers, (CHOSEN_ID, name))
            answer = await self._service(replace(inner, method="POST", target=COLLECTION, headers=chosen))
            if answer.status == 201:
                self._known.add(name)
        else:
            answer = await self._service(inner)
        headers = tuple((name, front.placed(value) if name == "location" else value) for name, value in answer.headers)
        link, outside = f'"self": "{COLLECTION}', f'"self": "{front.path}'
        return replace(answer, headers=headers, body=answer.body.replace(link.encode(), outside.encode()))

    def _as_json(self, request: Request) -> Request:
        """The one media type in place of JSON, which is then another."""
        if self._media_type == "application/json" or self._target.body_as != "json":
            return as_json(request, self._target, self._schema)
        sent = request.first("content-type")
        kind = "application/json" if sent == self._media_type else "text/x-other"
        others = tuple((name, value) for name, value in request.headers if name != "content-type")
        return replace(request, headers=(*others, *([("content-type", kind)] if sent else [])))

    # Credentials

    def _with_token(self, request: Request) -> Request:
        """A token of the service in place of what the profile's kind of credential sends."""
        if self._auth.kind in _OWN_TOKENS:
            return _with_placed(request, self._auth)
        if isinstance(self._auth, SessionAuth):
            return _with_session(request)
        if isinstance(self._auth, ApiKeyAuth) and self._auth.key_in != "header":
            return self._with_key(request, self._auth)
        name = self._auth.header.lower()
        sent = request.all(name)
        others = tuple((key, value) for key, value in request.headers if key not in {name, "authorization"})
        tokens = [("authorization", self._known_as(value)) for value in sent]
        return replace(request, headers=(*others, *tokens))

    def _with_key(self, request: Request, auth: ApiKeyAuth) -> Request:
        """The same for a key in a parameter of the query, or in a cookie."""
        path, _, query = request.target.partition("?")
        given = parse_qsl(query, keep_blank_values=True)
        if auth.key_in == "query":
            sent = [value for name, value in given if name == auth.name]
            rest = urlencode([pair for pair in given if pair[0] != auth.name])
            request = replace(request, target=f"{path}?{rest}" if rest else path)
        else:
            pairs = [pair.strip().partition("=") for line in request.all("cookie") for pair in line.split(";")]
            sent = [value for name, _, value in pairs if name == auth.name]
        others = tuple((key, value) for key, value in request.headers if key not in {"authorization", "cookie"})
        return replace(request, headers=(*others, *(("authorization", self._known_as(value)) for value in sent)))

    def _known_as(self, value: str) -> str:
        scheme = getattr(self._auth, "scheme", "")
        if scheme and value[: len(scheme)].lower() == scheme.lower():  # RFC 9110 §11.1
            value = scheme + value[len(scheme) :]
        for name, secret in ENVIRONMENT.items():
            shown = base64.b64encode(secret.encode()).decode() if self._auth.kind == "basic" else secret
            if value == f"{scheme} {shown}".strip():
                return f"Bearer {self.minted(name.removeprefix('SWITCH_'))}"
        return "Bearer unknown" if not scheme or value.lower().startswith(scheme.lower()) else value

    def minted(self, principal: str) -> str:
        """A token of the service for a principal."""
        subject, role = _SUBJECTS[principal]
        lifetime_s = -3600 if principal == "EXPIRED" else 3600
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": [role], "exp": int(time.time()) + lifetime_s}
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"typ": "at+jwt"})

    def _token(self, request: Request) -> Answer:
        """The token endpoint (RFC 6749 §4.4)."""
        form = parse_qs(request.body.decode())
        sent = request.first("authorization") or ""
        given = base64.b64decode(sent.partition(" ")[2]).decode() if sent else ":".join(
            (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
        )  # fmt: skip
        kind = form.get("grant_type", [""])[0]
        if kind == "password":
            given = f"{form['username'][0]}:{form['password'][0]}"
        elif kind == "refresh_token":
            given = form["refresh_token"][0]
        known = next((name for name, secret in ENVIRONMENT.items() if secret == given), None)
        if known is None or self._auth.kind.removeprefix("oauth2_") != kind:
            return Answer(401, (("www-authenticate", "Basic"),), b'{"error": "invalid_client"}')
        token = {"access_token": self.minted(known.removeprefix("SWITCH_")), "token_type": "Bearer", "expires_in": 600}
        return Answer(200, body=json.dumps(token).encode())

    def _login(self, request: Request) -> Answer:
        """Begins a session, whose cookie is a token of the service; a second cookie has the CSRF token."""
        form = parse_qs(request.body.decode())
        given = f"{form.get('username', [''])[0]}:{form.get('password', [''])[0]}"
        known = next((name for name, secret in ENVIRONMENT.items() if secret == given), None)
        if known is None:
            return Answer(200, body=b"wrong password")
        token = self.minted(known.removeprefix("SWITCH_"))
        cookies = (f"sid={token}; Path=/; HttpOnly", f"csrf={_csrf_of(token)}; Path=/")
        return Answer(302, (("location", "/"), *(("set-cookie", cookie) for cookie in cookies)))


def _with_placed(request: Request, auth: Auth) -> Request:
    """The token of a query parameter or a cookie, in the header."""
    if not isinstance(auth, Placed) or auth.sent_in == "header":
        return request
    path, _, query = request.target.partition("?")
    if auth.sent_in == "query":
        given = parse_qsl(query, keep_blank_values=True)
        rest = urlencode([pair for pair in given if pair[0] != auth.sent_as])
        request = replace(request, target=f"{path}?{rest}" if rest else path)
    else:
        pairs = [pair.strip().partition("=") for line in request.all("cookie") for pair in line.split(";")]
        given = [(name, value) for name, _, value in pairs]
    others = tuple(pair for pair in request.headers if pair[0] not in {"authorization", "cookie"})
    tokens = tuple(("authorization", f"Bearer {value}") for name, value in given if name == auth.sent_as)
    return replace(request, headers=(*others, *tokens))


def _csrf_of(token: str) -> str:
    return token.rpartition(".")[2][:20]


def _with_session(request: Request) -> Request:
    """The cookie as a token; a change needs the CSRF token in its header and in its cookie."""
    pairs = [pair.strip().partition("=") for line in request.all("cookie") for pair in line.split(";")]
    cookies = {name: value for name, _, value in pairs}
    others = tuple((name, value) for name, value in request.headers if name not in {"authorization", "cookie"})
    token = cookies.get("sid")
    is_forged = cookies.get("csrf") is None or cookies["csrf"] != request.first("x-csrf-token")
    if token is None or (is_forged and request.method not in {"GET", "HEAD"}):
        return replace(request, headers=others)
    return replace(request, headers=(*others, ("authorization", f"Bearer {token}")))


def openapi(schema: Mapping[str, object]) -> dict[str, object]:
    """A document of the service, as a framework writes it."""
    described = {"description": "as it says"}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    shown = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
    }
    whole = {"description": "the resource", "content": {"application/json": {"schema": shown}}}
    kinds = ("application/problem+json", "application/json")
    problem = {"description": "refused", "content": {kind: {"schema": {"type": "object"}} for kind in kinds}}
    refusals = {str(status): problem for status in (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 503)}
    one_id = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    return {
        "openapi": "3.1.0",
        "info": {"title": "resources", "version": "1"},
        "paths": {
            COLLECTION: {"post": {"requestBody": body, "responses": {"201": whole, **refusals}}},
            COLLECTION + "/{id}": {
                "parameters": one_id,
                "get": {"responses": {"200": whole, "304": described, **refusals}},
                "put": {"requestBody": body, "responses": {"200": whole, **refusals}},
                "delete": {"responses": {"204": described, **refusals}},
            },
        },
    }
