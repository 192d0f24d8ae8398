"""The lines of a profile's sections in its file, for reports that link to them."""

import os
from pathlib import Path

from createflow.schemas.profile import Profile
from createflow.schemas.reading.toml_positions import TomlPositions
from createflow.schemas.report import ProfilePlace


def place_of(file: Path, profile: Profile, *, project: Path) -> ProfilePlace:
    """The file, and the line of each section that it has.

    Args:
        file: the profile, as it was read.
        profile: as it was loaded.
        project: the directory that the file's path is relative to, when the file is inside it.
    """
    prefix: tuple[str, ...] = ("tool", "createflow") if file.name == "pyproject.toml" else ()
    positions = TomlPositions(file.read_text(encoding="utf-8-sig"))
    tables = ["target", "auth", *(["limits"] if profile.limits else [])]
    tables += [f"sinks.{name}" for name in type(profile.sinks).model_fields if getattr(profile.sinks, name)]
    places = {table: positions.line_of((*prefix, *table.split("."))) for table in tables}
    for number, entry in enumerate(profile.baseline):
        places[f"baseline.{entry.id}"] = positions.line_of((*prefix, "baseline", number))
    return ProfilePlace(file=_relative(file, project), lines={table: line for table, line in places.items() if line})


def _relative(file: Path, project: Path) -> str:
    relative = os.path.relpath(file.absolute(), project.absolute())
    return file.name if relative.startswith("..") else Path(relative).as_posix()
