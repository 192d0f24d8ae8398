"""The issuer's own key, when the profile gives it: tokens that are wrong in one respect and well signed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.forged_tokens import Jws
from createflow.schemas.profile import JwtAuth


class IssuerKey:
    """Fills the role Issuer."""

    def __init__(self, auth: JwtAuth) -> None:
        self._algorithm = auth.algorithm
        self._key: PrivateKeyTypes = serialization.load_pem_private_key(Path(auth.key_file).read_bytes(), None)

    def signed(
        self,
        token: str,
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> str:
        """The token with these claims and header fields changed, and claims left out, signed again."""
        jws = Jws.of(token).changed(claims=claims, header=header, without=without)
        signature = jwt.get_algorithm_by_name(self._algorithm).sign(jws.signing_input, self._key)
        return jws.compact(signature)

    def public_forms(self) -> Mapping[str, bytes]:
        """PEM with and without its last line break, DER, raw, and the JWK as JSON."""
        public = self._key.public_key()
        as_jwk = getattr(jwt.get_algorithm_by_name(self._algorithm), "to_jwk", None)
        if as_jwk is None:
            raise NotDeclared(f"no public key for {self._algorithm}")
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = public.public_bytes(serialization.Encoding.PEM, info)
        jwk = as_jwk(public, as_dict=True)
        forms = {
            "PEM": pem,
            "PEM without its last line break": pem.rstrip(b"\n"),
            "DER": public.public_bytes(serialization.Encoding.DER, info),
            "JWK": json.dumps(jwk, separators=(",", ":")).encode(),
        }
        if "x" in jwk:
            forms["the bytes of x"] = jwt.utils.base64url_decode(jwk["x"])
        return forms
