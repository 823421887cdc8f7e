"""How fast the page is in a browser, beside a bare `gr.ChatInterface` over the same answers, and with twenty people.

    python eval/benchmarks/page.py [--articles 10000] [--library FOLDER] [--store]

Every server is a process of its own, as `dateline serve` starts it; Chromium runs on the same machine. Measured are:

- usable: from the address to a question box that can be written in and examples to click (for the bare page its box
  alone), in a new browser context (cold) and in a second page of the same one (warm);
- citation: from the click on a mark to its words, highlighted in the article, in view;
- first words: from Enter to the first words of an extractive answer in the page, at the sample articles and at many
  made ones, those of `asking_cost.py` (`--library` keeps them for the next time);
- twenty people who each ask three questions at once.

With `--store` the figures go to `eval/benchmarks/results/page.json`. Needs Chromium and the extra `dev`.
"""

import argparse
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from asking_cost import AT_A_TIME, made_article
from eval.benchmarks.encoders import BorrowingEncoder
from index.encoder import load_encoder
from index.ingest import index_paths
from index.library import Library
from stored import ROOT, store
from thousand import SEED, make_article, make_question

OPENINGS = 10
CLICKS = 20
QUESTIONS = 20
PEOPLE = 20
QUESTIONS_EACH = 3

AIMS = {
    "usable cold": 2_000,
    "usable warm": 2_000,
    "citation": 150,
    "first words, sample": 500,
    "first words, many": 1_000,
}
"""Milliseconds that the 95th percentile should stay under."""

CHROMIUM = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update".split()

SAMPLE_QUESTIONS = (
    "Which ships would the vetoed US resolution on North Korea have put sanctions on?",
    "Who put North Korea under lockdown after the first Covid cases?",
    "Which news agency obtained a copy of the vetoed resolution on North Korea?",
    "Did China back the December 2017 sanctions on North Korea?",
    "Who was sanctioned under UN resolution 2356?",
    "Who called the emergency Security Council meeting on North Korea's ICBM test?",
    "Why does the United States say it needs THAAD in South Korea?",
    "What did Trump tweet after the UN vote on North Korea in December?",
    "Who is hit hardest by the sanctions on North Korea, according to Zakharova?",
    "What compromise did Russia and China propose on July 4 to ease tensions with North Korea?",
)

WATCH = """([selector, working]) => {
    window.measured = new Promise((resolve) => {
        const before = document.querySelectorAll('[data-testid=bot]').length;
        let begun = null;
        addEventListener('keydown', (event) => { if (event.key === 'Enter') begun ??= performance.now(); }, true);
        const look = () => {
            const said = [...document.querySelectorAll('[data-testid=bot]')].slice(before).pop();
            const words = said && !said.querySelector(working) && said.querySelector(selector)?.textContent.trim();
            if (begun !== null && words) resolve(performance.now() - begun);
            else setTimeout(look, 8);
        };
        look();
    });
}"""
"""JavaScript: promises the milliseconds from the next Enter to the first words of its answer."""

