"""The page in a real browser: a question, a click on a mark, the highlighted words in their article."""

import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from browser import DESKTOP, PHONE, ask, find_chromium, in_viewport, served, watched_page
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal

from index.errors import InputError, LibraryNotFoundError
from index.ingest import index_paths
from index.library import Library
from rag.types import Answer, Question, Statement, Turn
from ui.front_files import front_file
from ui.web import create_app, serve, server_config

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

SEEDS = Path(__file__).parent.parent / "seeds"

FILLER = "\n".join(
    f"Paragraph {number} 😀 says nothing of note, at some length, so that the page scrolls." for number in range(80)
)
HOSTILE_TEXT = (
    "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script> ${alert(1)} {{alert(1)}} \\u0041 \\n "
    "![x](https://evil.example/x.png) [link](javascript:alert(1)) https://evil.example/?q=1 &lt;b&gt; `code` $$x$$"
)
QUOTE = "The vote was put off until May."
ARTICLE = make_article(
    f"{FILLER}\n{QUOTE} Nobody said why.\n{FILLER}", "The vote", source="Desk", published="2022-05-27"
)
HOSTILE = make_article(f"First line.\n{HOSTILE_TEXT}\nLast line.", f"Title {HOSTILE_TEXT}", source="<b>Desk</b>")


def respond(question: Question) -> Answer:
    if "moon" in question.text:
        return refusal(
            question.text, "The articles do not say.", [hit(1, ARTICLE, QUOTE), hit(2, HOSTILE, "Last line.")]
        )
    if "hostile" in question.text:
        said = [Statement(HOSTILE_TEXT, (1,), "unsupported")]
        return answer(question.text, said, [cite(1, HOSTILE, HOSTILE_TEXT)])
    standalone = f"{question.text} (the vote)" if question.history else question.text
    said = [Statement(QUOTE, (1,), "verbatim"), Statement("It has not been held.", (2, 1), "partial")]
    cited = [cite(1, ARTICLE, QUOTE), cite(2, ARTICLE, "Nobody said why.")]
    return answer(question.text, said, cited, standalone_question=standalone)


@pytest.fixture(scope="module")
def backend() -> FakeBackend:
    return FakeBackend([ARTICLE, HOSTILE], respond)


@pytest.fixture(scope="module")
def address(backend: FakeBackend):
    with served(create_app(Path("unused"), backend=backend)) as address:
        yield address


