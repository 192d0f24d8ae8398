"""Step 2: the configuration of HAProxy, and the client address that the gateway takes from it.

The stage refuses nothing. HAProxy refuses with 405 (a method that no path has), 404 (/metrics), 503 (no gateway is
there, or there is overload) and the other statuses in ``_ERRORS``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.schemas.flow import Step

BUFFER_BYTES = 96 * 1024
"""It holds the largest header and the largest body that the gateway takes (16 and 64 KiB), so a body that is waited for
is there as a whole before the gateway hears of the request. A header above 64 KiB, far above the gateway's limit, gets
the gateway's 431. One that does not fit is answered with HAProxy's own 400 in HTML (see ``_ERRORS``)."""
REQUEST_WAIT_S = 5
"""How long a client may take for a header, and then for a body."""
CONNECTIONS_MAX = 8192
STREAMS_MAX = 10
"""Requests at a time on one HTTP/2 connection. RFC 9113 §6.5.2 recommends 100, but each request that waits for its body
takes 16 kB here, and so many connections may have so many of them."""
IMPATIENT_WAIT_MS = 500
"""How long a body is waited for if it comes without a token, or from an address that has let many others time out."""
ROOM_HEADER = "x-room"
"""In each reply of a gateway to the balancer, which removes it: how many requests may be under way at a time."""
TIMEOUTS_MAX = 50
"""Bodies of one address that may time out within 10 s."""


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
class JoiningGateways:
    """Places for gateways on other machines. They are empty until a command to the socket gives one an address."""

    control_socket: str
    """Unix socket of HAProxy's runtime API, for this user only."""
    places: int
    authority_file: str
    """PEM: signs the certificates of gateways that join."""
    server_name: str
    """In those certificates. Their addresses are not known beforehand."""
    certificate_file: str
    """PEM with key and chain, shown to them."""


PLACE = "joined-"
"""The names of the places: this and a number."""


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
    maxconn: int = CONNECTIONS_MAX
    """Connections of clients. Each needs a file descriptor, and one more while a gateway works for it."""
    threads: int = 1
    joining: "JoiningGateways | None" = None
    """Gateways on other machines, if any may join."""
    max_body_bytes: int = 64 * 1024
    """What the gateway takes; a body that is declared to be larger is not waited for."""

    @property
    def crowded(self) -> int:
        """From so many connections on, an address that has many gets no more. One address alone gets so many."""
        return self.maxconn * 3 // 4

    @property
    def fair_share(self) -> int:
        """How many connections an address may have when there is a crowd."""
        return self.maxconn // 16


