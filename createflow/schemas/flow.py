"""The sixteen steps of the create flow, in order: one vocabulary for stages, checks and tests."""

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """The three tiers of the contract."""

    API = "api"
    BUSINESS = "business"
    DATA = "data"


class Step(StrEnum):
    """One step of the flow. The value names the module that implements it and the module that checks it."""

    HTTPS_REQUEST = "https_request"
    LOAD_BALANCER = "load_balancer"
    AUTH_CHECK = "auth_check"
    RATE_LIMIT = "rate_limit"
    VALIDATION = "validation"
    SERVICE_ROUTER = "service_router"
    BUSINESS_LOGIC = "business_logic"
    TRANSACTION = "transaction"
    PUBLISH_EVENT = "publish_event"
    AUDIT_LOG = "audit_log"
    CONNECTION_POOL = "connection_pool"
    WRITE_PRIMARY = "write_primary"
    REPLICATE = "replicate"
    INVALIDATE_CACHE = "invalidate_cache"
    INDEX_UPDATE = "index_update"
    RESPONSE = "response"

    @property
    def number(self) -> int:
        """Position in the contract, 1 to 16."""
        return list(Step).index(self) + 1

    @property
    def tier(self) -> Tier:
        """The tier of this step."""
        return _PLACES[self].tier

    @property
    def does(self) -> str:
        """What the step does, in a few words for a table."""
        return _PLACES[self].does


@dataclass(frozen=True, slots=True)
class _Place:
    tier: Tier
    does: str


_PLACES: dict[Step, _Place] = {
    Step.HTTPS_REQUEST: _Place(Tier.API, "TLS, method, media type, size, request id"),
    Step.LOAD_BALANCER: _Place(Tier.API, "spread over healthy gateways"),
    Step.AUTH_CHECK: _Place(Tier.API, "who is it, and may they"),
    Step.RATE_LIMIT: _Place(Tier.API, "no more than agreed"),
    Step.VALIDATION: _Place(Tier.API, "strict JSON, schema, refusal of what is harmful"),
    Step.SERVICE_ROUTER: _Place(Tier.API, "a live instance, a deadline, a breaker"),
    Step.BUSINESS_LOGIC: _Place(Tier.BUSINESS, "domain rules, idempotency, conflicts"),
    Step.TRANSACTION: _Place(Tier.BUSINESS, "open the unit of work"),
    Step.PUBLISH_EVENT: _Place(Tier.BUSINESS, "event into the unit, relayed after commit"),
    Step.AUDIT_LOG: _Place(Tier.BUSINESS, "who, what, when into the unit"),
    Step.CONNECTION_POOL: _Place(Tier.DATA, "a connection within its wait limit"),
    Step.WRITE_PRIMARY: _Place(Tier.DATA, "one statement, one commit"),
    Step.REPLICATE: _Place(Tier.DATA, "every replica follows; own writes are read"),
    Step.INVALIDATE_CACHE: _Place(Tier.DATA, "set if newer, after the commit"),
    Step.INDEX_UPDATE: _Place(Tier.DATA, "search follows, versions in order"),
    Step.RESPONSE: _Place(Tier.API, "201, Location, ETag, six fields"),
}
