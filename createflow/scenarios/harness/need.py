"""What a check can need of a profile besides probes: declared facts, each with the words for its absence."""

from collections.abc import Callable
from enum import StrEnum

from createflow.schemas.profile import Profile


class Need(StrEnum):
    """One fact of the profile. The value is where the profile says it."""

    HTTPS = "an https:// base_url"
    UPDATE = "target.update"
    IDEMPOTENCY = "target.idempotency"
    UNIQUE_NAME = "target.unique_name"
    PRIVATE = "target.private"
    BODY_LIMIT = "target.max_body_bytes"
    LIMITS = "limits"
    DATABASE_ERROR = "faults.database_error"
    DATABASE_FAULT = "faults.database_error or faults.database_down"
    SERVICE_DOWN = "faults.service_down"
    GATEWAY_DOWN = "faults.gateway_down"
    REPLICA_DOWN = "faults.replica_down"
    SEARCH_DOWN = "faults.search_down"

    def met_by(self, profile: Profile) -> bool:
        """Whether the profile declares it."""
        return _DECLARED[self](profile)


_DECLARED: dict[Need, Callable[[Profile], bool]] = {
    Need.HTTPS: lambda profile: profile.target.base_url.startswith("https://"),
    Need.UPDATE: lambda profile: profile.target.update,
    Need.IDEMPOTENCY: lambda profile: profile.target.idempotency,
    Need.UNIQUE_NAME: lambda profile: profile.target.unique_name,
    Need.PRIVATE: lambda profile: profile.target.private,
    Need.BODY_LIMIT: lambda profile: profile.target.max_body_bytes is not None,
    Need.LIMITS: lambda profile: profile.limits is not None,
    Need.DATABASE_ERROR: lambda profile: "database_error" in profile.faults,
    Need.DATABASE_FAULT: lambda profile: bool({"database_error", "database_down"} & set(profile.faults)),
    Need.SERVICE_DOWN: lambda profile: "service_down" in profile.faults,
    Need.GATEWAY_DOWN: lambda profile: "gateway_down" in profile.faults,
    Need.REPLICA_DOWN: lambda profile: "replica_down" in profile.faults,
    Need.SEARCH_DOWN: lambda profile: "search_down" in profile.faults,
}
