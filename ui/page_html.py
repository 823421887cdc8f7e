"""The page's HTML as it leaves the server: with a head of our own, and without the one that Gradio has for everybody.

Gradio's template names Gradio, its web site and a picture there to whoever shows previews of links, asks for a
manifest and a script for frames, and has no title. Its own way to add to the head works only after the page's scripts
have run, too late for a title, for search engines and for browsers without scripts.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from typing import Any

from ui.front_files import page_preloads
from ui.security_headers import NONCE
from ui.texts import Texts, texts_for

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_FOREIGN = re.compile(
    r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>'
    r'|\s*<link rel="manifest"[^>]*>'
    r"|\s*<script>(?:(?!</script>).)*iframeResizer\.contentWindow(?:(?!</script>).)*</script>",
    re.DOTALL,
)
"""What is taken out: previews that name Gradio and its picture, the manifest of an app that the page is not, and a
script for pages in frames, where this page never is."""

_LANGUAGE = re.compile(r'(<html\b[^>]*?\blang=")[^"]*(")')


_SCRIPT = re.compile(r"<script(?=[\s>])")
"""Only tags: the configuration inside a script has no `<` of its own, Gradio writes it with an escape."""


class PageHtml:
    """ASGI middleware around Gradio that writes the head of the page anew."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def rewrite(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            headers = {name.lower(): value for name, value in start["headers"]}
            page = bytes(body)
            if headers.get(b"content-type", b"").startswith(b"text/html"):
                accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
                page = page_html(page.decode("utf-8"), texts_for(accepted), scope.get(NONCE, "")).encode("utf-8")
            kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            kept.append((b"content-length", str(len(page)).encode("ascii")))
            await send({**start, "headers": kept})
            await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, rewrite)


def page_html(page: str, texts: Texts, nonce: str) -> str:
    """The page with our head, in the language of the texts; its scripts carry the nonce by which they may run."""
    head = (
        f"<title>Dateline</title>"
        f'<meta name="description" content="{escape(texts("page.description"))}">'
        '<meta name="robots" content="noindex, nofollow">'
        '<meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="favicon.ico" type="image/svg+xml">'
        f"{page_preloads()}"
    )
    top = (
        f'<a id="skip" href="#question">{escape(texts("page.skip"))}</a>'
        f"<noscript><p>{escape(texts('page.no_script'))}</p></noscript>"
    )
    page = _LANGUAGE.sub(rf"\g<1>{texts.language}\g<2>", _FOREIGN.sub("", page), count=1)
    page = page.replace("</head>", f"{head}</head>", 1)
    page = _SCRIPT.sub(f'<script nonce="{nonce}"', page)
    return re.sub(r"(<body\b[^>]*>)", rf"\1{top}", page, count=1)
