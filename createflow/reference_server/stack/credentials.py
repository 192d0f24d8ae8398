"""Credentials of one stack, made at each start: passwords, the token issuer's key, TLS certificates."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from createflow.reference_server.stack.state import State

ISSUER = "https://issuer.createflow.test"
AUDIENCE = "createflow"
CERTIFICATE_DAYS = 365


def new_password() -> str:
    """Return a password that needs no escaping in a URL, a DSN or a configuration file."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True, slots=True)
class Passwords:
    """One password for each user of each engine."""

    postgres: str = field(default_factory=new_password)
    postgres_app: str = field(default_factory=new_password)
    postgres_probe: str = field(default_factory=new_password)
    postgres_replica: str = field(default_factory=new_password)
    valkey_app: str = field(default_factory=new_password)
    valkey_probe: str = field(default_factory=new_password)
    nats_gateway: str = field(default_factory=new_password)
    nats_service: str = field(default_factory=new_password)
    nats_worker: str = field(default_factory=new_password)
    nats_probe: str = field(default_factory=new_password)


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """Files of the token issuer."""

    key_id: str
    private_file: Path
    """The signing key: PEM, PKCS #8, mode 0600."""
    jwks_file: Path
    """The public keys that gateways verify with (RFC 7517)."""


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


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of the certificate authority and of HAProxy."""

    ca_file: Path
    """What clients trust, for example ``curl --cacert``."""
    server_file: Path
    """Key and certificate chain in one PEM file, as HAProxy needs it, mode 0600."""


def make_certificates(state: State, days: int = CERTIFICATE_DAYS) -> Certificates:
    """Make an authority for this stack only, and a certificate for the loopback names."""
    authority = trustme.CA(organization_name="createflow bundled stack")
    ends = datetime.now(UTC) + timedelta(days=days)
    server = authority.issue_cert("localhost", "127.0.0.1", "::1", common_name="localhost", not_after=ends)
    ca_file = state.keys / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    server_file = state.write_secret(
        state.keys / "server.pem", server.private_key_and_cert_chain_pem.bytes().decode("ascii")
    )
    return Certificates(ca_file, server_file)
