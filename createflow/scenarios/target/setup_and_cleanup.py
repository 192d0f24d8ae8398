"""Deleting what the run created."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote, urlsplit

from createflow.scenarios.bodies.template import filled
from createflow.scenarios.target.gate import OriginRefused
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.location import names_one_resource, names_resource, usable_id
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.received import delay_seconds
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.representation import LOCATION
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.schemas.error import UserError

_DELETES_AT_ONCE = 8
GONE_STATUSES = {404, 410}
_TEMPORARY_STATUSES = frozenset({409, 429, 503})
"""With Retry-After: the target itself says that the same request will do later (RFC 9110 §10.2.3)."""
_MAX_TRIES = 3
_MAX_RETRY_AFTER_S = 5.0


async def patiently(send: Callable[[], Awaitable[Reply]]) -> Reply:
    """The reply to a request that is sent again, a few times, while the target asks to come back later."""
    reply = await send()
    for _ in range(_MAX_TRIES - 1):
        wait_s = delay_seconds(reply.headers.get("retry-after", ""))
        if reply.status not in _TEMPORARY_STATUSES or (wait_s is None and reply.status != 429):
            return reply
        await asyncio.sleep(min(1.0 if wait_s is None else wait_s, _MAX_RETRY_AFTER_S))
        reply = await send()
    return reply


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a clean-up did not delete."""

    unfinished: tuple[Created, ...] = ()
    """Not tried, or without an answer by then: somebody else may go on with them."""
    refused: tuple[Created, ...] = ()
    """The target did not delete them."""
    kept: tuple[Created, ...] = ()
    """They cannot be deleted without doubt: see ``Created.kept_because``."""

    @classmethod
    def of(cls, created: Sequence[Created]) -> "Remaining":
        """Everything, before a clean-up."""
        kept = tuple(one for one in created if one.kept_because)
        return cls(unfinished=tuple(one for one in created if not one.kept_because), kept=kept)

    def as_text(self) -> tuple[str, ...]:
        """The URL of each, and why it was kept."""
        kept = [f"{created.url}: {created.kept_because}" for created in self.kept]
        return (*(created.url for created in (*self.unfinished, *self.refused)), *kept)


async def clean_up(
    connection: HttpConnection, *, within_s: float, on_removed: Callable[[Created], None] = lambda _: None
) -> Remaining:
    """Delete everything that the run created, each by its creator. Returns what is still there.

    Cancelling it ends it early: what was not deleted by then is returned.
    """
    found = {created.url: created for created in connection.context.created}
    pending = {url: created for url, created in found.items() if not created.kept_because}
    refused: list[Created] = []

    def on_deleted(created: Created) -> None:
        del pending[created.url]
        on_removed(created)

    def on_refused(created: Created) -> None:
        refused.append(pending.pop(created.url))

    # Cancelled: the user does not want to wait, and wants to know what is left.
    with suppress(asyncio.CancelledError):
        await delete_resources(
            connection, list(pending.values()), within_s=within_s, on_deleted=on_deleted, on_refused=on_refused
        )
    kept = tuple(created for created in found.values() if created.kept_because)
    return Remaining(tuple(pending.values()), tuple(refused), kept)


async def delete_resources(
    connection: HttpConnection,
    resources: Iterable[Created],
    *,
    within_s: float,
    on_deleted: Callable[[Created], None],
    on_refused: Callable[[Created], None] = lambda _: None,
) -> None:
    """Delete resources, a few at once, until all were tried or the time is up; none unless ``target.cleanup`` is set.

    Args:
        connection: to the target.
        resources: taken one by one, when their turn comes.
        within_s: what is not deleted by then stays.
        on_deleted: called for each resource that is gone.
        on_refused: called for each that was tried and is not gone.
    """
    if not connection.context.target.cleanup:
        return
    rest = iter(resources)

    async def delete_some() -> None:
        for created in rest:
            if await _is_deleted(connection, created):
                on_deleted(created)
            else:
                on_refused(created)

    try:
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
            for _ in range(_DELETES_AT_ONCE):
                group.create_task(delete_some())
    except TimeoutError:
        pass  # the caller knows which resources were not reported as deleted


def resource_named(context: RunContext, path: str, resource_id: str, who: Principal) -> Created | None:
    """What to delete for one 201 of a load; None where it does not say for certain what it created.

    The same rules as for ``createflow run``: a Location must name one resource, and that of the id where there is one.

    Args:
        context: of the run.
        path: and query of the Location on the target; empty if there is none that can be used.
        resource_id: in the body; empty if there is none that can be used.
        who: created it.
    """
    fields = context.target.fields
    base_url, collection = context.target.base_url.rstrip("/"), context.target.path.partition("/{new_id}")[0]
    if fields.id == LOCATION:
        resource_id = usable_id(unquote(urlsplit(path).path.rpartition("/")[2])) or ""
    if context.target.read_path and resource_id:
        return Created(base_url + context.path(context.target.read_path, id=resource_id), who, resource_id)
    fits = not resource_id or fields.id == LOCATION or names_resource(path, resource_id)
    if path and fits and names_one_resource(path, context.path(collection)):
        return Created(base_url + path, who, resource_id)
    if not resource_id or fields.id == LOCATION:
        return None
    url = base_url + context.path(f"{collection.rstrip('/')}/{{id}}", id=resource_id)
    # A 404 there does not mean that the resource is gone, unless the reply had no Location at all.
    return Created(url, who, resource_id, is_guessed=bool(path))


async def _is_deleted(connection: HttpConnection, created: Created) -> bool:
    context = connection.context
    request = context.target.cleanup_request
    if created.kept_because or not (created.id or request.path == "{url}"):
        return False
    variables = {**context.variables, "id": created.id, "url": created.url}
    content = None if request.body is None else json.dumps(filled(request.body, variables)).encode()
    headers = {} if content is None else {"content-type": context.target.media_type}
    try:
        url = created.url if request.path == "{url}" else context.path(request.path, id=created.id, url=created.url)
        for who in filter(None, (created.who, created.who.original)):
            send = partial(connection.send, request.method, url, who.current(), headers, content)
            reply = await patiently(send)
            if reply.accepted or (reply.status in GONE_STATUSES and not created.is_guessed):
                return True
    except (NoReply, OriginRefused, UserError):
        pass
    return False
