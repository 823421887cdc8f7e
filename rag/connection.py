"""The HTTP connection to a model's server: articles go to that server only, and little comes back from it.

Both client libraries bring a client of `httpx` or of its successor `httpx2`, which are used alike; proxies named in the
environment are used as these libraries do.
"""

import base64
import importlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from rag.marks import readable
from rag.services import COMPRESSED, REDIRECTED, TOO_MUCH, Service, model_error

MAX_RECEIVED_BYTES = 10_000_000
"""Most bytes that are taken of one response. In a stream, a token takes some 300 bytes with what stands around it, so
that the longest answer with 10,000 tokens of reasoning has three million."""

MAX_COMPRESSED_BYTES = 10_000
"""Most bytes of a response that is compressed although it was asked for plain: deflate makes at most 1,032 bytes of one
(zlib's documentation), so these become ten million at most."""

_COMPRESSIONS = frozenset({"gzip", "deflate"})
"""Compressions whose factor is bounded; brotli and zstd make gigabytes of a few bytes."""

UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""The header that asks for a reply that is not compressed."""

TOO_MANY_BYTES = f"{MAX_RECEIVED_BYTES // 10**6} MB"


def open_client(client_class: Any, service: Service) -> Any:
    """A client of that class, `httpx.AsyncClient` or one like it, that follows no redirects and bounds what it takes.

    It waits for ever: the caller keeps the time. Its hooks raise `ModelError`. User, password and
    query of the service's address are added below the place where requests are logged, because they may hold a key.
    """
    stream_class = package_of(client_class).AsyncByteStream

    async def add_secrets(request: Any) -> None:
        if service.user is not None:
            words = ":".join(service.user).encode()
            request.headers["Authorization"] = f"Basic {base64.b64encode(words).decode()}"
        if service.query:
            path = request.url.raw_path.decode("ascii")
            request.extensions["target"] = f"{path}{'&' if '?' in path else '?'}{service.query}".encode()

    async def check(response: Any) -> None:
        status = response.status_code
        if 300 <= status < 400:
            raise model_error(service, REDIRECTED, _host(response.headers.get("location", "")), status)
        encoding = response.headers.get("content-encoding", "identity").strip().lower() or "identity"
        is_plain = encoding == "identity"
        if not is_plain and encoding not in _COMPRESSIONS:
            raise model_error(service, COMPRESSED, readable(encoding))
        too_much = (
            model_error(service, TOO_MUCH, TOO_MANY_BYTES)
            if is_plain
            else model_error(service, COMPRESSED, f"{encoding}, more than {MAX_COMPRESSED_BYTES // 1000} kB")
        )
        limit = MAX_RECEIVED_BYTES if is_plain else MAX_COMPRESSED_BYTES
        response.stream = _bounded(stream_class, response.stream, limit, too_much)

    return client_class(
        timeout=None,
        follow_redirects=False,
        event_hooks={"request": [add_secrets], "response": [check]},
    )


def package_of(client_class: Any) -> Any:
    """The package that the client comes from: `httpx` or `httpx2`."""
    name = next(cls.__module__ for cls in client_class.__mro__ if cls.__name__ == "AsyncClient")
    return importlib.import_module(name.partition(".")[0])


def _bounded(stream_class: Any, stream: Any, limit: int, too_much: Exception) -> Any:
    """The stream of bytes, which raises `too_much` once it has given more than `limit`."""

    class Bounded(stream_class):  # type: ignore[misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            total = 0
            async for part in stream:
                total += len(part)
                if total > limit:
                    raise too_much from None
                yield part

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def _host(location: str) -> str:
    """Where a redirect leads, without user name, password and path, which may hold keys."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an unreadable address"
    host = readable(parts.netloc.rpartition("@")[2])
    return f"{parts.scheme or 'http'}://{host}" if host else "another path of its own"
