"""Defects of step 3: verification of tokens."""

import contextlib
import hmac
import json
import re
import threading
import time
import urllib.request
from dataclasses import replace
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from jwt.utils import base64url_decode

from createflow.reference_server.adapters.jwks_file import Key
from createflow.reference_server.adapters.jwt_verifier import LEEWAY_S, JwtVerifier
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ChangeStages, change_stage, for_operations
from createflow.reference_server.domain.access import PERMISSIONS, Principal
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.schemas.flow import Step

_KEY_ID = re.compile(r"[\w.-]{1,200}")
_FETCH_S = 1.0


class _OtherClaimRules(JwtVerifier):
    """Verifies the signature, and the claims with other options."""

    leeway_s = LEEWAY_S
    required: tuple[str, ...] = ("exp", "iat", "sub", "iss", "aud")
    options: dict[str, Any] = {}  # noqa: RUF012 - mutants only override it

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        claims = jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=self.leeway_s,
            options={"require": list(self.required), **self.options},  # type: ignore[arg-type]  # its type lists each key
        )
        return {"exp": time.time() + 60, **claims}


class _IgnoresExpiry(_OtherClaimRules):
    options = {"verify_exp": False}  # noqa: RUF012 - see above


class _SkipsSignature(JwtVerifier):
    def decode(self, token: str, key: Key) -> dict[str, Any]:
        return jwt.decode(
            token,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_S,
            options={"verify_signature": False, "verify_exp": True, "verify_aud": True, "verify_iss": True},
        )


class _AcceptsAlgNone(_SkipsSignature):
    def decode(self, token: str, key: Key) -> dict[str, Any]:
        if str(jwt.get_unverified_header(token).get("alg", "")).lower() == "none":
            return _SkipsSignature.decode(self, token, key)
        return JwtVerifier.decode(self, token, key)


class _LongLeeway(_OtherClaimRules):
    leeway_s = 1800


class _LeewayOfMinutes(_OtherClaimRules):
    leeway_s = 299


class _TokenRemembered(JwtVerifier):
    """Remembers verified tokens for an hour."""

    def verify(self, token: str) -> Principal:
        if token not in _REMEMBERED:
            _REMEMBERED[token] = JwtVerifier.verify(self, token)
        return _REMEMBERED[token]


class _TimelessTokens(_OtherClaimRules):
    options = {"verify_exp": False}  # noqa: RUF012 - see above
    required = ("iat", "sub", "iss", "aud")

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        claims = _OtherClaimRules.decode(self, token, key)
        end = claims.get("exp")
        if isinstance(end, (int, float)) and end < time.time():
            raise jwt.ExpiredSignatureError
        return {**claims, "exp": time.time() + 60}


class _IgnoresNotBefore(_OtherClaimRules):
    options = {"verify_nbf": False}  # noqa: RUF012 - see above


class _IgnoresIssuedAt(_OtherClaimRules):
    options = {"verify_iat": False}  # noqa: RUF012 - see above


class _IgnoresAudience(_OtherClaimRules):
    options = {"verify_aud": False}  # noqa: RUF012 - see above
    required = ("exp", "iat", "sub", "iss")


