"""The creates of a run that were never answered: what has come of them is listed among what was left behind."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.registry import FAILURES
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.gate import OriginRefused
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.ledger.addresses import Addresses
from createflow.scenarios.target.location import usable_id
from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.target.run_context import Created
from createflow.scenarios.target.write_record import Unanswered

_LOOKED_FOR = 200
_WITHIN_S = 5.0
_KEPT = "its create was never answered; it was found by its name, and is not deleted"


async def list_unanswered(connection: HttpConnection, contract: Contract, primary: Primary | None) -> None:
    """Enter what has come of unanswered creates into the resources that the run leaves behind.

    They are looked for by the unique word in their name: in the primary where it can be asked for names, else in the
    target's own list. None is deleted: only the id of a 201 is sure to be of this run, whatever a list or a row says.
    """
    writes = connection.context.writes
    wanted = {one.name: one for one in writes.unanswered if one.name and one.nonces}
    known = {written.shown.get(contract.fields.name) for written in writes.resources.values()}
    left = [one for name, one in wanted.items() if name not in known][:_LOOKED_FOR]
    if not left:
        return
    addresses = Addresses(contract, connection.context)
    try:
        async with asyncio.timeout(_WITHIN_S):
            found = await _in_primary(primary, contract, left) if primary is not None else None
            if found is None:
                found = await _in_list(connection, addresses, contract, left)
    except (TimeoutError, NoReply, OriginRefused, *FAILURES):
        return  # the next look, by hand, has their names
    for one, resource_id in found:
        created = Created(addresses.url_of_id(resource_id), one.who, resource_id, kept_because=_KEPT)
        connection.context.created.append(created)
        connection.context.on_created(created)


async def _in_primary(
    primary: Primary, contract: Contract, wanted: Iterable[Unanswered]
) -> list[tuple[Unanswered, str]] | None:
    found = []
    try:
        for one in wanted:
            ids = [usable_id(row.get(contract.fields.id)) for row in await primary.by_name(one.name or "")]
            found += [(one, resource_id) for resource_id in ids if resource_id is not None]
    except NotDeclared:
        return None
    return found


async def _in_list(
    connection: HttpConnection, addresses: Addresses, contract: Contract, wanted: Iterable[Unanswered]
) -> list[tuple[Unanswered, str]]:
    by_name = {one.name: one for one in wanted}
    path = connection.context.path(addresses.collection_path())
    found: dict[str, Unanswered] = {}
    for who in {one.who.identity: one.who for one in by_name.values()}.values():
        reply = await connection.send("GET", path, who.current(), {}, None, is_collection=True)
        try:
            shown = json_of(reply.body) if reply.accepted else None
        except NotJson:
            continue
        for part in _objects(shown):
            name, resource_id = part.get(contract.fields.name), usable_id(part.get(contract.fields.id))
            if isinstance(name, str) and name in by_name and resource_id is not None:
                found[resource_id] = by_name[name]
    return [(one, resource_id) for resource_id, one in found.items()]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    rest = [value]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            yield part
            rest += part.values()
        elif isinstance(part, list):
            rest += part
