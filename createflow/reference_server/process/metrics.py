"""What /metrics shows. Each process object has its own registry, so one test can have several processes."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from createflow.reference_server.domain.adaptive_limit import AdaptiveLimit
from createflow.reference_server.domain.circuit_breaker import CircuitBreaker
from createflow.reference_server.process.log import OUTPUT
from createflow.schemas.flow import Step

_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counters and histograms of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._steps = Histogram(
            "step_seconds", "Time of one step of the flow.", ["step"], buckets=_BUCKETS_S, registry=self.registry
        )
        self.requests = Counter("requests", "Answered requests.", ["op", "status"], registry=self.registry)
        self.degraded = Counter("degraded", "Requests served without a dependency.", ["what"], registry=self.registry)
        self.breaker_open = Gauge("breaker_open", "1 while the breaker is open.", ["kind"], registry=self.registry)
        self.breaker_opened = Gauge(
            "breaker_opened", "How often the breaker has opened.", ["kind"], registry=self.registry
        )
        self.in_flight_limit = Gauge(
            "in_flight_limit", "Requests that may be under way at a time.", registry=self.registry
        )
        self.overload_refused = Gauge(
            "overload_refused", "Requests that the gateway itself refused for overload.", registry=self.registry
        )
        self.relayed = Counter("outbox_relayed", "Events acknowledged by the stream.", registry=self.registry)
        self.outbox_lag_s = Gauge(
            "outbox_lag_seconds", "Age of the oldest event that is not published.", registry=self.registry
        )
        self.forgotten = Counter(
            "retention_forgotten", "Rows deleted because of their age.", ["what"], registry=self.registry
        )
        self.indexed = Counter("indexed", "Events applied to the search index.", registry=self.registry)
        self.index_lag_s = Gauge(
            "index_lag_seconds", "Age of the oldest event that the index has refused.", registry=self.registry
        )
        self.ready = Gauge(
            "ready", "1 while this is as it must be: what /readyz says.", ["check"], registry=self.registry
        )
        lost = Gauge("log_lines_lost", "Lines of the log that could not be written.", registry=self.registry)
        lost.set_function(lambda: float(OUTPUT.lost))
        self.cache_pending = Gauge("cache_pending", "Copies the cache still lacks.", registry=self.registry)

    def step_observer(self, step: Step) -> Callable[[float], None]:
        """Return the function that records how many seconds the step took."""
        return self._steps.labels(step=str(step)).observe

    def watch_breaker(self, kind: str, breaker: CircuitBreaker) -> None:
        """Show a breaker's state as it is when /metrics is read."""
        self.breaker_open.labels(kind=kind).set_function(lambda: float(breaker.is_open))
        self.breaker_opened.labels(kind=kind).set_function(lambda: float(breaker.opened))

    def watch_limit(self, limit: AdaptiveLimit) -> None:
        """Show how many requests may be under way, as it is when /metrics is read."""
        self.in_flight_limit.set_function(lambda: float(limit.limit))
        self.overload_refused.set_function(lambda: float(limit.refused))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
