"""Secrets that a profile names are known before anything is sent."""

from pathlib import Path

from createflow.scenarios.text.declared_secrets import declared_secrets
from createflow.schemas.profile import BasicAuth, JwtAuth, NoAuth, StaticAuth


def test_every_token_of_the_environment_is_known_by_its_variable() -> None:
    """What is not set is nothing to hide."""
    auth = StaticAuth(kind="static", writer_env="W", reader_env="R", expired_env="E")
    environment = {"W": "token-w", "R": "token-r"}
    assert dict(declared_secrets(auth, environment)) == {"token-w": "$W", "token-r": "$R"}


def test_a_password_is_known_without_its_user() -> None:
    """A target may repeat it alone."""
    auth = BasicAuth(kind="basic", writer_env="W")
    assert dict(declared_secrets(auth, {"W": "me:geheim:nis"})) == {"me:geheim:nis": "$W", "geheim:nis": "$W"}


def test_a_signing_key_is_known_line_by_line(tmp_path: Path) -> None:
    """Without the lines that every key has."""
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIA==\n-----END PRIVATE KEY-----\n")
    auth = JwtAuth(kind="jwt", key_file=str(file), issuer="i", audience="a")
    assert [line for line, _ in declared_secrets(auth)] == ["MC4CAQAwBQYDK2Vw", "BCIEIA=="]


def test_an_open_endpoint_has_none() -> None:
    """Nothing to hide."""
    assert list(declared_secrets(NoAuth())) == []
