"""What editors and readers are shown of the profile, made from its model.

``python -m createflow.schemas.profile_reference docs/profile.md`` writes the JSON Schema for editors, and the tables of
every key in that document.
"""

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from createflow.schemas.profile import BaselineEntry, Deadlines, FaultCommands, Limits, Profile, ScaleCommand, Slo
from createflow.schemas.profile_auth import AUTH_MODELS
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_sinks import (
    CacheSink,
    CommandEvents,
    CommandSink,
    EventAudit,
    EventSink,
    HttpSink,
    KafkaSink,
    LogFileSink,
    RabbitSink,
    RedisStreamSink,
    ReplicaDocuments,
    ReplicaSink,
    SearchSink,
    Sinks,
    SqlSink,
)
from createflow.schemas.profile_target import (
    Accepted,
    CleanupRequest,
    ClientCertificate,
    Envelope,
    Errors,
    Fields,
    Form,
    Removal,
    Request,
    SetUp,
    Target,
)

SCHEMA_FILE = "profile.schema.json"
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The whole", Profile),
    ("[target]", Target),
    ("[target.fields]", Fields),
    ("[target.envelope]", Envelope),
    ("[target.form]", Form),
    ("[target.accepted]", Accepted),
    ("[target.errors]", Errors),
    ("[target.cleanup_request]", CleanupRequest),
    ("[target.client_certificate]", ClientCertificate),
    ("[[setup]]", SetUp),
    ("[setup.remove]", Removal),
    ("[[teardown]]", Request),
    *((f'[auth] kind = "{get_args(model.model_fields["kind"].annotation)[0]}"', model) for model in AUTH_MODELS),
    ("[sinks]", Sinks),
    ("[sinks.primary] and [sinks.audit]", SqlSink),
    ("[[sinks.replicas]]", ReplicaSink),
    ("[[sinks.replicas]] of documents", ReplicaDocuments),
    ("[sinks.cache]", CacheSink),
    ("[sinks.search]", SearchSink),
    ("[sinks.events] of NATS", EventSink),
    ("[sinks.events] of Kafka", KafkaSink),
    ("[sinks.events] of Redis", RedisStreamSink),
    ("[sinks.events] of RabbitMQ", RabbitSink),
    ('[sinks.events] kind = "command"', CommandEvents),
    ('[sinks.audit] kind = "events"', EventAudit),
    ('[sinks.audit] kind = "log_file"', LogFileSink),
    ('[sinks.NAME] kind = "command"', CommandSink),
    ('[sinks.NAME] kind = "http"', HttpSink),
    ("[faults.NAME]", FaultCommands),
    ("[scale.NAME]", ScaleCommand),
    ("[deadlines]", Deadlines),
    ("[limits]", Limits),
    ("[promises]", Promises),
    ("[slo]", Slo),
    ("[[baseline]]", BaselineEntry),
)
"""Heading and model, in the order of the document."""


def profile_schema() -> dict[str, Any]:
    """The schema, 2020-12."""
    schema = Profile.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "createflow profile"}


def profile_schema_text() -> str:
    """The file's text."""
    return json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n"


MARKER = "<!-- made by python -m createflow.schemas.profile_reference docs/profile.md -->\n"


def profile_tables() -> str:
    """All tables, in Markdown."""
    return "\n".join(line for heading, model in TABLES for line in _table(heading, model))


def _table(heading: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### {heading if heading[0] != '[' else f'`{heading}`'}\n"
    title = inspect.cleandoc(model.__doc__ or "").partition(": ")
    text = _plain(title[2] or title[0])
    yield f"{text[0].upper()}{text[1:]}\n"
    fields = [(name, field) for name, field in model.model_fields.items() if name != "kind"]
    if not fields:
        return
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, field in fields:
        yield f"| `{name}` | {_default(field)} | {_plain(field.description or '')} |"
    yield ""


def _default(field: Any) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value is PydanticUndefined or value in ((), "") or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value)}`".replace("'", '"') if isinstance(value, tuple) else f"`{value}`"


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def write_reference(documents: Sequence[Path]) -> None:
    """Write the JSON Schema file, and the tables below the marker of each document."""
    schema_file = Path(str(files("createflow.schemas").joinpath("json", SCHEMA_FILE)))
    schema_file.write_text(profile_schema_text(), encoding="utf-8")
    for document in documents:
        above, marker, _ = document.read_text(encoding="utf-8").partition(MARKER)
        document.write_text(f"{above}{marker}\n{profile_tables()}", encoding="utf-8")


if __name__ == "__main__":
    write_reference([Path(name) for name in sys.argv[1:]])