CLICK = """(number) => new Promise((resolve) => {
    const marks = document.querySelectorAll('#conversation a.cite');
    const begun = performance.now();
    marks[number % marks.length].click();
    const look = () => {
        const body = document.getElementById('source-body').getBoundingClientRect();
        const mark = document.querySelector('#source mark.cited')?.getClientRects()[0];
        if (mark && mark.top >= body.top && mark.top < body.bottom) resolve(performance.now() - begun);
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""
"""JavaScript: clicks a mark and promises the milliseconds until its words are in view."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--library", type=Path, help="folder that keeps the made articles for the next time")
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare is not None:
        serve_bare(arguments.bare)
        return
    figures: dict[str, Any] = {
        "articles": arguments.articles,
        "load before": [round(load, 1) for load in os.getloadavg()],
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        sample, many = Path(folder) / "sample", arguments.library or Path(folder) / "many"
        with Library.open_for_writing(sample) as library:
            index_paths(library, [str(ROOT / "seeds")])
        many_questions = _fill(many, arguments.articles)
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        with _bare(sample) as address:
            figures["bare page"] = _report(_measure_bare(browser, address))
        with _served(sample, Path(folder) / "state") as address:
            measured = _measure_page(browser, address)
            figures["page"] = _report(measured)
            figures["twenty people"] = _crowd(browser, address)
        with _served(many, Path(folder) / "other") as address:
            asked = {"first words, many": _first_words(browser, address, many_questions)}
            figures["page"] |= _report(asked)
        browser.close()
    missed = [name for name, aim in AIMS.items() if figures["page"][name]["p95 ms"] > aim]
    print("aims missed: " + (", ".join(missed) or "none"))
    if arguments.store:
        store("page", "python eval/benchmarks/page.py --store", figures | {"aims in ms": AIMS, "missed": missed})


def serve_bare(library: Path) -> None:
    """The plain alternative: Gradio's own chat page around the same answers."""
    import gradio as gr

    from rag.answering import ask
    from rag.types import Question

    with Library.open(library, load_encoder()) as opened:
        ask(Question(SAMPLE_QUESTIONS[0]), opened)

        def respond(message: str, _history: list[Any]) -> str:
            return ask(Question(message), opened).text

        gr.ChatInterface(respond).launch(server_port=_free_port(), inbrowser=False, prevent_thread_lock=True)
        time.sleep(3_600)


def _fill(path: Path, count: int) -> list[str]:
    """Makes the library of many articles unless it is there, and gives questions about them."""
    source = random.Random(SEED)
    made = [make_article(number, source) for number in range(count)]
    with Library.open_for_writing(path, BorrowingEncoder(load_encoder())) as library:
        for first in range(library.count_articles(), count, AT_A_TIME):
            some = range(first, min(first + AT_A_TIME, count))
            library.put([(made_article(number, made[number][0]), str(number)) for number in some])
            print(f"\r{some[-1] + 1:,} articles", end="", flush=True)
    print(f"\r{count:,} articles made")
    chosen = [n for n in random.Random(SEED).sample(range(count), 2 * QUESTIONS) if n % 5 != 4]
    return [str(make_question(number, "", *made[number])["question"]) for number in chosen[:QUESTIONS]]


@contextmanager
def _process(command: Sequence[str]) -> Iterator[str]:
    """The address that a server prints."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                found = re.search(r"http://127\.0\.0\.1:\d+/?", line)
                if found is not None:
                    yield found[0]
                    return
            raise SystemExit("the server has not started")
        finally:
            process.kill()


@contextmanager
def _served(library: Path, state: Path) -> Iterator[str]:
    run = [sys.executable, "-c", "from ui.cli import main; main()", "--library", str(library)]
    with _process([*run, "serve", "--port", "0", "--state", str(state)]) as address:
        time.sleep(12)  # until the encoder is loaded, which a server does by itself after its start
        yield address


@contextmanager
def _bare(library: Path) -> Iterator[str]:
    with _process([sys.executable, "-u", __file__, "--bare", str(library)]) as address:
        yield address


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _measure_page(browser: Browser, address: str) -> dict[str, list[float]]:
    ready = ("#question textarea:not([disabled])", "#examples button:visible")
    cold, warm = _openings(browser, address, ready)
    first_words = _first_words(browser, address, SAMPLE_QUESTIONS * (QUESTIONS // len(SAMPLE_QUESTIONS)))
    context = browser.new_context()
    page = context.new_page()
    _open(page, address, ready)
    for question in SAMPLE_QUESTIONS[:4]:
        _ask(page, question, "#question textarea", ".answer p", ".working")
        page.get_by_test_id("submit-button").wait_for()
    clicks = []
    for number in range(CLICKS):
        clicks.append(float(page.evaluate(CLICK, number)))
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)
    context.close()
    return {"usable cold": cold, "usable warm": warm, "citation": clicks, "first words, sample": first_words}


def _measure_bare(browser: Browser, address: str) -> dict[str, list[float]]:
    ready = ("textarea:not([disabled])",)
    cold, warm = _openings(browser, address, ready)
    context = browser.new_context()
    page = context.new_page()
    _open(page, address, ready)
    times = []
    for question in (SAMPLE_QUESTIONS[0], *SAMPLE_QUESTIONS * (QUESTIONS // len(SAMPLE_QUESTIONS))):
        times.append(_ask(page, question, "textarea", "p, .md", ".none-of-this"))
        page.get_by_test_id("submit-button").wait_for()
    context.close()
    return {"usable cold": cold, "usable warm": warm, "first words, sample": times[1:]}


def _openings(browser: Browser, address: str, ready: Sequence[str]) -> tuple[list[float], list[float]]:
    """Milliseconds to a usable page, in new contexts and in a second page of each."""
    cold, warm = [], []
    for _ in range(OPENINGS):
        context = browser.new_context()
        cold.append(_open(context.new_page(), address, ready))
        warm.append(_open(context.new_page(), address, ready))
        context.close()
    return cold, warm


def _open(page: Page, address: str, ready: Sequence[str]) -> float:
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    for selector in ready:
        page.locator(selector).first.wait_for()
    return (time.perf_counter() - begun) * 1000


def _first_words(browser: Browser, address: str, questions: Sequence[str]) -> list[float]:
    """Milliseconds to the first words of each answer, each in a conversation of its own; one is asked before."""
    times = []
    for question in (questions[-1], *questions):
        context = browser.new_context()
        page = context.new_page()
        _open(page, address, ("#question textarea:not([disabled])", "#examples button:visible"))
        times.append(_ask(page, question, "#question textarea", ".answer p, .refusal p", ".working"))
        context.close()
    return times[1:]


def _ask(page: Page, question: str, box: str, selector: str, working: str) -> float:
    page.evaluate(WATCH, [selector, working])
    page.locator(box).first.fill(question)
    page.keyboard.press("Enter")
    return float(page.evaluate("window.measured"))


def _crowd(browser: Browser, address: str) -> dict[str, object]:
    """Twenty open pages that ask at the same moment, three times."""
    contexts = [browser.new_context() for _ in range(PEOPLE)]
    pages = [context.new_page() for context in contexts]
    errors: list[str] = []
    for page in pages:
        page.on("response", lambda reply: errors.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        _open(page, address, ("#question textarea:not([disabled])", "#examples button:visible"))
    times = []
    for turn in range(QUESTIONS_EACH):
        for number, page in enumerate(pages):
            page.evaluate(WATCH, [".answer p, .refusal p, .note", ".working"])
            page.locator("#question textarea").fill(SAMPLE_QUESTIONS[(number + turn) % len(SAMPLE_QUESTIONS)])
        for page in pages:
            page.keyboard.press("Enter")
        times += [float(page.evaluate("window.measured")) for page in pages]
        for page in pages:
            page.locator("#conversation [data-testid=bot]:has(.made, .note)").nth(turn).wait_for()
            page.get_by_test_id("submit-button").wait_for()
    notes = [note for page in pages for note in page.locator("#conversation .note").all_inner_texts()]
    for context in contexts:
        context.close()
    low, high = np.quantile(times, [0.5, 0.95])
    print(f"twenty people: p50 {low:.0f} ms, p95 {high:.0f} ms, errors {errors + notes}")
    return {"questions": len(times), "p50 ms": round(low), "p95 ms": round(high), "errors": errors + notes}


def _report(measured: dict[str, list[float]]) -> dict[str, Any]:
    figures = {}
    for name, values in measured.items():
        low, high = np.quantile(values, [0.5, 0.95])
        figures[name] = {"p50 ms": round(float(low)), "p95 ms": round(float(high))}
        print(f"{name:24}{low:8.0f}{high:8.0f}")
    return figures


if __name__ == "__main__":
    main()
