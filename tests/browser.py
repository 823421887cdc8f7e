"""What the browser tests share: a served application and a Chromium that is watched."""

import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import TimeoutError as NotInTime

REQUIRED_VARIABLE = "DATELINE_BROWSER_TESTS"
"""Where it is set, a missing Chromium fails the browser tests instead of skipping them."""

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def find_chromium() -> str:
    """The path of Chromium. Skips the test where there is none, or fails it where it must be there."""
    path = shutil.which("chromium")
    if path is None:
        reason = "Chromium is not installed (apt-get install chromium fonts-dejavu-core)."
        pytest.fail(reason) if os.environ.get(REQUIRED_VARIABLE) else pytest.skip(reason)
    return path


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address at which the application is served meanwhile."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
    assert not thread.is_alive()


@dataclass
class Seen:
    """What a browser was seen to do: requests to other hosts, replies with an error, complaints of the page."""

    other_hosts: list[str] = field(default_factory=list)
    error_replies: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def assert_clean(self) -> None:
        assert (self.other_hosts, self.error_replies, self.complaints) == ([], [], [])


@contextmanager
def watched_page(browser, address: str, **options):
    """A page at the address, and what is seen of it. Requests to other hosts are written down and go nowhere."""
    seen = Seen()
    host = urlsplit(address).netloc
    context = browser.new_context(**options)

    def route(handler) -> None:
        url = handler.request.url
        if url.startswith(("data:", "blob:")) or urlsplit(url).netloc == host:
            handler.continue_()
        else:
            seen.other_hosts.append(url)
            handler.abort()

    def complain(message) -> None:
        if message.type in ("error", "warning"):
            seen.complaints.append(message.text)

    def look_at(reply) -> None:
        if reply.status >= 400:
            seen.error_replies.append(f"{reply.status} {reply.url}")

    def refuse_dialog(dialog) -> None:
        seen.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    context.route("**/*", route)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("console", complain)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("response", look_at)
    page.on("dialog", refuse_dialog)
    try:
        page.goto(address)
        page.locator("#question textarea").wait_for()
        page.locator("#masthead", has_text=re.compile("article|Artikel")).wait_for()
        yield page, seen
    finally:
        context.close()


def ask(page, question: str) -> None:
    """Asks and waits for the end of the answer."""
    before = page.locator("#conversation [data-testid=user]").count()
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Enter")
    page.locator("#conversation [data-testid=bot]:has(.made, .note)").nth(before).wait_for()
    page.get_by_test_id("submit-button").wait_for()


SCROLLING_MILLISECONDS = 5_000
"""How long the page may take to bring something into view, on a machine that is busy with other tests."""


def in_viewport(locator) -> bool:
    """True if every line of it can be seen, now or when the page has scrolled."""
    try:
        locator.page.wait_for_function(
            """element => [...element.getClientRects()].every(line => {
                const seen = document.elementFromPoint((line.left + line.right) / 2, (line.top + line.bottom) / 2);
                return line.top >= 0 && line.bottom <= innerHeight && seen !== null && element.contains(seen);
            })""",
            arg=locator.element_handle(),
            timeout=SCROLLING_MILLISECONDS,
        )
    except NotInTime:
        return False
    return True
