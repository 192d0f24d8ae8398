"""Pushing the metrics to an OpenTelemetry collector, set up by the variables that its specification names."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from createflow import __version__
from createflow.scenarios.load_metrics.measure import MEASURES, Measure
from createflow.scenarios.load_metrics.seen import Seen

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
    with _silent_logs():
        exporter = metric_exporter.OTLPMetricExporter(timeout=_PATIENCE_MS / 1000)
        failures = _counting_failures(exporter)
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
    if failures:
        tell(f"OTLP: {len(failures)} pushes failed; the collector lacks those metrics")


def _register(meter: Any, measure: Measure, seen: Callable[[], Seen]) -> None:
    from opentelemetry.metrics import CallbackOptions, Observation

    def observe(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, labels) for labels, value in measure.read(seen())]

    make = meter.create_observable_counter if measure.kind == "counter" else meter.create_observable_gauge
    make(measure.name, [observe], unit=measure.unit, description=measure.told)


def _counting_failures(exporter: Any) -> list[object]:
    """Have each push that fails noted: the library says it in its log alone, and would say it into the live view."""
    failures: list[object] = []
    export = exporter.export

    def counted(*arguments: Any, **options: Any) -> Any:
        result = export(*arguments, **options)
        if result.name != "SUCCESS":
            failures.append(result)
        return result

    exporter.export = counted
    return failures


@contextmanager
def _silent_logs() -> Iterator[None]:
    log = logging.getLogger("opentelemetry")
    before, nowhere = log.propagate, logging.NullHandler()
    log.propagate = False
    log.addHandler(nowhere)
    try:
        yield
    finally:
        log.propagate = before
        log.removeHandler(nowhere)
