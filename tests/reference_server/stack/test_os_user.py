"""OsUser: whether PostgreSQL's user can get where it must."""

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from createflow.reference_server.stack.os_user import (
    OsUser,
    can_enter,
    copy_for,
    reachable_directory,
    unprivileged_user,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def nobody() -> OsUser:
    """A user that owns no files here."""
    entry = pwd.getpwnam("nobody")
    return OsUser(entry.pw_uid, entry.pw_gid, "nobody")


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A directory that every user may enter, also if pytest made its parents private."""
    for path in (tmp_path, *tmp_path.parents):
        if path == Path(tempfile.gettempdir()):
            return tmp_path
        path.chmod(0o711)
    return tmp_path


def test_an_ordinary_user_stays_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root needs another user."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged_user() is None


def test_one_closed_directory_on_the_way_is_enough(open_path: Path, nobody: OsUser) -> None:
    """For example root's home."""
    inner = open_path / "closed" / "inner"
    inner.mkdir(parents=True)
    assert can_enter(inner, nobody)
    inner.parent.chmod(0o700)
    assert can_enter(inner, nobody) is False


@as_root
def test_a_place_inside_a_closed_directory_becomes_a_link_to_an_open_one(open_path: Path, nobody: OsUser) -> None:
    """It belongs to the user, and still has its name in the state directory."""
    closed = open_path / "closed"
    closed.mkdir(mode=0o700)
    place = reachable_directory(closed, "data", nobody)
    try:
        assert (closed / "data").resolve() == place
        assert can_enter(place, nobody)
        assert place.stat().st_uid == nobody.uid
    finally:
        place.rmdir()


@as_root
def test_a_copy_belongs_to_the_user_all_the_way_down(tmp_path: Path, nobody: OsUser) -> None:
    """Programs and libraries, links kept as links."""
    source = tmp_path / "wheel"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "program").write_text("#!/bin/sh\n")
    (source / "bin" / "link").symlink_to("program")
    copy_for(nobody, source, tmp_path / "copy")
    made = [tmp_path / "copy", tmp_path / "copy" / "bin", tmp_path / "copy" / "bin" / "program"]
    assert {path.stat().st_uid for path in made} == {nobody.uid}
    assert (tmp_path / "copy" / "bin" / "link").is_symlink()
