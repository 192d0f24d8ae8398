"""A worker that joined the wrong master: it ends with a reason, and nothing that was sent fills or blocks it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgpack
import pytest
import zmq

from createflow.scenarios.load.fleet.child_process import join_master
from createflow.schemas.error import TargetError

LIMIT_S = 60.0
MESSAGE = "createflow"
"""As in the load processes, which cannot be imported here: Locust patches the standard library."""
RUBBISH = (
    b"",
    b"\xc1",
    b"x" * 1000,
    msgpack.dumps(7),
    msgpack.dumps([MESSAGE, None, "x"]),
    msgpack.dumps([MESSAGE, {"text": 7}, "x"]),
    msgpack.dumps([MESSAGE, {"config": {}}, "x"]),
    msgpack.dumps(["spawn", {"user_classes_count": {"Sender": 10**9}}, "x"]),
    msgpack.dumps(["spawn", None, "x"]),
    msgpack.dumps(["update_user_class", {"user_class_name": "Sender"}, "x"]),
    msgpack.dumps([[], {}, {}]),
    msgpack.dumps([MESSAGE, [[]] * 400_000, "x"]),
)


def command(document: object) -> bytes:
    """As a master of ours sends it."""
    return bytes(msgpack.dumps([MESSAGE, {"text": json.dumps(document)}, "master"]))


@contextmanager
def master_that_sends(*messages: bytes) -> Iterator[int]:
    """A master that sends these to the first worker, and then only waits. Gives its port."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.LINGER, 0)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    ends = threading.Event()

    def serve() -> None:
        is_sent = False
        while not ends.is_set():
            if not router.poll(50):
                continue
            worker, data = router.recv_multipart()
            if msgpack.loads(data)[0] == "client_ready":
                router.send_multipart([worker, msgpack.dumps(["ack", {"index": 0}, "master"])])
            if not is_sent and msgpack.loads(data)[0] == MESSAGE:  # it has joined
                is_sent = True
                for message in messages:
                    router.send_multipart([worker, message])

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield port
    finally:
        ends.set()
        serving.join()
        router.close()
        context.term()


def test_a_worker_of_a_hostile_master_ends_with_the_reason() -> None:
    """What is no message at all is dropped; a configuration that nobody could carry out ends it."""
    hostile = command({"config": {"base_url": "http://127.0.0.1:9", "senders": 10**9}})
    with master_that_sends(*RUBBISH, command({"ping": 1.0}), hostile) as port:

        async def join() -> None:
            async with asyncio.timeout(LIMIT_S):
                await join_master("127.0.0.1", port, lambda _: None)

        with pytest.raises(TargetError, match=r"the load master sent a configuration whose senders is not valid"):
            asyncio.run(join())
