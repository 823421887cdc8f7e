"""Which host names a server lets in."""

import pytest

from ui.hosts import ANY_ADDRESS, LOOPBACK_HOSTS, hosts_for, is_address, is_loopback, name_of


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", LOOPBACK_HOSTS),
        ("127.0.0.2", (*LOOPBACK_HOSTS, "127.0.0.2")),
        ("::1", LOOPBACK_HOSTS),
        ("localhost", LOOPBACK_HOSTS),
    ],
)
def test_on_loopback_only_its_own_names(host: str, allowed: tuple[str, ...]) -> None:
    assert hosts_for(host) == allowed
    assert is_loopback(host)


@pytest.mark.parametrize(("host", "named"), [("0.0.0.0", ()), ("192.0.2.1", ()), ("news.example", ("news.example",))])
def test_elsewhere_addresses_and_the_names_of_the_machine(
    host: str, named: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Desk-3.office.example")
    own = ("localhost", ANY_ADDRESS, "desk-3.office.example", "desk-3.local")
    assert hosts_for(host) == (*own, *named)
    assert not is_loopback(host)


def test_further_names_are_added_everywhere() -> None:
    assert hosts_for("127.0.0.1", ("News.Example", "localhost")) == (*LOOPBACK_HOSTS, "news.example")
    assert hosts_for("0.0.0.0", ("news.example.",))[-1] == "news.example"


def test_an_asterisk_lets_any_name_in() -> None:
    assert hosts_for("0.0.0.0", ("news.example", "*")) == ()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("LOCALHOST:7860", "localhost"),
        ("[::1]:7860", "[::1]"),
        ("[::1", "["),
        ("news.example.", "news.example"),
        ("", ""),
    ],
)
def test_the_name_of_a_host_header(header: str, name: str) -> None:
    assert name_of(header) == name


@pytest.mark.parametrize("name", ["192.0.2.1", "[2001:db8::1]", "127.0.0.1"])
def test_addresses_in_numbers(name: str) -> None:
    assert is_address(name)


@pytest.mark.parametrize("name", ["", "news.example", "1.2.3", "192.0.2.1.nip.io", "0x7f000001", "2130706433"])
def test_names_that_only_look_like_addresses(name: str) -> None:
    assert not is_address(name)
