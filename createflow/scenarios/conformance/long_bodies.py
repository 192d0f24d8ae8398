"""The bodies that a report shows only in part, kept whole until the findings are known."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from createflow.scenarios.target.exchange_record import SHOWN_CHARACTERS
from createflow.scenarios.target.traffic.observed import Observed
from createflow.scenarios.target.traffic.traffic import Traffic
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.report import RunReport

_MOST_BYTES = 64 * 1024 * 1024


class LongBody(NamedTuple):
    """One body of an exchange that a finding shows."""

    name: str
    """``CHECK.TRACE.request`` or ``.response``: the id of the check, and the trace id of the exchange."""
    content: bytes
    """Whole, with secrets masked."""


class LongBodies:
    """The long bodies of the last exchanges of a run, up to 64 MiB in all.

    Each is known by the trace id of its exchange.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()
        self._kept_bytes = 0
        self._mask = Mask()

    def watch(self, traffic: Traffic, mask: Mask) -> None:
        """Keep what is exchanged from now on.

        Args:
            traffic: of the run.
            mask: knows the secrets of the run.
        """
        self._mask = mask
        traffic.watch(self._keep)

    def of(self, report: RunReport) -> Iterator[LongBody]:
        """Those that the findings of a report show in part."""
        for result in report.results:
            for exchange in result.finding.exchanges if result.finding is not None else ():
                bodies = self._kept.get(exchange.trace_id, (b"", b""))
                for kind, content in zip(("request", "response"), bodies, strict=True):
                    if len(content) > SHOWN_CHARACTERS:
                        yield LongBody(f"{result.id}.{exchange.trace_id}.{kind}", self._masked(content))

    def _keep(self, seen: Observed) -> None:
        trace_id = seen.exchange.trace_id
        if not trace_id or max(len(seen.content), len(seen.body)) <= SHOWN_CHARACTERS:
            return
        self._kept_bytes -= sum(map(len, self._kept.pop(trace_id, (b"", b""))))
        self._kept[trace_id] = (seen.content, seen.body)
        self._kept_bytes += len(seen.content) + len(seen.body)
        while self._kept_bytes > _MOST_BYTES:
            self._kept_bytes -= sum(map(len, self._kept.popitem(last=False)[1]))

    def _masked(self, content: bytes) -> bytes:
        return self._mask.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
