"""What an engine without its library says."""

import pytest

from createflow.scenarios.sinks.failure import reason_of, required
from createflow.schemas.error import UserError


def test_a_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    """It is no defect of ours."""
    with pytest.raises(UserError, match="needs the extra kafka") as caught:
        required("no_such_library", extra="kafka", what="[sinks.events] of Kafka")
    assert caught.value.hint == "pip install 'createflow[kafka]'"


def test_an_exception_without_words_is_told_by_its_name() -> None:
    """And of others the first line."""
    assert (reason_of(TimeoutError()), reason_of(OSError("a\nb"))) == ("TimeoutError", "a")
