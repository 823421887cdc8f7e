"""What stands between the network and the page: which hosts, paths and sizes are let in, and what every reply says.

Gradio opens more than this page needs: uploads, a proxy of other hosts' files, monitoring, cross-origin replies. Only
the paths that the page was seen to use are let through; everything else does not exist.
"""

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect

from ui.auth import Passwords
from ui.hosts import ANY_ADDRESS, LOOPBACK_HOSTS, is_address, name_of
from ui.request_headers import basic_credentials, host_of, is_foreign
from ui.security_headers import NONCE, SECURITY_HEADERS, with_security
from ui.visitors import SIGNED_IN, cookie_header, has_cookie, new_cookie

__all__ = ["LOOPBACK_HOSTS", "MAX_BODY_BYTES", "SECURITY_HEADERS", "Guard"]

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 262_144
"""Largest request: a question and its history, or a pasted text. The longest accepted question takes at most 16 kB."""

LARGER_BODIES = {
    "/api/library/files": 50 * 2**20,
    "/api/evaluations/sets": 20 * 2**20,
}
"""Paths to which files are sent, and how large a request to each may be, in bytes. An article may be a PDF full of
pictures; larger files are indexed with `dateline index`."""

OPEN_PATHS = frozenset({"/healthz"})
"""Paths that need no password."""

