"""The Evaluate view in a real browser: a run of the shipped set, its figures, its questions, a comparison."""

import json
import re
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, served, watched_page
from fake_backend import FakeBackend
from fastapi import FastAPI
from made_evaluations import ARTICLES, FORMULA, HOSTILE, entry, play, set_text

from index.ingest import index_paths
from index.library import Library
from ui.evaluation_api import create_evaluation_router
from ui.evaluation_runs import Runs
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

SEEDS = Path(__file__).parent.parent / "seeds"
BOTH = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("played") / "run")


@pytest.fixture
def address(tmp_path: Path, played: Path):
    """The page with runs that are played back."""
    runs = Runs(tmp_path / "evaluations", Path("/library"), entry=entry(played))
    backend = FakeBackend(ARTICLES, lambda question: pytest.fail("nothing is asked here"))
    with served(with_runs(backend, tmp_path, runs)) as address:
        yield address
    (played / "hold").unlink(missing_ok=True)


def with_runs(backend: FakeBackend, state: Path, runs: Runs) -> FastAPI:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ui.web.create_evaluation_router",
            lambda *given, **options: create_evaluation_router(*given, **options, runs=runs),
        )
        return create_app(Path("/library"), backend=backend, state=state)


def opened(page, address: str) -> None:
    page.goto(f"{address}#evaluate")
    page.get_by_role("heading", name="New evaluation").wait_for()


def upload(page, name: str, text: str) -> None:
    file = {"name": name, "mimeType": "application/json", "buffer": text.encode()}
    page.locator("#evaluate-file").set_input_files(file)


def run_made(page, name: str = "made.jsonl") -> None:
    """Uploads the made-up set if it is not there yet, runs it and waits for its figures."""
    if page.locator(".set-name", has_text=name).count() == 0:
        upload(page, name, set_text())
        page.locator(".set-name", has_text=name).wait_for()
    page.get_by_role("button", name="Start").click()
    page.locator("iframe.report").wait_for()


def test_the_shipped_set_runs_on_the_sample_articles(browser, tmp_path: Path) -> None:
    with Library.open_for_writing(tmp_path / "library") as library:
        assert index_paths(library, [str(SEEDS)]).failed == ()
    with served(create_app(tmp_path / "library", state=tmp_path / "state")) as address:
        with watched_page(browser, address, **DESKTOP) as (page, seen):
            opened(page, address)
            assert page.get_by_label("Sample articles").is_checked()
            page.get_by_label("Number of questions").fill("6")
            page.get_by_role("button", name="Start").click()
            page.locator(".state-line", has_text=re.compile(r"^\d of 6 questions$")).wait_for()
            look_at_the_run(page, DESKTOP)
            run = page.evaluate("location.hash")
            known = page.context.storage_state()  # a run is seen by the browser that made it only
            seen.assert_clean()
        with watched_page(browser, address, storage_state=known, **PHONE) as (page, seen):
            page.goto(address + run.removesuffix("/questions"))
            look_at_the_run(page, PHONE)
            seen.assert_clean()


def look_at_the_run(page, device) -> None:
    """Its report with plots, and a question whose citation opens the cited words."""
    report = page.frame_locator("iframe.report")
    report.get_by_role("heading", name="Figures", exact=True).wait_for()
    assert "6 of 106 questions, spread evenly" in report.locator(".notice").first.inner_text()
    for title in ("Risk against coverage", "Reliability of the confidence", "By type of question"):
        assert report.get_by_role("heading", name=re.compile(title)).count() >= 1
    for baseline in ("keyword only", "dense only", "top passage", "always refuse"):
        assert report.get_by_role("columnheader", name=baseline, exact=True).count() >= 1
    assert report.locator("svg").count() >= 4
    height = page.locator("iframe.report").evaluate("f => [f.clientHeight, f.contentDocument.body.scrollHeight]")
    assert abs(height[0] - height[1]) <= 2
    page.get_by_role("link", name="Questions", exact=True).click()
    page.locator("button.opener").nth(1).click()
    page.locator(".beside button.cite").first.click()
    cited = page.locator("#source mark.cited")
    cited.wait_for()
    assert cited.text_content() == page.locator(".beside .cited q").first.text_content()
    page.keyboard.press("Escape")
    assert page.locator(".beside button.cite").first.evaluate("mark => mark === document.activeElement")
    assert page.evaluate("document.documentElement.scrollWidth") <= device["viewport"]["width"]


@BOTH
def test_a_run_is_cancelled_and_gone_on_with(browser, address: str, played: Path, device) -> None:
    (played / "hold").touch()
    with watched_page(browser, address, **device) as (page, seen):
        opened(page, address)
        upload(page, "made.jsonl", set_text())
        page.locator(".set-name", has_text="made.jsonl").wait_for()
        page.get_by_role("button", name="Start").click()
        page.locator(".state-line", has_text="2 of 5 questions").wait_for()
        assert page.locator("progress").evaluate("bar => bar.value / bar.max") == 0.4
        page.get_by_role("button", name="Cancel").click()
        page.locator(".state-line", has_text="Cancelled, 2 of 5 questions").wait_for()
        assert page.locator("iframe").count() == 0
        (played / "hold").unlink()
        page.get_by_role("button", name="Go on").click()
        page.locator("iframe.report").wait_for()
        page.get_by_role("link", name="All evaluations").click()
        row = page.locator(".runs-table tbody tr")
        assert "Finished" in row.inner_text()
        page.get_by_role("button", name="Delete", exact=True).last.click()
        assert "Delete this evaluation and its files?" in row.inner_text()
        page.get_by_role("button", name="Keep").click()
        page.get_by_role("button", name="Delete", exact=True).last.click()
        row.get_by_role("button", name=re.compile("files. Delete")).click()
        page.get_by_text("No evaluation yet.").wait_for()
        seen.assert_clean()


