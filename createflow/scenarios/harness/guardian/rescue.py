"""What a guardian does when its run is gone: it heals the faults, then removes what the run created."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from createflow.scenarios.harness.guardian.command import run_command
from createflow.scenarios.harness.guardian.records import MOST_LISTED, Record
from createflow.scenarios.harness.guardian.rows import Rows

if TYPE_CHECKING:
    from createflow.scenarios.target.credentials.signer import Signer
    from createflow.scenarios.target.http_client import HttpConnection
    from createflow.scenarios.target.principal import Principal

_HEALING_S = 40.0
_RETRY_PAUSE_S = 0.5
_CLEAN_UP_S = 20.0
_TEARDOWN_S = 10.0
_SIGNERS: dict[str, "Signer"] = {}
"""By their settings: the commands that sign for principals of the run that is gone."""
ROWS_S = 600.0
"""For what a load created: the same time that the load itself would take."""


@dataclass(slots=True)
class Stake:
    """What a run has told its stake."""

    record: Record
    profile: dict[str, Any]
    """Its target and its tear-down requests, as JSON."""
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The resources to delete, by URL."""
    rows: Rows = field(default_factory=Rows)
    """The resources of a load."""
    writers: list[dict[str, Any]] = field(default_factory=list)
    """Who created the rows, in turn."""
    variables: dict[str, str | int] = field(default_factory=dict)
    """For the paths of the rows."""
    teardown: dict[str, Any] | None = None
    """The variables and the credential for the tear-down requests, if they have to be sent."""


async def rescue(stake: Stake, save: Callable[[], None]) -> None:
    """Heal and remove all that can be, within a bounded time.

    Args:
        stake: what is to be healed and removed; its record is kept up to date.
        save: writes the record down.
    """
    record = stake.record
    await asyncio.gather(*(_heal(record, name, command) for name, command in tuple(record.faults.items())))
    record.has_ended = True
    save()
    if stake.created or stake.rows.remaining or stake.teardown is not None:
        try:
            await _remove(stake)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record must say what is left
            record.left_behind.append(f"the clean-up failed: {type(error).__name__}")
        save()


async def _heal(record: Record, name: str, command: Sequence[str]) -> None:
    """Run the command until it succeeds once: it may come while the injection still takes effect."""
    problem = ""
    try:
        async with asyncio.timeout(_HEALING_S):
            while problem := await run_command(command):
                await asyncio.sleep(_RETRY_PAUSE_S)
    except TimeoutError:
        record.not_healed[name] = problem or f"{command[0]} did not end within {_HEALING_S:g} s"
        return
    del record.faults[name]
    record.healed.append(name)


async def _remove(stake: Stake) -> None:
    # Here: these imports take longer than most heal commands.
    from createflow.scenarios.target.http_client import HttpConnection
    from createflow.scenarios.target.lifecycle.set_up import endings, tear_down
    from createflow.scenarios.target.run_context import Created, RunContext
    from createflow.scenarios.target.setup_and_cleanup import clean_up
    from createflow.scenarios.text.secret_mask import Mask
    from createflow.schemas.profile import Profile

    record = stake.record
    profile = Profile.model_validate(stake.profile)
    context = RunContext(profile, record.run_id, Mask())
    connection = HttpConnection(context)
    try:
        for one in stake.created.values():
            context.variables = dict(one["variables"])
            created = Created(one["url"], _principal(one["who"]), one["id"])
            created.is_guessed, created.kept_because = one["is_guessed"], one["kept_because"]
            context.created.append(created)
        if profile.target.cleanup:
            left = (await clean_up(connection, within_s=_CLEAN_UP_S)).as_text()
            record.removed += len(stake.created) - len(left)
            record.left_behind += left
            await _remove_rows(stake, connection)
        if stake.teardown is not None:
            context.variables = dict(stake.teardown["variables"])
            context.set_up_requests = stake.teardown["set_up"]
            senders = {name: _principal(who) for name, who in stake.teardown["senders"].items()}
            answered = stake.teardown["answered"]

            def on_answer(_: int, problem: str) -> None:
                record.left_behind += [problem] if problem else []

            try:
                async with asyncio.timeout(_TEARDOWN_S):
                    await tear_down(connection, endings(profile), senders, answered=answered, on_answer=on_answer)
            except TimeoutError:
                record.left_behind.append(f"the tear-down did not end within {_TEARDOWN_S:g} s")
        record.left_behind = [context.mask.text(text) for text in record.left_behind]
    finally:
        for signer in _SIGNERS.values():
            await signer.close()
        await connection.close()


async def _remove_rows(stake: Stake, connection: "HttpConnection") -> None:
    """Delete what a load created, each by its creator."""
    from createflow.scenarios.target.principal import ANONYMOUS
    from createflow.scenarios.target.run_context import Created
    from createflow.scenarios.target.setup_and_cleanup import delete_resources, resource_named

    record, writers = stake.record, [_principal(who) for who in stake.writers]
    connection.context.variables = dict(stake.variables)

    def resources() -> Iterator[Created]:
        for k, path, resource_id in stake.rows.to_try():
            who = writers[k % len(writers)] if writers else ANONYMOUS
            if (created := resource_named(connection.context, path, resource_id, who)) is not None:
                yield created

    def on_deleted(_: Created) -> None:
        record.removed += 1

    def on_refused(created: Created) -> None:
        if len(record.left_behind) < MOST_LISTED:
            record.left_behind.append(created.url)

    await delete_resources(connection, resources(), within_s=ROWS_S, on_deleted=on_deleted, on_refused=on_refused)


def _principal(who: dict[str, Any]) -> "Principal":
    from createflow.scenarios.target.credentials.signer import Signer
    from createflow.scenarios.target.principal import Principal

    also = tuple((name, value) for name, value in who.get("also", ()))
    settings = who.get("signer")
    # One process a command, which ends when its input does: at the latest with this process.
    signer = None if settings is None else _SIGNERS.setdefault(json.dumps(settings), Signer.of_settings(settings))
    return Principal(**{**who, "also": also, "signer": signer})
