"""The connections of a node's senders, one each, opened ahead of the load and counted."""

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.http.connection import Connection
from createflow.scenarios.load.http.deadlines import Watchdog
from createflow.scenarios.load.http.endpoint import Endpoint
from createflow.scenarios.load.http.errors import ExchangeError
from createflow.scenarios.load.plan.message import NodeConfig

_AHEAD_S = 0.05
"""As many are opened before the run as the highest rate keeps busy with replies of this length."""


class Connections:
    """Gives each sender its own."""

    def __init__(self, config: NodeConfig, connect: Histogram) -> None:
        self._connect = connect
        self._endpoint = Endpoint.of(config.base_url, ca_file=config.ca_file, timeout_s=config.timeout_s)
        self._watchdog = Watchdog()
        busy = config.senders if config.closed else int(config.schedule.peak_per_s / config.of * _AHEAD_S)
        self._ahead = 1 + busy
        self._all: list[Connection] = []
        self.opened = 0
        """During the run."""

    def one(self) -> Connection:
        """A connection for the calling sender, which is opened when it is first needed."""
        connection = Connection(self._endpoint, self._watchdog)
        self._all.append(connection)
        return connection

    def note(self, connection: Connection) -> None:
        """Enter a connection that was opened."""
        if connection.connect_s is not None:
            self.opened += 1
            self._connect.record(connection.connect_s)
            connection.connect_s = None

    def open_ahead(self) -> None:
        """Open some one after the other, those that will be used first last; a failure will show again in the run."""
        for connection in self._all[-self._ahead :]:
            try:
                connection.open()
                connection.connect_s = None
            except ExchangeError:
                return