@BOTH
def test_questions_are_filtered_and_open_beside_their_gold(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        opened(page, address)
        run_made(page)
        page.get_by_role("link", name="Questions", exact=True).click()
        rows = page.locator(".question-row")
        rows.nth(4).wait_for()
        page.get_by_label("Type").select_option("who")
        page.locator(".count", has_text="2 of 5 questions").wait_for()
        assert rows.count() == 2
        page.get_by_label("Search questions").fill("paid")
        page.locator(".count", has_text="1 of 5 questions").wait_for()
        beside = page.locator(".beside")
        beside.wait_for()
        assert "Ann Lee" in beside.locator(".accepted").inner_text()
        beside.locator("button.quote").click()
        page.locator("#source mark.cited", has_text="Ann Lee paid for it.").wait_for()
        page.keyboard.press("Escape")
        page.get_by_label("Type").select_option("")
        page.get_by_label("Search questions").fill("cheese")
        page.get_by_text("A refusal: the articles do not answer this question.").wait_for()
        seen.assert_clean()


def test_hostile_words_of_a_set_are_shown_as_they_are_written(browser, address: str) -> None:
    name = f"{HOSTILE}.jsonl".replace("/", "")
    with watched_page(browser, address, **DESKTOP) as (page, seen):
        opened(page, address)
        run_made(page, name)
        assert page.locator("#evaluate-view h2").inner_text() == name
        page.get_by_role("link", name="Questions", exact=True).click()
        page.locator(".question-row").nth(2).locator("button.opener").click()
        page.locator(".beside").wait_for()
        assert HOSTILE in page.locator(".question-row").nth(2).inner_text()
        assert page.locator(".question-row td.type").nth(2).inner_text() == FORMULA
        assert page.locator(".beside .accepted").inner_text() == HOSTILE
        assert page.locator(".beside button.quote").inner_text() == HOSTILE
        assert page.locator(".beside figcaption").inner_text() == HOSTILE
        assert page.locator("#evaluate-view").locator("img, script, form:not(.start)").count() == 0
        seen.assert_clean()


@BOTH
def test_two_runs_are_compared(browser, address: str, tmp_path: Path, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        for _ in range(2):
            opened(page, address)
            run_made(page)
        results = tmp_path / "evaluations" / page.evaluate("location.hash").split("/")[1] / "out" / "results.jsonl"
        lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
        lines[1].update(answer=None, failure="The model <b>fell</b> silent.")
        results.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        page.get_by_role("link", name="All evaluations").click()
        compare = page.get_by_role("button", name="Compare")
        assert compare.is_disabled()
        for box in page.locator(".runs-table input").all():
            box.check()
        compare.click()
        page.get_by_role("heading", name="Comparison").wait_for()
        row = page.locator(".measures-table tbody tr").first
        assert row.inner_text().split()[0] == "Accepted"
        assert "0 / 4 / 0" in row.inner_text()
        (flip,) = page.locator(".flip-list > li").all()
        assert "Who paid for the harbour?" in flip.inner_text()
        assert "The model <b>fell</b> silent." in flip.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= device["viewport"]["width"]
        flip.get_by_role("link", name="B: failed").click()
        page.locator(".beside .problem", has_text="The model <b>fell</b> silent.").wait_for()
        assert page.get_by_label("Search questions").input_value() == "paid"
        seen.assert_clean()


def test_runs_that_cannot_be_compared_say_why(browser, address: str) -> None:
    with watched_page(browser, address, **DESKTOP) as (page, _):
        page.goto(f"{address}#evaluate/compare/{'0' * 16}/{'1' * 16}")
        page.get_by_text("These two evaluations cannot be compared.").wait_for()
        assert "There is no such evaluation" in page.get_by_role("alert").last.inner_text()


@BOTH
def test_a_broken_set_is_refused_with_its_line(browser, address: str, device) -> None:
    with watched_page(browser, address, **device) as (page, seen):
        opened(page, address)
        upload(page, "broken.jsonl", json.dumps({"id": "a", "question": "?", "answers": "x"}))
        alert = page.locator("#evaluate-view").get_by_role("alert")
        alert.wait_for()
        assert re.search("broken.jsonl.*line 1.*answers", alert.inner_text())
        assert page.locator(".set-name").count() == 1
        assert "Add them first" in page.locator(".set-missing").inner_text()
        assert page.get_by_role("button", name="Start").is_disabled()
        assert [reply.split()[0] for reply in seen.error_replies] == ["400"]
