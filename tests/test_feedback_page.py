"""Feedback in a real browser: thumbs, whether a passage supports its statement, other words pointed out."""

import json
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, ask, served, watched_page
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal

from rag.types import Answer, Question, Statement
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

VOTE = make_article(
    "😀 The vote was put off.\nNobody <b>said</b> why.\n\nIt will be held in May 😀, said Ann Lee.",
    "The vote",
    source="Desk",
)
RIVER = make_article("The river 😀 rose by two metres.\nThe bridge was closed.", "The river")


def respond(question: Question) -> Answer:
    if "moon" in question.text:
        return refusal(question.text, "The articles do not say.", [hit(1, VOTE, "put off")])
    said = [Statement("**May** — It will be held in May.", (1,), "verbatim"), Statement("Put off.", (2,), "verbatim")]
    return answer(question.text, said, [cite(1, VOTE, "held in May"), cite(2, VOTE, "put off")])


@pytest.fixture(scope="module")
def address():
    with served(create_app(Path("unused"), backend=FakeBackend([VOTE, RIVER], respond))) as address:
        yield address


def lines_of(page, address: str) -> list[dict]:
    return [json.loads(line) for line in page.request.get(f"{address}api/feedback").text().splitlines()]


def select(page, first: str, last: str) -> None:
    """Selects the article's text from the first place of `first` to the end of `last`, through marks and all."""
    page.evaluate(
        """([first, last]) => {
            const text = document.querySelector('.article-text');
            const place = (units) => {
                const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
                for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                    if (units <= node.length) return [node, units];
                    units -= node.length;
                }
            };
            const range = document.createRange();
            range.setStart(...place(text.textContent.indexOf(first)));
            range.setEnd(...place(text.textContent.indexOf(last) + last.length));
            window.getSelection().removeAllRanges();
            window.getSelection().addRange(range);
        }""",
        [first, last],
    )


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_judgements_are_kept_shown_and_taken_back(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        ask(page, "When is the vote?")
        helpful, unhelpful = page.locator("a.helpful"), page.locator("a.unhelpful")
        assert helpful.get_attribute("role") == "button"
        helpful.click()
        page.locator("a.helpful[aria-pressed=true]").wait_for()
        assert unhelpful.get_attribute("aria-pressed") == "false"
        page.locator("#said", has_text="Noted: helpful.").wait_for(state="attached")
        assert [line["answers"] for line in lines_of(page, address)] == [["May"]]

        page.get_by_role("link", name="[1]", exact=True).click()
        yes = page.get_by_role("button", name="This passage supports it")
        no = page.get_by_role("button", name="It does not")
        yes.click()
        page.locator(".judge.yes[aria-pressed=true]").wait_for()
        assert yes.evaluate("element => element === document.activeElement"), "the focus stays where it was"
        assert [found["quote"] for found in lines_of(page, address)[0]["evidence"]] == ["held in May"]
        no.click()
        page.locator(".judge.no[aria-pressed=true]").wait_for()
        assert yes.get_attribute("aria-pressed") == "false"
        page.get_by_role("button", name="Next citation").click()
        page.get_by_role("group", name="Does citation 2 support").wait_for()
        assert page.locator(".judge[aria-pressed=true]").count() == 0
        page.get_by_role("button", name="Previous citation").click()
        page.locator(".judge.no[aria-pressed=true]").click()
        page.locator(".judge.no[aria-pressed=false]").wait_for()

        point_out = page.get_by_role("button", name="These words are the right passage")
        assert not point_out.is_visible()
        select(page, " Nobody <b>said</b> why.".strip(), "held in May 😀")
        point_out.click()
        page.locator(".pointed-out li").wait_for()
        words = "Nobody <b>said</b> why.\n\nIt will be held in May 😀"
        assert [found["quote"] for found in lines_of(page, address)[0]["evidence"]] == [words]
        assert page.locator(".pointed-out b").count() == 0
        page.get_by_role("button", name="Take back").click()
        page.locator(".pointed-out").wait_for(state="detached")
        assert lines_of(page, address)[0]["evidence"] == []
        seen.assert_clean()


def test_a_thumb_down_asks_for_the_right_words_and_another_article_can_hold_them(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, "What of the moon?")
        page.locator("a.unhelpful").focus()
        page.keyboard.press(" ")
        hint = page.locator(".feedback-hint")
        hint.wait_for()
        assert hint.text_content() == "Noted. Open a source and select the words that answer it."
        assert lines_of(page, address) == []

        page.goto(f"{address}#read-{RIVER.article_id}-0-0")
        page.reload()
        page.locator("a.unhelpful[aria-pressed=true]").wait_for()
        page.get_by_role("button", name="Close source").click()
        page.locator("#source").get_by_role("link", name="The river").click()
        page.locator(".article-text").wait_for()
        page.locator("#judging").wait_for(state="attached")
        select(page, "river 😀", "two metres")
        page.get_by_text("for: What of the moon?").wait_for()
        page.get_by_role("button", name="These words are the right passage").click()
        page.locator(".pointed-out li", has_text="river 😀 rose by two metres").wait_for()
        (line,) = lines_of(page, address)
        assert (line["question"], line["answerable"]) == ("What of the moon?", True)
        assert line["evidence"] == [{"article": "The river.txt", "quote": "river 😀 rose by two metres"}]

        page.get_by_role("button", name="Close source").click()
        page.locator("#conversations-open").click()
        page.locator("#feedback-place", has_text="Feedback: 1 question").wait_for()
        with page.expect_download() as download:
            page.locator("#feedback-place a").click()
        assert download.value.suggested_filename == "feedback.jsonl"
        assert json.loads(Path(download.value.path()).read_text("utf-8")) == line
        seen.assert_clean()


def test_what_the_server_refuses_is_said_beside_the_button(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        ask(page, "When is the vote?")
        page.route("**/api/feedback", lambda route: route.fulfill(status=503, json={"error": "Not <b>now</b>."}))
        page.locator("a.helpful").click()
        page.locator(".feedback-problem").wait_for()
        assert page.locator(".feedback-problem").text_content() == "Not <b>now</b>."
        assert page.locator("a.helpful").get_attribute("aria-pressed") == "false"
