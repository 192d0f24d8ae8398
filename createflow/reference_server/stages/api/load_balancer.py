"""Step 2: the configuration of HAProxy, and the client address that the gateway takes from it.

The stage refuses nothing. HAProxy refuses with 501 (unknown method), 404 (/metrics), 503 (no gateway is there) and the
other statuses in ``_ERRORS``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.schemas.flow import Step

HEADER_BUFFER_BYTES = 64 * 1024
"""Four times the gateway's limit, so that a header that is too large gets the gateway's 431. A header that does not fit
into this buffer is answered with HAProxy's own 400 in HTML (see ``_ERRORS``)."""


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """Takes the client's address from HAProxy, which is the only one that knows it."""

    step: ClassVar[Step] = Step.LOAD_BALANCER

    async def __call__(self, job: Job) -> Job:
        """Set the client address: the last X-Forwarded-For entry. HAProxy wrote it; a client can forge the others."""
        if job.exchange is not None:
            forwarded = job.exchange.headers.get(b"x-forwarded-for", b"")
            address = forwarded.rpartition(b",")[2].strip()[:64].decode("latin-1")
            job.client = address or job.exchange.peer
        return job


@dataclass(frozen=True, slots=True)
class BalancerConfig:
    """Settings of the HAProxy in front of the gateways."""

    address: str
    """``host:port`` of the TLS listener."""
    certificate_file: str
    """PEM with certificate chain and key."""
    admin_address: str
    """``host:port`` of /metrics and /stats: plain HTTP, so it must be on loopback."""
    gateways: Mapping[str, str]
    """Name to ``host:port`` or ``unix@/path``."""
    maxconn: int = 4096
    threads: int = 1


def render(config: BalancerConfig) -> str:
    """Return the text of haproxy.cfg (HAProxy 2.8)."""
    servers = "\n".join(f"    server {name} {address} check" for name, address in config.gateways.items())
    errors = "\n".join(f"    http-error {_reply(*error)}" for error in _ERRORS)
    return f"""\
global
    log stdout format raw local0
    maxconn {config.maxconn}
    nbthread {config.threads}
    tune.bufsize {HEADER_BUFFER_BYTES}
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets

defaults
    mode http
    log global
    option httplog
    option dontlognull
    option http-keep-alive
    option redispatch
    # Only what was never sent is sent again: a create must not be carried out twice.
    retry-on conn-failure
    retries 2
    http-reuse safe
    timeout connect 1s
    timeout client 30s
    timeout server 15s
    timeout queue 1s
    timeout http-request 10s
    timeout http-keep-alive 60s
{errors}

frontend api
    bind {config.address} ssl crt {config.certificate_file} alpn h2,http/1.1
    # The gateway's parser knows no other methods, and would answer them with plain text.
    acl known_method method GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT
    acl id_given req.hdr(x-request-id) -m reg ^[A-Za-z0-9._-]{{8,128}}$
    http-request set-var(txn.id) req.hdr(x-request-id) if {{ req.hdr_cnt(x-request-id) eq 1 }} id_given
    http-request set-var(txn.path) path
    http-request set-var(txn.id) uuid() if !{{ var(txn.id) -m found }}
    http-request return {_reply(*_UNKNOWN_METHOD)} if !known_method
    # Metrics are for operators only: they use the gateways' own ports or the admin address below.
    http-request return {_reply(*_NO_SUCH_PATH)} if {{ path,url_dec -m str /metrics }}
    http-request set-header X-Request-ID %[var(txn.id)]
    # Set, not appended: what a client claims about its address is not passed on.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
    http-request del-header Proxy
    http-response set-header Strict-Transport-Security max-age=31536000
    log-format '{_LOG}'
    default_backend gateways

backend gateways
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz
    http-check expect status 200
    default-server inter 200ms fastinter 100ms rise 1 fall 2 maxconn 512
{servers}

frontend admin
    bind {config.admin_address}
    option dontlog-normal
    http-request use-service prometheus-exporter if {{ path /metrics }}
    stats enable
    stats uri /stats
    stats refresh 5s
"""


_LOG = (
    '{"event":"request","instance":"haproxy","request_id":"%[var(txn.id),json(utf8s)]","method":"%HM",'
    '"path":"%[var(txn.path),json(utf8s)]","status":%ST,"ms":%Ta,"server":"%s","state":"%tsc","client":"%ci"}'
)
_UNKNOWN_METHOD = (501, "method_unknown", "Not Implemented", "This method is unknown.")
_NO_SUCH_PATH = (404, "not_found", "Not Found", "There is nothing at this path.")
_ERRORS = (
    (400, "bad_request", "Bad Request", "The request is not HTTP."),
    (403, "permission_denied", "Forbidden", "Not allowed."),
    (408, "request_timeout", "Request Timeout", "The request did not arrive in time."),
    (413, "body_too_large", "Content Too Large", "The body is too large."),
    (429, "rate_limited", "Too Many Requests", "Too many requests."),
    (500, "internal_error", "Internal Server Error", "An internal error occurred."),
    (502, "outcome_unknown", "Bad Gateway", "The gateway broke off: the outcome is unknown."),
    (503, "service_unavailable", "Service Unavailable", "No gateway is there; nothing was done."),
    (504, "outcome_unknown", "Gateway Timeout", "The gateway did not answer in time: the outcome is unknown."),
)
"""HAProxy's own replies. They do not cover what its HTTP/1 parser refuses (no request line, a header beyond the buffer,
two lengths): up to 2.8 the parser answers with a built-in 400 in HTML, whatever ``http-error`` or ``errorfile`` say.
HAProxy 3.2 has fixed this (haproxy/haproxy issue 3032)."""


def _reply(status: int, code: str, title: str, detail: str) -> str:
    """Return one of HAProxy's own replies as a problem document."""
    document = {
        "type": f"urn:createflow:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "",
        "code": code,
        "request_id": "%[var(txn.id)]",
        "errors": [],
    }
    headers = "hdr Cache-Control no-store hdr X-Content-Type-Options nosniff"
    if status == 503:
        headers += " hdr Retry-After 1"
    return f"status {status} content-type application/problem+json lf-string '{json.dumps(document)}' {headers}"
