"""Tokens that must not be believed, each differing from a good one in exactly one respect."""

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from createflow.scenarios.outcome import NotDeclared


def flipped_signature(token: str) -> str:
    """One bit of the decoded signature is flipped.

    Why decoded: the last base64url character has unused bits; flipping one of those changes nothing.
    """
    header, payload, signature = _parts(token)
    raw = bytearray(_decoded(signature))
    if not raw:
        raise NotDeclared("the writer's token is not signed")
    raw[len(raw) // 2] ^= 1
    return f"{header}.{payload}.{_encoded(bytes(raw))}"


def changed_claims(token: str, **claims: Any) -> str:
    """The payload says something else; header and signature stay."""
    header, payload, signature = _parts(token)
    return f"{header}.{_encoded(_json({**_document(payload), **claims}))}.{signature}"


def unsigned(token: str, algorithm: str, *, keep_signature: bool = False) -> str:
    """The header says that there is no signature (RFC 8725 §2.1)."""
    header, payload, signature = _parts(token)
    fields = {**_document(header), "alg": algorithm}
    return f"{_encoded(_json(fields))}.{payload}.{signature if keep_signature else ''}"


def resigned(token: str) -> str:
    """The same header and claims, signed with a fresh key of the same kind that the issuer has never seen."""
    header, payload, _ = _parts(token)
    fields = _document(header)
    key = _fresh_key(str(fields.get("alg")))
    algorithm = jwt.get_algorithm_by_name(str(fields["alg"]))
    return f"{header}.{payload}.{_encoded(algorithm.sign(f'{header}.{payload}'.encode(), key))}"


def _fresh_key(algorithm: str) -> Any:
    match algorithm:
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case _:
            raise NotDeclared(f"no foreign key is made for {algorithm} tokens")


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise NotDeclared("the writer's token is not a JWT")
    try:
        _document(parts[0])
        _document(parts[1])
    except ValueError:
        raise NotDeclared("the writer's token is not a JWT") from None
    return parts[0], parts[1], parts[2]


def _document(part: str) -> dict[str, Any]:
    document = json.loads(_decoded(part))
    if not isinstance(document, dict):
        raise ValueError("not an object")  # noqa: TRY004 - told like any other part that is not of a JWT
    return document


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
