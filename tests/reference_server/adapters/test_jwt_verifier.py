"""The times in a token must be numbers that a clock can show."""

import pytest

from createflow.reference_server.adapters.jwt_verifier import check_times
from createflow.reference_server.domain.access import InvalidTokenError


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), "1795000000", True, None, [1], {}])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_what_is_no_time_is_refused(name: str, value: object) -> None:
    """Never with an internal error: the token came from a client."""
    with pytest.raises(InvalidTokenError):
        check_times({name: value})


@pytest.mark.parametrize("value", [0, 1_795_000_000, 1_795_000_000.5, -1])
def test_numbers_are_times(value: float) -> None:
    """RFC 7519 §2: fractions are allowed."""
    check_times({"exp": value, "iat": value, "nbf": value})
