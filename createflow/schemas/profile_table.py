"""Every key of a profile as Markdown tables, made from the model: ``python -m createflow.schemas.profile_table``."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from createflow.schemas.baseline import BaselineEntry
from createflow.schemas.profile import (
    ApiKeyAuth,
    BasicAuth,
    CacheSink,
    CommandAuth,
    Deadlines,
    EventSink,
    FaultCommands,
    Fields,
    JwtAuth,
    Limits,
    NoAuth,
    OAuth2Auth,
    Profile,
    ReplicaSink,
    Request,
    SearchSink,
    Sinks,
    Slo,
    SqlSink,
    StaticAuth,
    Target,
)
from createflow.schemas.profile_target import CleanupRequest, Envelope, Errors

TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The whole", Profile),
    ("[target]", Target),
    ("[target.fields]", Fields),
    ("[target.envelope]", Envelope),
    ("[target.errors]", Errors),
    ("[target.cleanup_request]", CleanupRequest),
    ("[[setup]] and [[teardown]]", Request),
    *(
        (f'[auth] kind = "{get_args(model.model_fields["kind"].annotation)[0]}"', model)
        for model in (NoAuth, StaticAuth, ApiKeyAuth, BasicAuth, JwtAuth, OAuth2Auth, CommandAuth)
    ),
    ("[sinks]", Sinks),
    ("[sinks.primary] and [sinks.audit]", SqlSink),
    ("[[sinks.replicas]]", ReplicaSink),
    ("[sinks.cache]", CacheSink),
    ("[sinks.events]", EventSink),
    ("[sinks.search]", SearchSink),
    ("[faults.NAME]", FaultCommands),
    ("[deadlines]", Deadlines),
    ("[limits]", Limits),
    ("[slo]", Slo),
    ("[[baseline]]", BaselineEntry),
)
"""Heading and model, in the order of the document."""


def profile_tables() -> str:
    """All tables."""
    return "\n".join(line for heading, model in TABLES for line in _table(heading, model))


def _table(heading: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### {heading if heading[0] != '[' else f'`{heading}`'}\n"
    title = inspect.cleandoc(model.__doc__ or "").partition(": ")
    told = _plain(title[2] or title[0])
    yield f"{told[0].upper()}{told[1:]}\n"
    fields = [(name, field) for name, field in model.model_fields.items() if name != "kind"]
    if not fields:
        return
    yield "| key | unless given | meaning |"
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


if __name__ == "__main__":
    sys.stdout.write(profile_tables())
