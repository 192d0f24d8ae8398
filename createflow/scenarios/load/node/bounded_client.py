"""The socket by which a worker joins a master, with bounds: a master on another machine may be anybody's."""

from typing import Any

import gevent
import zmq.green as zmq
from locust.exception import RPCError
from locust.rpc import Message
from locust.rpc.zmqrpc import BaseSocket, Client

from createflow.scenarios.load.node.bounded_server import MAX_OWN_BYTES, MESSAGE, is_one_text
from createflow.scenarios.load.plan.config_rules import MAX_CONFIG_BYTES
from createflow.scenarios.load.plan.options import MOST_IN_FLIGHT_PER_WORKER

_MAX_MESSAGE_BYTES = MAX_CONFIG_BYTES + 1024
_MAX_WAITING = 8
_PLAIN_TYPES = frozenset({"ack", "stop", "quit", "heartbeat", "reconnect"})


class BoundedClient(Client):
    """Reads only what a master of ours sends, within bounds."""

    def __init__(self, host: str, port: int, identity: str) -> None:
        BaseSocket.__init__(self, zmq.DEALER, self.ipv4_only(host, port))  # type: ignore[no-untyped-call]
        self.socket.setsockopt(zmq.IDENTITY, identity.encode())
        self.socket.setsockopt(zmq.MAXMSGSIZE, _MAX_MESSAGE_BYTES)
        self.socket.setsockopt(zmq.RCVHWM, _MAX_WAITING)
        self.socket.connect(f"tcp://{host}:{port}")

    def recv(self) -> Message:
        """The next message.

        Raises:
            RPCError: it is none that a master sends, or the socket does not work; Locust goes on with the next.
        """
        try:
            data = bytes(self.socket.recv())
            gevent.sleep(0)  # whatever comes, the rest of the worker goes on
            if len(data) > MAX_OWN_BYTES and not is_one_text(data):
                raise ValueError("a message that is too large")  # noqa: TRY301 - one place for all refusals
            message: Message = Message.unserialize(data)  # type: ignore[no-untyped-call]
            _require_valid(message)
        except Exception as error:  # whatever zmq, msgpack and Locust's decoder raise for rubbish
            raise RPCError(f"not a message of a master: {error!r:.200}") from error
        return message


def _require_valid(message: Message) -> None:
    kind, data = message.type, message.data
    if kind == MESSAGE:
        valid = isinstance(data, dict) and set(data) == {"text"} and isinstance(data["text"], str)
    elif kind == "spawn":
        valid = isinstance(data, dict) and _is_few(data.get("user_classes_count"))
    else:
        valid = kind in _PLAIN_TYPES
    if not valid:
        raise ValueError(f"no valid message of type {kind!r:.40}")


def _is_few(counts: Any) -> bool:
    """Whether these are not more users than a worker may have."""
    return (
        isinstance(counts, dict)
        and all(type(count) is int and count >= 0 for count in counts.values())
        and sum(counts.values()) <= MOST_IN_FLIGHT_PER_WORKER
    )
