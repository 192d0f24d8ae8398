"""The issuer's public keys from a JWKS file, re-read when it changes."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from jwt import PyJWK
from jwt.algorithms import AllowedPublicKeys
from jwt.exceptions import PyJWTError

from createflow.schemas.clock import Clock

COOLDOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm it verifies."""

    algorithm: str
    material: AllowedPublicKeys


class JwksFile:
    """Keys by id. The last good set is kept when the file is missing or broken.

    A key's algorithm comes from the key, never from a token; symmetric keys are passed over, for a public file
    cannot hold a secret.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._looked_at = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._keys: Mapping[str, Key] = {}
        self.generation = 0
        """Grows with each change of the keys."""

    @property
    def is_loaded(self) -> bool:
        """Whether there is any key."""
        self.refresh()
        return bool(self._keys)

    def find(self, key_id: str | None) -> Key | None:
        """The key with this id; without an id the only key there is."""
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def document(self) -> bytes:
        """The file as it is, for the well-known address."""
        return self._path.read_bytes()

    def refresh(self) -> None:
        """Look at the file again, at most once a second."""
        now = self._clock.monotonic()
        if now - self._looked_at < COOLDOWN_S:
            return
        self._looked_at = now
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._keys = _parse(self._path.read_bytes())
                self._stamp = stamp
                self.generation += 1


def _parse(text: bytes) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    for number, jwk in enumerate(orjson.loads(text)["keys"]):
        algorithm = _algorithm(jwk)
        if algorithm is None or jwk.get("use", "sig") != "sig":
            continue
        with contextlib.suppress(PyJWTError):
            material = PyJWK(jwk, algorithm=algorithm).key
            keys[str(jwk.get("kid", f"#{number}"))] = Key(algorithm, material)
    if not keys:
        raise ValueError("no usable key")
    return keys


def _algorithm(jwk: Mapping[str, str]) -> str | None:
    """The algorithm that fits the kind of key; None for kinds that are not trusted here."""
    return {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}.get(
        (jwk.get("kty"), jwk.get("crv"))  # type: ignore[arg-type]  # a lookup of anything is fine
    )
