"""The balancer's certificate, from an authority that is made for one stack and forgotten with it."""

from dataclasses import dataclass
from pathlib import Path

import trustme

from createflow.reference_server.stack.state import State


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of the authority and of the server."""

    ca_file: Path
    """What clients trust: ``curl --cacert``."""
    server_file: Path
    """Key and chain in one PEM file, as HAProxy wants it, 0600."""


def make_certificates(state: State) -> Certificates:
    """Make an authority and a certificate for the loopback names."""
    authority = trustme.CA(organization_name="createflow bundled stack")
    server = authority.issue_cert("localhost", "127.0.0.1", "::1", common_name="localhost")
    ca_file = state.keys / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    server_file = state.write_secret(
        state.keys / "server.pem", server.private_key_and_cert_chain_pem.bytes().decode("ascii")
    )
    return Certificates(ca_file, server_file)
