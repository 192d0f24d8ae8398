"""What a user asks of a load run."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """All of it, with the values that hold when nothing is said."""

    rate_per_s: float = 500.0
    """Arrivals a second over all nodes, whatever the replies do; the highest of a shape."""
    duration_s: float = 20.0
    """The measured window; the warm-up comes before it."""
    warmup_s: float = 2.0
    """In no number."""
    shape: str = "constant"
    """See ``shapes.stages_of``."""
    poisson: bool = False
    """Arrivals are random, at the shape's rate on average."""
    seed: int | None = None
    """Of everything random; a fresh one unless given."""
    mix: str = "create=1"
    """See ``mix.mix_of``."""
    data: Path | None = None
    """A file of documents that bodies are made from."""
    users: int | None = None
    """Distinct principals; 100 unless asked, more when their rate limit needs it."""
    workers: int = 1
    """Load nodes, a process each."""
    senders: int | None = None
    """The most requests in flight; enough for replies of half a second unless asked."""
    drop: bool = False
    """What finds no free sender is dropped, instead of waiting."""
    targets: tuple[str, ...] = ()
    """Expressions to judge by; the profile's unless given."""
    verify: bool = True
    """Hold every create against every declared sink afterwards, and sample consistency meanwhile."""
    clean_up: bool = False
    """Take away what the run created."""
    master: tuple[str, int] | None = None
    """Where workers of other machines join; on this machine alone unless given."""
    web_port: int | None = None
    """Where Locust's web page is shown."""
