"""The page in German and French browsers: nothing of ours is left in English in its fixed parts."""

import re
from pathlib import Path

import pytest
from browser import DESKTOP, ask, served, watched_page
from fake_backend import FakeBackend, answer, cite, make_article

from rag.types import Answer, Question, Statement
from ui.texts import Texts, translations
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

QUOTE = "Zzz."
ARTICLES = [make_article(f"{QUOTE} Qqq.", f"Xxx {number}", source="Ggg", published="2022") for number in range(20)]


class Choosing(FakeBackend):
    models = ("extractive", "openai:a")


def respond(question: Question) -> Answer:
    return answer(question.text, [Statement(QUOTE, (1,), "verbatim")], [cite(1, ARTICLES[0], QUOTE)], model="openai:a")


@pytest.fixture(scope="module")
def address():
    with served(create_app(Path("unused"), backend=Choosing(ARTICLES, respond))) as address:
        yield address


SAID = """() => {
    const seen = (element) => element.checkVisibility();
    const said = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (seen(parent) && !parent.closest("script, style, noscript, #examples")) said.push(walker.currentNode.data);
    }
    const names = ["aria-label", "title", "placeholder", "alt"];
    for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]"))
        if (seen(element)) for (const name of names) said.push(element.getAttribute(name) || "");
    return said.map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""
"""Every text on the screen and every name of an element on it."""

NAMES = {"Dateline", "extractive", "openai:a"}
"""Words that are the same in every language."""


def english_left(page, language: str) -> list[str]:
    """Texts on the page that are, as a whole, a text of ours in English and not one in the page's language."""
    texts = translations()
    ours = {re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in texts[language].values()}
    english = {re.sub(r"\\\{\w+\\\}", "[\\\\d,.]+", re.escape(text)) for text in texts["en"].values()} - ours
    return sorted(
        said
        for said in set(page.evaluate(SAID)) - NAMES
        if any(re.fullmatch(pattern, said) for pattern in english)
        and not any(re.fullmatch(pattern, said) for pattern in ours if pattern != ".+")
    )


@pytest.mark.browser
@pytest.mark.parametrize(("locale", "language"), [("de-DE", "de"), ("fr-FR", "fr"), ("en-GB", "en"), ("pt-PT", "en")])
def test_the_fixed_parts_speak_the_readers_language(browser, address: str, locale: str, language: str) -> None:
    texts = Texts(language)
    with watched_page(browser, address, locale=locale, **DESKTOP) as (page, seen):
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("#masthead nav a").all_inner_texts() == [
            texts(f"page.{name}") for name in ("ask", "library", "evaluate")
        ]
        assert texts.count("page.articles", len(ARTICLES)) in page.locator("#masthead").inner_text()
        box = page.locator("#question textarea")
        assert box.get_attribute("placeholder") == texts("ask.placeholder")
        assert page.get_by_test_id("submit-button").inner_text() == texts("ask.ask")
        page.get_by_label(texts("ask.answers_by")).first.wait_for()
        assert page.locator("#source-title").inner_text() == texts("source.articles")
        assert page.locator("#skip").text_content() == texts("page.skip")
        ask(page, "Vvv?")
        page.get_by_role("link", name="[1]", exact=True).first.click()
        page.locator("#source mark.cited").wait_for()
        close = page.locator("#source-close")
        assert close.inner_text() == texts("source.close")
        assert close.get_attribute("aria-label") == texts("source.close_label")
        assert page.locator("#source-body").get_attribute("aria-label") == texts("source.text_label")
        if language != "en":
            assert english_left(page, language) == []
        seen.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize(("locale", "language"), [("de-DE", "de"), ("fr-FR", "fr")])
def test_no_view_has_english_left_over(browser, address: str, locale: str, language: str) -> None:
    with watched_page(browser, address, locale=locale, **DESKTOP) as (page, _):
        left = {"ask": english_left(page, language)}
        for view in ("library", "evaluate"):
            page.locator(f"#masthead nav a[href='#{view}']").click()
            page.wait_for_timeout(400)
            left[view] = english_left(page, language)
        assert {view: said for view, said in left.items() if said} == {}
