"""Structured logs: one JSON object a line on standard output."""

import logging
import os
from typing import Any

import orjson
import structlog

Log = structlog.typing.FilteringBoundLogger


class LineOutput:
    """Writes lines to a descriptor, and never raises: a disk that is full must not stop a reply.

    What could not be written is counted, and told before the next line that can be.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._untold = 0
        self._is_torn = False
        self.lost = 0
        """How many lines could not be written, or only in part."""

    def msg(self, line: bytes) -> None:
        """Write one line."""
        data = line + b"\n"
        if self._untold:
            data = b'{"event":"log_lines_lost","level":"warning","lines":%d}\n' % self._untold + data
        if self._is_torn:
            data = b"\n" + data
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            written = 0
        if written < len(data):
            self.lost += 1
            self._untold += 1
            self._is_torn = self._is_torn or written > 0
        else:
            self._untold = 0
            self._is_torn = False

    debug = info = warning = warn = error = critical = exception = fatal = msg


OUTPUT = LineOutput(1)
"""Standard output of this process."""


def make_log(instance: str) -> Log:
    """Make a logger. Every line has the instance, the level and the time (UTC)."""
    log: Log = structlog.wrap_logger(
        OUTPUT,
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dump),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind(instance=instance)
    return log


def route_library_logs(log: Log) -> None:
    """Write warnings of libraries with this logger, so that every line of the log is a JSON object."""
    logging.basicConfig(level=logging.WARNING, handlers=[_Handler(log)], force=True)


class _Handler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.warning("library", logger=record.name, message=record.getMessage())


def _dump(event: Any, **_ignored: Any) -> bytes:
    """Keep the order of the keys; values that JSON does not know become text."""
    return orjson.dumps(event, default=str)
