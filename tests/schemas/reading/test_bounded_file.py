"""Files are read up to a size, and only if they are regular ones."""

import os
from pathlib import Path

import pytest

from createflow.schemas.error import UserError
from createflow.schemas.reading.bounded_file import read_bounded


def test_a_file_is_read_up_to_the_bound(tmp_path: Path) -> None:
    """Of exactly this size it is read; one byte more is refused."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(UserError, match="larger than 4 bytes"):
        read_bounded(file, 4)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device", "missing", "NUL in the name"])
def test_what_is_not_a_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    """Nothing waits for a writer, and nothing endless is read."""
    file = tmp_path / "file"
    reason = "it is not a regular file"
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file = Path("/dev/zero")
        case "folder":
            file, reason = tmp_path, "it is a directory"
        case "link to a device":
            file.symlink_to("/dev/zero")
        case "missing":
            reason = "no such file"
        case _:
            file, reason = tmp_path / "a\0b", "not the name of a file"
    with pytest.raises(UserError, match=reason):
        read_bounded(file, 5)
