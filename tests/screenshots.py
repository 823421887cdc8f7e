"""Pictures of every view of the page over the sample collection, for people to look at: `make screenshots`.

    python tests/screenshots.py FOLDER [VIEW...]

Writes VIEW-DEVICE.png for each view on a desktop, a phone, and a desktop in the dark. A view that is not there is named
and left out. No test looks at the pictures: they are for eyes.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from browser import ARGUMENTS, DESKTOP, PHONE, ask, find_chromium, served, watched_page
from playwright.sync_api import Error, Page, sync_playwright

from index.ingest import index_paths
from index.library import Library
from ui.web import create_app

SEEDS = Path(__file__).parent.parent / "seeds"

DEVICES = {
    "desktop": DESKTOP,
    "phone": PHONE,
    "dark": {**DESKTOP, "color_scheme": "dark"},
    "phone-dark": {**PHONE, "color_scheme": "dark"},
}

PATIENCE = 5_000
"""Milliseconds that a view may take to appear."""

QUESTION = "Which ships would the vetoed US resolution on North Korea have put sanctions on?"
FOLLOW_UP = "And who vetoed it?"
OUTSIDE = "Who won the football world cup in 1954?"


def _answer(page: Page) -> None:
    ask(page, QUESTION)


def _follow_up(page: Page) -> None:
    ask(page, QUESTION)
    ask(page, FOLLOW_UP)


def _refusal(page: Page) -> None:
    ask(page, OUTSIDE)


def _source(page: Page) -> None:
    ask(page, QUESTION)
    page.get_by_role("link", name="[1]", exact=True).first.click()
    page.locator("#source mark.cited").wait_for(timeout=PATIENCE)


def _quote(page: Page) -> None:
    ask(page, QUESTION)
    page.get_by_role("link", name="[1]", exact=True).first.hover()
    page.locator("#quote:visible").wait_for(timeout=PATIENCE)


def _conversations(page: Page) -> None:
    _follow_up(page)
    page.locator("#conversations-open").click(timeout=PATIENCE)
    page.locator("#conversations:visible").wait_for(timeout=PATIENCE)


def _filters(page: Page) -> None:
    page.locator("#filters button").first.click(timeout=PATIENCE)


def _models(page: Page) -> None:
    page.locator("#model input").click(timeout=PATIENCE)
    page.locator("#model .options").wait_for(timeout=PATIENCE)


def _kept(page: Page) -> None:
    ask(page, QUESTION)
    address = page.locator("a.permalink").first.get_attribute("href", timeout=PATIENCE)
    page.goto(page.url.split("#")[0] + str(address))


def _tab(name: str) -> Callable[[Page], None]:
    def show(page: Page) -> None:
        page.locator(f"#masthead nav a[href='#{name}']").click(timeout=PATIENCE)
        page.locator(f"#{name}-view > *").first.wait_for(timeout=PATIENCE)
        page.wait_for_timeout(1_500)

    return show


def _skip(page: Page) -> None:
    page.evaluate("document.getElementById('skip').focus()")


VIEWS: dict[str, Callable[[Page], None]] = {
    "welcome": lambda page: page.locator("#examples button:visible").first.wait_for(),
    "skip": _skip,
    "models": _models,
    "filters": _filters,
    "answer": _answer,
    "quote": _quote,
    "follow-up": _follow_up,
    "refusal": _refusal,
    "source": _source,
    "conversations": _conversations,
    "kept-answer": _kept,
    "library": _tab("library"),
    "evaluate": _tab("evaluate"),
}
"""Name of a view → what leads to it from a page that was just opened."""


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as made,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS)) as browser,
    ):
        with Library.open_for_writing(Path(made) / "library") as library:
            index_paths(library, [str(SEEDS)])
        app = create_app(Path(made) / "library", offered=["ollama:llama3.2"])
        with served(app) as address:
            for view in wanted or VIEWS:
                for device, options in DEVICES.items():
                    with watched_page(browser, address, **options) as (page, _):
                        try:
                            VIEWS[view](page)
                            page.wait_for_timeout(400)
                            page.screenshot(path=folder / f"{view}-{device}.png")
                            sys.stdout.write(f"{view}-{device}.png\n")
                        except Error as error:
                            sys.stdout.write(f"{view}-{device}: not there ({str(error).splitlines()[0]})\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(Path(sys.argv[1]), sys.argv[2:])
