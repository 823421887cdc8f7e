"""Every payload in every text of others that the Ask view and the source show, in a browser, the terminal and files."""

import re
from pathlib import Path

import httpx
import pytest
from browser import DESKTOP, PHONE, ask, served, watched_page
from fake_backend import FakeBackend, answer, cite, hit, refusal
from payloads import ALL_IN_ONE, PAYLOADS, SENDABLE, assert_not_wider, assert_nothing_live, shown_as

from index.errors import LibraryError
from index.types import Article, Metadata
from rag.types import Answer, Question, Statement
from ui.render import json_line, render_answer, render_article, render_listing
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

QUOTE = "The vote was put off until May."


def article_with(payload: str) -> Article:
    """An article that has the payload everywhere."""
    metadata = Metadata(title=payload, source=payload, author=payload, published="2022-05-27", url=payload)
    return Article.from_text(f"{payload}\n\n{QUOTE} {payload}\n\n{payload}", metadata, f"/articles/{payload}.txt")


NAMES = list(SENDABLE)
ARTICLES = {name: article_with(payload) for name, payload in SENDABLE.items()}


def respond(question: Question) -> Answer:
    """An answer that says the payload of the question's number, cited; a refusal to questions that want one."""
    number = int(re.search(r"\d+", question.text)[0])
    article = ARTICLES[NAMES[number]]
    payload = SENDABLE[NAMES[number]]
    if "refuse" in question.text:
        return refusal(question.text, payload, [hit(1, article, QUOTE), hit(2, article, article.text[:400])])
    said = [Statement(QUOTE, (1,), "verbatim"), Statement(payload.strip() or "Nothing.", (1,), "unsupported")]
    changes = {"notices": (payload,), "model": "openai:a", "standalone_question": f"Asked: {payload}"}
    return answer(question.text, said, [cite(1, article, QUOTE)], **changes)


@pytest.fixture(scope="module")
def backend() -> FakeBackend:
    return FakeBackend(list(ARTICLES.values()), respond)


@pytest.fixture(scope="module")
def address(backend: FakeBackend):
    with served(create_app(Path("unused"), backend=backend)) as address:
        yield address


@pytest.mark.browser
@pytest.mark.parametrize("half", [0, 1], ids=["first half", "second half"])
def test_every_payload_is_shown_as_it_is_written(browser, address: str, half: int) -> None:
    """One conversation, with a question for each payload, and the source of each answer opened."""
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        for number in range(half, len(NAMES), 2):
            payload, article = SENDABLE[NAMES[number]], ARTICLES[NAMES[number]]
            ask(page, f"{number}")
            said = page.get_by_test_id("bot").last
            if (words := shown_as(payload)) and not _is_odd(payload):
                assert words in shown_as(said.inner_text()), NAMES[number]
            said.get_by_role("link", name="[1]", exact=True).first.click()
            page.locator("#source mark.cited").wait_for()
            page.wait_for_function(
                "title => document.getElementById('source-title').textContent === title", arg=article.title
            )
            text = page.locator("#source .article-text").text_content()
            assert text == httpx.get(f"{address}api/articles/{article.article_id}").json()["text"] == article.text
            links = page.locator("#source-known a")
            assert links.count() == 0 or re.match("https?://", links.get_attribute("href"))
            page.keyboard.press("Escape")
        assert_nothing_live(page)
        assert_not_wider(page)
        seen.assert_clean()


@pytest.mark.browser
def test_questions_refusals_and_errors_show_them_as_they_are(browser, address: str, backend: FakeBackend) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        for number in range(0, len(NAMES), 3):
            payload = SENDABLE[NAMES[number]]
            ask(page, f"refuse {number} {payload}"[:3_000])
            page.wait_for_timeout(50)
        asked = [shown_as(text) for text in page.get_by_test_id("user").all_inner_texts()]
        refused = shown_as(page.locator("#conversation").inner_text())
        for number in range(0, len(NAMES), 3):
            if (words := shown_as(SENDABLE[NAMES[number]])) and not _is_odd(SENDABLE[NAMES[number]]):
                assert any(words[:2_000] in text for text in asked), NAMES[number]
                assert words in refused, NAMES[number]
        backend.error = LibraryError(ALL_IN_ONE)
        try:
            ask(page, "0 And now?")
            last = shown_as(page.get_by_test_id("bot").last.inner_text())
            assert shown_as(PAYLOADS["image"]) in last
            assert shown_as(PAYLOADS["template braces"]) in last
        finally:
            backend.error = None
        assert_nothing_live(page)
        assert_not_wider(page)
        seen.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["long word", "long word without letters", "wide", "style of an element", "dialog"])
