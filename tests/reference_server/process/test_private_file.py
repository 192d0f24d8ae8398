"""Files with secrets are readable by their owner alone, from the first byte on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from createflow.reference_server.process.private_file import open_private, write_private


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the shell or the service manager set."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_file_is_private_before_anything_is_written(tmp_path: Path) -> None:
    """Whatever the umask."""
    file = tmp_path / "secret"
    descriptor = open_private(file)
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    os.close(descriptor)
    assert write_private(file, "s3cret") == file
    assert (file.read_text(), oct(file.stat().st_mode & 0o777)) == ("s3cret", "0o600")


def test_an_old_file_loses_its_permissions_and_its_content_first(tmp_path: Path) -> None:
    """Somebody may have made it before us."""
    file = tmp_path / "secret"
    file.write_text("much longer than the new text")
    file.chmod(0o666)
    descriptor = open_private(file)
    assert (file.stat().st_size, oct(file.stat().st_mode & 0o777)) == (0, "0o600")
    os.close(descriptor)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """The directory may belong to the engine's user, who must not choose what is overwritten."""
    other = tmp_path / "other"
    other.write_text("kept")
    (tmp_path / "secret").symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"):
        write_private(tmp_path / "secret", "s3cret")
    assert other.read_text() == "kept"
