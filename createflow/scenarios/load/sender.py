"""Sends one create over one of the node's connections: the only place that knows the HTTP client.

FastHttpUser's own session is passed by, on purpose: it follows redirects, keeps cookies, builds every request anew and
starts its clock after the request was built. The client beneath it does none of that.
"""

import ssl

import gevent
import gevent.ssl
from gevent import socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from locust import FastHttpUser, task

from createflow import __version__
from createflow.scenarios.load.dispatch import Dispatcher
from createflow.scenarios.load.message import NodeConfig
from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import Arrival

_TIMEOUT = "timeout"
_SLACK_S = 1.0
"""The socket's own timeouts lie above the request's, so that one clock decides what is a timeout."""


def sender_class(config: NodeConfig, dispatcher: Dispatcher, recorder: Recorder) -> type[FastHttpUser]:
    """The Locust user that serves this run: one user is one sender, and at most one request in flight."""
    pool = _client_pool(config)
    creates = _Creates(config, pool.get_client(config.base_url), dispatcher, recorder)

    class CreateSender(FastHttpUser):
        """Takes arrivals as they come due, until there are no more."""

        host = config.base_url
        client_pool = pool

        @task
        def serve(self) -> None:
            """Serve until the end of the run."""
            while (arrival := dispatcher.next_arrival()) is not None:
                creates.send(arrival)

    return CreateSender


class _Creates:
    """The requests of one node; everything that does not change from one to the next is made once."""

    def __init__(self, config: NodeConfig, client: HTTPClient, dispatcher: Dispatcher, recorder: Recorder) -> None:
        self._config = config
        self._client = client
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._headers = _headers_by_principal(config)

    def send(self, arrival: Arrival) -> None:
        """POST once, read the whole reply, and enter what happened into the books."""
        body = (self._config.body % {"k": arrival.k}).encode()
        headers = self._headers[arrival.k % len(self._headers)]
        sent_s = self._dispatcher.sending(arrival)
        status, kind = self._exchange(body, headers)
        done_s = self._dispatcher.now_s()
        if not self._dispatcher.settled(arrival):
            return
        if status:
            self._recorder.replied(arrival, sent_s, done_s, status)
        elif kind == _TIMEOUT:
            self._recorder.timed_out(arrival, sent_s, done_s)
        else:
            self._recorder.failed(arrival, sent_s, done_s, kind)

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """The status of the reply, or 0 and the kind of error. Never sent twice: the client repeats no POST."""
        limit = gevent.Timeout.start_new(self._config.timeout_s)
        try:
            response = self._client.request("POST", self._config.path, body=body, headers=headers)
            response.read()
            return response.get_code(), ""
        except gevent.Timeout as timeout:
            if timeout is not limit:
                raise
            return 0, _TIMEOUT
        except Exception as error:  # noqa: BLE001 - whatever happens, the arrival must end in one class
            return 0, _kind(error)
        finally:
            limit.close()


def _kind(error: Exception) -> str:
    """A short, stable name for a transport error."""
    for exception, kind in _KINDS:
        if isinstance(error, exception):
            return kind
    return type(error).__name__


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, _TIMEOUT),
    (ConnectionRefusedError, "connection_refused"),
    (ConnectionResetError, "connection_reset"),
    (BrokenPipeError, "connection_reset"),
    (HTTPConnectionClosed, "closed_without_reply"),
    (HTTPParseError, "broken_reply"),
    (ssl.SSLError, "tls_error"),
    (socket.gaierror, "name_not_resolved"),
)


def _headers_by_principal(config: NodeConfig) -> list[dict[str, str]]:
    shared = {
        "User-Agent": f"createflow/{__version__} bench",
        "Content-Type": config.media_type,
        "Accept": config.accept,
        **config.headers,
    }
    header, scheme = config.credential
    return [shared | {header: f"{scheme} {token}".strip()} for token in config.tokens] or [shared]


def _client_pool(config: NodeConfig) -> HTTPClientPool:
    """One pool for all senders. Every setting is given: a shared pool does not take them from the user class."""
    context = _tls_context(config.ca_file)
    return HTTPClientPool(
        concurrency=config.senders,
        connection_timeout=config.timeout_s + _SLACK_S,
        network_timeout=config.timeout_s + _SLACK_S,
        insecure=False,
        ssl_context_factory=lambda **_: context,
    )


def _tls_context(ca_file: str | None) -> gevent.ssl.SSLContext:
    """One verifying context for all connections: made per connection, it would read the authorities each time."""
    context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    else:
        context.load_default_certs()
    return context
