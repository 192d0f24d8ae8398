"""The requests that observers make themselves, when the checks of a run have sent nothing for them to look at."""

import asyncio
from contextlib import suppress

from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.probes import Target, Tokens

_FLOODS = 3
_SENDERS = 16
_OF_ANOTHER = 5


async def ordinary_requests(target: Target, tokens: Tokens | None) -> None:
    """A create, reads of what it made, an update where the profile has one, and one refusal of each simple kind."""
    made = await target.create()
    await target.create(b"[1]")
    await target.create(b'{"name": "\xff')
    await target.create(method="PATCH")
    with suppress(NotDeclared):
        await target.read_collection()
    with suppress(Inconclusive, Prevented):
        url = target.url_of(made)
        seen = await target.read(url)
        await target.read(url, headers={"if-none-match": f'"none", {seen.headers.get("etag", chr(34) * 2)}'})
        await target.read(f"{url}/no/such/path")
        if target.contract.update:
            await target.update(url, target.contract.document())
    if tokens is None:
        return
    await target.create(who=ANONYMOUS)
    await target.create(who=tokens.writer().holding("not-a-token"))
    with suppress(NotDeclared):
        await target.create(who=tokens.reader())


async def flood(target: Target, tokens: Tokens | None) -> None:
    """Creates of one subject beyond its promised rate, and a few of another one meanwhile.

    Raises:
        NotDeclared: the profile has no limits.
    """
    if target.limits is None:
        raise NotDeclared("`limits` is not configured")
    others = []
    with suppress(NotDeclared):
        others = [tokens.other_writer()] if tokens is not None else []
    least = int(target.limits.burst * 1.2) + _SENDERS
    for _ in range(_FLOODS):
        statuses: list[int] = []
        for other in others:
            await target.create(who=other)

        async def sender(statuses: list[int] = statuses) -> None:
            while len(statuses) < least:
                statuses.append((await target.create(who=target.writer, paced=False)).status)

        async with asyncio.TaskGroup() as group:
            for _ in range(_SENDERS):
                group.create_task(sender())
            for other in others:
                for _ in range(_OF_ANOTHER):
                    await target.create(who=other)
        if any(status >= 400 for status in statuses):
            return
