"""A slow client may have a valid token."""

import time
from pathlib import Path

import jwt

from createflow.reference_server.stack.credentials import AUDIENCE, ISSUER


def token_of(state: Path, subject: str = "slow") -> str:
    """Return a token of the issuer of the stack with this state directory: slow clients may have a valid one."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": int(time.time()), "exp": int(time.time()) + 3600}
    key = (state / "keys" / "issuer.pem").read_text()
    header = {"typ": "at+jwt", "kid": "key-1"}
    return jwt.encode({**claims, "roles": ["writer"]}, key, algorithm="EdDSA", headers=header)
