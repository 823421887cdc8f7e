"""What stands between the network and the page: which hosts, paths and sizes are let in, and what every reply says.

Gradio opens more than this page needs: uploads, a proxy of other hosts' files, monitoring, cross-origin replies. Only
the paths that the page was seen to use are let through; everything else does not exist.
"""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ui.auth import Passwords

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a server bound to loopback is reached. Any other name in a request came from a hostile page."""

MAX_BODY_BYTES = 262_144
"""Largest request: a question and its history. The longest accepted question takes at most 16 kB of it."""

LARGER_BODIES = {
    "/api/evaluations/sets": 20 * 1024 * 1024,
}
"""Paths to which files are sent, and how large a request to each may be, in bytes."""

OPEN_PATHS = frozenset({"/healthz"})
"""Paths that need no password."""

ALLOWED_PATHS = re.compile(
    r"/|/healthz|/page/[0-9a-f]+/[a-z_]+\.(css|js)|/favicon\.ico|/a/[\w-]+"
    r"|/api/(ask|models|articles(/[^/]*)?)|/api/(library|conversations|answers|feedback|evaluations)(/[\w.-]+)*"
    r"|/theme\.css|/config|/assets/[\w.-]+|/static(/[\w-][\w.-]*)+|/manifest\.json|/robots\.txt"
    r"|/gradio_api/(app_id|startup-events|reset|cancel|queue/(join|data)|run/predict|heartbeat/[\w-]+)",
    re.ASCII,
)
"""Ours, and the part of Gradio's that its own front end asks for."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'none'; style-src 'self' 'unsafe-inline'; "
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; frame-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Sent with every reply. Gradio's front end needs inline and evaluated scripts; nothing may come from another host."""


FRAMED_PATHS = re.compile(r"/api/evaluations/[0-9a-f]+/report", re.ASCII)
"""Documents that the page shows in a frame: the report of an evaluation, which holds no script."""

FRAMED_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
}
"""Sent with them in place of those of `SECURITY_HEADERS`: nothing in them runs or loads, only the page frames them."""


class Guard:
    """ASGI middleware. `allowed_hosts` are names without a port; with none given, any host is let in."""

    def __init__(self, app: App, *, allowed_hosts: Sequence[str] = (), passwords: Passwords | None = None) -> None:
        self._app = app
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers) or await self._sign_in(scope, headers)
        if refusal is not None:
            status, sentence, extra = refusal
            await _reply(send, status, sentence, extra)
            return
        limit = LARGER_BODIES.get(scope["path"], MAX_BODY_BYTES)
        body = await _whole_body(headers, receive, limit)
        if body is None:
            await _reply(send, 413, _too_large(limit))
            return

        async def replay() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = {"type": "http.request", "body": body, "more_body": False}, None
            return message

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_security(message.get("headers", []), scope["path"])
            await send(message)

        await self._app(scope, replay, guarded_send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> "tuple[int, str, dict[str, str]] | None":
        """Status, sentence and headers of the reply to a request that is not let in."""
        host = headers.get("host", "").lower()
        if self._allowed_hosts and _name_of(host) not in self._allowed_hosts:
            return 421, f"This server does not answer for the host {host[:100]!r}; use the address it printed.", {}
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host:
            return 403, "Pages of other hosts may not use this server.", {}
        if ALLOWED_PATHS.fullmatch(scope["path"]) is None:
            return 404, "There is nothing at this address.", {}
        return None

    async def _sign_in(self, scope: Scope, headers: dict[str, str]) -> "tuple[int, str, dict[str, str]] | None":
        passwords = self._passwords
        if passwords is None or scope["path"] in OPEN_PATHS:
            return None
        asked = (
            401,
            "Sign in with a name and a password.",
            {"www-authenticate": 'Basic realm="Dateline", charset="UTF-8"'},
        )
        given = _basic(headers.get("authorization", ""))
        if given is None:
            return asked
        if passwords.known(*given):
            return None
        address = (scope.get("client") or ("unknown",))[0]
        wait = passwords.wait(address)
        if wait:
            return 429, f"Too many wrong passwords; try again in {wait} seconds.", {"retry-after": str(wait)}
        return None if await asyncio.to_thread(passwords.check, *given, address) else asked


def _name_of(host: str) -> str:
    """`localhost:7860` → `localhost`, `[::1]:7860` → `[::1]`."""
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.split(":", 1)[0]


def _basic(authorization: str) -> tuple[str, str] | None:
    """Name and password of a Basic header (RFC 7617), `None` if it is not one."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, password = decoded.partition(":")
    return (name, password) if colon else None


def _too_large(limit: int) -> str:
    if limit > MAX_BODY_BYTES:
        return f"The file is larger than {limit // 2**20} MB; send a smaller one."
    return f"The request is larger than {limit // 1024} KiB; ask a shorter question."


async def _whole_body(headers: dict[str, str], receive: Receive, limit: int) -> bytes | None:
    """The body, `None` if it has more than `limit` bytes."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _with_security(headers: Sequence[tuple[bytes, bytes]], path: str = "") -> list[tuple[bytes, bytes]]:
    """The reply's headers without any permission for other origins, and with `SECURITY_HEADERS`."""
    framed = FRAMED_HEADERS if FRAMED_PATHS.fullmatch(path) else {}
    kept = [
        (name, value)
        for name, value in headers
        if not name.lower().startswith(b"access-control-") and name.lower().decode("latin-1") not in SECURITY_HEADERS
    ]
    return kept + [
        (name.encode("ascii"), value.encode("ascii")) for name, value in {**SECURITY_HEADERS, **framed}.items()
    ]


async def _reply(send: Send, status: int, sentence: str, extra: dict[str, str] | None = None) -> None:
    body = json.dumps({"error": sentence}).encode("utf-8")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))]
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in (extra or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": _with_security(headers)})
    await send({"type": "http.response.body", "body": body})
