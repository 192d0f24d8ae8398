"""Workflow commands of GitHub Actions: lines on a job's output that become annotations."""


def annotation(level: str, message: str, *, title: str, location: tuple[str, int] | None = None) -> str:
    """One command. Nothing in the texts can end it or begin another one.

    Args:
        level: ``error`` or ``warning``.
        message: may have several lines.
        title: the heading of the annotation.
        location: file, and line counted from 1.
    """
    place = "" if location is None else f"file={_property(location[0])},line={location[1]},"
    return f"::{level} {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
