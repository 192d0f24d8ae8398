"""Structured logs: one JSON object a line on standard output."""

import logging
import sys
from typing import Any

import orjson
import structlog

Log = structlog.typing.FilteringBoundLogger


def make_log(instance: str) -> Log:
    """Make a logger. Every line has the instance, the level and the time (UTC)."""
    log: Log = structlog.wrap_logger(
        structlog.BytesLogger(sys.stdout.buffer),
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
