"""The Ask view in a real browser: asking again, editing, filters, waiting, conversations, checking by keyboard."""

import re
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, ask, in_viewport, served, watched_page
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal
from playwright.sync_api import expect

from index.types import SearchFilter
from rag.types import Answer, Question, Statement
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

FILLER = "\n".join(f"Paragraph {number} 😀 says nothing of note, at some length." for number in range(80))
FIRST, SECOND = "The vote was put off until May.", "Nobody said why."
ARTICLE = make_article(f"{FILLER}\n{FIRST} {SECOND}\n{FILLER}", "The vote", source="Desk", published="2022-05-27")
OTHER = make_article(f"{FILLER}\nThe vote is put off, says the agency.", "Elsewhere", source="Agency")


def respond(question: Question) -> Answer:
    if "moon" in question.text:
        return refusal(question.text, "The articles do not say.", [hit(1, ARTICLE, FIRST)])
    said = [Statement(FIRST, (1,), "verbatim"), Statement("It is off.", (2, 3), "partial")]
    cited = [cite(1, ARTICLE, FIRST), cite(2, ARTICLE, SECOND), cite(3, OTHER, "The vote is put off")]
    return answer(question.text, said, cited)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend([ARTICLE, OTHER], respond)


@pytest.fixture
def address(backend: FakeBackend):
    with served(create_app(Path("unused"), backend=backend)) as address:
        yield address


