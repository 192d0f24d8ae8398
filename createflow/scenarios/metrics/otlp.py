"""Pushing the metrics to an OpenTelemetry collector, set up by the variables that its specification names."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from createflow import __version__
from createflow.scenarios.metrics.measure import MEASURES, Measure
from createflow.scenarios.metrics.seen import Seen

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
_INTERVAL_MS = 5000.0
"""The specification's minute would show nothing of a load of half a minute."""
_PATIENCE_MS = 5000
"""For the last push; a collector that is away must not hold up the report."""


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a collector for metrics."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    off = off or environment.get("OTEL_METRICS_EXPORTER", "otlp") != "otlp"
    return not off and any(environment.get(name) for name in _ENDPOINTS)


@contextmanager
def pushed(environment: Mapping[str, str], seen: Callable[[], Seen], tell: Callable[[str], None]) -> Iterator[None]:
    """Push every few seconds, and once at the end. What cannot be pushed is told and costs nothing else."""
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        tell(f"OTLP: {protocol} is not spoken here, only http/protobuf; nothing is exported")
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http import metric_exporter
        from opentelemetry.sdk import metrics, resources
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    except ImportError:
        tell("OTLP: an endpoint is set, but nothing is exported: pip install 'createflow[otlp]'")
        yield
        return
    interval_ms = None if environment.get(_INTERVAL) else _INTERVAL_MS
    _silence_logs()
    exporter = metric_exporter.OTLPMetricExporter(timeout=_PATIENCE_MS / 1000)
    pushes = _counted(exporter)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=interval_ms)
    name = environment.get("OTEL_SERVICE_NAME") or "createflow"
    provider = metrics.MeterProvider(
        [reader], resource=resources.Resource.create({"service.name": name}), shutdown_on_exit=False
    )
    meter = provider.get_meter("createflow", __version__)
    for measure in MEASURES:
        _register(meter, measure, seen)
    try:
        yield
    finally:
        provider.shutdown(timeout_millis=_PATIENCE_MS)
    if lost := pushes["begun"] - pushes["arrived"]:
        tell(f"OTLP: {lost} of {pushes['begun']} pushes did not arrive; the collector lacks those metrics")


def _register(meter: Any, measure: Measure, seen: Callable[[], Seen]) -> None:
    from opentelemetry.metrics import CallbackOptions, Observation

    def observe(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, labels) for labels, value in measure.read(seen())]

    make = meter.create_observable_counter if measure.kind == "counter" else meter.create_observable_gauge
    make(measure.name, [observe], unit=measure.unit, description=measure.told)


def _counted(exporter: Any) -> Counter[str]:
    """Count what is pushed and what arrives: the library says it in its log alone."""
    pushes = Counter[str]()
    export = exporter.export

    def counted(*arguments: Any, **options: Any) -> Any:
        pushes["begun"] += 1
        result = export(*arguments, **options)
        pushes["arrived"] += result.name == "SUCCESS"
        return result

    exporter.export = counted
    return pushes


def _silence_logs() -> None:
    """For good: a push that is given up goes on in its thread, and would complain into the report."""
    log = logging.getLogger("opentelemetry")
    log.propagate = False
    log.addHandler(logging.NullHandler())
