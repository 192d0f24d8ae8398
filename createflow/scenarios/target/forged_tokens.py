"""Tokens as an attacker makes them who holds a good one, and perhaps the public key, but not the issuer's."""

import datetime as dt
import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_decode, base64url_encode

from createflow.scenarios.outcome import NotDeclared

_DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
HMAC_ALGORITHMS = tuple(_DIGESTS)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Jws:
    """Header and claims of a token, to be changed and signed again."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def of(cls, token: str) -> Self:
        """Take a token apart. Raises NotDeclared when it is no JWT."""
        header, claims, _ = segments(token)
        try:
            parts = [json.loads(base64url_decode(part)) for part in (header, claims)]
        except ValueError:
            raise NotDeclared("the writer's token is not a JWT") from None
        if not all(isinstance(part, dict) for part in parts):
            raise NotDeclared("the writer's token is not a JWT")
        return cls(*parts)

    def changed(
        self,
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> Self:
        """The same with other fields."""
        kept = {name: value for name, value in self.claims.items() if name not in without}
        return type(self)({**self.header, **(header or {})}, {**kept, **(claims or {})})

    @property
    def signing_input(self) -> bytes:
        """What a signature is made of (RFC 7515 §5.1)."""
        return b".".join(base64url_encode(json.dumps(part).encode()) for part in (self.header, self.claims))

    def compact(self, signature: bytes) -> str:
        """The three segments."""
        return f"{self.signing_input.decode()}.{base64url_encode(signature).decode()}"

    def keyed(self, algorithm: str, secret: bytes) -> str:
        """Signed with a shared secret, whatever the issuer uses."""
        jws = self.changed(header={"alg": algorithm})
        return f"{jws.signing_input.decode()}.{hmac_of(jws.signing_input, algorithm, secret)}"


def hmac_of(signing_input: bytes, algorithm: str, secret: bytes) -> str:
    """The third segment of a token that is signed with a shared secret."""
    return base64url_encode(hmac.new(secret, signing_input, _DIGESTS[algorithm]).digest()).decode()


def segments(token: str) -> tuple[str, str, str]:
    """The three parts of a token. Raises NotDeclared when there are not three."""
    parts = token.split(".")
    if len(parts) != 3:
        raise NotDeclared("the writer's token is not a JWT")
    return parts[0], parts[1], parts[2]


def stripped(token: str) -> Iterator[tuple[str, str]]:
    """The token without its signature: how, and the token."""
    header, claims, _ = segments(token)
    yield "an empty signature", f"{header}.{claims}."
    yield "no third segment", f"{header}.{claims}"
    yield "a signature of zeros", f"{header}.{claims}.{base64url_encode(bytes(64)).decode()}"


def with_own_key(token: str) -> Iterator[tuple[str, str]]:
    """Signed with a fresh key that the token itself brings along: how, and the token."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = jwt.get_algorithm_by_name("RS256")
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    certificate = b64encode(_certificate(key)).decode("ascii")
    for name, value in (("jwk", public), ("x5c", [certificate])):
        jws = Jws.of(token).changed(header={"alg": "RS256", name: value})
        yield f"its own key in {name}", jws.compact(signer.sign(jws.signing_input, key))


def with_key_at(token: str, url: str) -> Iterator[tuple[str, str]]:
    """Signed with a fresh key that the token says to be found at an address: how, and the token."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = jwt.get_algorithm_by_name("RS256")
    for name in ("jku", "x5u"):
        jws = Jws.of(token).changed(header={"alg": "RS256", name: url})
        yield f"its key at {name}", jws.compact(signer.sign(jws.signing_input, key))


def loosely_written(token: str) -> Iterator[tuple[str, str]]:
    """The good token itself in spellings that only a lax decoder takes: how, and the token.

    Why: two spellings of one token slip past whatever remembers tokens by their text, such as a list of revoked ones.
    """
    header, claims, signature = segments(token)
    yield "padding", f"{header}.{claims}.{signature}{'=' * (-len(signature) % 4) or '='}"
    yield "a blank inside its signature", f"{header}.{claims}.{signature[:4]} {signature[4:]}"
    yield "a letter outside the alphabet in its signature", f"{header}.{claims}.{signature[:4]}!{signature[4:]}"
    unused = {2: 16, 3: 4}.get(len(signature) % 4)
    if unused:
        value = _ALPHABET.index(signature[-1])
        # The last letter carries fewer than six bits; the others are to be zero.
        yield "unused bits set", f"{header}.{claims}.{signature[:-1]}{_ALPHABET[value ^ 1]}"
    whole = {"protected": header, "payload": claims, "signature": signature}
    yield "the JSON serialisation", json.dumps(whole, separators=(",", ":"))
    yield "quotes around it", f'"{token}"'


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    """A self-signed certificate, DER."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "createflow")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)
