"""Bodies that a report shows only in part."""

import pytest

from createflow.scenarios.conformance import long_bodies
from createflow.scenarios.conformance.long_bodies import LongBodies
from createflow.scenarios.target.traffic.traffic import Traffic
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.report import Exchange, Finding, Outcome, RunReport
from tests.scenarios.reports.conformance.made_report import report, result

LONG = b"x" * 5000


def kept(*sizes: int) -> tuple[LongBodies, list[Exchange]]:
    """The bodies after exchanges whose replies have these sizes."""
    traffic, bodies = Traffic(None, 1.0), LongBodies()
    bodies.watch(traffic, Mask())
    exchanges = []
    for number, size in enumerate(sizes):
        exchange = Exchange(method="POST", url="http://h/", trace_id=str(number))
        traffic.end(
            traffic.begin(""),
            exchange,
            url="http://h/",
            request_headers={},
            content=LONG,
            status=201,
            headers=(),
            body=b"y" * size,
        )
        exchanges.append(exchange)
    return bodies, exchanges


def failed(*exchanges: Exchange) -> RunReport:
    """A report with one finding that shows these."""
    finding = Finding(promised="p", expected="e", seen="s", source="contract: x", exchanges=exchanges)
    return report(result("b", Outcome.FAILED).model_copy(update={"finding": finding}))


def test_the_long_ones_of_findings_are_given_whole() -> None:
    """Of both directions; what a report shows whole is left out, and so is what no finding shows."""
    bodies, (short, long, _) = kept(10, 6000, 6000)
    found = dict(bodies.of(failed(short, long)))
    assert {name: len(content) for name, content in found.items()} == {
        "auth_check.b.0.request": 5000,
        "auth_check.b.1.request": 5000,
        "auth_check.b.1.response": 6000,
    }


def test_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have a bound in all."""
    monkeypatch.setattr(long_bodies, "_MOST_BYTES", 25_000)
    bodies, exchanges = kept(5000, 5000, 5000)
    assert [name for name, _ in bodies.of(failed(*exchanges))] == [
        "auth_check.b.1.request",
        "auth_check.b.1.response",
        "auth_check.b.2.request",
        "auth_check.b.2.response",
    ]


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    """A mask works on text."""
    traffic, bodies, mask = Traffic(None, 1.0), LongBodies(), Mask()
    mask.add("secret-word", shown="$TOKEN")
    bodies.watch(traffic, mask)
    exchange = Exchange(method="POST", url="http://h/", trace_id="t")
    whole = bytes(range(256)) * 40 + b"secret-word"
    parts = {"url": "http://h/", "request_headers": {}, "status": 201, "headers": ()}
    traffic.end(traffic.begin(""), exchange, content=b"", body=whole, **parts)
    assert dict(bodies.of(failed(exchange))) == {"auth_check.b.t.response": whole.replace(b"secret-word", b"$TOKEN")}
