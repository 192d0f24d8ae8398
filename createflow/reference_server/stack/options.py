"""What a user may choose about the bundled stack, and the secrets that are made for each start."""

from dataclasses import dataclass, field

from createflow.reference_server.stack.state import new_password


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The size of the stack.

    Args:
        port: of the balancer; 0 takes a free one.
        search_url: an Elasticsearch or OpenSearch to use instead of the bundled engine.
        pgbouncer: use it when it is found.
        rate_per_s, burst: the limit for one subject.
    """

    gateways: int = 1
    services: int = 1
    replicas: int = 2
    port: int = 0
    search_url: str = ""
    pgbouncer: bool = True
    rate_per_s: float = 50.0
    burst: int = 100


@dataclass(frozen=True, slots=True)
class Secrets:
    """One password for each user of each engine."""

    postgres: str = field(default_factory=new_password)
    postgres_app: str = field(default_factory=new_password)
    postgres_probe: str = field(default_factory=new_password)
    postgres_replica: str = field(default_factory=new_password)
    valkey_app: str = field(default_factory=new_password)
    valkey_probe: str = field(default_factory=new_password)
    nats_gateway: str = field(default_factory=new_password)
    nats_service: str = field(default_factory=new_password)
    nats_worker: str = field(default_factory=new_password)
    nats_probe: str = field(default_factory=new_password)
