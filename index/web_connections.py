"""Connections to web servers, each to an address that was checked, and none for longer than its time.

A page may redirect, and a name may resolve to an address inside the network that Dateline runs in, so every host is
resolved and checked where the connection is made, and the connection goes to the address that was checked. Proxies
named in the environment are not used, because behind one there is no address to check.
"""

import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Iterable

import httpcore

from index.errors import MissingOriginError, UnreadableOriginError

ALLOW_PRIVATE = "DATELINE_ALLOW_PRIVATE_URLS"
"""Environment variable that, set to 1, lets addresses inside the own machine and network be fetched."""

TIMEOUT_SECONDS = 10.0
"""Seconds to connect, and of silence while reading."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is routed on the internet. What lies outside stands for IPv4 addresses or is used within sites."""

_INSIDE = (
    ipaddress.ip_network("168.63.129.16/32"),  # the host under a machine on Azure
    ipaddress.ip_network("192.0.0.0/24"),  # for protocols; Oracle's cloud has its metadata at 192.0.0.192
    ipaddress.ip_network("192.88.99.0/24"),  # relays to IPv6, given up
    ipaddress.ip_network("2001::/23"),  # for protocols, among them Teredo, which stands for IPv4 addresses
    ipaddress.ip_network("3fff::/20"),  # for documentation (RFC 9637)
)
"""Networks that look public to `ipaddress`, in this version of Python or another, and are not."""

_WEB_PORTS = frozenset({80, 443})
_OTHER_SERVICES = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6679, 6697, 10080, 11211}
    | set(range(6665, 6670))
)
"""Ports from 1024 on of services that take what a web client sends for orders; with those below 1024 that are not of
the web, the "bad ports" of the WHATWG Fetch Standard, and two databases."""


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only, and gives up at `deadline`, a moment of `time.monotonic`."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the checked addresses of the host that takes it."""
        error = httpcore.ConnectError("no address")
        for address in checked_addresses(host, port):
            try:
                return _TimedStream(connect(address, port, seconds_left(self._deadline)), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as refused:
                error = refused  # type: ignore[assignment]
        raise error

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        """Refused: no page is at a socket of this machine."""
        raise httpcore.ConnectError("no address")


class _TimedStream(httpcore.NetworkStream):
    """A connection of which each step takes at most the time that is left, however steadily its bytes trickle in."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, seconds_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, seconds_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, seconds_left(self._deadline))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def connect(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
    """A connection to an address that was checked. Raises `httpcore.ConnectError` or `httpcore.ConnectTimeout`."""
    return httpcore.SyncBackend().connect_tcp(address, port, seconds)


def seconds_left(deadline: float) -> float:
    """Seconds that one step may take. Raises `httpcore.ReadTimeout` when there are none left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return min(TIMEOUT_SECONDS, left)


def checked_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, if it may be connected to.

    Raises:
        MissingOriginError: It is not known.
        UnreadableOriginError: Not all of its addresses are public, or the port is not one of web pages.
    """
    addresses = resolve(host, port)
    if os.environ.get(ALLOW_PRIVATE) == "1":
        return addresses
    if not all(map(is_public, addresses)):
        raise UnreadableOriginError(
            f"The host {host!r} is inside this machine or network; to allow that, set {ALLOW_PRIVATE}=1."
        )
    if (port < 1024 and port not in _WEB_PORTS) or port in _OTHER_SERVICES:
        raise UnreadableOriginError(f"Port {port} is not one of web pages; to allow it, set {ALLOW_PRIVATE}=1.")
    return addresses


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host, which may be given as one in any form. Raises `MissingOriginError` if unknown."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, OverflowError) as error:
        raise MissingOriginError(f"The host {host!r} is not known; check the address and the connection.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, also by the IPv4 address that an IPv6 address stands for."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        within = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            within = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if within is not None:
            return is_public(str(within))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _INSIDE)
