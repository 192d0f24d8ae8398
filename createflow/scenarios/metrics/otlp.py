"""Pushes the metrics to an OpenTelemetry collector, configured by the standard OTEL environment variables."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from createflow import __version__
from createflow.scenarios.metrics.run_metrics import METRICS, MetricDefinition, RunSnapshot

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
_INTERVAL_MS = 5000.0
"""The default of the specification, a minute, is longer than most loads."""
_SHUTDOWN_TIMEOUT_MS = 5000
"""For the last push: a collector that does not answer must not delay the report."""


def is_configured(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a collector for metrics."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    is_off = is_off or environment.get("OTEL_METRICS_EXPORTER", "otlp") != "otlp"
    return not is_off and any(environment.get(name) for name in _ENDPOINTS)


@contextmanager
def push_metrics(
    environment: Mapping[str, str], snapshot: Callable[[], RunSnapshot], on_message: Callable[[str], None]
) -> Iterator[None]:
    """Push every few seconds and once at the end. Failed pushes are reported at the end and change nothing else."""
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        on_message(f"OTLP: the protocol {protocol} is not supported, only http/protobuf. No metrics are exported")
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http import metric_exporter
        from opentelemetry.sdk import metrics, resources
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    except ImportError:
        on_message("OTLP: an endpoint is set, but no metrics are exported: pip install 'createflow[otlp]'")
        yield
        return
    interval_ms = None if environment.get(_INTERVAL) else _INTERVAL_MS
    _silence_logs()
    exporter = metric_exporter.OTLPMetricExporter(timeout=_SHUTDOWN_TIMEOUT_MS / 1000)
    pushes = _count_pushes(exporter)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=interval_ms)
    name = environment.get("OTEL_SERVICE_NAME") or "createflow"
    provider = metrics.MeterProvider(
        [reader], resource=resources.Resource.create({"service.name": name}), shutdown_on_exit=False
    )
    meter = provider.get_meter("createflow", __version__)
    for metric in METRICS:
        _register(meter, metric, snapshot)
    try:
        yield
    finally:
        provider.shutdown(timeout_millis=_SHUTDOWN_TIMEOUT_MS)
    if lost := pushes["begun"] - pushes["arrived"]:
        on_message(f"OTLP: {lost} of {pushes['begun']} pushes failed; the collector does not have their metrics")


def _register(meter: Any, metric: MetricDefinition, snapshot: Callable[[], RunSnapshot]) -> None:
    from opentelemetry.metrics import CallbackOptions, Observation

    def observe(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, labels) for labels, value in metric.read(snapshot())]

    make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
    make(metric.name, [observe], unit=metric.unit, description=metric.description)


def _count_pushes(exporter: Any) -> Counter[str]:
    """Count pushes and successful pushes: the library reports failures only in its log."""
    pushes = Counter[str]()
    export = exporter.export

    def counting_export(*arguments: Any, **options: Any) -> Any:
        pushes["begun"] += 1
        result = export(*arguments, **options)
        pushes["arrived"] += result.name == "SUCCESS"
        return result

    exporter.export = counting_export
    return pushes


def _silence_logs() -> None:
    """Permanently: a push that was given up continues in its thread, and would log into the report."""
    log = logging.getLogger("opentelemetry")
    log.propagate = False
    log.addHandler(logging.NullHandler())
