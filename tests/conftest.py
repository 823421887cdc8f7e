"""For every test: no way onto the network, and properties that try the same examples in every run."""

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import ARGUMENTS, find_chromium
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile("dateline", deadline=None, derandomize=True, database=None)
settings.load_profile("dateline")

# It would read twenty passages for each question of the tests. Those of the reader name it.
os.environ["DATELINE_READER"] = "none"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells let what they run in the background ignore Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium. Not for longer than a module: while Playwright runs, no other code may run an event loop."""
    path = find_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


_attempts: list[str] = []
_getaddrinfo = socket.getaddrinfo


class NetworkGuardError(OSError):
    """A test tried to reach another host. An `OSError`, so that code sees what it would see on a machine offline."""


def _numeric_address(host: object) -> str | None:
    """The address that a host written in numbers is (`127.1` and `2130706433` are 127.0.0.1), `None` for a name."""
    try:
        found = _getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0])


def _is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    numeric = _numeric_address(host)
    if numeric is None:
        return False
    address = ipaddress.ip_address(numeric)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _refuse(host: object) -> NetworkGuardError:
    _attempts.append(str(host))
    return NetworkGuardError(f"The tests may not reach {host!r}.")


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """Refuses connections and look-ups of names that leave this machine, also in fixtures of any scope."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def may_reach(sock: socket.socket, address) -> bool:
        return sock.family not in (socket.AF_INET, socket.AF_INET6) or _is_loopback(address[0])

    def guarded_connect(sock, address):
        if not may_reach(sock, address):
            raise _refuse(address[0])
        return connect(sock, address)

    def guarded_connect_ex(sock, address):
        if not may_reach(sock, address):
            raise _refuse(address[0])
        return connect_ex(sock, address)

    def guarded_getaddrinfo(host, *arguments, **named):
        # An address in numbers needs no look-up; the connection to it is what is refused.
        if not (_is_loopback(host) or _numeric_address(host)):
            raise _refuse(host)
        return _getaddrinfo(host, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True)
def network_attempts() -> Iterator[list[str]]:
    """The hosts that the test tried to reach. It fails if there are any at its end; a test that means to clears it."""
    _attempts.clear()
    yield _attempts
    assert _attempts == [], "the test tried to reach another host"
