"""Whether a target shares the machine with the load is found out without sending anything."""

import socket

import pytest

from createflow.scenarios.load.host.same_host import is_this_machine


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "https://127.0.0.1:8443/x", "http://127.8.9.10", "http://[::1]:9", "http://0.0.0.0:1"]
)
def test_loopback_is_this_machine(url: str) -> None:
    """By name and by address."""
    assert is_this_machine(url)


def test_an_address_of_its_own_is_this_machine() -> None:
    """Also where it is not loopback, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a datagram socket: nothing is sent
        except OSError:
            pytest.skip("no address but loopback")
        own = probe.getsockname()[0]
    assert is_this_machine(f"http://{own}:8080")


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "http://[2001:db8::1]", "http:///x", "no url", "http://[::1", "http://" + "a" * 300]
)
def test_others_and_nonsense_are_not(url: str) -> None:
    """The documentation's addresses belong to nobody."""
    assert not is_this_machine(url)


def test_a_name_that_leads_nowhere_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preflight tells that better."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not is_this_machine("http://nowhere.example")


def test_one_address_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have an address elsewhere too."""
    answers = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (address, 9)) for address in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert is_this_machine("http://somewhere.example")
