"""All exporters of a run as one context manager, fed with the same progress as the live view."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from createflow.scenarios.load.fleet.progress import Progress
from createflow.scenarios.metrics import otlp
from createflow.scenarios.metrics.prometheus import scrape_endpoint
from createflow.scenarios.metrics.run_metrics import RunSnapshot
from createflow.schemas.load_report import LoadReport


class Exporters:
    """The exporters. Enter before the load, and exit after its report is finished.

    Args:
        prometheus: host and port of the scrape endpoint. None: no endpoint.
        environment: its OTEL variables may name a collector.
        on_message: called with messages for the user.

    Raises:
        UserError: on entering, if the address cannot be listened on.
    """

    def __init__(
        self, *, prometheus: tuple[str, int] | None, environment: Mapping[str, str], on_message: Callable[[str], None]
    ) -> None:
        self._prometheus = prometheus
        self._environment = environment
        self._on_message = on_message
        self._snapshot = RunSnapshot()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._prometheus is not None:
                url = stack.enter_context(scrape_endpoint(*self._prometheus, lambda: self._snapshot))
                self._on_message(f"metrics: {url}")
            if otlp.is_configured(self._environment):
                stack.enter_context(otlp.push_metrics(self._environment, lambda: self._snapshot, self._on_message))
            self._stack = stack.pop_all()
        return self

    def show(self, progress: Progress) -> None:
        """Take in new progress. This takes microseconds."""
        self._snapshot = self._snapshot.after(progress)

    def finish(self, report: LoadReport) -> None:
        """Take in the finished report, for the last scrape and the last push."""
        self._snapshot = self._snapshot.finished(report)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
