"""A small create endpoint with five faults: 200 for 201, no Location, alg none, a stack trace, no rate limit."""

import base64
import datetime as dt
import json
import sys
import traceback
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import jwt
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

KEY = Path(sys.argv[2]).read_text()
NAME = {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}
SCHEMA = {"type": "object", "properties": {"name": NAME}, "required": ["name"], "additionalProperties": False}
SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
ROWS: dict[str, dict[str, Any]] = {}


def problem(status: int, title: str, detail: str = "", **headers: str) -> Response:
    """A refusal."""
    body = {"type": f"urn:refused:{title.replace(' ', '-')}", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, SAFE | headers, "application/problem+json")


def claims_of(given: list[str]) -> dict[str, Any]:
    """Whom a good token names."""
    assert len(given) == 1 and given[0][:7].lower() == "bearer "  # noqa: PT018 - one line less
    token = given[0][7:]
    parts = [base64.urlsafe_b64decode(part + "==") for part in token.split(".")]
    assert ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) == token
    none = json.loads(parts[0])["alg"] == "none"  # fault: a token without a signature is believed
    options: Any = {"verify_signature": not none, "require": ["exp", "sub", "iat"]}
    claims: dict[str, Any] = jwt.decode(token, KEY, ["EdDSA"], options, audience="a", issuer="i")
    assert claims["sub"] and json.loads(parts[0])["typ"] == "at+jwt"  # noqa: PT018 - as above
    return claims


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without a key twice."""
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


async def answer(request: Request) -> Response:  # noqa: PLR0911 - each refusal is one
    """The whole endpoint."""
    given = request.headers.getlist("authorization")
    if "transfer-encoding" in request.headers and "content-length" in request.headers:
        return problem(400, "two lengths", connection="close")
    try:
        claims = claims_of(given)
    except (ValueError, AssertionError, TypeError, KeyError, RecursionError, jwt.PyJWTError):
        return problem(401, "token", **{"WWW-Authenticate": 'Bearer error="invalid_token"' if given else "Bearer"})
    if request.url.path != "/api/resources":
        row = ROWS.get(request.url.path.removeprefix("/api/resources/"))
        return JSONResponse(row, 200, SAFE) if row else problem(404, "nothing here")
    if request.method != "POST":
        return problem(405, "POST only", allow="POST")
    if "writer" not in claims["roles"]:
        return problem(403, "not yours")
    if request.headers.get("content-type") != "application/json":
        return problem(415, "JSON only")
    try:
        body = json.loads((await request.body()).decode(), object_pairs_hook=once)
        jsonschema.validate(body, SCHEMA)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, AssertionError, RecursionError, jsonschema.ValidationError):
        return problem(400, "not a resource", traceback.format_exc())  # fault: shows its insides
    now = dt.datetime.now(dt.UTC).isoformat()
    made = {"id": uuid.uuid4().hex, **body, "created_at": now, "created_by": claims["sub"]}
    ROWS[made["id"]] = made
    return JSONResponse(made, 200, SAFE)  # faults: not 201, no Location, and however many a second


async def app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI."""
    await (await answer(Request(scope, receive)))(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", lifespan="off", server_header=False, log_level="error")
