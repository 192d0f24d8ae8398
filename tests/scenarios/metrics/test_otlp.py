"""Metrics pushed to a collector, which decodes them like a real one."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from createflow.scenarios.metrics import otlp
from createflow.scenarios.metrics.exporters import Exporters
from createflow.scenarios.metrics.otlp import is_configured
from tests.scenarios.metrics.made_progress import progress
from tests.scenarios.reports.load.made_load_report import verified


class Collector(HTTPServer):
    """Keeps every request."""

    status = 200

    def __init__(self) -> None:
        self.got: list[tuple[str, ExportMetricsServiceRequest]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """Decode and keep it."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, ExportMetricsServiceRequest.FromString(body)))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector in a thread."""
    with Collector() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that names the collector; the library reads it from the process."""
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return named


def _values(request: ExportMetricsServiceRequest) -> dict[tuple[str, str], float]:
    found = {}
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        for point in (*metric.sum.data_points, *metric.gauge.data_points):
            labels = ",".join(attribute.value.string_value for attribute in point.attributes)
            found[metric.name, labels] = point.as_double or float(point.as_int)
    return found


def test_a_collector_receives_the_run_and_its_results(collector: Collector, environment: dict[str, str]) -> None:
    """At the end of the run at the latest, under the name of the service."""
    told: list[str] = []
    with Exporters(prometheus=None, environment=environment, on_message=told.append) as exporters:
        exporters.show(progress())
        exporters.finish(verified())
    assert told == []
    path, request = collector.got[-1]
    assert path == "/v1/metrics"
    resource = {pair.key: pair.value.string_value for pair in request.resource_metrics[0].resource.attributes}
    assert resource["service.name"] == "createflow"
    values = _values(request)
    assert values["createflow.arrivals", ""] == 500
    assert values["createflow.replies", "201"] == 9000
    assert values["createflow.response", "0.99"] == pytest.approx(0.061)
    assert values["createflow.sink.lag", "search"] == pytest.approx(0.12)
    assert (values["createflow.sink.late", "audit"], values["createflow.sink.late", "search"]) == (1, 0)
    assert values["createflow.slo.held", "p99<=100ms"] == 1
    assert values["createflow.verified", ""] == pytest.approx(499.4)


def test_a_refusing_collector_is_reported_once(collector: Collector, environment: dict[str, str]) -> None:
    """The run goes on."""
    collector.status = 400
    told: list[str] = []
    with Exporters(prometheus=None, environment=environment, on_message=told.append) as exporters:
        exporters.show(progress())
    assert told == ["OTLP: 1 of 1 pushes failed; the collector does not have their metrics"]


def test_a_silent_collector_delays_the_end_by_its_timeout_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is then given up and reported."""
    monkeypatch.setattr(otlp, "_SHUTDOWN_TIMEOUT_MS", 200)
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
        with Exporters(prometheus=None, environment=environment, on_message=told.append) as exporters:
            exporters.show(progress())
    assert told == ["OTLP: 1 of 1 pushes failed; the collector does not have their metrics"]


def test_the_library_logs_nothing(collector: Collector, environment: dict[str, str]) -> None:
    """In a process without a test's logging, only our own message appears."""
    collector.status = 400
    script = (
        "import os; from createflow.scenarios.metrics.exporters import Exporters\n"
        "with Exporters(prometheus=None, environment=os.environ, on_message=print): pass"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_without_the_extra_its_name_is_shown(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No metrics are exported, and nothing else changes."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    told: list[str] = []
    with Exporters(prometheus=None, environment=environment, on_message=told.append) as exporters:
        exporters.show(progress())
    assert told == ["OTLP: an endpoint is set, but no metrics are exported: pip install 'createflow[otlp]'"]


def test_an_unsupported_protocol_is_reported(collector: Collector, environment: dict[str, str]) -> None:
    """Nothing is sent."""
    told: list[str] = []
    asked = environment | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with Exporters(prometheus=None, environment=asked, on_message=told.append) as exporters:
        exporters.show(progress())
    assert "grpc is not supported" in told[0]
    assert collector.got == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://h/v1/metrics"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_METRICS_EXPORTER": "none"}, False),
    ],
)
def test_only_an_endpoint_enables_the_export(environment: dict[str, str], expected: bool) -> None:  # noqa: FBT001 - a parameter
    """As the specification says."""
    assert is_configured(environment) is expected


def test_exporters_open_together_or_not_at_all(environment: dict[str, str], collector: Collector) -> None:
    """If the scrape endpoint cannot be opened, nothing is pushed."""
    told: list[str] = []
    with Exporters(prometheus=("127.0.0.1", 0), environment=environment, on_message=told.append) as exporters:
        exporters.show(progress())
    assert told[0].startswith("metrics: http://127.0.0.1:")
    assert len(collector.got) == 1
