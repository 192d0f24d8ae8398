"""Removes what a worker of another machine created and its master did not hear of, because the master was killed."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from createflow.scenarios.load.fleet.worker_messages import created_rows
from createflow.scenarios.load.plan.config_rules import credentials_of
from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.load.plan.messages import Document
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.scenarios.target.setup_and_cleanup import delete_resources, resource_named
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

_WITHIN_S = 30.0


class Orphans:
    """What the worker tells when its master is gone."""

    def __init__(self) -> None:
        self._how: dict[str, Any] | None = None
        self._rows: list[CreatedRow] = []

    def take(self, message: Document) -> None:
        """Take in a message of the worker."""
        if "removes" in message:
            self._how = message["removes"]
        elif "late" in message:
            self._rows += created_rows(message)[0]

    async def remove(self) -> str:
        """Delete them if the load was to remove what it creates. Returns what was done, as text; empty for nothing.

        A master may be anybody's: what it sent is checked like a profile. Deleted is what the worker itself created.
        """
        if self._how is None or not self._rows:
            return ""
        try:
            profile = Profile.model_validate({"target": self._how["target"]})
            context = RunContext(profile, str(self._how["run_id"]), Mask())
            context.variables = {str(name): str(value) for name, value in self._how["variables"].items()}
            writers = [Principal.of_parts(parts) for parts in credentials_of(self._how["credentials"])]
            connection = HttpConnection(context)
        except (ValidationError, UserError, KeyError, TypeError, ValueError, AttributeError):
            return "the master did not say how to remove what this worker created"
        removed: list[Created] = []
        try:
            resources = _resources(context, self._rows, writers)
            await delete_resources(connection, resources, within_s=_WITHIN_S, on_deleted=removed.append)
        except UserError:  # a variable of a path has no value
            pass
        finally:
            await connection.close()
        return f"removed {len(removed)} of the last {len(self._rows)} resources that this worker created"


def _resources(context: RunContext, rows: Sequence[CreatedRow], writers: Sequence[Principal]) -> Iterator[Created]:
    for row in rows:
        who = writers[row.k % len(writers)] if writers else ANONYMOUS
        if (created := resource_named(context, row.path, row.id, who)) is not None:
            yield created
