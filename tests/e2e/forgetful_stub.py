"""A create endpoint with five faults: 200 for 201, no Location, alg none, a stack trace, no rate limit."""

import json
import re
import traceback
from pathlib import Path

import jsonschema
import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import request_response

KEY, SCHEMA, ROWS = Path("public.pem").read_text(), json.loads(Path("schema.json").read_text()), {}


@request_response
async def app(request: Request) -> JSONResponse:
    """Answer whatever comes: the path of a row reads it, a POST to the collection creates one."""
    credential = ", ".join(request.headers.getlist("authorization"))
    try:
        (token,) = re.findall(r"(?a)^(?i:bearer) ([\w-]+\.[\w-]+\.(?:[\w-]{85}[AQgw])?)$", credential)
        rule = {"verify_signature": jwt.get_unverified_header(token)["alg"] != "none", "require": ["exp", "iat", "sub"]}
        claims = jwt.decode(token, KEY, ["EdDSA"], rule, audience="a", issuer="i")
    except (ValueError, KeyError, jwt.PyJWTError):
        challenge = 'Bearer error="invalid_token"' if credential else "Bearer"
        return JSONResponse({"code": 401}, 401, {"www-authenticate": challenge})
    if request.url.path in ROWS and request.method == "GET":
        return JSONResponse(ROWS[request.url.path])
    wrong = {401: not claims["sub"], 404: request.url.path != "/api/resources", 405: request.method != "POST"}
    wrong |= {403: "writer" not in claims["roles"], 415: request.headers.get("content-type") != "application/json"}
    if status := next((status for status, is_so in wrong.items() if is_so), None):
        return JSONResponse({"code": status}, status, {"allow": "POST", "www-authenticate": "Bearer"})
    try:
        body = json.loads(await request.body(), object_pairs_hook=lambda x: dict(x) if len(x) == len(dict(x)) else x)
        jsonschema.validate(body, SCHEMA)
        row = ROWS[f"/api/resources/{len(ROWS)}"] = {"id": str(len(ROWS)), **body, "created_by": claims["sub"]}
        return JSONResponse(row)  # faults: not 201, no Location, and however many a second
    except (ValueError, RecursionError, jsonschema.ValidationError):
        return JSONResponse({"code": 400, "detail": traceback.format_exc()}, 400)  # fault: shows its insides
