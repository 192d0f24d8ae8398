"""Which target is meant."""

from pathlib import Path

import pytest

from createflow.cli.profile_source import choose_source
from createflow.schemas import profile_file
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


def test_an_authority_goes_with_a_url(tmp_path: Path) -> None:
    """It must be there, and a profile has its own key."""
    (tmp_path / "ca.pem").write_text("x")
    source = choose_source(None, "https://x.example/a", ca_file=tmp_path / "ca.pem")
    assert profile_file.from_url(source.url or "", ca_file=source.ca_file).target.ca_file == str(tmp_path / "ca.pem")
    with pytest.raises(UserError, match=r"none\.pem: no such file"):
        choose_source(None, "https://x.example/a", ca_file=tmp_path / "none.pem")
    with pytest.raises(UserError, match="--url"):
        choose_source(tmp_path / "p.toml", None, ca_file=tmp_path / "ca.pem")
