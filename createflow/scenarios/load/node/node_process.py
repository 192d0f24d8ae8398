"""What every load process needs before it can do anything: its pipes to the parent, and Locust unpatched.

Import this module first: it says to Locust, which patches the standard library on import unless told not to, that
everything which blocks here waits through gevent itself.
"""

import os
import sys

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import json
import logging
import resource

from gevent.fileobject import FileObject

from createflow.scenarios.load.plan.message import Document, encode

_OPEN_FILES = 4096


class Parent:
    """The process that started this one: commands come from it, everything else goes to it."""

    def __init__(self) -> None:
        # Whatever prints must not get between the messages.
        self._out = FileObject(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._in = FileObject(sys.stdin.fileno(), "rb")
        logging.getLogger("locust").setLevel(logging.ERROR)
        _allow_sockets()

    def hear(self) -> Document:
        """The next command. When the parent is gone this process ends: load without an owner must not go on."""
        line = self._in.readline()
        if not line:
            os._exit(0)
        command: Document = json.loads(line)
        return command

    def say(self, document: Document) -> None:
        """Tell it something."""
        self._out.write(encode(document))
        self._out.flush()


def _allow_sockets() -> None:
    """Raise the limit of open files as far as senders may need it: running out would look like the target's fault."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, hard), hard))
