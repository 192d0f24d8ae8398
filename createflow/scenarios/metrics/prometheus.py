"""The Prometheus scrape endpoint: a thread that reads the latest snapshot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from createflow.scenarios.metrics.run_metrics import METRICS, MetricDefinition, RunSnapshot
from createflow.schemas.error import UserError

_UNITS = {"s": "_seconds", "1": "_ratio", "{write}/s": "_per_second"}


@contextmanager
def scrape_endpoint(host: str, port: int, snapshot: Callable[[], RunSnapshot]) -> Iterator[str]:
    """Serve the metrics until the context ends. Yields the URL.

    Raises:
        UserError: the address is in use, or does not belong to this machine.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_RunCollector(snapshot))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UserError(
            f"--prometheus {host}:{port}: cannot listen: {error.strerror}",
            hint="choose another port; 0 takes a free one",
        ) from None
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _RunCollector(Collector):
    def __init__(self, snapshot: Callable[[], RunSnapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot()
        for metric in METRICS:
            yield _family(metric, snapshot)


def _family(definition: MetricDefinition, snapshot: RunSnapshot) -> Metric:
    name = definition.name.replace(".", "_") + _UNITS.get(definition.unit, "")
    if definition.kind == "counter":
        counter = CounterMetricFamily(name, definition.description)
        for labels, value in definition.read(snapshot):
            counter.add_sample(f"{name}_total", labels, value)
        return counter
    metric = Metric(name, definition.description, definition.kind)
    for labels, value in definition.read(snapshot):
        metric.add_sample(name, labels, value)
    if definition.kind == "summary" and snapshot.progress is not None:
        metric.add_sample(f"{name}_count", {}, sum(snapshot.progress.statuses.values()))
    return metric
