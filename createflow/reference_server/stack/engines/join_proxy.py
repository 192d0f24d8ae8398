"""A second HAProxy: the TLS listeners for who joins from elsewhere. It ends TLS in front of the engines.

The bundled PostgreSQL and Valkey are built without TLS, and the search engine has no passwords. So one program does it
for all: each listener demands a certificate of a kind that has business there. Passwords are checked by the engines.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from createflow.reference_server.adapters.search_index import PROBE_ID
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import JoinCertificates
from createflow.reference_server.stack.endpoints import HOST, answers_200
from createflow.reference_server.stack.state import State

CONNECTIONS_MAX = 400
"""Of all who join: a service has some twenty."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One TLS port and what is behind it."""

    name: str
    port: int
    backend: str
    """``host:port`` or ``unix@/path``."""
    kinds: tuple[str, ...]
    """Whose certificate is accepted."""
    speaks_http: bool = False


def declare(
    state: State,
    directory: Path,
    certificates: JoinCertificates,
    *,
    address: str,
    listeners: Collection[Listener],
    monitor_port: int,
    index: str,
    needs: tuple[str, ...],
) -> Component:
    """Declare the proxy.

    Args:
        address: of this machine, where it listens.
        monitor_port: on loopback, for readiness and metrics.
        index: of the search engine: what lies outside it is not passed on.
        needs: the engines behind it.
    """
    program = str(binaries.require(binaries.HAPROXY))
    configuration = state.write_secret(
        directory / "haproxy.cfg", _render(certificates, address, listeners, monitor_port, index)
    )
    ports = sorted(listener.port for listener in listeners)
    return Component(
        name="join-proxy",
        port=monitor_port,
        argv=lambda: [program, "-db", "-f", str(configuration)],
        cwd=directory,
        check_ready=lambda: answers_200(f"http://{HOST}:{monitor_port}/healthz"),
        needs=needs,
        starts_early=True,
        note=f"TLS at {address}, ports {', '.join(map(str, ports))}",
    )


def _render(
    certificates: JoinCertificates, address: str, listeners: Collection[Listener], monitor_port: int, index: str
) -> str:
    host = f"[{address}]" if ":" in address else address
    # ALPN: PostgreSQL's clients demand it where TLS comes first.
    tls = f"ssl crt {certificates.proxy_file} ca-file {certificates.members_ca_file} verify required alpn"
    sections = "".join(_section(listener, f"{host}:{listener.port} {tls}", index) for listener in listeners)
    return f"""\
global
    log stdout format raw local0
    maxconn {CONNECTIONS_MAX}
    nbthread 1
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets

defaults
    mode tcp
    log global
    option dontlog-normal
    # A machine that is gone says nothing: a connection to it must not be held for ever.
    option clitcpka
    clitcpka-idle 20s
    clitcpka-intvl 5s
    clitcpka-cnt 3
    timeout connect 2s
    # Of the handshake. Connections of a pool may be idle for as long as they like.
    timeout client 10s
    timeout server 10s
    timeout tunnel 20d
    error-log-format '{_REFUSED}'
    log-format '{_ENDED}'
{sections}
frontend monitor
    mode http
    option dontlognull
    http-request set-log-level silent
    bind {HOST}:{monitor_port}
    timeout http-request 5s
    monitor-uri /healthz
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404
"""


_ABOUT = '"instance":"join-proxy","listener":"%f","client":"%ci","kind":"%[ssl_c_s_dn(CN),json(utf8s)]"'
_REFUSED = '{"event":"connection_refused","level":"warning",' + _ABOUT + ',"cause":"%[fc_err_str]"}'
_ENDED = '{"event":"connection_ended","level":"warning",' + _ABOUT + ',"state":"%ts"}'


def _section(listener: Listener, bind: str, index: str) -> str:
    kinds = f"{{ ssl_c_s_dn(CN) -m str {' '.join(listener.kinds)} }}"
    if not listener.speaks_http:
        return f"""
frontend {listener.name}
    bind {bind} postgresql
    tcp-request content reject unless {kinds}
    default_backend {listener.name}
backend {listener.name}
    server {listener.name} {listener.backend}
"""
    # A service searches; a worker makes the index and fills it. Nobody removes it, or looks at others.
    return f"""
frontend {listener.name}
    mode http
    option http-ignore-probes
    bind {bind} http/1.1
    timeout client 60s
    timeout http-request 10s
    acl searches ssl_c_s_dn(CN) -m str service
    acl indexes ssl_c_s_dn(CN) -m str worker
    acl of_index path /{index}
    acl of_documents path /{index}/_bulk /{index}/_doc/{PROBE_ID}
    acl of_trial path /{index}-ready /{index}-ready/_doc/{PROBE_ID}
    http-request allow if searches METH_POST {{ path /{index}/_search }}
    http-request allow if indexes of_index {{ method HEAD PUT }}
    http-request allow if indexes of_documents
    http-request allow if indexes of_trial
    http-request deny
    default_backend {listener.name}
backend {listener.name}
    mode http
    timeout server 60s
    server {listener.name} {listener.backend}
"""
