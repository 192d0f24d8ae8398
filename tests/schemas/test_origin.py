"""Origins compare equal exactly when requests would go to the same place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.schemas.origin import Origin


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.example", "http://a.example:80/path?query"),
        ("https://a.example", "HTTPS://A.EXAMPLE.:443"),
        ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080/x"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_spellings_of_one_origin_are_equal(one: str, other: str) -> None:
    """Case, default port, trailing dot, IPv6 and IDNA."""
    assert Origin.of(one) == Origin.of(other)


@pytest.mark.parametrize(
    "other",
    ["https://a.example:8080", "http://a.example:8081", "http://b.example:8080", "http://a.example.org:8080"],
)
def test_another_scheme_host_or_port_is_another_origin(other: str) -> None:
    """Each of the three counts."""
    assert Origin.of("http://a.example:8080") != Origin.of(other)


@pytest.mark.parametrize(
    "url",
    [
        "/relative",
        "//a.example/x",
        "ftp://a.example",
        "http://",
        "http://user@a.example",
        "http://a.example:99999",
        "http://a.example:0",
        "http://a.example:-1",
        "http://a b.example",
        "http:\\\\a.example",
        "http://a.example\t",
        "http://[::1",
        "http://[::zz]",
        "http://a..example:8080:80",
        "http://" + "a" * 9000,
    ],
)
def test_what_has_no_origin_is_refused(url: str) -> None:
    """With a message, never with another kind of error."""
    with pytest.raises(ValueError, match=r".+"):
        Origin.of(url)


@given(st.text())
def test_rubbish_is_an_origin_or_refused(text: str) -> None:
    """Nothing else is raised; what is accepted reads back as itself."""
    for url in (text, f"http://{text}", f"https://{text}/x"):
        try:
            origin = Origin.of(url)
        except ValueError:
            continue
        assert Origin.of(str(origin)) == origin
