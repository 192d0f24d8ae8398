"""The scrape endpoint: a thread of its own that only ever reads what was seen last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from createflow.scenarios.metrics.measure import MEASURES, Measure
from createflow.scenarios.metrics.seen import Seen
from createflow.schemas.error import UserError

_UNITS = {"s": "_seconds", "1": "_ratio", "{write}/s": "_per_second"}


@contextmanager
def scrape_endpoint(host: str, port: int, seen: Callable[[], Seen]) -> Iterator[str]:
    """Serve the metrics until the end. Gives the URL.

    Raises:
        UserError: the address is taken, or not ours.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Run(seen))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        told = f"--prometheus {host}:{port}: cannot listen: {error.strerror}"
        raise UserError(told, hint="choose another port; 0 takes any that is free") from None
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Run(Collector):
    def __init__(self, seen: Callable[[], Seen]) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        seen = self._seen()
        for measure in MEASURES:
            yield _family(measure, seen)


def _family(measure: Measure, seen: Seen) -> Metric:
    name = measure.name.replace(".", "_") + _UNITS.get(measure.unit, "")
    if measure.kind == "counter":
        counter = CounterMetricFamily(name, measure.told)
        for labels, value in measure.read(seen):
            counter.add_sample(f"{name}_total", labels, value)
        return counter
    metric = Metric(name, measure.told, measure.kind)
    for labels, value in measure.read(seen):
        metric.add_sample(name, labels, value)
    if measure.kind == "summary" and seen.progress is not None:
        metric.add_sample(f"{name}_count", {}, sum(seen.progress.statuses.values()))
    return metric
