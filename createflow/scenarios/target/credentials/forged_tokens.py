"""JSON Web Tokens that a target must refuse, made from a valid one (RFC 7515, RFC 7519, RFC 8725).

Each differs from the valid token in one respect. Most need nothing but a valid token and public data, as an attacker
has; ``IssuerKey`` signs changed claims with the issuer's own key.
"""

import datetime as dt
import hashlib
import hmac
import json
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
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
    def parse(cls, token: str) -> Self:
        """Decode header and claims.

        Raises:
            NotDeclared: the token is not a JWT.
        """
        header, claims, _ = _segments(token)
        return cls(_decoded_object(header), _decoded_object(claims))

    def replace(
        self,
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> Self:
        """A copy with these claims and header fields changed, and those ``without`` left out."""
        fields, kept = (
            {name: value for name, value in part.items() if name not in without} for part in (self.header, self.claims)
        )
        return type(self)({**fields, **(header or {})}, {**kept, **(claims or {})})

    @property
    def signing_input(self) -> bytes:
        """The bytes that are signed (RFC 7515 §5.1)."""
        return b".".join(base64url_encode(json.dumps(part).encode()) for part in (self.header, self.claims))

    def compact(self, signature: bytes) -> str:
        """The three segments (RFC 7515 §7.1)."""
        return f"{self.signing_input.decode()}.{base64url_encode(signature).decode()}"

    def sign_with_hmac(self, algorithm: str, secret: bytes) -> str:
        """The token with this HMAC algorithm in its header and signed with the secret, whatever the issuer uses."""
        jws = self.replace(header={"alg": algorithm})
        return f"{jws.signing_input.decode()}.{hmac_signature(jws.signing_input, algorithm, secret)}"


class IssuerKey:
    """Fills the role Issuer: signs tokens that are wrong in one respect with the key that the target trusts.

    Args:
        key: the file of a private key, or the bytes of a secret that the target knows as well.
        algorithm: of the signature.
        leeway_s: declared by the profile.
    """

    def __init__(self, key: Path | bytes, algorithm: str, *, leeway_s: float | None = None) -> None:
        self.leeway_s = leeway_s
        self._algorithm = algorithm
        self._key: PrivateKeyTypes | bytes = (
            serialization.load_pem_private_key(key.read_bytes(), None) if isinstance(key, Path) else key
        )

    def sign(
        self,
        token: str,
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> str:
        """The token with these claims and header fields changed, others left out, and signed again."""
        jws = Jws.parse(token).replace(claims=claims, header=header, without=without)
        return jws.compact(_signature(jws.signing_input, self._algorithm, self._key))

    def public_key_encodings(self) -> Mapping[str, bytes]:
        """PEM with and without its last line break, DER, raw, and the JWK as JSON.

        Raises:
            NotDeclared: the key is a shared secret.
        """
        if isinstance(self._key, bytes):
            raise NotDeclared(f"{self._algorithm} has a shared secret and no public key")
        public = self._key.public_key()
        as_jwk = getattr(jwt.get_algorithm_by_name(self._algorithm), "to_jwk", None)
        if as_jwk is None:
            raise NotDeclared(f"{self._algorithm} has no public key")
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = public.public_bytes(serialization.Encoding.PEM, info)
        jwk = as_jwk(public, as_dict=True)
        encodings = {
            "PEM": pem,
            "PEM without its last line break": pem.rstrip(b"\n"),
            "DER": public.public_bytes(serialization.Encoding.DER, info),
            "JWK": json.dumps(jwk, separators=(",", ":")).encode(),
        }
        if "x" in jwk:
            encodings["the bytes of x"] = base64url_decode(jwk["x"])
        return encodings


def hmac_signature(signing_input: bytes, algorithm: str, secret: bytes) -> str:
    """The third segment of a token that is signed with a shared secret."""
    return base64url_encode(_signature(signing_input, algorithm, secret)).decode()


def _signature(signing_input: bytes, algorithm: str, key: Any) -> bytes:
    if algorithm in _DIGESTS:  # with any secret, also one that a library finds too short
        return hmac.new(key, signing_input, _DIGESTS[algorithm]).digest()
    return jwt.get_algorithm_by_name(algorithm).sign(signing_input, key)


def flip_signature_bit(token: str) -> str:
    """One bit of the decoded signature is flipped.

    Why decoded: the last base64url character has unused bits; flipping one of those changes nothing.
    """
    header, payload, signature = _signed_segments(token)
    raw = bytearray(base64url_decode(signature))
    if not raw:
        raise NotDeclared("the writer's token is not signed")
    raw[len(raw) // 2] ^= 1
    return f"{header}.{payload}.{_encoded(bytes(raw))}"


def change_claims(token: str, **claims: Any) -> str:
    """Other claims in the payload; header and signature stay."""
    header, payload, signature = _signed_segments(token)
    return f"{header}.{_encoded(_json({**_decoded_object(payload), **claims}))}.{signature}"


def mark_unsigned(token: str, algorithm: str, *, keep_signature: bool = False) -> str:
    """The header says that there is no signature (RFC 8725 §2.1).

    Args:
        token: a valid one.
        algorithm: a spelling of ``none``.
        keep_signature: the third segment stays; else it is empty.
    """
    header, payload, signature = _signed_segments(token)
    fields = {**_decoded_object(header), "alg": algorithm}
    return f"{_encoded(_json(fields))}.{payload}.{signature if keep_signature else ''}"


def sign_with_foreign_key(token: str) -> str:
    """The same header and claims, signed with a new key of the same kind that the issuer does not have."""
    header, payload, _ = _signed_segments(token)
    name = str(_decoded_object(header).get("alg"))
    return f"{header}.{payload}.{_encoded(_signature(f'{header}.{payload}'.encode(), name, _new_key(name)))}"


def strip_signature(token: str) -> Iterator[tuple[str, str]]:
    """The token without its signature: a description of the form, and the token."""
    header, claims, _ = _segments(token)
    yield "an empty signature", f"{header}.{claims}."
    yield "no third segment", f"{header}.{claims}"
    yield "a signature of zeros", f"{header}.{claims}.{base64url_encode(bytes(64)).decode()}"


def embed_key(token: str) -> Iterator[tuple[str, str]]:
    """Signed with a new key that the token itself contains: a description of the form, and the token."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = jwt.get_algorithm_by_name("RS256")
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    certificate = b64encode(_certificate(key)).decode("ascii")
    for name, value in (("jwk", public), ("x5c", [certificate])):
        jws = Jws.parse(token).replace(header={"alg": "RS256", name: value})
        yield f"its own key in {name}", jws.compact(signer.sign(jws.signing_input, key))


def reference_key(token: str, url: str) -> Iterator[tuple[str, str]]:
    """Signed with a new key that is to be fetched from a URL: a description of the form, and the token."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = jwt.get_algorithm_by_name("RS256")
    for name in ("jku", "x5u"):
        jws = Jws.parse(token).replace(header={"alg": "RS256", name: url})
        yield f"its key at {name}", jws.compact(signer.sign(jws.signing_input, key))


def respell(token: str, *, strictly: bool = True) -> Iterator[tuple[str, str]]:
    """The valid token in spellings that only a lax decoder accepts: a description of the form, and the token.

    Args:
        token: a valid one.
        strictly: also the spellings that RFC 4648 §3.5 lets a decoder take. RFC 7515 §5.2 forbids additional
            characters, and does not say whether padding is one.
    """
    header, claims, signature = _segments(token)
    if strictly:
        yield "padding", f"{header}.{claims}.{signature}{'=' * (-len(signature) % 4) or '='}"
    yield "a blank inside its signature", f"{header}.{claims}.{signature[:4]} {signature[4:]}"
    yield "a letter outside the alphabet in its signature", f"{header}.{claims}.{signature[:4]}!{signature[4:]}"
    unused = {2: 16, 3: 4}.get(len(signature) % 4)
    if unused and strictly:
        value = _ALPHABET.index(signature[-1])
        # The last letter carries fewer than six bits; the others must be zero.
        yield "unused bits set", f"{header}.{claims}.{signature[:-1]}{_ALPHABET[value ^ 1]}"
    whole = {"protected": header, "payload": claims, "signature": signature}
    yield "the JSON serialisation", json.dumps(whole, separators=(",", ":"))
    yield "quotes around it", f'"{token}"'


def _new_key(algorithm: str) -> Any:
    match algorithm:
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case "ES512":
            return ec.generate_private_key(ec.SECP521R1())
        case "HS256" | "HS384" | "HS512":
            return secrets.token_bytes(64)
        case "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case _:
            raise NotDeclared(f"the tester cannot make a key for {algorithm} tokens")


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    """A self-signed certificate, DER."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "createflow")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def _segments(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise NotDeclared("the writer's token is not a JWT")
    return parts[0], parts[1], parts[2]


def _signed_segments(token: str) -> tuple[str, str, str]:
    """The three segments of a token whose header and payload are JSON objects."""
    header, payload, signature = _segments(token)
    _decoded_object(header)
    _decoded_object(payload)
    return header, payload, signature


def _decoded_object(segment: str) -> dict[str, Any]:
    try:
        document = json.loads(base64url_decode(segment))
    except ValueError:
        raise NotDeclared("the writer's token is not a JWT") from None
    if not isinstance(document, dict):
        raise NotDeclared("the writer's token is not a JWT")
    return document


def _encoded(raw: bytes) -> str:
    return base64url_encode(raw).decode("ascii")


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