def render(config: BalancerConfig) -> str:
    """Return the text of haproxy.cfg (HAProxy 2.8)."""
    servers = "\n".join(f"    server {name} {address} check" for name, address in config.gateways.items())
    control, room = "", f"res.hdr_val({ROOM_HEADER})"
    count_gateways = ""
    if (joining := config.joining) is not None:
        control = f"\n    stats socket {joining.control_socket} mode 600 level admin"
        servers += (
            f"\n    server-template {PLACE} {joining.places} 127.0.0.1:1 disabled check ssl ssl-min-ver TLSv1.3"
            f" verify required ca-file {joining.authority_file} verifyhost {joining.server_name}"
            f" crt {joining.certificate_file} sni str({joining.server_name}) check-sni {joining.server_name}"
        )
        # A gateway says what there is room for when there are as many of them as there were at the start.
        count_gateways = "\n    http-response set-var(txn.gateways) nbsrv(gateways)"
        room += f",mul(txn.gateways),div({len(config.gateways)})"
    errors = "\n".join(f"    http-error {_reply(*error)}" for error in _ERRORS)
    return f"""\
global
    log stdout format raw local0{control}
    # The operators' address below has room of its own.
    maxconn {config.maxconn + _OPERATORS_MAX}
    nbthread {config.threads}
    tune.bufsize {BUFFER_BYTES}
    tune.h2.fe.max-concurrent-streams {STREAMS_MAX}
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
    # A gateway learns that a client has gone, and does not begin its request.
    option abortonclose
    timeout connect 1s
    # Also the limit of a TLS handshake, and of a reply that is not read.
    timeout client 10s
    timeout server 15s
    timeout queue 1s
    timeout http-request {REQUEST_WAIT_S}s
    timeout http-keep-alive 60s
{errors}

frontend api
    bind {config.address} ssl crt {config.certificate_file} alpn h2,http/1.1
    maxconn {config.maxconn}
    # Before the handshake, which costs more than all that follows.
    stick-table type ipv6 size 100k expire 1m store conn_cur,gpc0,gpc0_rate(10s)
    tcp-request connection track-sc0 src
    tcp-request connection reject if {{ fe_conn gt {config.crowded} }} {{ sc0_conn_cur gt {config.fair_share} }}
    http-request reject if {{ var(sess.slow) -m found }}
    # The gateway's parser knows no other methods, and would answer them with plain text.
    acl known_method method GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT
    acl id_given req.hdr(x-request-id) -m reg ^[A-Za-z0-9._-]{{8,128}}$
    http-request set-var(txn.id) req.hdr(x-request-id) if {{ req.hdr_cnt(x-request-id) eq 1 }} id_given
    http-request set-var(txn.path) path
    http-request set-var(txn.id) uuid() if !{{ var(txn.id) -m found }}
    http-request return {_reply(*_NOT_ALLOWED)} hdr Allow "{_ALLOWED}" if !known_method {{ path /api/resources }}
    http-request return {_reply(*_NOT_ALLOWED)} hdr Allow "{_ALLOWED_ON_ITEM}" if !known_method
    # Metrics are for operators only: they use the gateways' own ports or the admin address below.
    http-request return {_reply(*_NO_SUCH_PATH)} if {{ path,url_dec -m str /metrics }}
    http-request set-header X-Request-ID %[var(txn.id)]
    # Set, not appended: what a client claims about its address is not passed on.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
    http-request del-header Proxy
    # A gateway gets a request with its whole body, so it costs no gateway anything how slowly a client sends it.
    # A body that is too large is not waited for: the gateway refuses it by the header alone, or by its beginning.
    acl too_large req.hdr_val(content-length) gt {config.max_body_bytes}
    acl too_large req.body_len gt {config.max_body_bytes}
    acl has_token req.hdr(authorization) -m found
    acl is_slow sc0_gpc0_rate gt {TIMEOUTS_MAX}
    http-request wait-for-body time {REQUEST_WAIT_S}s if has_token !is_slow !too_large
    http-request wait-for-body time {IMPATIENT_WAIT_MS}ms if !too_large
    http-request set-var(txn.unread) bool(true) if too_large
    # Overload: the gateways know how long requests take, and say how many may be under way. Here they are counted, and
    # refused for the least cost: no gateway hears of them. After the body is there, so that the connection is kept.
    acl is_full be_conn(gateways),sub(proc.room) ge 0
    http-request set-log-level silent if is_full {{ path_beg /api/ }}
    http-request return {_reply(*_OVERLOAD)} if is_full {{ path_beg /api/ }}{count_gateways}
    http-response set-var(proc.room) {room} if {{ res.hdr({ROOM_HEADER}) -m found }}
    http-response del-header {ROOM_HEADER}
    http-after-response sc-inc-gpc0(0) if {{ status 408 }}
    # Thousands of lines a second would fill the disk, and a busy disk would hold up everything here.
    http-after-response set-log-level silent if {{ status 408 }} is_slow
    # HTTP/2 has no "Connection: close": the next request on such a connection ends it.
    http-after-response set-var(sess.slow) bool(true) if {{ status 408 }}
    # Nobody reads what is left of such a body, so the connection cannot be used again.
    http-response set-header Connection close if {{ var(txn.unread) -m found }}
    http-request set-header X-Request-Start t=%[date(0,us)]
    http-response set-header Strict-Transport-Security max-age=31536000
    log-format '{_LOG}'
    default_backend gateways

backend gateways
    balance leastconn
    option httpchk
    http-check send meth GET uri /rotation
    http-check expect status 200
    default-server inter 200ms fastinter 100ms rise 1 fall 2 maxconn 512
{servers}

frontend admin
    bind {config.admin_address}
    maxconn {_OPERATORS_MAX}
    option dontlog-normal
    http-request use-service prometheus-exporter if {{ path /metrics }}
    stats enable
    stats uri /stats
    stats refresh 5s
"""


_OPERATORS_MAX = 64
_LOG = (
    '{"event":"request","instance":"haproxy","request_id":"%[var(txn.id),json(utf8s)]","method":"%HM",'
    '"path":"%[var(txn.path),json(utf8s)]","status":%ST,"ms":%Ta,"server":"%s","state":"%tsc","client":"%ci"}'
)
_NOT_ALLOWED = (405, "method_not_allowed", "Method Not Allowed", "This path does not have this method.")
"""Also for methods that nobody has heard of, which SHOULD get a 501 (RFC 9110 §9.1). But which are known changes
with each extension of HTTP; with 405 and Allow every method that a path lacks is told alike."""
_ALLOWED = "GET, HEAD, POST, OPTIONS"
_ALLOWED_ON_ITEM = "DELETE, GET, HEAD, PUT, OPTIONS"
_NO_SUCH_PATH = (404, "not_found", "Not Found", "There is nothing at this path.")
_OVERLOAD = (
    503,
    "service_unavailable",
    "Service Unavailable",
    "There is more to do than can be done in time; nothing was done.",
)
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
