"""The issuer's public keys from a JWKS file (RFC 7517), read again when it changes."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.algorithms import AllowedPublicKeys
from jwt.exceptions import PyJWTError

from createflow.schemas.clock import Clock

COOLDOWN_S = 1.0
RSA_MIN_BITS = 2048
"""RFC 7518 §3.3: a key of size 2048 bits or larger MUST be used with RS256."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm that it verifies."""

    algorithm: str
    material: AllowedPublicKeys


class JwksFile:
    """Keys by id. The last valid set is kept while the file is missing or malformed.

    A key's algorithm comes from the key, never from a token. Keys that are too weak are ignored. So are symmetric keys,
    because a public file cannot hold a secret, and keys whose ``alg``, ``use`` or ``key_ops`` say another purpose.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._checked_at = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._keys: Mapping[str, Key] = {}
        self._document = b""
        self.generation = 0
        """Increases with each change of the keys."""

    @property
    def is_loaded(self) -> bool:
        """Whether there is at least one key."""
        self.refresh()
        return bool(self._keys)

    def find(self, key_id: str | None) -> Key | None:
        """Return the key with this id; without an id, the only key if there is only one."""
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def document(self) -> bytes:
        """Return the last valid file as it was, for /.well-known/jwks.json; empty while there has been none."""
        self.refresh()
        return self._document

    def refresh(self) -> None:
        """Read the file again if it has changed; checked at most once a second."""
        now = self._clock.monotonic()
        if now - self._checked_at < COOLDOWN_S:
            return
        self._checked_at = now
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                text = self._path.read_bytes()
                self._keys = _parse(text)
                self._document = text
                self._stamp = stamp
                self.generation += 1


def _parse(text: bytes) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    for number, jwk in enumerate(orjson.loads(text)["keys"]):
        algorithm = _algorithm(jwk)
        if algorithm is None or not _is_for(jwk, algorithm):
            continue
        with contextlib.suppress(PyJWTError, ValueError):
            material = PyJWK(jwk, algorithm=algorithm).key
            if isinstance(material, RSAPublicKey) and material.key_size < RSA_MIN_BITS:
                continue
            keys[str(jwk.get("kid", f"#{number}"))] = Key(algorithm, material)
    if not keys:
        raise ValueError("no usable key")
    return keys


def _algorithm(jwk: Mapping[str, str]) -> str | None:
    """Return the algorithm for the type of key; None for types that are not accepted."""
    return {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}.get(
        (jwk.get("kty"), jwk.get("crv"))  # type: ignore[arg-type]  # a lookup of anything is fine
    )


def _is_for(jwk: Mapping[str, object], algorithm: str) -> bool:
    """Whether the key may verify signatures of this algorithm (RFC 7517 §4.2 to 4.4; RFC 8725 §3.1)."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
    )
