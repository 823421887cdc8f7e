"""The guard of the tests themselves: it refuses the network, lets loopback through, and remembers attempts."""

import asyncio
import socket

import httpx
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0), ("::ffff:192.0.2.1", 80, 0, 0)])
def test_other_hosts_are_refused(network_attempts: list[str], address: tuple) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as sock:
            with pytest.raises(OSError, match="may not reach"):
                sock.connect(address)
            with pytest.raises(OSError, match="may not reach"):
                sock.connect_ex(address)
    assert network_attempts == [address[0]] * 4
    network_attempts.clear()


def test_names_of_other_hosts_are_not_looked_up(network_attempts: list[str]) -> None:
    with pytest.raises(httpx.ConnectError, match="may not reach"):
        httpx.get("http://news.example/")
    with pytest.raises(OSError, match="may not reach"):
        asyncio.run(asyncio.open_connection("news.example", 80))
    assert network_attempts == ["news.example"] * 2
    network_attempts.clear()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433"])
def test_loopback_is_let_through(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect((host, server.getsockname()[1]))
        assert client.getpeername() == server.getsockname()


def test_sockets_inside_the_machine_are_let_through() -> None:
    ours, other = socket.socketpair()
    with ours, other:
        ours.sendall(b"x")
        assert other.recv(1) == b"x"
