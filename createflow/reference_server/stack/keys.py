"""The token issuer of the bundled stack: a signing key, and the public set that gateways verify with."""

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from createflow.reference_server.stack.state import State

ISSUER = "https://issuer.createflow.test"
AUDIENCE = "createflow"


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """Where the issuer's key and key set are."""

    key_id: str
    private_file: Path
    """PEM, PKCS #8, 0600."""
    jwks_file: Path
    """RFC 7517 key set, public halves only."""


def make_issuer(state: State) -> IssuerKeys:
    """Make an Ed25519 key and its key set in the state directory."""
    key = Ed25519PrivateKey.generate()
    key_id = "key-1"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private_file = state.write_secret(state.keys / "issuer.pem", pem.decode("ascii"))
    public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwks = {"keys": [{**public, "kid": key_id, "use": "sig", "alg": "EdDSA"}]}
    jwks_file = state.write_secret(state.keys / "jwks.json", json.dumps(jwks))
    return IssuerKeys(key_id, private_file, jwks_file)