@pytest.fixture(scope="module")
def seed_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the sample articles, with the encoder that a user would have."""
    path = tmp_path_factory.mktemp("library")
    with Library.open_for_writing(path) as library:
        assert index_paths(library, [str(SEEDS)]).failed == ()
    return path


def mark(page, number: int = 1):
    return page.get_by_role("link", name=f"[{number}]", exact=True).first


@pytest.mark.browser
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_sample_articles_answer_and_show_their_words(browser, seed_library: Path, device) -> None:
    question = "Which ships would the vetoed US resolution on North Korea have put sanctions on?"
    with served(create_app(seed_library)) as address, watched_page(browser, address, **device) as (page, seen):
        ask(page, question)
        document = httpx.post(f"{address}api/ask", json={"question": question}, timeout=60).json()
        citation = document["citations"][0]
        article = httpx.get(f"{address}api/articles/{citation['article_id']}").json()
        mark(page).click()
        cited = page.locator("#source mark.cited")
        cited.wait_for()
        assert cited.text_content() == citation["cited_text"]
        assert page.locator("#source .article-text").text_content() == article["text"]
        assert in_viewport(cited)
        page.keyboard.press("Escape")
        assert mark(page).evaluate("element => element === document.activeElement")
        seen.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_mark_opens_the_cited_words_inside_the_whole_article(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        phone = device is PHONE
        assert page.locator("#source").is_visible() is not phone
        ask(page, "When is the vote?")
        assert "answered by extractive in 0.4 s, confidence 82%" in page.locator("#conversation").inner_text()
        assert page.get_by_text("partly supported by the cited words").count() == 1
        mark(page).click()
        cited = page.locator("#source mark.cited")
        cited.wait_for()
        assert cited.text_content() == QUOTE
        assert page.locator("#source .article-text").text_content() == ARTICLE.text
        assert page.locator("#source").inner_text().startswith("The vote\n")
        assert "Desk · 27 May 2022" in page.locator("#source").inner_text()
        assert in_viewport(cited)
        assert page.locator("#source").evaluate("element => element === document.activeElement")
        if phone:
            mark(page, 2).evaluate("element => element.click()")  # the sheet covers it
        else:
            mark(page, 2).click()
        page.locator("#source mark.cited", has_text="Nobody said why.").wait_for()
        page.keyboard.press("Escape")
        assert mark(page, 2).evaluate("element => element === document.activeElement")
        assert page.locator("#source mark.cited").count() == 0
        assert page.locator("#source").is_visible() is not phone
        mark(page).focus()
        page.keyboard.press("Enter")
        cited.wait_for()
        page.get_by_role("button", name="Close source").click()
        assert mark(page).evaluate("element => element === document.activeElement")
        seen.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_wider_than_the_window(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, _):
        ask(page, "hostile " + "x" * 500)
        mark(page).click()
        page.locator("#source mark.cited").wait_for()
        width = device["viewport"]["width"]
        widest = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        assert widest <= width
        assert page.locator("#source-body").evaluate("element => element.scrollWidth <= element.clientWidth")
        assert page.locator("#question").evaluate("element => element.getBoundingClientRect().bottom <= innerHeight")


@pytest.mark.browser
def test_hostile_words_are_shown_as_they_are_written(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, f"hostile {HOSTILE_TEXT}")
        assert HOSTILE_TEXT in page.get_by_test_id("user").last.inner_text()
        assert HOSTILE_TEXT in page.get_by_test_id("bot").last.inner_text()
        assert HOSTILE.title in page.get_by_test_id("bot").last.inner_text()
        mark(page).click()
        cited = page.locator("#source mark.cited")
        cited.wait_for()
        assert cited.text_content() == HOSTILE_TEXT
        assert page.locator("#source-title").text_content() == HOSTILE.title
        assert "<b>Desk</b>" in page.locator("#source-known").inner_text()
        page.wait_for_timeout(500)
        assert page.title() == "Dateline"
        assert page.locator("#conversation, #source").locator("img, script, iframe, form, code").count() == 0
        assert page.locator("a[href*=evil], a[href^=javascript]").count() == 0
        seen.assert_clean()


@pytest.mark.browser
def test_a_refusal_gives_its_reason_and_the_closest_passages(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        ask(page, "Who was on the moon?")
        assert "The articles do not say." in page.get_by_test_id("bot").last.inner_text()
        page.get_by_role("link", name="Open passage 1", exact=True).click()
        page.locator("#source mark.cited").wait_for()
        assert page.locator("#source mark.cited").text_content() == QUOTE
        seen.assert_clean()


@pytest.mark.browser
def test_a_follow_up_says_how_it_was_understood(browser, backend: FakeBackend, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        ask(page, "When is the vote?")
        assert page.get_by_text("Asked as:").count() == 0
        ask(page, "And why?")
        page.get_by_text("Asked as: And why? (the vote)").wait_for()
        assert [turn.question for turn in backend.questions[-1].history] == ["When is the vote?"]


@pytest.mark.browser
def test_stop_and_errors_give_the_box_back(browser) -> None:
    gate = threading.Event()
    backend = FakeBackend([ARTICLE], respond, pieces=["The vote was "], gate=gate)
    with (
        served(create_app(Path("unused"), backend=backend)) as address,
        watched_page(browser, address, **DESKTOP) as (page, seen),
    ):
        page.locator("#question textarea").fill("When is the vote?")
        page.keyboard.press("Enter")
        page.get_by_test_id("bot").get_by_text("The vote was").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped. This answer is not complete.").wait_for()
        page.get_by_test_id("submit-button").wait_for()
        gate.set()
        backend.error = ZeroDivisionError("not for the page")
        ask(page, "When is it now?")
        assert "Something went wrong" in page.get_by_test_id("bot").last.inner_text()
        assert "not for the page" not in page.content()
        backend.error = None
        ask(page, "And now?")
        assert QUOTE in page.get_by_test_id("bot").last.inner_text()
        assert page.get_by_test_id("user").all_inner_texts() == ["When is the vote?", "When is it now?", "And now?"]
        assert backend.questions[-1].history == (Turn("When is the vote?", ""), Turn("When is it now?", ""))
        page.get_by_role("button", name="New conversation").click()
        page.locator("#examples button:visible").first.wait_for()
        assert page.get_by_test_id("user").count() == 0
        seen.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_model_that_is_chosen_answers(browser, device) -> None:
    class Choosing(FakeBackend):
        models = ("openai:a", "extractive", "ollama:b")

        def ask(self, question, *, k=None, model=None, stop=None):
            return replace(super().ask(question, k=k, model=model, stop=stop), model=model)

    backend = Choosing([ARTICLE], respond)
    with (
        served(create_app(Path("unused"), backend=backend)) as address,
        watched_page(browser, address, **device) as (page, seen),
    ):
        ask(page, "When is the vote?")
        box = page.get_by_label("Answers by")
        assert box.input_value() == "openai:a"
        box.click()
        page.get_by_role("option", name="ollama:b").click()
        page.locator("#masthead", has_text="article").wait_for()
        ask(page, "And why?")
        made = page.locator("#conversation .made").all_inner_texts()
        assert [text.split(" in ")[0] for text in made] == ["answered by openai:a", "answered by ollama:b"]
        labels = page.locator("#conversation .support").all_inner_texts()
        assert labels == ["word for word", "partly supported by the cited words"] * 2
        assert backend.asked_models == ["openai:a", "ollama:b"]
        assert in_viewport(page.get_by_label("Answers by"))
        seen.assert_clean()


@pytest.mark.browser
def test_a_single_model_is_no_choice(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        assert page.locator("#model:visible").count() == 0


@pytest.mark.browser
def test_an_example_can_be_asked_with_one_click(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        example = page.locator("#examples button:visible").first
        question = example.inner_text()
        example.click()
        page.locator("#conversation .made").wait_for()
        assert page.get_by_test_id("user").inner_text() == question


@pytest.mark.browser
def test_a_missing_library_says_how_to_make_one(browser) -> None:
    backend = FakeBackend([], respond)
    backend.error = LibraryNotFoundError("There is no library in 'news'.")
    with (
        served(create_app(Path("news"), backend=backend)) as address,
        watched_page(browser, address, **PHONE) as (page, _),
    ):
        page.get_by_text("dateline index PATH --library news").wait_for()
        ask(page, "Anything?")
        assert "There is no library in 'news'." in page.get_by_test_id("bot").last.inner_text()


@pytest.mark.browser
def test_a_source_that_is_gone_is_a_sentence(browser, backend: FakeBackend, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        ask(page, "When is the vote?")
        kept = backend.articles.pop(0)
        try:
            mark(page).click()
            page.get_by_text("This source cannot be shown").wait_for()
            assert kept.article_id in page.locator("#source .problem").inner_text()
        finally:
            backend.articles.insert(0, kept)
        mark(page).click()
        page.locator("#source mark.cited").wait_for()


@pytest.mark.browser
def test_the_page_follows_the_colours_of_the_system(browser, address: str) -> None:
    def background(scheme: str) -> str:
        with watched_page(browser, address, color_scheme=scheme, **DESKTOP) as (page, _):
            return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert background("light") == "rgb(251, 250, 247)"
    assert background("dark") == "rgb(23, 22, 20)"


def test_a_missing_chromium_skips_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("browser.shutil.which", lambda name: None)
    monkeypatch.delenv("DATELINE_BROWSER_TESTS", raising=False)
    with pytest.raises(pytest.skip.Exception):
        find_chromium()
    monkeypatch.setenv("DATELINE_BROWSER_TESTS", "1")
    with pytest.raises(pytest.fail.Exception):
        find_chromium()


# Without a browser


def _channel(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours `#rrggbb` (WCAG 2.2)."""
    light, dark = sorted(
        (
            0.2126 * _channel(int(colour[1:3], 16))
            + 0.7152 * _channel(int(colour[3:5], 16))
            + 0.0722 * _channel(int(colour[5:7], 16))
            for colour in (first, second)
        ),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", front_file("page.css"), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    pairs = [(ink, ground) for ink in ("ink", "quiet", "accent") for ground in ("paper", "sheet", "raised")]
    pairs += [("warn", "warn-fill"), ("warn", "paper"), ("mark-ink", "mark"), ("sheet", "accent")]
    assert {
        pair: _contrast(*(colours[name] for name in pair))
        for pair in pairs
        if _contrast(*(colours[name] for name in pair)) < 4.5
    } == {}
    assert _contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


def test_replies_are_guarded_and_gradio_is_closed(address: str) -> None:
    page = httpx.get(address)
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert httpx.get(address, headers={"host": "evil.example"}).status_code == 421
    assert httpx.post(f"{address}gradio_api/upload", files={"files": b"x"}).status_code == 404
    assert httpx.get(f"{address}gradio_api/file=https://example.org/").status_code == 404
    assert httpx.get(f"{address}monitoring/summary").status_code == 404
    reply = httpx.get(f"{address}healthz", headers={"origin": address.rstrip("/")})
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_the_page_needs_a_password_where_a_file_is_given(tmp_path: Path, backend: FakeBackend) -> None:
    from ui.auth import password_line

    people = tmp_path / "people"
    people.write_text(password_line("ann", "secret") + "\n")
    with served(create_app(Path("unused"), backend=backend, auth_file=people)) as address:
        assert httpx.get(address).status_code == 401
        assert httpx.get(f"{address}healthz").json()["status"] == "ok"
        assert httpx.get(address, auth=("ann", "secret")).status_code == 200


def test_telemetry_is_off(address: str) -> None:
    import os

    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert '"analytics_enabled":true' not in httpx.get(address).text.replace(" ", "")


def test_an_address_in_use_is_a_sentence(address: str, backend: FakeBackend) -> None:
    port = int(address.rsplit(":", 1)[1].strip("/"))
    with pytest.raises(InputError, match=f"127.0.0.1:{port} cannot be served at"):
        serve(create_app(Path("unused"), backend=backend), "127.0.0.1", port, on_ready=lambda _: pytest.fail("opened"))


def test_the_command_prints_the_address_and_ends_in_order(seed_library: Path) -> None:
    command = [sys.executable, "-c", "from ui.cli import main; main()"]
    arguments = ["--library", str(seed_library), "serve", "--port", "0"]
    with subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line + process.stderr.read()
        assert httpx.get(f"{found[0]}healthz").json() == {"status": "ok", "articles": 5, "generation": 1}
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_nobody_gets_round_the_throttle_by_a_made_up_address(tmp_path: Path, backend: FakeBackend) -> None:
    from ui.auth import FAILURES_ALLOWED, password_line

    people = tmp_path / "people"
    people.write_text(password_line("ann", "secret") + "\n")
    app = create_app(Path("unused"), backend=backend, auth_file=people)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        found = [
            httpx.get(address, auth=("ann", f"wrong {n}"), headers={"x-forwarded-for": f"192.0.2.{n}"}).status_code
            for n in range(FAILURES_ALLOWED + 2)
        ]
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
    assert found == [401] * FAILURES_ALLOWED + [429] * 2