ALLOWED_PATHS = re.compile(
    r"/|/healthz|/page/[0-9a-f]+/[a-z_]+\.(css|js)|/favicon\.ico|/a/[\w-]+"
    r"|/api/(ask|models|articles(/[^/]*)?)|/api/(library|conversations|answers|feedback|evaluations)(/[\w-][\w.-]*)*"
    r"|/theme\.css|/config|/assets/[\w-][\w.-]*|/static(/[\w-][\w.-]*)+|/robots\.txt"
    r"|/gradio_api/(app_id|startup-events|reset|cancel|queue/(join|data)|run/predict|heartbeat/[\w-]+)",
    re.ASCII,
)
"""Ours, and the part of Gradio's that its own front end asks for."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

ONCE = frozenset({"host", "origin", "authorization", "content-length"})
"""Headers that must not come twice: which of the two is meant could be understood differently on the way."""

BODY_SECONDS = 30.0
"""Seconds in which the body of a request has to be here; the largest takes a second over a slow line."""

CHECKS_AT_ONCE = 8
"""Passwords that may wait to be worked out; each takes some 50 ms."""

Refusal = tuple[int, str, dict[str, str]]
"""Status, sentence and further headers of the reply to a request that is not let in."""


class Guard:
    """ASGI middleware. `allowed_hosts` are names without a port; with none given, any host is let in."""

    def __init__(self, app: App, *, allowed_hosts: Sequence[str] = (), passwords: Passwords | None = None) -> None:
        self._app = app
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._passwords = passwords
        self._checking = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers) or await self._sign_in(scope, headers)
        if refusal is None and scope["path"] in LARGER_BODIES:
            await self._pass_on(scope, headers, receive, send)
            return
        read = refusal or await _whole_body(headers, receive)
        if isinstance(read, tuple):
            await _refuse(send, read)
            return
        body: bytes | None = read

        async def replay() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = {"type": "http.request", "body": body, "more_body": False}, None
            return message

        await self._run(scope, headers, replay, send)

    async def _run(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        """The application's answer with the headers of the guard; if it fails before it begins, a sentence."""
        newcomer = scope["path"] == "/" and not has_cookie(headers.get("cookie", ""))
        nonce = scope[NONCE] = secrets.token_urlsafe(16) if scope["path"] == "/" else ""
        begun = False

        async def guarded_send(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                sent = message.get("headers", [])
                message["headers"] = with_security(sent, scope["path"], message["status"], nonce)
                if newcomer:
                    cookie = cookie_header(new_cookie(), secure=scope.get("scheme") == "https")
                    message["headers"].append((b"set-cookie", cookie.encode("ascii")))
            await send(message)

        try:
            await self._app(scope, receive, guarded_send)
        except (ClientDisconnect, asyncio.CancelledError):
            return  # whoever asked has left, the guard has ended his request, or the server stops
        except Exception:
            logger.exception("A request to %r failed.", scope["path"])
            if not begun:
                await _refuse(send, (500, "Something went wrong; the server's log says what.", {}))

    async def _pass_on(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        """Lets the application read a large body piece by piece. One too large, or of which nothing more comes for
        `BODY_SECONDS`, ends for it as if the sender had left."""
        limit = LARGER_BODIES[scope["path"]]
        large = f"The file is larger than {limit >> 20} MB; use it with the command dateline instead."
        refusal: Refusal | None = None
        taken, whole = 0, False

        async def counted() -> Message:
            nonlocal taken, whole, refusal
            try:
                # After the body, an application listens for the sender's leaving, which may take any time.
                async with asyncio.timeout(None if whole else BODY_SECONDS):
                    message = await receive()
            except TimeoutError:
                refusal = 408, "The request took too long to come.", {"connection": "close"}
                return {"type": "http.disconnect"}
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                if taken > limit:
                    refusal = 413, large, {"connection": "close"}
            return message if refusal is None else {"type": "http.disconnect"}

        async def unless_refused(message: Message) -> None:
            if refusal is None:
                await send(message)

        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > limit:
            refusal = 413, large, {"connection": "close"}
        else:
            await self._run(scope, headers, counted, unless_refused)
        if refusal is not None:
            await _refuse(send, refusal)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        names = [name.lower() for name, _ in scope["headers"]]
        if any(names.count(name.encode("ascii")) > 1 for name in ONCE):
            return 400, "A header that may come once came twice.", {}
        host = headers.get("host", "").lower()
        if not self._is_allowed(name_of(host)):
            sentence = (
                f"This server does not answer for the host {host[:100]!r}; use the address it printed, or start it "
                "with --allow-host and the name."
            )
            return 421, sentence, {}
        origin = headers.get("origin")
        if origin is not None and host_of(origin) != host:
            return 403, "Pages of other hosts may not use this server.", {}
        if is_foreign(scope["method"], headers):
            return 403, "Pages of other hosts may not use this server.", {}
        if ALLOWED_PATHS.fullmatch(scope["path"]) is None:
            return 404, "There is nothing at this address.", {}
        if scope["method"] not in METHODS:
            return 405, "This server knows no such method.", {}
        return None

    def _is_allowed(self, name: str) -> bool:
        allowed = self._allowed_hosts
        return not allowed or name in allowed or (ANY_ADDRESS in allowed and is_address(name))

    async def _sign_in(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        passwords = self._passwords
        if passwords is None or scope["path"] in OPEN_PATHS:
            return None
        challenge = {"www-authenticate": 'Basic realm="Dateline", charset="UTF-8"'}
        given = basic_credentials(headers.get("authorization", ""))
        if given is None:
            return 401, "Sign in with a name and a password.", challenge
        if not passwords.known(*given):
            address = (scope.get("client") or ("unknown",))[0]
            wait = passwords.wait(address, given[0])
            if wait:
                return 429, f"Too many wrong passwords; try again in {wait} seconds.", {"retry-after": str(wait)}
            if self._checking >= CHECKS_AT_ONCE:
                return 503, "Too many people are signing in at the moment; try again in a second.", {"retry-after": "1"}
            self._checking += 1
            try:
                right = await asyncio.to_thread(passwords.check, *given, address)
            finally:
                self._checking -= 1
            if not right:
                return 401, "This name and this password do not belong together.", challenge
        scope[SIGNED_IN] = given[0]
        return None


async def _whole_body(headers: dict[str, str], receive: Receive) -> bytes | Refusal:
    """The body, or why it is not taken: it is larger than `MAX_BODY_BYTES` or takes longer than `BODY_SECONDS`."""
    advice = "ask a shorter question, or add a long text as a file"
    large: Refusal = (413, f"The request is larger than {MAX_BODY_BYTES // 1024} KiB; {advice}.", {})
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        return large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return bytes(body)
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    return large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return 408, "The request took too long to come.", {"connection": "close"}


async def _refuse(send: Send, refusal: Refusal) -> None:
    status, sentence, extra = refusal
    body = json.dumps({"error": sentence}).encode("utf-8")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))]
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": with_security(headers, "", status)})
    await send({"type": "http.response.body", "body": body})
