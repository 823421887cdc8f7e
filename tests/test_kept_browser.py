"""The page of one answer in a real browser: without scripts, on a phone, in the dark, on paper, and the way back."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, ask, served, watched_page
from fake_backend import FakeBackend, answer, cite, make_article

from rag.types import Answer, Question, Statement
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

HOSTILE = "<img src=https://evil.example/x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
VOTE = make_article(f"Before. {HOSTILE} The vote was put off. " + "x" * 300, f"Title {HOSTILE}", source="<b>Desk</b>")
WORDS = f"{HOSTILE} The vote was put off."


def respond(question: Question) -> Answer:
    said = [Statement(WORDS, (1,), "partial")]
    return answer(question.text, said, [replace(cite(1, VOTE, WORDS), url="https://desk.example/vote")])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory):
    """The server's address and the identifier of an answer."""
    state = tmp_path_factory.mktemp("state")
    store = ConversationStore.open(state)
    exchange = store.begin("ann", "", Asked(f"When? {HOSTILE}", "extractive"))
    store.save(replace(exchange, state="finished", answer=respond(Question(f"When? {HOSTILE}"))))
    store.close()
    with served(create_app(Path("unused"), backend=FakeBackend([VOTE], respond), state=state)) as address:
        yield address, exchange.exchange_id


@contextmanager
def plain_page(browser, **options):
    """A page, what it asked for and what it complained of."""
    context = browser.new_context(**options)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    try:
        yield page, asked, complaints
    finally:
        context.close()


@pytest.mark.parametrize(
    "device", [DESKTOP, PHONE, {**PHONE, "color_scheme": "dark"}], ids=["desktop", "phone", "dark phone"]
)
def test_the_page_asks_for_nothing_runs_nothing_and_fits(browser, kept, device) -> None:
    address, identifier = kept
    with plain_page(browser, **device) as (page, asked, complaints):
        page.goto(f"{address}a/{identifier}")
        assert asked == [f"{address}a/{identifier}"]
        assert complaints == []
        assert page.locator("script, img, iframe, form, b").count() == 0
        assert "owned" not in page.title()[:5]
        assert page.locator("mark").inner_text() == WORDS
        assert page.locator("h1").inner_text() == f"When? {HOSTILE}"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        ground, ink = page.evaluate("['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])")
        dark = device.get("color_scheme") == "dark"
        assert (ground, ink) == (
            ("rgb(23, 22, 20)", "rgb(236, 233, 226)") if dark else ("rgb(251, 250, 247)", "rgb(29, 28, 26)")
        )
        page.locator("a.mark").click()
        assert page.locator("li:target mark").count() == 1


def test_on_paper_the_cited_words_stay_marked_and_links_for_the_screen_are_gone(browser, kept) -> None:
    address, identifier = kept
    with plain_page(browser, color_scheme="dark") as (page, _, _):
        page.emulate_media(media="print")
        page.goto(f"{address}a/{identifier}")
        assert not page.locator(".copies").is_visible()
        assert page.locator("mark").evaluate("element => getComputedStyle(element).borderBottomStyle") == "solid"
        assert page.locator("body").evaluate("element => getComputedStyle(element).color") == "rgb(29, 28, 26)"


def test_the_pack_opens_from_disk_alone(browser, kept, tmp_path: Path) -> None:
    address, identifier = kept
    with plain_page(browser, **DESKTOP) as (page, asked, complaints):
        page.goto(f"{address}a/{identifier}")
        with page.expect_download() as download:
            page.get_by_role("link", name="Evidence pack (HTML)").click()
        assert download.value.suggested_filename.startswith("dateline-when-img-src")
        file = tmp_path / "pack.html"
        download.value.save_as(file)
        asked.clear()
        page.goto(file.as_uri())
        assert (asked, complaints) == ([file.as_uri()], [])
        assert page.locator(".article .text").text_content() == VOTE.text
        assert page.locator(".article .text mark").text_content() == WORDS
        assert page.locator("script, img, b").count() == 0


def test_a_link_opens_the_article_in_the_page_and_the_page_links_here(browser, kept) -> None:
    address, identifier = kept
    start = VOTE.text.index(WORDS)
    with plain_page(browser, **DESKTOP) as (page, _, _):
        page.goto(f"{address}a/{identifier}")
        page.locator(".title a").click()
        page.wait_for_url(f"{address}#read-{VOTE.article_id}-{start}-{start + len(WORDS)}")
        page.locator("#source mark.cited").wait_for()
        assert page.locator("#source mark.cited").text_content() == WORDS
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, "When?")
        page.goto(f"{address}{page.locator('a.permalink').get_attribute('href')}")
        page.get_by_text("The cited passage is still in the library word for word.").wait_for()
        seen.assert_clean()
