"""What is at a web address: a page, a document or a feed. Only http and https, only public hosts.

Every request, also of a redirect, goes through `index.web_connections`, which checks where it leads.
"""

import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from index.errors import MissingOriginError, UnreadableOriginError, UnsupportedFormatError
from index.formats import Format

if TYPE_CHECKING:
    import ssl

    import httpcore
    import httpx

MAX_PAGE_BYTES = 5 * 2**20
"""Bytes of a page after decompression; news pages have some hundred thousand."""

MAX_REDIRECTS = 5

TOTAL_SECONDS = 60.0
"""Seconds that one page may take with all its redirects, however steadily it trickles in."""

_FORMATS: dict[str, Format | Literal["feed"]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
    "text/markdown": "markdown",
    "application/pdf": "pdf",
    "application/rss+xml": "feed",
    "application/atom+xml": "feed",
    "application/rdf+xml": "feed",
    "application/xml": "feed",
    "text/xml": "feed",
}
_FEED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*|<!--.{0,2000}?-->\s*)*<(?:rss|feed|rdf:RDF)[\s>]", re.S
)
"""How a feed begins, whatever the server calls it."""

_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: the bytes, their format, the encoding that the server declared, and where they were.

    `address` is the one that answered, after all redirects.
    """

    raw: bytes
    format: Format | Literal["feed"]
    charset: str | None
    address: str


def fetch(url: str) -> Page:
    """The page, document or feed at an http or https address.

    Raises:
        MissingOriginError: The server has no such page, or there is no such server.
        UnreadableOriginError: The address may not be fetched, or the server does not give the page.
        UnsupportedFormatError: It is no page, or too large a one.
    """
    import httpcore
    import httpx

    from index.web_connections import CheckedBackend

    if not url.isprintable():
        raise UnreadableOriginError("The address holds characters that no address has; check it.")
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        target = httpx.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            _require_web_address(target)
            context = _ssl_context() if target.scheme == "https" else None
            # A connection is used once: the next request may be to another name at the same address.
            with httpcore.ConnectionPool(
                ssl_context=context, network_backend=CheckedBackend(deadline), max_keepalive_connections=0
            ) as pool:
                answer = _get(pool, target, deadline)
            if isinstance(answer, Page):
                return answer
            if target.scheme == "https" and answer.scheme == "http":
                raise UnreadableOriginError("The address redirects from https to http, which is not followed.")
            target = answer
    except httpcore.TimeoutException as error:
        if time.monotonic() >= deadline:
            raise UnreadableOriginError(
                f"The page took longer than {TOTAL_SECONDS:.0f} seconds; try again later."
            ) from error
        raise UnreadableOriginError("The server took too long to answer; try again later.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.InvalidURL, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UnreadableOriginError(f"The page could not be fetched ({reason or type(error).__name__}).") from error
    raise UnreadableOriginError(f"The address redirects more than {MAX_REDIRECTS} times.")


def _require_web_address(url: "httpx.URL") -> None:
    if url.scheme not in {"http", "https"} or not url.host:
        raise UnreadableOriginError("Only http and https addresses are read.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise UnreadableOriginError(f"There is no port {url.port}; check the address.")
    if url.userinfo:
        raise UnreadableOriginError("The address holds a user name or password, which would be stored; leave it out.")


@cache
def _ssl_context() -> "ssl.SSLContext":
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _get(pool: "httpcore.ConnectionPool", url: "httpx.URL", deadline: float) -> "Page | httpx.URL":
    """The page, or where the server redirects to."""
    import httpcore

    headers: dict[bytes | str, bytes | str] = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": "dateline",
        "Accept": ", ".join(_FORMATS),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    # In its parts, so that nothing reads the address in another way than it was read here.
    address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    with pool.stream("GET", address, headers=headers) as response:
        named = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in _REDIRECTS and b"location" in named:
            return url.join(named[b"location"])
        if response.status in {404, 410}:
            raise MissingOriginError(f"The server has no such page (status {response.status}).")
        if response.status != 200:
            raise UnreadableOriginError(f"The server did not give the page (status {response.status}).")
        content_type = named.get(b"content-type", "")
        kind = _format(content_type)
        raw = _body(response.iter_stream(), named.get(b"content-encoding", ""), deadline)
    if kind in {"html", "text"} and _FEED.match(raw[:4096]):
        kind = "feed"
    charset = _CHARSET.search(content_type)
    return Page(raw, kind, charset[1] if charset else None, str(url))


def _format(content_type: str) -> Format | Literal["feed"]:
    name = content_type.partition(";")[0].strip().lower()
    if name in _FORMATS:
        return _FORMATS[name]
    if name == "application/feed+json":
        raise UnsupportedFormatError(
            "It is a feed in JSON, which is not read; give the address of its RSS or Atom feed."
        )
    sent = f"sends {name!r}" if name else "does not say what it sends"
    raise UnsupportedFormatError(f"The server {sent}; HTML, plain text, PDF and feeds are read.")


def _body(pieces: "Iterator[bytes]", encoding: str, deadline: float) -> bytes:
    raw = bytearray()
    for piece in _decoded(pieces, encoding):
        raw += piece
        if len(raw) > MAX_PAGE_BYTES:
            raise UnsupportedFormatError(
                f"The page is larger than {MAX_PAGE_BYTES >> 20} MB; save it and index the file."
            )
        if time.monotonic() > deadline:
            raise UnreadableOriginError(f"The page took longer than {TOTAL_SECONDS:.0f} seconds; try again later.")
    return bytes(raw)


def _decoded(pieces: "Iterator[bytes]", encoding: str) -> "Iterator[bytes]":
    """The bytes as they are, or unpacked in pieces of bounded size: servers may pack without being asked."""
    names = [name for name in encoding.replace(" ", "").lower().split(",") if name not in {"", "identity"}]
    if not names:
        yield from pieces
        return
    if names not in (["gzip"], ["x-gzip"], ["deflate"]):
        raise UnsupportedFormatError(f"The server packs the page as {encoding!r}, which was not asked for.")
    unpacker = zlib.decompressobj(wbits=47)  # of either format, as its beginning says
    try:
        for piece in pieces:
            while piece:
                yield unpacker.decompress(piece, MAX_PAGE_BYTES)
                piece = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise UnreadableOriginError("The server packs the page in a way that cannot be unpacked.") from error
