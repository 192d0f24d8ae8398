"""What is wrong with a sink in a profile is told by its key, whatever the engine."""

from pathlib import Path

import pytest

from createflow.scenarios.sinks.registry import replica_tables
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import EVENT_MODELS, KafkaSink

TARGET = '[target]\nbase_url = "http://127.0.0.1:1"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[sinks.events]\nurl = "kafka://h"\ntopci = "x"', "sinks.events.topci: unknown key (did you mean topic?)"),
        ('[sinks.events]\nurl = "kafka://h"', "sinks.events.topic: required, but missing"),
        ('[sinks.events]\nurl = "amqp://h"', "sinks.events.exchange: required, but missing"),
        ('[sinks.events]\nurl = "nats://h"\nstream = "s"', "sinks.events.subject: required, but missing"),
        ('[sinks.events]\nkind = "kafca"', "unknown kind (one of: nats, kafka, redis_stream, rabbitmq, command)"),
        ('[sinks.primary]\nkind = "mongo"', "sinks.primary: unknown kind (one of: sql, command, http)"),
        ('[sinks.search]\nkind = "command"\ncommand = []', "sinks.search.command: "),
        (
            '[sinks.audit]\nkind = "events"\n[sinks.audit.stream]\nurl = "kafka://h"',
            "sinks.audit.stream.topic: required",
        ),
        ('[[sinks.replicas]]\nname = "a"\ndns = "x"', "sinks.replicas.0.dns: unknown key (did you mean dsn?)"),
        (
            '[sinks.events]\nurl = "kafka://h"\ntopic = "t"\ncreated_types = ["x"]',
            "sinks.events: types are given, and `type` does not say where an event has its own",
        ),
        (
            '[sinks.events]\nurl = "kafka://h"\ntopic = "t"\ntype = "kind"',
            "sinks.events.type: neither a JSON Pointer, nor @subject, nor @header:NAME",
        ),
        ('[sinks.cache]\nkind = "http"\nurl = "x"\nca_file = "no.pem"', "sinks.cache.ca_file: no such file"),
    ],
)
def test_a_mistake_is_told_by_its_key(text: str, words: str, tmp_path: Path) -> None:
    """Without the names of our models, and with the nearest key of the engine."""
    file = tmp_path / "createflow.toml"
    file.write_text(TARGET + text)
    with pytest.raises(UserError) as caught:
        profile_file.load(file)
    assert words in str(caught.value)


def test_a_log_file_is_relative_to_the_profile(tmp_path: Path) -> None:
    """And need not be there yet."""
    file = tmp_path / "createflow.toml"
    file.write_text(TARGET + '[sinks.audit]\nkind = "log_file"\npath = "audit.log"')
    assert getattr(profile_file.load(file).sinks.audit, "path", "") == str(tmp_path / "audit.log")


def test_debezium_is_a_set_of_places() -> None:
    """That a profile may change."""
    section = KafkaSink.model_validate({"url": "kafka://h", "topic": "t", "format": "debezium_with_schema"})
    assert (section.resource, section.type, section.deleted_types) == ("/payload/after", "/payload/op", ("d",))
    other = {"url": "kafka://h", "topic": "t", "format": "debezium", "resource": "/row"}
    assert KafkaSink.model_validate(other).resource == "/row"


def test_every_engine_of_events_has_the_same_shape() -> None:
    """So a profile changes its broker with a few keys."""
    common = set.intersection(*(set(model.model_fields) for model in EVENT_MODELS))
    assert {"format", "resource", "id", "fields", "event_id", "type", "created_types", "envelope"} <= common


def test_a_replica_of_another_kind_is_refused(tmp_path: Path) -> None:
    """With what each kind has."""
    file = tmp_path / "createflow.toml"
    primary = '[sinks.primary]\nkind = "command"\ncommand = ["x"]\n'
    file.write_text(f'{TARGET}{primary}[[sinks.replicas]]\nname = "copy"\ndsn = "postgresql://h/d"')
    with pytest.raises(UserError, match="the replica copy is not of the kind of"):
        replica_tables(profile_file.load(file).sinks)
