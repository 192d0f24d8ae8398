"""The pipe of a load process to its parent, and the environment that Locust needs.

Import this module first: it tells Locust not to patch the standard library on import, because everything that blocks
here waits through gevent itself.
"""

import os
import sys

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import json
import logging
import resource
from collections.abc import Callable

import gevent
from gevent.fileobject import FileObject
from gevent.lock import RLock
from gevent.queue import Queue

from createflow.scenarios.load.plan.messages import Document, encode


class ParentPipe:
    """Commands of the parent in, messages to the parent out."""

    def __init__(self) -> None:
        # Output of libraries must not get between the messages.
        self._out = FileObject(os.dup(sys.stdout.fileno()), "wb")
        self._sending = RLock()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._in = FileObject(sys.stdin.fileno(), "rb")
        self._commands: Queue[Document] = Queue()
        self.on_end: Callable[[], None] = lambda: None
        """Called when the parent is gone or ends this process early; it may take a moment."""
        gevent.spawn(self._read_all)
        logging.getLogger("locust").setLevel(logging.ERROR)
        _raise_open_files_limit()

    def receive(self) -> Document:
        """The next command."""
        command: Document = self._commands.get()
        return command

    def send(self, document: Document) -> None:
        """Send a message. One that a pipe cannot take at once is not cut in two by that of another greenlet."""
        with self._sending:
            self._out.write(encode(document))
            self._out.flush()

    def _read_all(self) -> None:
        """Read on whatever this process does. It ends with its parent: load must not go on without its owner."""
        is_in_order = False
        while line := self._in.readline():
            command = json.loads(line)
            is_in_order = is_in_order or "end" in command
            self._commands.put(command)
        try:
            if not is_in_order:
                self.on_end()
        finally:
            os._exit(0)


def _raise_open_files_limit() -> None:
    """Allow as many open files as senders may need: running out of them would look like the target's fault."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
