"""The server dies in the middle of an answer and is started again: the page comes back by itself, nothing is lost."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import ARGUMENTS, DESKTOP, ask, find_chromium, watched_page
from scripted_llm import Reply, ScriptedServer

from index.ingest import index_paths
from index.library import Library

SEEDS = Path(__file__).parent.parent / "seeds"

FIRST = "Which ships would the vetoed US resolution on North Korea have put sanctions on?"
SECOND = "Who put North Korea under lockdown after the first Covid cases?"
SAID = "They would have been put on vessels in the weapons program. [1]"


@contextmanager
def serving(library: Path, state: Path, port: int, models: ScriptedServer):
    """`dateline serve` as a process that a user starts; killed at the end, as by a power cut."""
    command = [sys.executable, "-c", "from ui.cli import main; main()", "--library", str(library), "serve"]
    options = ["--port", str(port), "--state", str(state), "--model", "openai:scripted"]
    environment = {**os.environ, "OPENAI_BASE_URL": models.base_url, "OPENAI_API_KEY": "none"}
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert re.search(rf"http://127\.0\.0\.1:{port}/", line), line + process.stderr.read()
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(20)


@pytest.mark.browser
def test_a_killed_server_loses_no_conversation(tmp_path: Path) -> None:
    chromium = find_chromium()
    from playwright.sync_api import sync_playwright

    library, state = tmp_path / "library", tmp_path / "state"
    with Library.open_for_writing(library) as opened:
        index_paths(opened, [str(path) for path in sorted(SEEDS.glob("*.txt"))[:2]])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    slow = Reply.text("Kim Jong Un ", "put it under lockdown. [1]", silence=60, silent_before=1)
    with (
        ScriptedServer([Reply.text(SAID), slow]) as models,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS)) as browser,
        serving(library, state, port, models) as process,
        watched_page(browser, f"http://127.0.0.1:{port}/", **DESKTOP) as (page, seen),
    ):
        ask(page, FIRST)
        assert "vessels in the weapons program" in page.get_by_test_id("bot").last.inner_text()
        page.locator("#question textarea").fill(SECOND)
        page.keyboard.press("Enter")
        page.get_by_test_id("user").nth(1).wait_for()
        page.locator("#conversation .working, #conversation .unfinished").last.wait_for()
        page.wait_for_timeout(500)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        page.wait_for_timeout(1_000)
        assert page.get_by_test_id("user").all_inner_texts() == [FIRST, SECOND], "what is there stays there"
        models.script[:] = [Reply.text(SAID)]
        with serving(library, state, port, models):
            # Nobody reloads the page here.
            page.locator("#conversation [data-testid=bot]:has(.made, .note)").nth(1).wait_for(timeout=60_000)
            page.get_by_test_id("submit-button").wait_for()
            assert page.get_by_test_id("user").all_inner_texts() == [FIRST, SECOND]
            answers = page.get_by_test_id("bot")
            assert "vessels in the weapons program" in answers.nth(0).inner_text()
            assert answers.nth(1).locator(".note").count() == 1
            assert page.locator("#question textarea").is_enabled()
            answers.nth(0).get_by_role("link", name="[1]", exact=True).first.click()
            page.locator("#source mark.cited").wait_for()
            page.keyboard.press("Escape")
            ask(page, "Who called the emergency meeting?")
            assert page.get_by_test_id("user").count() == 3
        assert seen.other_hosts == []
