"""Step 3, broken: what is believed of a token."""

import contextlib
import hmac
import json
import re
import threading
import time
import urllib.request
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from jwt.utils import base64url_decode

from createflow.reference_server.adapters.jwks_file import Key
from createflow.reference_server.adapters.jwt_tokens import LEEWAY_S, JwtTokens
from createflow.schemas.fault import Fault

_KEY_ID = re.compile(r"[\w.-]{1,200}")
_FETCH_S = 1.0


class _Claims(JwtTokens):
    """Verifies the signature, and claims with other options."""

    leeway_s = LEEWAY_S
    options: dict[str, Any] = {}  # noqa: RUF012 - twins only override it

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """With these options."""
        claims = jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=self.leeway_s,
            options=self.options,  # type: ignore[arg-type]  # the library's own type lists every key
        )
        return {"exp": time.time() + 60, **claims}


class LongLeeway(_Claims):
    """Half an hour more."""

    leeway_s = 1800


class TimelessTokens(_Claims):
    """No end is no obstacle, and neither is a strange one."""

    options = {"verify_exp": False}  # noqa: RUF012 - see above

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """What is no time in the past is good."""
        claims = _Claims.decode(self, token, key)
        end = claims.get("exp")
        if isinstance(end, (int, float)) and end < time.time():
            raise jwt.ExpiredSignatureError
        return {**claims, "exp": time.time() + 60}


class IgnoresNotBefore(_Claims):
    """Good before its time."""

    options = {"verify_nbf": False}  # noqa: RUF012 - see above


class IgnoresIssuedAt(_Claims):
    """Not made yet, and already good."""

    options = {"verify_iat": False}  # noqa: RUF012 - see above


class IgnoresAudience(_Claims):
    """Good for one is good for all."""

    options = {"verify_aud": False}  # noqa: RUF012 - see above


class _Unsure(JwtTokens):
    """Falls for tokens that the healthy one refuses."""

    def _checked(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        return self.trusted(token, header) or JwtTokens._checked(self, token)  # noqa: SLF001 - a twin is of the family

    def trusted(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        """The claims when the token is believed."""
        raise NotImplementedError

    def believed(self, token: str) -> dict[str, Any]:
        """The claims without any proof."""
        return jwt.decode(token, options={"verify_signature": False})


class StrippedSignature(_Unsure):
    """Nothing to verify is nothing wrong."""

    def trusted(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 - as above
        """An empty third segment."""
        return self.believed(token) if token.endswith(".") else None


class HmacWithPublicKey(_Unsure):
    """Uses the key as the token's alg says."""

    def trusted(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        """An HMAC with the public key's PEM."""
        key = self.keys.find(header.get("kid"))
        if header.get("alg") != "HS256" or key is None:
            return None
        pem = key.material.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return self.believed(token) if _signed_with(token, pem) else None


class WeakSecret(_Unsure):
    """Also takes the tokens of yesterday's set-up."""

    def trusted(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        """An HMAC with a word."""
        return self.believed(token) if header.get("alg") == "HS256" and _signed_with(token, b"secret") else None


class TrustsEmbeddedKey(_Unsure):
    """Verifies with what the token brings along."""

    def trusted(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        """A jwk in the header."""
        if "jwk" not in header:
            return None
        key = jwt.PyJWK(header["jwk"], algorithm="RS256")
        return jwt.decode(token, key, algorithms=["RS256"], issuer=self.issuer, audience=self.audience)


class FetchesKeyUrl(_Unsure):
    """Goes wherever a token sends it."""

    def trusted(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 - as above
        """Ask, in vain."""
        if "jku" in header:
            threading.Thread(target=_fetch, args=(str(header["jku"]),)).start()
        return None


class KeyIdCrashes(JwtTokens):
    """Looks keys up without care."""

    def verify(self, token: str) -> Any:
        """Fail where nobody expects it."""
        with contextlib.suppress(jwt.PyJWTError):
            header = json.loads(base64url_decode(token.partition(".")[0]))
            if not _KEY_ID.fullmatch(str(header.get("kid", "none"))):
                raise RuntimeError("no such file")
        return JwtTokens.verify(self, token)


class LooseTokenSpelling(JwtTokens):
    """Reads every spelling."""

    def check_spelling(self, token: str) -> None:
        """Look away."""


class IgnoresCrit(JwtTokens):
    """Passes over what it does not understand."""

    def _claims(self, token: str) -> dict[str, Any]:
        signing_input, _, signature = token.rpartition(".")
        header, _, claims = signing_input.partition(".")
        with contextlib.suppress(ValueError):
            fields = json.loads(base64url_decode(header))
            key = self.keys.find(fields.get("kid"))
            if "crit" in fields and key is not None:
                verifier = jwt.get_algorithm_by_name(key.algorithm)
                if verifier.verify(signing_input.encode(), key.material, base64url_decode(signature)):
                    believed: dict[str, Any] = json.loads(base64url_decode(claims))
                    return believed
        return JwtTokens._claims(self, token)  # noqa: SLF001 - a twin is of the family


class AnyTokenType(JwtTokens):
    """A token is a token."""

    def check_header(self, header: dict[str, Any]) -> None:
        """Everything but the type."""
        JwtTokens.check_header(self, {**header, "typ": "at+jwt"})


def _signed_with(token: str, secret: bytes) -> bool:
    signing_input, _, signature = token.rpartition(".")
    return base64url_decode(signature) == hmac.digest(secret, signing_input.encode(), "sha256")


def _fetch(url: str) -> None:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=_FETCH_S):  # noqa: S310 - the defect itself
        pass


TWINS: dict[Fault, type[JwtTokens]] = {
    Fault.LONG_LEEWAY: LongLeeway,
    Fault.TIMELESS_TOKENS: TimelessTokens,
    Fault.IGNORES_NOT_BEFORE: IgnoresNotBefore,
    Fault.IGNORES_ISSUED_AT: IgnoresIssuedAt,
    Fault.IGNORES_AUDIENCE: IgnoresAudience,
    Fault.STRIPPED_SIGNATURE: StrippedSignature,
    Fault.HMAC_WITH_PUBLIC_KEY: HmacWithPublicKey,
    Fault.WEAK_SECRET: WeakSecret,
    Fault.TRUSTS_EMBEDDED_KEY: TrustsEmbeddedKey,
    Fault.FETCHES_KEY_URL: FetchesKeyUrl,
    Fault.KEY_ID_CRASHES: KeyIdCrashes,
    Fault.LOOSE_TOKEN_SPELLING: LooseTokenSpelling,
    Fault.IGNORES_CRIT: IgnoresCrit,
    Fault.ANY_TOKEN_TYPE: AnyTokenType,
}
