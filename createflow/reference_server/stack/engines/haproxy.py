"""HAProxy: the load balancer in front of the gateways, with TLS."""

import resource
import ssl
from collections.abc import Callable
from pathlib import Path

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import Certificates
from createflow.reference_server.stack.endpoints import HOST, answers_200
from createflow.reference_server.stack.state import State
from createflow.reference_server.stages.api.load_balancer import (
    CONNECTIONS_MAX,
    BalancerConfig,
    JoiningGateways,
    render,
)

_DESCRIPTORS_OF_ITS_OWN = 512
"""Listeners, health checks, pipes, operators' connections: more than HAProxy reserves for them."""
_CONNECTIONS_MIN = 128


def declare(
    state: State,
    directory: Path,
    certificates: Certificates,
    *,
    port: int,
    admin_port: int,
    gateways: dict[str, str],
    joining: JoiningGateways | None,
    change_configuration: Callable[[str], str],
) -> Component:
    """Declare the load balancer.

    Args:
        gateways: name to ``host:port`` or ``unix@/path``.
        joining: places for others, if any may join.
        change_configuration: puts in the seeded defects.
    """
    program = str(binaries.require(binaries.HAPROXY))
    configuration = state.write_secret(
        directory / "haproxy.cfg",
        change_configuration(
            render(
                BalancerConfig(
                    address=f"{HOST}:{port}",
                    certificate_file=str(certificates.server_file),
                    admin_address=f"{HOST}:{admin_port}",
                    gateways=gateways,
                    joining=joining,
                    maxconn=_connections_max(),
                )
            )
        ),
    )
    trust = ssl.create_default_context(cafile=str(certificates.ca_file))
    return Component(
        name="haproxy",
        port=port,
        scheme="https",
        argv=lambda: [program, "-db", "-f", str(configuration)],
        cwd=directory,
        check_ready=lambda: answers_200(f"https://{HOST}:{port}/rotation", trust=trust),
        needs=tuple(gateways),
        starts_early=True,
        note=f"metrics at http://{HOST}:{admin_port}/metrics",
    )


def _connections_max() -> int:
    """Return how many clients may be connected: HAProxy does not start if the system allows fewer descriptors."""
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(_CONNECTIONS_MIN, min(CONNECTIONS_MAX, (descriptors - _DESCRIPTORS_OF_ITS_OWN) // 2))
