"""Floors shared among the service instances."""

from createflow.reference_server.domain.version_watermarks import Floors


def pack(resource_id: str, version: int) -> bytes:
    """The message that says: nothing below this version."""
    return f"{resource_id} {version}".encode("ascii")


def take(floors: Floors, message: bytes) -> None:
    """Believe another instance; a message that is not one is passed over."""
    resource_id, _, version = message.decode("ascii", "replace").partition(" ")
    if version.isdecimal():
        floors.raise_to(resource_id, int(version))
