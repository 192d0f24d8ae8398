"""What the search for the highest rate found."""

from enum import StrEnum

from pydantic import ConfigDict

from createflow.schemas.report import Model


class KneeStep(Model):
    """One measurement of the search."""

    rate_per_s: float
    """Offered."""
    hold_s: float
    held: bool
    valid: bool = True
    """False: it says nothing of the target."""
    generator_limited: bool = False
    """Because the generator was too slow."""
    accepted_per_s: float = 0.0
    p99_ms: float = 0.0
    confirmation: bool = False
    """Part of the last, longer run at the rate that was found."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Bound(StrEnum):
    """What the rate that was found is."""

    HIGHEST = "highest"
    """A little more fails."""
    AT_LEAST = "at_least"
    """More could not be measured."""
    NONE = "none"
    """Nothing was held."""


class Knee(Model):
    """The highest rate at which the targets are held."""

    bound: Bound
    rate_per_s: float = 0.0
    reason: str = ""
    """Why it is not the highest, or why there is none."""
    steps: tuple[KneeStep, ...] = ()

    @property
    def answer(self) -> str:
        """In words: ``300/s``, ``>= 300/s (generator-limited)``, ``none: even 50/s failed``."""
        if self.bound is Bound.NONE:
            return f"none: {self.reason}"
        if self.bound is Bound.AT_LEAST:
            return f">= {self.rate_per_s:g}/s ({self.reason})"
        return f"{self.rate_per_s:g}/s"
