"""Credentials of one stack, made at each start: passwords, the token issuer's key, TLS certificates."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from createflow.reference_server.joining.join_file import KINDS
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
class JoinPasswords:
    """Passwords of who joins from elsewhere: users of their own, each of which may do what its kind needs."""

    postgres_service: str = field(default_factory=new_password)
    postgres_worker: str = field(default_factory=new_password)
    valkey_gateway: str = field(default_factory=new_password)
    valkey_service: str = field(default_factory=new_password)
    valkey_worker: str = field(default_factory=new_password)
    nats_gateway: str = field(default_factory=new_password)
    nats_service: str = field(default_factory=new_password)
    nats_worker: str = field(default_factory=new_password)


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
    authority: trustme.CA
    """Signs the certificates of the stack's own servers."""


@dataclass(frozen=True, slots=True)
class JoinCertificates:
    """Certificates of the hops between a stack and who joins it. Each file has key and chain, mode 0600."""

    proxy_file: Path
    """Of the TLS listeners, for the stack's address."""
    balancer_file: Path
    """What the balancer shows to gateways elsewhere. Its authority signs nothing for who joins."""
    members_ca_file: Path
    """The authority that signs for who joins, and nothing else."""
    members: Mapping[str, str]
    """Kind to PEM: key and chain. The common name is the kind; the DNS name is ``member_name`` of it."""


def member_name(kind: str) -> str:
    """The DNS name in the certificate of who joins. Its address is not known before it joins."""
    return f"{kind}.join.createflow.test"


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
    return Certificates(ca_file, server_file, authority)


def make_join_certificates(state: State, authority: trustme.CA, names: Sequence[str]) -> JoinCertificates:
    """Make an authority for who joins, their certificates, and those of the servers that they meet.

    Args:
        authority: of the stack's own servers.
        names: names and addresses under which the stack is reached.
    """
    ends = datetime.now(UTC) + timedelta(days=CERTIFICATE_DAYS)
    members = trustme.CA(organization_name="createflow joined processes")
    members_ca_file = state.keys / "members-ca.pem"
    members.cert_pem.write_to_path(str(members_ca_file))

    def issue(by: trustme.CA, *identities: str, common_name: str) -> str:
        made = by.issue_cert(*identities, common_name=common_name, not_after=ends)
        return made.private_key_and_cert_chain_pem.bytes().decode("ascii")

    return JoinCertificates(
        state.write_secret(state.keys / "join-proxy.pem", issue(authority, *names, common_name=names[0])),
        state.write_secret(
            state.keys / "balancer.pem", issue(authority, member_name("balancer"), common_name="balancer")
        ),
        members_ca_file,
        {kind: issue(members, member_name(kind), common_name=kind) for kind in KINDS},
    )
