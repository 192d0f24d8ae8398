"""Which target is meant."""

from pathlib import Path

import pytest

from createflow.cli.profile_source import choose_source
from createflow.schemas.error import UserError


def test_two_targets_are_refused(tmp_path: Path) -> None:
    """Neither wins in silence."""
    with pytest.raises(UserError, match="two targets"):
        choose_source(tmp_path / "p.toml", "http://127.0.0.1:1")


def test_a_url_goes_before_the_folders_profile(tmp_path: Path) -> None:
    """What is on the command line was meant."""
    (tmp_path / "createflow.toml").write_text("", encoding="utf-8")
    assert choose_source(None, "http://127.0.0.1:1", folder=tmp_path).description == "--url http://127.0.0.1:1"


def test_the_folders_profile_goes_before_the_bundled_stack(tmp_path: Path) -> None:
    """And without one, the stack is started."""
    assert choose_source(None, None, folder=tmp_path).description == "the bundled stack"
    (tmp_path / "createflow.toml").write_text("", encoding="utf-8")
    assert choose_source(None, None, folder=tmp_path).file == tmp_path / "createflow.toml"
