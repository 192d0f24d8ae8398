"""What has been seen of a run so far: never changed, only replaced, so that other threads may read it any time."""

from dataclasses import dataclass, replace

from createflow.scenarios.load.fleet.progress import Progress
from createflow.schemas.load_report import LoadReport


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest look, and the sums of all seconds before it."""

    progress: Progress | None = None
    report: LoadReport | None = None
    """The finished report, at the end."""
    until_s: float = -1.0
    """Where the last second begins that is in the sums."""
    offered: int = 0
    sent: int = 0

    def after(self, progress: Progress) -> "Seen":
        """With one look more. A second is counted once, however often it is looked at."""
        fresh = [moment for moment in progress.history if moment.t_s > self.until_s]
        return replace(
            self,
            progress=progress,
            until_s=max((moment.t_s for moment in fresh), default=self.until_s),
            offered=self.offered + sum(moment.offered for moment in fresh),
            sent=self.sent + sum(moment.sent for moment in fresh),
        )

    def finished(self, report: LoadReport) -> "Seen":
        """With what the run came to."""
        return replace(self, report=report)
