"""Whether everybody can use the page: axe-core over every view, the keyboard alone, and what is said aloud."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, ask, served, watched_page
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal

from rag.types import Answer, Question, Statement
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

QUOTE = "The vote was put off until May."
FILLER = "\n".join(f"Paragraph {number} says nothing of note, at some length." for number in range(60))
ARTICLES = [
    make_article(f"{FILLER}\n{QUOTE} Nobody said why.\n{FILLER}", "The vote", source="Desk", published="2022-05-27"),
    make_article("The silo was built in 1931.", "The silo", source="Farm", published="2021"),
]


class Choosing(FakeBackend):
    models = ("extractive", "openai:a")


def respond(question: Question) -> Answer:
    if "moon" in question.text:
        return refusal(question.text, "The articles do not say.", [hit(1, ARTICLES[0], QUOTE)])
    said = [Statement(QUOTE, (1,), "verbatim"), Statement("It has not been held.", (2,), "partial")]
    cited = [cite(1, ARTICLES[0], QUOTE), cite(2, ARTICLES[0], "Nobody said why.")]
    return answer(question.text, said, cited, model="openai:a", notices=("One passage did not fit.",))


@pytest.fixture(scope="module")
def address():
    with served(create_app(Path("unused"), backend=Choosing(ARTICLES, respond))) as address:
        yield address


@dataclass(frozen=True)
class Known:
    """A complaint of axe about markup that Gradio makes and that cannot be mended from outside."""

    rule: str
    selector: str
    reason: str


KNOWN = ()
"""Nothing else may be found."""


def complaints(page) -> list[str]:
    """What axe-core finds that is serious or critical, as `rule: selector`, without what is known of Gradio."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = []
    for violation in Axe().run(page, options=options).response["violations"]:
        for node in violation["nodes"]:
            selector = " ".join(map(str, node["target"]))
            known = any(one.rule == violation["id"] and one.selector in selector for one in KNOWN)
            if violation["impact"] in ("serious", "critical") and not known:
                found.append(f"{violation['id']}: {selector}: {node['html'][:150]}")
    return found


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_in_any_view(browser, address: str, device, scheme: str) -> None:
    with watched_page(browser, address, bypass_csp=True, color_scheme=scheme, **device) as (page, _):
        found = {"welcome": complaints(page)}
        ask(page, "When is the vote?")
        ask(page, "Who was on the moon?")
        found["conversation"] = complaints(page)
        page.get_by_role("link", name="[1]", exact=True).first.click()
        page.locator("#source mark.cited").wait_for()
        found["source"] = complaints(page)
        page.keyboard.press("Escape")
        for view in ("library", "evaluate"):
            page.locator(f"#masthead nav a[href='#{view}']").click()
            page.locator(f"#{view}-view:visible").wait_for(state="attached")
            page.wait_for_timeout(300)
            found[view] = complaints(page)
        assert {view: what for view, what in found.items() if what} == {}
        page.evaluate("document.querySelector('#masthead').append(document.createElement('button'))")
        assert [what.split(":")[0] for what in complaints(page)] == ["button-name"], "axe sees what is wrong"


FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const shape = element.getBoundingClientRect();
    const lined = (node) => {
        const style = getComputedStyle(node);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    };
    let seen = false;
    for (let node = element, up = 0; node && up < 4; node = node.parentElement, up += 1) seen = seen || lined(node);
    const inside = (selector) => element.closest(selector) !== null;
    const part = ["#skip", "#masthead nav", "#model", "#question", "#examples", "#conversation a.cite", "#conversation",
        "#source"].find(inside) || "other";
    return { part, seen, name: element.getAttribute("aria-label") || element.innerText || element.tagName,
        shown: shape.width > 0 && shape.top < innerHeight && shape.bottom > 0 && shape.left < innerWidth };
}"""


def walk(page, steps: int) -> list[dict]:
    """What has the focus at each press of Tab, from the top of the page until it leaves the page."""
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    page.evaluate("document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex')")
    stops = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or (stops and stop["part"] == "#skip"):
            break
        stops.append(stop)
    return stops


@pytest.mark.browser
def test_the_keyboard_alone_reaches_everything_and_sees_where_it_is(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        page.locator("#examples button:visible").first.wait_for()
        stops = walk(page, 60)
        assert stops[0]["part"] == "#skip"
        parts = [stop["part"] for stop in stops]
        assert {"#masthead nav", "#model", "#question", "#examples", "#source"} <= set(parts)
        assert len(stops) < 60, "the focus does not come out at the end"
        assert [stop for stop in stops if not (stop["seen"] and stop["shown"])] == []
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUSED) is not None
        page.locator("#question textarea").focus()
        page.keyboard.type("When is the vote?")
        page.keyboard.press("Enter")
        page.locator("#conversation .made").wait_for()
        page.get_by_test_id("submit-button").wait_for()
        stops = walk(page, 80)
        assert "#conversation a.cite" in {stop["part"] for stop in stops}
        assert len(stops) < 80
        assert [stop for stop in stops if not (stop["seen"] and stop["shown"])] == []
        seen.assert_clean()


@pytest.mark.browser
def test_the_first_link_leads_to_the_question_from_every_view(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        for view in ("", "#library", "#evaluate"):
            page.evaluate("view => { window.location.hash = view }", view)
            stops = walk(page, 1)
            assert stops[0]["name"] == "To the question"
            assert stops[0]["shown"]
            page.keyboard.press("Enter")
            page.wait_for_function("document.activeElement === document.querySelector('#question textarea')")
            assert page.locator("#question textarea").is_visible()
        seen.assert_clean()


@pytest.mark.browser
def test_a_mark_is_opened_and_closed_with_the_keyboard_alone(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, "When is the vote?")
        page.get_by_role("link", name="[1]", exact=True).first.focus()
        page.keyboard.press("Enter")
        page.locator("#source mark.cited").wait_for()
        stops = []
        for _ in range(12):
            page.keyboard.press("Tab")
            stops.append((page.evaluate(FOCUSED) or {"part": "none"})["part"])
        assert stops[0] == "#source"
        assert set(stops) - {"#source"}, "the panel does not hold the focus for ever"
        page.locator("#source").focus()
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.textContent") == "[1]"
        seen.assert_clean()


@pytest.mark.browser
def test_what_happens_is_said_aloud(browser, address: str) -> None:
    """The conversation is a log that screen readers follow, and there is one place for what else is said."""
    with watched_page(browser, address, **DESKTOP) as (page, _):
        assert page.locator("[role=log]").count() == 1
        assert page.locator("#said[role=status][aria-live=polite]").count() == 1
        ask(page, "When is the vote?")
        names = page.locator("#conversation [role=group]").evaluate_all("all => all.map(one => one.ariaLabel)")
        assert names == ["Question", "Answer"]
        assert page.locator("h1").all_inner_texts() == ["Dateline"]
        assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.browser
def test_text_twice_as_large_still_fits(browser, address: str) -> None:
    """At 320 CSS pixels, as a window of 1,280 at four times the size has (WCAG 1.4.10)."""
    with watched_page(browser, address, viewport={"width": 320, "height": 640}) as (page, _):
        ask(page, "When is the vote?")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        for view in ("library", "evaluate"):
            page.locator(f"#masthead nav a[href='#{view}']").click()
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, view
        shown = page.locator("#masthead nav a").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
        )
        assert [ends for ends in shown if ends[0] < 0 or ends[1] > 320] == []