def questions(page) -> list[str]:
    return page.get_by_test_id("user").all_inner_texts()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_citations_are_stepped_through_and_the_others_of_the_article_marked(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        ask(page, "When is the vote?")
        page.get_by_role("link", name="[1]", exact=True).click()
        cited = page.locator("#source mark.cited")
        expect(cited).to_have_text(FIRST)
        also = page.locator("#source mark.also")
        expect(also).to_have_text([SECOND])
        assert page.locator("#source .article-text").text_content() == ARTICLE.text
        assert page.locator("#source-steps").inner_text().split("\n")[1:-1] == ["Citation 1 of 3"]
        assert page.locator("#source-previous").is_disabled()
        page.locator("#source-next").click()
        expect(cited).to_have_text(SECOND)
        expect(also).to_have_text([FIRST])
        expect(page.get_by_role("link", name="[2]", exact=True)).to_have_attribute("aria-current", "true")
        assert page.locator("#source-next").evaluate("element => element === document.activeElement")
        page.keyboard.press("Enter")
        expect(page.locator("#source-title")).to_have_text("Elsewhere")
        expect(cited).to_have_text("The vote is put off")
        assert in_viewport(cited)
        page.locator("#source-previous").click()
        expect(cited).to_have_text(SECOND)
        also.click()
        expect(cited).to_have_text(FIRST)
        page.keyboard.press("Escape")
        mark = page.get_by_role("link", name="[1]", exact=True)
        assert mark.evaluate("element => element === document.activeElement")
        seen.assert_clean()


def test_the_quotation_stands_beside_its_mark_for_pointer_and_keyboard(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, "When is the vote?")
        mark, quote = page.get_by_role("link", name="[1]", exact=True), page.locator("#quote")
        mark.hover()
        expect(quote).to_be_visible()
        assert FIRST in quote.inner_text()
        assert "The vote · Desk" in quote.inner_text()
        page.mouse.move(5, 5)
        expect(quote).to_be_hidden()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        mark.focus()
        page.keyboard.press("Tab")
        expect(quote).to_contain_text(SECOND)
        assert page.locator("a.cite[aria-describedby=quote]").inner_text() == "[2]"
        page.keyboard.press("Escape")
        expect(quote).to_be_hidden()
        seen.assert_clean()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_question_is_edited_and_asked_again(browser, backend: FakeBackend, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        ask(page, "When is the vote?")
        ask(page, "And why?")
        page.get_by_role("button", name="Edit question").first.click()
        expect(page.locator("#banner")).to_contain_text("Asking replaces “When is the vote?”")
        box = page.locator("#question textarea")
        expect(box).to_have_value("When is the vote?")
        page.locator("#banner a").click()
        expect(page.locator("#banner p")).to_have_count(0)
        expect(box).to_have_value("")
        page.get_by_role("button", name="Edit question").first.click()
        expect(box).to_have_value("When is the vote?")
        box.fill("When was the vote?")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("user")).to_have_text(["When was the vote?"])
        page.get_by_test_id("submit-button").wait_for()
        assert backend.questions[-1].history == ()
        asked = len(backend.questions)
        page.get_by_role("button", name="Ask again").click()
        for _ in range(200):
            if len(backend.questions) > asked:
                break
            page.wait_for_timeout(50)
        page.wait_for_function("document.querySelectorAll('#conversation .made').length === 1")
        page.get_by_test_id("submit-button").wait_for()
        expect(page.get_by_test_id("user")).to_have_text(["When was the vote?"])
        assert [question.text for question in backend.questions[asked:]] == ["When was the vote?"]
        seen.assert_clean()


def test_filters_limit_what_is_asked_and_are_said(browser, backend: FakeBackend, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        page.get_by_role("button", name="Filters: dates and sources").click()
        page.get_by_label("Published from").fill("2017-06")
        page.get_by_label("As of").fill("soon")
        page.locator("#question textarea").fill("When is the vote?")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("'soon'")
        expect(page.locator("#question textarea")).to_have_value("When is the vote?")
        assert backend.questions == []
        page.get_by_label("As of").fill("2023")
        page.get_by_label("Only these sources").click()
        page.get_by_role("option", name="Agency").click()
        page.keyboard.press("Escape")
        ask(page, "When is the vote?")
        assert backend.questions[-1].filter == SearchFilter(
            date(2017, 6, 1), None, frozenset({"Agency"}), date(2023, 12, 31)
        )
        said = page.get_by_test_id("user").inner_text()
        assert said.endswith("Only articles from 1 June 2017, of Agency, as of 31 December 2023")
        expect(page.get_by_role("alert")).to_have_count(0)
        seen.assert_clean()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_conversations_are_listed_opened_renamed_and_deleted(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        ask(page, "When is the vote?")
        page.locator("#conversation-new").click()
        expect(page.get_by_test_id("user")).to_have_count(0)
        assert page.locator("#examples button:visible").count() >= 1
        ask(page, "Who was on the moon?")
        expect(page.locator("#talk-title")).to_have_text("Who was on the moon?")
        page.reload()
        expect(page.get_by_test_id("user")).to_have_text(["Who was on the moon?"])
        page.get_by_text("The articles do not say.", exact=True).wait_for()

        page.get_by_role("button", name="Conversations", exact=True).click()
        rows = page.locator("#conversations li")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("Who was on the moon?")
        rows.nth(1).get_by_role("button", name="Rename When is the vote?").click()
        page.get_by_label("New name").fill("The <b>vote</b>")
        page.keyboard.press("Enter")
        expect(rows.nth(1).locator("button.open")).to_have_text("The <b>vote</b>")
        rows.nth(1).locator("button.open").click()
        expect(page.get_by_test_id("user")).to_have_text(["When is the vote?"])
        expect(page.locator("#talk-title")).to_have_text("The <b>vote</b>")
        ask(page, "And why?")

        page.get_by_role("button", name="Conversations", exact=True).click()
        expect(rows.first).to_contain_text("2 questions")
        rows.first.get_by_role("button", name=re.compile("^Delete")).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Delete “The <b>vote</b>” with its answers?")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(rows).to_have_count(2)
        rows.first.get_by_role("button", name=re.compile("^Delete")).click()
        dialog.get_by_role("button", name="Delete").click()
        expect(rows).to_have_count(1)
        expect(page.get_by_test_id("user")).to_have_count(0)
        page.keyboard.press("Escape")
        expect(page.locator("#conversations")).to_be_hidden()
        seen.assert_clean()


def test_another_browser_sees_nothing_of_it(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        ask(page, "When is the vote?")
        with watched_page(browser, address, **DESKTOP) as (other, _):
            other.get_by_role("button", name="Conversations", exact=True).click()
            other.get_by_text("No conversations yet.").wait_for()
            assert other.locator("#conversations li").count() == 0
        page.get_by_role("button", name="Conversations", exact=True).click()
        expect(page.locator("#conversations li")).to_have_count(1)


def test_conversations_outlive_the_server(browser, backend: FakeBackend, tmp_path: Path) -> None:
    def app():
        return create_app(Path("unused"), backend=backend, state=tmp_path / "state")

    context = browser.new_context(**DESKTOP)
    with served(app()) as address:
        page = context.new_page()
        page.goto(address)
        page.locator("#question textarea").wait_for()
        page.locator("#masthead", has_text="article").wait_for()
        ask(page, "When is the vote?")
    with served(app()) as address:  # another port: the cookie is the host's
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Conversations", exact=True).click()
        page.get_by_role("button", name="When is the vote?", exact=True).click()
        expect(page.get_by_test_id("user")).to_have_text(["When is the vote?"])
        page.get_by_role("link", name="[1]", exact=True).click()
        expect(page.locator("#source mark.cited")).to_have_text(FIRST)
    context.close()


def test_a_reload_goes_on_with_the_answer_that_is_being_written(browser) -> None:
    gate = threading.Event()
    backend = FakeBackend([ARTICLE, OTHER], respond, pieces=["The vote was "], gate=gate)
    with (
        served(create_app(Path("unused"), backend=backend)) as address,
        watched_page(browser, address, **DESKTOP) as (page, seen),
    ):
        page.locator("#question textarea").fill("When is the vote?")
        page.keyboard.press("Enter")
        page.get_by_test_id("bot").get_by_text("The vote was").wait_for()
        page.reload()
        page.get_by_test_id("bot").get_by_text("The vote was").wait_for()
        page.get_by_role("button", name="Stop").wait_for()
        gate.set()
        page.locator("#conversation .made").wait_for()
        page.get_by_test_id("submit-button").wait_for()
        assert len(backend.questions) == 1
        # Gradio complains of the stream that the reload cut off.
        cut_off = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
        seen.complaints[:] = [said for said in seen.complaints if not said.startswith(cut_off)]
        seen.assert_clean()


def test_waiting_questions_say_how_many_are_before_them(browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.desk.EXTRACTIVE_AT_ONCE", 1)
    gate = threading.Event()
    backend = FakeBackend([ARTICLE, OTHER], respond, gate=gate)
    with (
        served(create_app(Path("unused"), backend=backend)) as address,
        watched_page(browser, address, **DESKTOP) as (first, _),
        watched_page(browser, address, **DESKTOP) as (second, seen),
    ):
        for page in (first, second):
            page.locator("#question textarea").fill("When is the vote?")
            page.keyboard.press("Enter")
            page.locator("#conversation .working").wait_for()
        expect(second.locator("#conversation .working")).to_contain_text("1 question is before this one")
        second.wait_for_function(
            """() => getComputedStyle(document.querySelector(".working"), "::after").content.includes("1 s")"""
        )
        gate.set()
        second.locator("#conversation .made").wait_for()
        seen.assert_clean()


def test_the_chosen_model_says_whether_it_can_be_used(browser) -> None:
    class Choosing(FakeBackend):
        models = ("openai:a", "extractive", "ollama:b")

        def ready(self, model):
            return model != "ollama:b"

        def ask(self, question, *, k=None, model=None, stop=None):
            return replace(super().ask(question, k=k, model=model, stop=stop), model=model)

    with (
        served(create_app(Path("unused"), backend=Choosing([ARTICLE, OTHER], respond))) as address,
        watched_page(browser, address, **PHONE) as (page, seen),
    ):
        state = page.locator("#model .model-state")
        expect(state).to_have_text("ready")
        assert in_viewport(state)
        page.get_by_label("Answers by").click()
        page.get_by_role("option", name="ollama:b").click()
        expect(state).to_have_text("cannot be used now")
        seen.assert_clean()


def test_a_refusal_looks_like_a_result_and_says_what_is_covered(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, "Who was on the moon?")
        shown = page.locator("#conversation .refusal")
        assert "Not answered · The articles do not seem to say" in shown.inner_text()
        assert "The library holds 2 articles from 27 May 2022 to 27 May 2022, of Desk, Agency." in shown.inner_text()
        assert page.locator("#conversation .note").count() == 0
        page.get_by_role("link", name="Open passage 1").click()
        expect(page.locator("#source mark.cited")).to_have_text(FIRST)
        seen.assert_clean()


def test_the_page_speaks_german_and_french(browser, address: str) -> None:
    for locale, words in {
        "de-DE": ["Fragen", "Gespräche", "Neues Gespräch", "Filter: Tage und Quellen", "2 Artikel"],
        "fr-CH": ["Questions", "Conversations", "Nouvelle conversation", "Filtres : dates et sources", "2 articles"],
    }.items():
        context = browser.new_context(locale=locale, **DESKTOP)
        page = context.new_page()
        page.goto(address)
        page.locator("#masthead", has_text=words[-1]).wait_for()
        page.locator("#conversation-new", has_text=words[2]).wait_for()
        text = page.locator("body").inner_text()
        assert [word for word in words if word not in text] == []
        context.close()
