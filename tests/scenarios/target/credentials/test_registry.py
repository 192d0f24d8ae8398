"""Every kind of ``[auth]`` has one provider, found by its name."""

import pkgutil
from pathlib import Path

import pytest

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target import credentials
from createflow.scenarios.target.credentials.provider import AuthProvider, writer_of
from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile_auth import KINDS, Auth, BasicAuth, JwtAuth, NoAuth, StaticAuth

SHARED = {"forged_tokens", "provider", "registry", "renewal", "token_endpoint"}
"""Modules of the package that are no kind."""


def _provider(auth: Auth, environment: dict[str, str] | None = None) -> AuthProvider:
    return auth_provider(auth, Mask(), environment or {})


def test_every_kind_has_a_module_and_every_module_a_kind() -> None:
    """A new kind needs no other registration."""
    modules = {module.name for module in pkgutil.iter_modules(credentials.__path__)}
    assert modules - SHARED == set(KINDS)


def test_an_open_endpoint_has_no_principals_and_no_secrets() -> None:
    """Checks of tokens are skipped; the others send none."""
    provider = _provider(NoAuth())
    assert provider.tokens("owner") is None
    assert writer_of(None) is ANONYMOUS
    assert provider.writers("owner", 3) == []
    assert list(provider.secrets()) == []


def test_a_kind_without_a_key_cannot_mint() -> None:
    """The caller asks first, or is told."""
    provider = _provider(NoAuth())
    assert not provider.can_mint
    assert provider.issuer() is None
    with pytest.raises(NotDeclared, match="cannot sign"):
        provider.mint("me", (), lifetime_s=1)


def test_every_token_of_the_environment_is_masked_by_its_variable() -> None:
    """What is not set is nothing to mask."""
    auth = StaticAuth(kind="static", writer_env="W", reader_env="R", expired_env="E")
    assert dict(_provider(auth, {"W": "token-w", "R": "token-r"}).secrets()) == {"token-w": "$W", "token-r": "$R"}


def test_a_password_is_masked_without_its_user() -> None:
    """A target may repeat it alone."""
    auth = BasicAuth(kind="basic", writer_env="W")
    secrets = dict(_provider(auth, {"W": "me:geheim:nis"}).secrets())
    assert secrets == {"me:geheim:nis": "$W", "geheim:nis": "$W"}


def test_a_signing_key_is_masked_line_by_line(tmp_path: Path) -> None:
    """Without the lines that every key has."""
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIA==\n-----END PRIVATE KEY-----\n")
    auth = JwtAuth(kind="jwt", key_file=str(file), issuer="i", audience="a")
    assert [line for line, _ in _provider(auth).secrets()] == ["MC4CAQAwBQYDK2Vw", "BCIEIA=="]