def test_they_do_not_break_the_page_of_a_phone(browser, address: str, name: str) -> None:
    number = NAMES.index(name)
    with watched_page(browser, address, **PHONE) as (page, seen):
        ask(page, f"{number} {SENDABLE[name]}"[:3_000])
        assert_not_wider(page)
        page.get_by_role("link", name="[1]", exact=True).first.click()
        page.locator("#source mark.cited").wait_for()
        assert_not_wider(page)
        assert page.locator("#source-body").evaluate("element => element.scrollWidth <= element.clientWidth")
        assert page.locator("#source-close").is_visible()
        box = page.locator("#source-close").bounding_box()
        assert box["x"] + box["width"] <= 390
        page.keyboard.press("Escape")
        assert_nothing_live(page)
        seen.assert_clean()


@pytest.mark.browser
def test_pages_and_files_of_answers_show_them_as_they_are(browser, address: str) -> None:
    """The page of a single answer, and its file, which a reader opens from a disk where no policy is sent with it."""
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        kept = []
        for number in range(1, len(NAMES), 6):
            if SENDABLE[NAMES[number]].startswith("https:"):
                continue  # the original page of its article is a link by right
            ask(page, f"{number} {SENDABLE[NAMES[number]]}"[:3_000])
            kept.append((number, page.locator("a.permalink").last.get_attribute("href")))
        files: list[str] = []
        page.route("**/opened-from-disk", lambda route: route.fulfill(body=files[-1], content_type="text/html"))
        for number, path in kept:
            words = shown_as(SENDABLE[NAMES[number]])
            page.goto(f"{address}{path}")
            assert _is_odd(words) or words in shown_as(page.locator("body").inner_text()), NAMES[number]
            assert_nothing_live(page, title=None)
            file = httpx.get(f"{address}api/answers/{path.split('/')[-1]}/export?format=html")
            assert file.headers["content-disposition"].isascii()
            files.append(file.text)
            page.goto(f"{address}opened-from-disk")
            assert _is_odd(words) or words in shown_as(page.locator("body").text_content()), NAMES[number]
            assert_nothing_live(page, title=None)
        assert seen.other_hosts == []
        assert [said for said in seen.complaints if "dialog" in said] == []


def _is_odd(payload: str) -> bool:
    """True for characters that Markdown or `innerText` turn into others or leave out; the source still shows them."""
    return bool(
        re.search(
            r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]",
            payload,
        )
    )


# Terminal and files


@pytest.mark.parametrize("name", SENDABLE)
def test_the_terminal_gets_no_codes_of_theirs(name: str) -> None:
    payload = SENDABLE[name]
    article = article_with(payload)
    said = [Statement(payload.strip() or "Nothing.", (1,), "unsupported")]
    given = answer(
        payload, said, [cite(1, article, QUOTE)], notices=(payload,), standalone_question=f"Asked: {payload}"
    )
    summary = FakeBackend([article], respond).summaries()[0]
    printed = render_answer(given, {article.article_id: article}, 80) + render_article(article, 1)
    printed += render_listing([summary])
    plain = re.sub(r"\x1b\[(?:1|0)m", "", printed)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain)
    line = json_line(given.as_json())
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line)


def test_the_interface_sends_them_as_text(address: str) -> None:
    listing = httpx.get(f"{address}api/articles", params={"limit": 1_000})
    assert listing.headers["content-type"] == "application/json"
    titles = {article["title"] for article in listing.json()["articles"]}
    assert titles == {article.title for article in ARTICLES.values()}
