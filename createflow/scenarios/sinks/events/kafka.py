"""Kafka: the partitions of a topic by assignment, from their ends. No group, no committed offset."""

import difflib
import logging
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.failure import SinkFailed, reason_of, required
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.scenarios.target.tls import trusted_context
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import KafkaSink

_CLIENT = "createflow"
_TIMEOUT_MS = 5_000
_FETCH_MS = 200
_WAIT_S = 2.0
_PAGE_EVENTS = 1_000
_FETCH_BYTES = 16 * 1024 * 1024
_DEFAULT_PORT = 9_092
_CREDENTIAL_KEYS = "user and password of sinks.events.url, and sasl_mechanism"


class KafkaSource:
    """Fills EventSource.

    Raises:
        UserError: the URL has no host, or the extra is not installed.
    """

    keeps = True

    def __init__(self, section: KafkaSink) -> None:
        self._library = required("aiokafka", extra="kafka", what="[sinks.events] of Kafka")
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it logs, it raises as well
        self._section = section
        self._servers, self._options = _connection(section)
        self._consumer: Any = None
        self._offsets: dict[Any, int] = {}
        """The next of each partition; none before the first opening."""
        self._beginning: dict[Any, int] = {}

    @property
    def address(self) -> str:
        """The brokers that the URL names."""
        return ",".join(self._servers)

    async def open(self) -> None:
        """Connect, and go on at the offsets; at the first time at the ends."""
        consumer = self._library.AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            client_id=_CLIENT,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",  # what was rolled back is no event
            request_timeout_ms=_TIMEOUT_MS,
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_FETCH_BYTES,
            **self._options,
        )
        try:
            await consumer.start()
            await self._assign(consumer)
        except self._library.errors.KafkaError as error:
            with suppress(Exception):
                await consumer.stop()
            raise SinkFailed(f"{reason_of(error)}; check {_keys(error, self._library)}") from None
        except BaseException as error:
            with suppress(Exception):
                await consumer.stop()
            if isinstance(error, (KeyError, ValueError)) and "sasl_mechanism" in self._options:
                # SCRAM (RFC 5802 §7): the library reads a server-error as if it were a verifier.
                raise SinkFailed(f"the broker refused the user; check {_CREDENTIAL_KEYS}") from None
            raise
        self._consumer = consumer

    async def take(self) -> list[PublishedEvent]:
        """A page of events; none where every partition is read to its end."""
        consumer = self._consumer
        if consumer is None:
            raise SinkFailed("the connection is closed")
        try:
            ends = await consumer.end_offsets(list(self._offsets))
            end_s = time.monotonic() + _WAIT_S
            # An event that a transaction has not committed yet is before the end, and is not given.
            while any(self._offsets[one] < end for one, end in ends.items()) and time.monotonic() < end_s:
                pages = await consumer.getmany(timeout_ms=_FETCH_MS, max_records=_PAGE_EVENTS)
                # Behind the marks of transactions as well, which are no events.
                self._offsets = {one: await consumer.position(one) for one in self._offsets}
                # A tombstone tells nothing.
                found = [_event(one) for records in pages.values() for one in records if one.value is not None]
                if found:
                    return found
        except self._library.errors.OffsetOutOfRangeError:
            raise NotDeclared(f"the topic {self._section.topic} has dropped events since the run began") from None
        except self._library.errors.KafkaError as error:
            raise SinkFailed(reason_of(error)) from None
        return []

    async def skip(self) -> None:
        """Go to the ends."""
        try:
            self._offsets = await self._consumer.end_offsets(list(self._offsets))
        except self._library.errors.KafkaError as error:
            raise SinkFailed(reason_of(error)) from None
        for partition, offset in self._offsets.items():
            self._consumer.seek(partition, offset)

    def rewind(self) -> None:
        """Go back to the ends of when it was opened first."""
        self._offsets = dict(self._beginning)

    async def close(self) -> None:
        """Close the connections."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(self._library.errors.KafkaError):
                await consumer.stop()

    async def _assign(self, consumer: Any) -> None:
        topic = self._section.topic
        topics = await consumer.topics()
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            near = difflib.get_close_matches(topic, sorted(topics), n=1)
            others = ", ".join(sorted(topics)[:8]) or "none"
            hint = f"the nearest is {near[0]}" if near else f"there are: {others}"
            raise SinkFailed(f"no topic {topic} that this user may describe; {hint}; check sinks.events.topic")
        partitions = [self._library.TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        firsts = await consumer.beginning_offsets(partitions) if self._offsets else {}
        # A partition that is new since then is read from its beginning.
        self._offsets = {one: self._offsets.get(one, firsts.get(one, ends[one])) for one in partitions}
        self._beginning = {**self._offsets, **self._beginning}
        if any(firsts.get(one, 0) > offset for one, offset in self._offsets.items()):
            raise NotDeclared(f"the topic {topic} has dropped events since the run began")
        for partition, offset in self._offsets.items():
            consumer.seek(partition, offset)


def _event(record: Any) -> PublishedEvent:
    headers = {str(name): bytes(value or b"").decode("utf-8", "replace") for name, value in record.headers}
    position = f"{record.partition}-{record.offset}"
    return PublishedEvent(record.value or b"", subject=record.topic, headers=headers, position=position)


def _connection(section: KafkaSink) -> tuple[list[str], Mapping[str, Any]]:
    url = section.url.get_secret_value()
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    user, _, hosts = parts.netloc.rpartition("@")
    servers = [host if ":" in host else f"{host}:{_DEFAULT_PORT}" for host in hosts.split(",") if host]
    if not servers:
        raise UserError("the url of [sinks.events] names no broker", hint="kafka://USER:PASSWORD@HOST:9092,HOST:9092")
    is_encrypted = parts.scheme.lower() == "kafkas"
    context: ssl.SSLContext | None = trusted_context(section.ca_file) if is_encrypted else None
    options: dict[str, Any] = {"ssl_context": context}
    if user:
        name, _, password = user.partition(":")
        options |= {
            "sasl_mechanism": section.sasl_mechanism,
            "sasl_plain_username": unquote(name),
            "sasl_plain_password": unquote(password),
        }
    options["security_protocol"] = ("SASL_" if user else "") + ("SSL" if is_encrypted else "PLAINTEXT")
    return servers, options


def _keys(error: Exception, library: Any) -> str:
    if isinstance(error, library.errors.AuthenticationFailedError):
        return _CREDENTIAL_KEYS
    return "sinks.events.url (kafkas:// where the brokers want TLS, a user where they want SASL)"
