"""The socket at which workers join the master, with bounds: a worker on another machine may be anybody's.

Locust's own ends its listener for good when a message is not what it expects, and takes messages of any size.
"""

import struct
from typing import Any

import zmq.green as zmq
from locust.exception import RPCError, RPCReceiveError
from locust.rpc import Message
from locust.rpc.zmqrpc import BaseSocket, Server

from createflow.scenarios.load.plan.messages import MAX_MESSAGE_BYTES

MESSAGE = "createflow"
"""The Locust message type that carries all messages of this project, each as JSON text."""
_MAX_MESSAGE_BYTES = MAX_MESSAGE_BYTES + 1024
_MAX_WAITING = 8
"""Messages of one worker that wait to be read."""
MAX_OWN_BYTES = 256 * 1024
"""Of a message of Locust's own types, which may consist of many small objects."""
_HEADER_OF_OURS = b"\x93\xaa" + MESSAGE.encode() + b"\x81\xa4text\xdb"
"""How msgpack begins ``[MESSAGE, {"text": a long text}, ...]``; the length of the text follows."""
_LENGTH = struct.Struct(">I")
_MAX_REST_BYTES = 512
_PLAIN_TYPES = frozenset({"client_stopped", "spawning", "quit"})


class BoundedServer(Server):
    """Reads only what a worker sends, in its own name and within bounds."""

    def __init__(self, host: str, port: int) -> None:
        BaseSocket.__init__(self, zmq.ROUTER, self.ipv4_only(host, port))  # type: ignore[no-untyped-call]
        self.socket.setsockopt(zmq.MAXMSGSIZE, _MAX_MESSAGE_BYTES)
        self.socket.setsockopt(zmq.RCVHWM, _MAX_WAITING)
        try:
            if port:
                self.socket.bind(f"tcp://{host}:{port}")
                self.port = port
            else:
                self.port = self.socket.bind_to_random_port(f"tcp://{host}")
        except zmq.ZMQError as error:
            raise RPCError(f"Socket bind failure: {error}") from error

    def recv_from_client(self) -> tuple[str, Message]:
        """The next message and who sent it.

        Raises:
            RPCReceiveError: it is none that a worker sends; Locust goes on with the next.
            RPCError: the socket does not work.
        """
        try:
            parts = self.socket.recv_multipart()
        except zmq.ZMQError as error:
            raise RPCError("ZMQ network broken") from error
        try:
            address, data = (bytes(part) for part in parts)
            client = address.decode("ascii")
            if len(data) > MAX_OWN_BYTES and not is_one_text(data):
                raise ValueError("a message that is too large")  # noqa: TRY301 - one place for all refusals
            message: Message = Message.unserialize(data)  # type: ignore[no-untyped-call]
            _require_valid(message, client)
        except Exception as error:  # whatever msgpack and Locust's decoder raise for rubbish
            raise RPCReceiveError(f"not a message of a worker: {error!r:.200}") from error
        return client, message


def is_one_text(data: bytes) -> bool:
    """Whether the message is nothing but one long text: msgpack's objects may need 60 times their bytes as memory."""
    start = len(_HEADER_OF_OURS)
    if not data.startswith(_HEADER_OF_OURS):
        return False
    (length,) = _LENGTH.unpack_from(data, start)
    return bool(len(data) - start - _LENGTH.size - length <= _MAX_REST_BYTES)


def _require_valid(message: Message, client: str) -> None:
    kind, data = message.type, message.data
    if message.node_id != client:
        raise ValueError("in the name of another worker")
    if kind == MESSAGE:
        valid = isinstance(data, dict) and set(data) == {"text"} and isinstance(data["text"], str)
    elif kind == "client_ready":
        valid = isinstance(data, str) or data == -1
    elif kind == "heartbeat":
        valid = isinstance(data, dict) and isinstance(data.get("state"), str) and _are_numbers(data)
    elif kind == "spawning_complete":
        valid = isinstance(data, dict) and isinstance(data.get("user_classes_count"), dict)
    elif kind == "stats":
        valid = isinstance(data, dict)
    elif kind == "exception":
        valid = isinstance(data, dict) and all(isinstance(data.get(key), str) for key in ("msg", "traceback"))
    else:
        valid = kind in _PLAIN_TYPES
    if not valid:
        raise ValueError(f"no valid message of type {kind!r:.40}")


def _are_numbers(data: dict[str, Any]) -> bool:
    return all(isinstance(data.get(key), (int, float)) for key in ("current_cpu_usage", "current_memory_usage"))