class _TrustsMore(JwtVerifier):
    """Also accepts tokens whose claims ``trusted_claims`` returns."""

    def _checked(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        return self.trusted_claims(token, header) or JwtVerifier._checked(self, token)  # noqa: SLF001 - the base class

    def trusted_claims(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        raise NotImplementedError

    def unverified_claims(self, token: str) -> dict[str, Any]:
        return jwt.decode(token, options={"verify_signature": False})


class _StrippedSignature(_TrustsMore):
    def trusted_claims(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 - as above
        return self.unverified_claims(token) if token.endswith(".") else None


class _HmacWithPublicKey(_TrustsMore):
    def trusted_claims(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        key = self.keys.find(header.get("kid"))
        if header.get("alg") != "HS256" or key is None:
            return None
        pem = key.material.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return self.unverified_claims(token) if _signed_with(token, pem) else None


class _WeakSecret(_TrustsMore):
    def trusted_claims(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        return (
            self.unverified_claims(token) if header.get("alg") == "HS256" and _signed_with(token, b"secret") else None
        )


class _TrustsEmbeddedKey(_TrustsMore):
    def trusted_claims(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:
        if "jwk" not in header:
            return None
        key = jwt.PyJWK(header["jwk"], algorithm="RS256")
        return jwt.decode(token, key, algorithms=["RS256"], issuer=self.issuer, audience=self.audience)


class _FetchesKeyUrl(_TrustsMore):
    def trusted_claims(self, token: str, header: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 - as above
        if "jku" in header:
            threading.Thread(target=_fetch, args=(str(header["jku"]),)).start()
        return None


class _KeyIdCrashes(JwtVerifier):
    def verify(self, token: str) -> Any:
        with contextlib.suppress(jwt.PyJWTError):
            header = json.loads(base64url_decode(token.partition(".")[0]))
            if not _KEY_ID.fullmatch(str(header.get("kid", "none"))):
                raise RuntimeError("no such file")
        return JwtVerifier.verify(self, token)


class _LooseTokenSpelling(JwtVerifier):
    def check_encoding(self, token: str) -> None:
        pass


class _IgnoresCrit(JwtVerifier):
    def _claims(self, token: str) -> dict[str, Any]:
        signing_input, _, signature = token.rpartition(".")
        header, _, claims = signing_input.partition(".")
        with contextlib.suppress(ValueError):
            fields = json.loads(base64url_decode(header))
            key = self.keys.find(fields.get("kid"))
            if "crit" in fields and key is not None:
                verifier = jwt.get_algorithm_by_name(key.algorithm)
                if verifier.verify(signing_input.encode(), key.material, base64url_decode(signature)):
                    trusted: dict[str, Any] = json.loads(base64url_decode(claims))
                    return trusted
        return JwtVerifier._claims(self, token)  # noqa: SLF001 - the base class


class _OtherClaims(JwtVerifier):
    """Reads the claims of valid tokens in another way."""

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        claims = JwtVerifier.decode(self, token, key)
        return {**claims, **self.read(claims)}

    def read(self, claims: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class _NoRolesIsWriter(_OtherClaims):
    def read(self, claims: dict[str, Any]) -> dict[str, Any]:
        return {"roles": claims.get("roles") or ["writer"]}


class _FirstRoleOnly(_OtherClaims):
    def read(self, claims: dict[str, Any]) -> dict[str, Any]:
        return {"roles": claims.get("roles", [])[:1]}


class _SubjectLower(_OtherClaims):
    def read(self, claims: dict[str, Any]) -> dict[str, Any]:
        return {"sub": str(claims["sub"]).lower()}


class _OneAudienceOnly(_OtherClaims):
    def read(self, claims: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(claims["aud"], str):
            raise jwt.InvalidAudienceError
        return {}


class _AnyTokenType(JwtVerifier):
    def check_header(self, header: dict[str, Any]) -> None:
        JwtVerifier.check_header(self, {**header, "typ": "at+jwt"})


class _TypeNotNeeded(JwtVerifier):
    def check_header(self, header: dict[str, Any]) -> None:
        JwtVerifier.check_header(self, {"typ": "at+jwt", **header})


class _AudienceByPart(_IgnoresAudience):
    def decode(self, token: str, key: Key) -> dict[str, Any]:
        claims = _IgnoresAudience.decode(self, token, key)
        if self.audience not in str(claims.get("aud")):
            raise jwt.InvalidAudienceError
        return claims


class _RoleByBeginning(_OtherClaims):
    def read(self, claims: dict[str, Any]) -> dict[str, Any]:
        known = [role for role in PERMISSIONS for name in claims.get("roles") or () if str(name).startswith(role)]
        return {"roles": known}


_REMEMBERED: dict[str, Principal] = {}


def _signed_with(token: str, secret: bytes) -> bool:
    signing_input, _, signature = token.rpartition(".")
    return base64url_decode(signature) == hmac.digest(secret, signing_input.encode(), "sha256")


def _fetch(url: str) -> None:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=_FETCH_S):  # noqa: S310 - the defect itself
        pass


def replace_tokens(mutant: type[JwtVerifier]) -> ChangeStages:
    """Verify tokens with the class ``mutant`` in step 3."""

    def change(stage: AuthCheck) -> AuthCheck:
        healthy = stage.verifier
        if not isinstance(healthy, JwtVerifier):
            raise TypeError("the mutant replaces JwtVerifier")
        verifier = mutant(healthy.keys, issuer=healthy.issuer, audience=healthy.audience, clock=healthy.clock)
        return replace(stage, verifier=verifier)

    return change_stage(Step.AUTH_CHECK, change)


DEFECTS = (
    Defect(
        "token_remembered",
        Step.AUTH_CHECK,
        "A token that was accepted once is accepted after its end.",
        replace_tokens(_TokenRemembered),
    ),
    Defect(
        "leeway_of_minutes",
        Step.AUTH_CHECK,
        "A token is accepted for five minutes after it expired.",
        replace_tokens(_LeewayOfMinutes),
    ),
    Defect(
        "type_not_needed",
        Step.AUTH_CHECK,
        "A token that names no type is accepted as an access token.",
        replace_tokens(_TypeNotNeeded),
    ),
    Defect(
        "audience_by_part",
        Step.AUTH_CHECK,
        "A token is accepted whose audience only contains the right one.",
        replace_tokens(_AudienceByPart),
    ),
    Defect(
        "updates_for_any_audience",
        Step.AUTH_CHECK,
        "An update with a token for another service is accepted.",
        for_operations({"update"}, replace_tokens(_IgnoresAudience), Step.AUTH_CHECK),
    ),
    Defect(
        "role_by_beginning",
        Step.AUTH_CHECK,
        "A role that begins like another one gives the permissions of that.",
        replace_tokens(_RoleByBeginning),
    ),
    Defect(
        "no_roles_is_writer",
        Step.AUTH_CHECK,
        "A token without roles counts as a writer's.",
        replace_tokens(_NoRolesIsWriter),
    ),
    Defect("first_role_only", Step.AUTH_CHECK, "Only the first role counts.", replace_tokens(_FirstRoleOnly)),
    Defect(
        "subject_lower", Step.AUTH_CHECK, "Subjects are stored in lower-case letters.", replace_tokens(_SubjectLower)
    ),
    Defect(
        "one_audience_only",
        Step.AUTH_CHECK,
        "A token whose audience is a list is refused.",
        replace_tokens(_OneAudienceOnly),
    ),
    Defect("ignores_expiry", Step.AUTH_CHECK, "Expired tokens are accepted.", replace_tokens(_IgnoresExpiry)),
    Defect(
        "skips_signature", Step.AUTH_CHECK, "The signature of a token is not verified.", replace_tokens(_SkipsSignature)
    ),
    Defect(
        "accepts_alg_none", Step.AUTH_CHECK, "Unsigned tokens (alg none) are accepted.", replace_tokens(_AcceptsAlgNone)
    ),
    Defect(
        "loose_token_spelling",
        Step.AUTH_CHECK,
        "Several encodings of one token are accepted.",
        replace_tokens(_LooseTokenSpelling),
    ),
    Defect(
        "stripped_signature",
        Step.AUTH_CHECK,
        "A token with an empty signature is accepted.",
        replace_tokens(_StrippedSignature),
    ),
    Defect(
        "hmac_with_public_key",
        Step.AUTH_CHECK,
        "A token with an HMAC made from the public key is accepted.",
        replace_tokens(_HmacWithPublicKey),
    ),
    Defect(
        "weak_secret",
        Step.AUTH_CHECK,
        "A token with an HMAC made from a dictionary word is accepted.",
        replace_tokens(_WeakSecret),
    ),
    Defect(
        "trusts_embedded_key",
        Step.AUTH_CHECK,
        "A token is verified with the key in its own header (jwk).",
        replace_tokens(_TrustsEmbeddedKey),
    ),
    Defect(
        "fetches_key_url",
        Step.AUTH_CHECK,
        "The server fetches the URL in a token's header (jku).",
        replace_tokens(_FetchesKeyUrl),
    ),
    Defect(
        "key_id_crashes",
        Step.AUTH_CHECK,
        "An unusual key id (kid) is answered with 500.",
        replace_tokens(_KeyIdCrashes),
    ),
    Defect(
        "long_leeway",
        Step.AUTH_CHECK,
        "A token is accepted for half an hour after it expired.",
        replace_tokens(_LongLeeway),
    ),
    Defect(
        "timeless_tokens",
        Step.AUTH_CHECK,
        "A token without a valid expiry time is accepted.",
        replace_tokens(_TimelessTokens),
    ),
    Defect(
        "ignores_not_before", Step.AUTH_CHECK, "A token is accepted before its nbf.", replace_tokens(_IgnoresNotBefore)
    ),
    Defect(
        "ignores_issued_at",
        Step.AUTH_CHECK,
        "A token with an iat in the future is accepted.",
        replace_tokens(_IgnoresIssuedAt),
    ),
    Defect(
        "ignores_audience",
        Step.AUTH_CHECK,
        "A token for another service is accepted.",
        replace_tokens(_IgnoresAudience),
    ),
    Defect(
        "ignores_crit",
        Step.AUTH_CHECK,
        "Critical header fields that the server does not know are ignored.",
        replace_tokens(_IgnoresCrit),
    ),
    Defect(
        "any_token_type", Step.AUTH_CHECK, "ID tokens are accepted as access tokens.", replace_tokens(_AnyTokenType)
    ),
)
