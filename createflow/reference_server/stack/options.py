"""What a user can choose about the bundled stack."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The shape of the stack.

    Args:
        port: of HAProxy; 0 for any free port.
        search_url: an Elasticsearch or OpenSearch to use instead of the bundled engine.
        pgbouncer: use PgBouncer if it is installed.
        rate_per_s, burst: the rate limit of each subject.
        private: a resource exists for its creator only.
        unique_names: a second resource with a name is refused.
        conditional_updates: an update or a delete must name the version.
        service_capacity_per_s: what each service takes at most; 0: as much as it can.
        keep_s: how long Idempotency-Keys and published events are kept.
        listen: host name or address of this machine, and a port or none, where processes of other machines may join;
            empty: nowhere but on loopback.
        defects: names of seeded defects.
    """

    gateways: int = 1
    services: int = 1
    workers: int = 1
    replicas: int = 2
    port: int = 0
    search_url: str = ""
    pgbouncer: bool = True
    rate_per_s: float = 50.0
    burst: int = 100
    private: bool = False
    unique_names: bool = False
    conditional_updates: bool = False
    service_capacity_per_s: float = 0.0
    keep_s: float = 24 * 3600.0
    listen: str = ""
    defects: tuple[str, ...] = ()
