"""The connections of a node's senders, one each, opened ahead of the load and counted."""

from createflow.scenarios.load.histogram import Histogram
from createflow.scenarios.load.http_connection import Connection, Endpoint, ExchangeError, Watchdog
from createflow.scenarios.load.message import NodeConfig

_AHEAD_S = 0.05
"""As many are opened before the run as the highest rate keeps busy with replies of this length."""


class Connections:
    """Gives each sender its own."""

    def __init__(self, config: NodeConfig, connect: Histogram) -> None:
        self._connect = connect
        self._endpoint = Endpoint.of(config.base_url, ca_file=config.ca_file, timeout_s=config.timeout_s)
        self._watchdog = Watchdog()
        self._ahead = 1 + int(config.schedule.peak_per_s / config.of * _AHEAD_S)
        self._all: list[Connection] = []
        self._counting = False
        self.opened = 0
        """During the run."""

    def one(self) -> Connection:
        """A connection for the calling sender, which is opened when it is first needed."""
        connection = Connection(self._endpoint, self._watchdog, on_open=self.note)
        self._all.append(connection)
        return connection

    def begin_counting(self) -> None:
        """The run begins: from now on, a new connection is worth knowing of."""
        self._counting = True

    def note(self, seconds: float) -> None:
        """A connection was opened, and took this long."""
        if self._counting:
            self.opened += 1
            self._connect.record(seconds)

    def open_ahead(self) -> None:
        """Open some one after the other, those that will be used first last; a failure will show again in the run."""
        for connection in self._all[-self._ahead :]:
            try:
                connection.open()
            except ExchangeError:
                return
