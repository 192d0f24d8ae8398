"""One check on the HTML page: how it ended, and on demand what was asked and what came back."""

from html import escape

from createflow.scenarios.reports.conformance.trouble import TROUBLE, explained
from createflow.scenarios.reports.format.one_line import one_line
from createflow.schemas.report import CheckResult, Exchange, Outcome


def check(result: CheckResult) -> str:
    """A fold, open when it failed. The element's id is the check's, so that a link can point at it."""
    return (
        f'<details id="{escape(result.id)}" class="{result.outcome.value}" data-outcome="{result.outcome.value}"'
        f' data-tier="{result.step.tier.value}" data-step="{result.step.value}"'
        f"{' open' if result.outcome is Outcome.FAILED else ''}>"
        f'<summary><span class="outcome">{result.outcome.value}</span>'
        f'<span class="id"><code>{escape(result.id)}</code> <span class="level">{result.level.value}</span></span>'
        f'<span class="time">{result.duration_ms:.0f} ms</span>'
        f'<span class="title">{escape(result.title)}</span>{_skipped(result)}</summary>'
        f'<div class="inside">{_inside(result)}</div></details>'
    )


def _skipped(result: CheckResult) -> str:
    if result.outcome is not Outcome.SKIPPED:
        return ""
    return f'<span class="title">skipped: {escape(one_line(result.reason))}</span>'


def _inside(result: CheckResult) -> str:
    lines = explained(result)[1:] if result.outcome in TROUBLE else [("source", result.source)]  # the title promises
    if result.why:
        lines = [("about", result.why), *lines]
    rows = "".join(f"<dt>{label}</dt><dd>{_text(label, text)}</dd>" for label, text in lines if text)
    exchanges = result.finding.exchanges if result.finding else ()
    trace = f"<pre>{_shown(result.traceback)}</pre>" if result.traceback else ""
    return f"<dl>{rows}</dl>{''.join(map(_exchange, exchanges))}{trace}"


def _text(label: str, text: str) -> str:
    return f"<pre>{escape(text)}</pre>" if label == "curl" else escape(text)


def _exchange(exchange: Exchange) -> str:
    asked = f"{exchange.method} {exchange.url}\n{_headers(exchange.request_headers)}\n{exchange.request_body}"
    if exchange.status is None:
        came = exchange.error
    else:
        came = f"{exchange.status}\n{_headers(exchange.response_headers)}\n{exchange.response_body}"
    return (
        f'<div class="exchange"><div><h3>request</h3><pre>{_shown(asked)}</pre></div>'
        f"<div><h3>reply after {exchange.elapsed_ms:.0f} ms</h3><pre>{_shown(came)}</pre></div></div>"
    )


def _headers(headers: dict[str, str]) -> str:
    return "".join(f"{one_line(name)}: {one_line(value)}\n" for name, value in headers.items())


def _shown(text: str) -> str:
    """Lines stay lines; whatever else does not print is shown as its escape."""
    return escape("\n".join(one_line(line) for line in text.split("\n")))
