"""State: one stack a directory, other files are not touched, secrets are private."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from createflow.reference_server.stack.state import State
from createflow.schemas.error import UserError


def test_a_second_stack_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    """The hint says how to test the first one."""
    first, second = State(tmp_path / "state"), State(tmp_path / "state")
    first.open()
    with pytest.raises(UserError, match="another createflow up") as caught:
        second.open()
    assert str(first.profile_file) in caught.value.hint
    first.close(remove=False)
    second.open()
    second.close(remove=True)
    assert not (tmp_path / "state").exists()


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    """A mistyped --state must not delete the user's files."""
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(UserError, match=r"thesis\.txt"):
        State(tmp_path).open()
    assert (tmp_path / "thesis.txt").read_text() == "years"


def test_what_an_earlier_stack_left_is_taken_away(tmp_path: Path) -> None:
    """Also data outside the directory, behind a link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "state"
    state = State(root)
    state.open()
    (state.run / "data").symlink_to(outside)
    state.close(remove=False)
    state.open()
    assert list(state.run.iterdir()) == []
    assert not outside.exists()
    state.close(remove=True)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before PostgreSQL fails in the middle of its start."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    with pytest.raises(UserError, match="has 3 MiB left"):
        State(tmp_path / "state").open()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """For example because there is a file of that name."""
    (tmp_path / "state").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        State(tmp_path / "state").open()


def test_secrets_are_private_from_the_first_byte(tmp_path: Path) -> None:
    """Mode 0600, also when the file existed before."""
    state = State(tmp_path / "state")
    state.open()
    assert state.write_secret(state.keys / "key", "s3cret").stat().st_mode & 0o777 == 0o600
    assert state.keys.stat().st_mode & 0o777 == 0o700
    state.close(remove=True)
