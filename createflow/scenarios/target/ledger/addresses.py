"""The URLs of one target: of its collection, and of what a create says that it created."""

import uuid

from createflow.scenarios.outcome import Inconclusive, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.location import (
    LocationElsewhere,
    LocationMalformed,
    names_one_resource,
    names_resource,
    usable_id,
)
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.representation import LOCATION
from createflow.scenarios.target.run_context import Created, RunContext

LOCATION_IS_GIVEN = "response.location_is_given"
LOCATION_IS_OURS = "response.location_is_ours"
"""The checks that report a Location that cannot be used."""


class Addresses:
    """Of the target of one run."""

    def __init__(self, contract: Contract, context: RunContext) -> None:
        self._contract = contract
        self._context = context

    def url_of(self, created: Reply) -> str:
        """The URL of a created resource at ``base_url``.

        It is the profile's ``read_path``, else the path and query of its Location, else its id below the path.

        Raises:
            Prevented: the Location or the id cannot be used, as another check reports.
            Inconclusive: the reply has neither a Location nor an id.
        """
        resource_id = self.id_in(created)
        if self._context.target.read_path and resource_id is not None:
            return self.own_url(self._context.path(self._context.target.read_path, id=resource_id))
        if location := created.headers.get("location"):
            try:
                return self.own_url(self._contract.origins.path_of(location, created.exchange.url))
            except LocationMalformed as problem:
                raise Prevented(LOCATION_IS_GIVEN, str(problem)) from None
            except LocationElsewhere as problem:
                reason = f"{problem}; target.location_origins can declare it"
                raise Prevented(LOCATION_IS_OURS, reason) from None
        if resource_id is None:
            raise Inconclusive("the reply to the create has neither a Location nor an id")
        return self.url_of_id(resource_id)

    def absolute(self, url: str) -> str:
        """The URL, or that of a path on the target."""
        return self.own_url(url) if url.startswith("/") else url

    def names(self, created: Created) -> bool:
        """Whether the URL of a Location names one resource, and that of the id where the reply shows one."""
        path = created.url.removeprefix(str(self._contract.origins.own))
        has_id = created.id != "" and self._contract.fields.id != LOCATION
        collection = self._context.path(self.collection_path())
        return names_one_resource(path, collection) and (not has_id or names_resource(path, created.id))

    def url_of_id(self, resource_id: str) -> str:
        """Where a resource is whose id alone is known."""
        path, mark, query = self.collection_path().partition("?")
        return self.own_url(self._context.path(f"{path.rstrip('/')}/{{id}}{mark}{query}", id=resource_id))

    def own_url(self, path: str) -> str:
        """The URL of a path on the target."""
        return f"{self._context.target.base_url.rstrip('/')}{path}"

    def collection_path(self) -> str:
        """The path below which the resources are, with the variables of the profile."""
        return self._context.target.path.partition("/{new_id}")[0]

    def create_path(self) -> str:
        """The path of the next create."""
        return self._context.path(self._context.target.path, new_id=str(uuid.uuid4()))

    def id_in(self, reply: Reply) -> str | None:
        """The id that a reply shows, if it names a resource."""
        return usable_id((reply.document or {}).get(self._contract.fields.id))
