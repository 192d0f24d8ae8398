"""The kinds of requests that a load is made of. Apart from the reports, so that a load process need not load them."""

from enum import StrEnum


class Operation(StrEnum):
    """What a request of the load does."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
