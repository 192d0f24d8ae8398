"""The scrape endpoint, scraped over HTTP and read with the parser of Prometheus' own library."""

import asyncio
import socket
import threading

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from createflow.scenarios.metrics.prometheus import scrape_endpoint
from createflow.scenarios.metrics.run_metrics import RunSnapshot
from createflow.schemas.error import UserError
from tests.scenarios.metrics.made_progress import moment, progress
from tests.scenarios.reports.hostile import NASTY
from tests.scenarios.reports.load.made_load_report import verified

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _scraped(url: str) -> Samples:
    text = httpx.get(url, trust_env=False).raise_for_status().text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_shows_the_latest_snapshot() -> None:
    """Base units, counters that end in _total, quantiles of the run, sinks by name, one phase."""
    snapshot = RunSnapshot()
    with scrape_endpoint("127.0.0.1", 0, lambda: snapshot) as url:
        assert _scraped(url)["createflow_arrivals_total", ()] == 0
        snapshot = snapshot.after(progress(moment(0.0), moment(1.0)))
        found = _scraped(url)
        snapshot = snapshot.finished(verified())
        ended = _scraped(url)
    assert url.startswith("http://127.0.0.1:")
    for name, labels, value in (
        ("createflow_arrivals_total", {}, 1000),
        ("createflow_requests_sent_total", {}, 980),
        ("createflow_replies_total", {"status": "503"}, 100),
        ("createflow_response_seconds", {"quantile": "0.99"}, 0.061),
        ("createflow_response_seconds_count", {}, 9100),
        ("createflow_response_last_second_seconds", {"quantile": "1"}, 0.09),
        ("createflow_service_last_second_seconds", {"quantile": "0.99"}, 0.055),
        ("createflow_requests_backlog", {}, 3),
        ("createflow_worker_cpu_ratio", {}, 0.2),
        ("createflow_sink_lag_seconds", {"sink": "search"}, 0.12),
        ("createflow_sink_late", {"sink": "audit"}, 1),
        ("createflow_phase", {"phase": "measuring"}, 1),
        ("createflow_phase", {"phase": "draining"}, 0),
        ("createflow_validity", {"validity": "valid"}, 1),
    ):
        assert found[name, tuple(sorted(labels.items()))] == pytest.approx(value)
    assert ended["createflow_slo_held", (("slo", "p99<=100ms"),)] == 1
    assert ended["createflow_verified_per_second", ()] == pytest.approx(499.4)


def test_the_endpoint_is_closed_afterwards() -> None:
    """Its thread too, also when the run fails."""
    threads = threading.active_count()
    with pytest.raises(RuntimeError), scrape_endpoint("127.0.0.1", 0, RunSnapshot) as url:
        raise RuntimeError
    assert threading.active_count() == threads
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_a_sink_name_is_escaped() -> None:
    """It stays inside its label."""
    snapshot = RunSnapshot().after(progress(moment(0.0, sink_lag_ms={NASTY.replace("\ud7ff", ""): 5.0})))
    with scrape_endpoint("127.0.0.1", 0, lambda: snapshot) as url:
        names = {name for name, _ in _scraped(url)}
    assert all(name.startswith("createflow_") for name in names)


def test_scraping_does_not_stop_the_event_loop() -> None:
    """The endpoint is served while a coroutine runs in the same process."""

    async def scrape() -> Samples:
        with scrape_endpoint("127.0.0.1", 0, RunSnapshot) as url:
            return await asyncio.to_thread(_scraped, url)

    assert ("createflow_arrivals_total", ()) in asyncio.run(scrape())


def test_a_port_in_use_is_an_error() -> None:
    """Before the load, with a hint."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = rf"127\.0\.0\.1:{port}: cannot listen"
        with pytest.raises(UserError, match=told), scrape_endpoint("127.0.0.1", port, RunSnapshot):
            pass
