"""Who sends a request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A subject with a token, or nobody (both ``None``)."""

    subject: str | None
    """What the target should call them; ``None`` when the token does not say."""
    token: str | None
    scheme: str = "Bearer"

    def holding(self, token: str) -> "Principal":
        """The same subject with another token: a request that differs in nothing else."""
        return Principal(self.subject, token, self.scheme)


ANONYMOUS = Principal(None, None)
