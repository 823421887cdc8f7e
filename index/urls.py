"""Articles by web address. Only http and https, only public hosts, only pages: feeds are not read.

A page that is fetched may redirect, and a name may resolve to an address inside the network that Dateline runs in, so
every host is resolved and checked first, and the connection goes to the address that was checked. Proxies named in
the environment are not used, because behind one there is no address to check.
"""

import ipaddress
import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.errors import MissingOriginError, UnreadableOriginError, UnsupportedFormatError
from index.formats import Format

if TYPE_CHECKING:
    import httpx

ALLOW_PRIVATE = "DATELINE_ALLOW_PRIVATE_URLS"
"""Environment variable that, set to 1, lets addresses inside the own machine and network be fetched."""

MAX_PAGE_BYTES = 5 * 2**20
"""Bytes of a page after decompression; news pages have some hundred thousand."""

MAX_REDIRECTS = 5

TIMEOUT_SECONDS = 10.0
"""Seconds to connect, and of silence while reading."""

TOTAL_SECONDS = 60.0
"""Seconds that one page may take with all its redirects, however steadily it trickles in."""

_FORMATS: dict[str, Format] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
    "text/markdown": "markdown",
    "application/pdf": "pdf",
}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is routed on the internet. What lies outside stands for IPv4 addresses or is used within sites."""

_INSIDE = (
    ipaddress.ip_network("168.63.129.16/32"),  # the host under a machine on Azure
    ipaddress.ip_network("192.0.0.0/24"),  # for protocols; Oracle's cloud has its metadata at 192.0.0.192
    ipaddress.ip_network("3fff::/20"),  # for documentation (RFC 9637)
)
"""Networks that look public to `ipaddress` and are not."""


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: the bytes, their format and the encoding that the server declared."""

    raw: bytes
    format: Format
    charset: str | None


def fetch(url: str) -> Page:
    """The page at an http or https address.

    Raises:
        MissingOriginError: The server has no such page, or there is no such server.
        UnreadableOriginError: The address may not be fetched, or the server does not give the page.
        UnsupportedFormatError: It is no page, or too large a one.
    """
    import httpx

    if not url.isprintable():
        raise UnreadableOriginError("The address holds characters that no address has; check it.")
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
            target = httpx.URL(url)
            for _ in range(MAX_REDIRECTS + 1):
                addresses = _checked_addresses(target)
                answer = _get(client, target, addresses, deadline)
                if isinstance(answer, Page):
                    return answer
                target = target.join(answer)
    except httpx.TimeoutException as error:
        raise UnreadableOriginError("The server took too long to answer; try again later.") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise UnreadableOriginError(f"The page could not be fetched ({error}).") from error
    raise UnreadableOriginError(f"The address redirects more than {MAX_REDIRECTS} times.")


def _get(client: "httpx.Client", url: "httpx.URL", addresses: list[str], deadline: float) -> Page | str:
    """The page, or where the server redirects to. Tries the checked addresses of the host one after the other."""
    import httpx

    for address in addresses[:-1]:
        try:
            return _get_from(client, url, address, deadline)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return _get_from(client, url, addresses[-1], deadline)


def _get_from(client: "httpx.Client", url: "httpx.URL", address: str, deadline: float) -> Page | str:
    # The certificate and the Host header are those of the name, the connection goes to the checked address.
    request = client.build_request(
        "GET",
        url.copy_with(host=address, fragment=None),
        headers={
            "Host": url.netloc.decode("ascii"),
            "User-Agent": "dateline",
            "Accept": ", ".join(_FORMATS),
            "Accept-Encoding": "identity",
        },
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )
    response = client.send(request, stream=True)
    try:
        if response.has_redirect_location:
            return response.headers["location"]
        if response.status_code in {404, 410}:
            raise MissingOriginError(f"The server has no such page (status {response.status_code}).")
        if response.status_code != 200:
            raise UnreadableOriginError(f"The server did not give the page (status {response.status_code}).")
        kind = _format(response.headers.get("content-type", ""))
        return Page(_body(response, deadline), kind, response.charset_encoding)
    finally:
        response.close()


def _format(content_type: str) -> Format:
    name = content_type.partition(";")[0].strip().lower()
    if name in _FORMATS:
        return _FORMATS[name]
    if name in {"application/rss+xml", "application/atom+xml", "application/xml", "text/xml", "application/feed+json"}:
        raise UnsupportedFormatError("It is a feed or XML, which is not read; give the addresses of the articles.")
    sent = f"sends {name!r}" if name else "does not say what it sends"
    raise UnsupportedFormatError(f"The server {sent}; HTML, plain text and PDF are read.")


def _body(response: "httpx.Response", deadline: float) -> bytes:
    raw = bytearray()
    for piece in response.iter_bytes():
        raw += piece
        if len(raw) > MAX_PAGE_BYTES:
            raise UnsupportedFormatError(
                f"The page is larger than {MAX_PAGE_BYTES >> 20} MB; save it and index the file."
            )
        if time.monotonic() > deadline:
            raise UnreadableOriginError(f"The page took longer than {TOTAL_SECONDS:.0f} seconds; try again later.")
    return bytes(raw)


def _checked_addresses(url: "httpx.URL") -> list[str]:
    """The addresses of the host of `url`, if it may be fetched.

    Raises:
        ReadError: It is not http or https, names a user, cannot be resolved, or is not public.
    """
    if url.scheme not in {"http", "https"} or not url.host:
        raise UnreadableOriginError("Only http and https addresses are read.")
    if url.userinfo:
        raise UnreadableOriginError("The address holds a user name or password, which would be stored; leave it out.")
    addresses = _resolve(url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80))
    if os.environ.get(ALLOW_PRIVATE) != "1" and not all(map(is_public, addresses)):
        raise UnreadableOriginError(
            f"The host {url.host!r} is inside this machine or network; to allow that, set {ALLOW_PRIVATE}=1."
        )
    return addresses


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
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
