"""What is wrong with a profile: every error at once, each with its line and a hint."""

from dataclasses import dataclass
from pathlib import Path

from createflow.schemas.error import UserError


@dataclass(frozen=True, slots=True)
class ProfileMistake:
    """One mistake. ``line`` is 0 when the mistake is about something that is not there."""

    line: int
    key: str
    reason: str
    hint: str = ""

    def told(self, path: Path) -> str:
        """One line: where, what, and what to do."""
        place = f"{path}:{self.line}" if self.line else str(path)
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}{self.reason}{f' ({self.hint})' if self.hint else ''}"


class ProfileError(UserError):
    """A profile that cannot be used. The message lists every mistake, in the order of the file."""

    def __init__(self, path: Path, mistakes: list[ProfileMistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line)
        count = len(mistakes)
        lines = "\n".join(f"  {mistake.told(path)}" for mistake in self.mistakes)
        super().__init__(
            f"the profile has {count} mistake{'s' if count != 1 else ''}\n{lines}",
            hint="every key: docs/profile.md; `createflow init` writes a commented profile",
        )
