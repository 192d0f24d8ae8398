"""All exporters of a run behind one object: fed with what the live view is fed with."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from createflow.scenarios.load.fleet.progress import Progress
from createflow.scenarios.metrics import otlp
from createflow.scenarios.metrics.prometheus import scrape_endpoint
from createflow.scenarios.metrics.seen import Seen
from createflow.schemas.load_report import LoadReport


class Exporters:
    """A context manager: entered before the load, left after its report is there.

    Args:
        prometheus: where to serve a scrape endpoint, if anywhere.
        environment: may name a collector for OTLP.
        tell: takes what a user should know, a line at a time.

    Raises:
        UserError: on entering, when the address cannot be listened on.
    """

    def __init__(
        self, *, prometheus: tuple[str, int] | None, environment: Mapping[str, str], tell: Callable[[str], None]
    ) -> None:
        self._prometheus = prometheus
        self._environment = environment
        self._tell = tell
        self._seen = Seen()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._prometheus is not None:
                url = stack.enter_context(scrape_endpoint(*self._prometheus, lambda: self._seen))
                self._tell(f"metrics: {url}")
            if otlp.wanted(self._environment):
                stack.enter_context(otlp.pushed(self._environment, lambda: self._seen, self._tell))
            self._stack = stack.pop_all()
        return self

    def show(self, progress: Progress) -> None:
        """One look at the run; costs microseconds, whoever reads."""
        self._seen = self._seen.after(progress)

    def finish(self, report: LoadReport) -> None:
        """What it came to: for the last scrape and the last push."""
        self._seen = self._seen.finished(report)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
