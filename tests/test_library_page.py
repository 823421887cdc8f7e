"""The library view in a real browser, over a small library on the disk."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, served, watched_page
from fakes import BagOfWordsEncoder
from hostile import HOST, PAYLOADS

from index.ingest import index_paths
from index.library import Library
from ui.shared_library import SharedLibrary
from ui.web import create_app

# Gradio sums up its queue with pandas, in ways that pandas has marked as going away.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

LAMP = "The lamp was lit in 1923 by Ann Lee in the old harbour house."
VOTE = "The vote on the harbour was put off until May after a long debate."
DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library"


def fill(path: Path, records: list[dict[str, str]]) -> None:
    """A library of records that were indexed from a file elsewhere."""
    file = path.parent / "records.jsonl"
    file.write_text("\n".join(json.dumps(record) for record in records))
    with Library.open_for_writing(path, BagOfWordsEncoder()) as library:
        assert index_paths(library, [str(file)]).failed == ()


NUMBERED = [
    {
        "id": f"n{number}",
        "title": f"Report {number:03}",
        "source": "Desk" if number % 2 else "Gazette",
        "published": f"20{number % 20:02}-03-01",
        "text": f"Report number {number} tells of the harbour.",
    }
    for number in range(1, 121)
]


@contextmanager
def library_page(browser, path: Path, device, *, read_only: bool = False) -> Iterator:
    """The library view of an application over the folder, and what is seen of it."""
    shared = SharedLibrary.open(path, model="extractive", k=8, encoder=BagOfWordsEncoder())
    app = create_app(path, backend=shared, read_only=read_only)
    with served(app) as address, watched_page(browser, address, **device) as (page, seen):
        page.locator("#masthead nav a[href='#library']").click()
        page.locator("#library-title").wait_for()
        page.wait_for_function("document.querySelector('.library-counts').textContent !== ''")
        yield page, seen
    shared.close()


def titles(page) -> list[str]:
    return page.locator("#library-table .title").all_text_contents()


def assert_no_sideways_scrolling(page) -> None:
    widths = page.evaluate(
        "[document.documentElement.scrollWidth - innerWidth,"
        " document.querySelector('#views').scrollWidth - document.querySelector('#views').clientWidth]"
    )
    assert max(widths) <= 0


def focused(page, selector: str) -> bool:
    return page.locator(selector).first.evaluate("element => element === document.activeElement")


@DEVICES
def test_files_and_a_text_are_added_opened_and_removed(browser, path: Path, tmp_path: Path, device) -> None:
    files = {"lamp.txt": LAMP.encode(), "broken.pdf": b"%PDF-1.7\nbroken", "vote.md": f"# The vote\n\n{VOTE}".encode()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with library_page(browser, path, device) as (page, seen):
        assert page.locator(".library-empty").is_visible()
        page.locator("#library-files").set_input_files([str(tmp_path / name) for name in files])
        page.locator(".results-summary", has_text="3 of 3 done").wait_for()
        results = {
            line.locator(".result-name").inner_text(): line.locator(".result-state").inner_text()
            for line in page.locator(".result").all()
        }
        assert results == {
            "lamp.txt": "Added",
            "broken.pdf": "Not added. The PDF is damaged and cannot be read; export it again.",
            "vote.md": "Added",
        }
        page.locator("#held", has_text="2 articles").wait_for(state="attached")

        page.locator("summary", has_text="Paste a text").click()
        page.get_by_label("Title", exact=True).fill("Pasted <b>title</b>")
        page.get_by_label("Text", exact=True).fill("The bridge was opened in June by the mayor.")
        page.get_by_label("Date (if known)").fill("someday")
        page.get_by_role("button", name="Add this text").click()
        page.get_by_role("alert").get_by_text("'someday' is not a date").wait_for()
        page.get_by_label("Date (if known)").fill("2021-06-03")
        page.get_by_role("button", name="Add this text").click()
        page.locator(".library-counts", has_text="3 articles").wait_for()
        assert sorted(titles(page)) == [
            "Pasted <b>title</b>",
            "The lamp was lit in 1923 by Ann Lee in the old harbour house.",
            "The vote",
        ]
        assert_no_sideways_scrolling(page)

        page.get_by_role("button", name="Close", exact=True).first.click()
        page.locator("#library-table .title", has_text="The vote").click()
        page.locator("#source .article-text", has_text="put off until May").wait_for()
        assert page.locator("#source-title").text_content() == "The vote"
        page.keyboard.press("Escape")
        assert focused(page, "#library-table .title:text-is('The vote')")

        remove = page.get_by_role("button", name="Remove “The vote”")
        remove.click()
        dialog = page.get_by_role("dialog")
        assert "The vote" in dialog.inner_text()
        assert "vote.md is deleted too" in dialog.inner_text()
        assert dialog.get_by_role("button", name="Cancel").evaluate("element => element === document.activeElement")
        page.keyboard.press("Escape")
        assert page.get_by_role("dialog").count() == 0
        assert focused(page, ".remove[aria-label='Remove “The vote”']")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        page.locator(".library-counts", has_text="2 articles").wait_for()
        page.locator("#held", has_text="2 articles").wait_for(state="attached")
        assert "The vote" not in titles(page)
        page.wait_for_function("document.activeElement.matches('#library-table .title')")
        assert "was removed" in page.locator("#said").text_content()
        assert not (path / "uploads" / "vote.md").exists()
        page.wait_for_function("document.querySelectorAll('#source ul.articles a').length === 2")
        assert page.locator("#source ul.articles a").all_text_contents() == [
            "The lamp was lit in 1923 by Ann Lee in the old harbour house.",
            "Pasted <b>title</b>",
        ]
        # The date was refused, and before there was a library the source panel had nothing to list.
        expected = ["503 api/articles?limit=12", "400 api/library/text"]
        assert [line.replace(page.url.partition("#")[0], "") for line in seen.error_replies] == expected
        assert len(seen.complaints) == 2
        assert seen.other_hosts == []


@DEVICES
def test_the_table_is_searched_sorted_and_paged_by_keyboard(browser, path: Path, device) -> None:
    fill(path, NUMBERED)
    with library_page(browser, path, device) as (page, seen):
        assert page.locator("#library-table tbody tr").count() == 50
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        sort = page.get_by_role("columnheader", name="Title").get_by_role("button")
        sort.press("Enter")
        page.locator("th.cell-title[aria-sort=ascending]").wait_for()
        assert titles(page)[0] == "Report 001"
        assert sort.evaluate("element => element === document.activeElement")
        sort.press("Enter")
        page.locator("th.cell-title[aria-sort=descending]").wait_for()
        assert titles(page)[0] == "Report 120"
        assert sort.evaluate("element => element === document.activeElement")
        page.get_by_role("button", name="Next", exact=True).press("Enter")
        page.locator(".range", has_text="51–100 of 120").wait_for()
        page.wait_for_function("document.activeElement.textContent === 'Next'")
        page.keyboard.press("Enter")
        page.locator(".range", has_text="101–120 of 120").wait_for()
        assert titles(page)[-1] == "Report 001"
        page.wait_for_function("document.activeElement.textContent === 'Previous'")
        page.locator("#library-search").fill("gazette 12")
        page.locator(".library-found", has_text="3 of 120 articles").wait_for()
        assert titles(page) == ["Report 120", "Report 112", "Report 012"]
        assert page.locator("#said").text_content() == "3 of 120 articles"
        page.locator("#library-search").fill("nowhere")
        page.locator(".library-none").wait_for()
        assert_no_sideways_scrolling(page)
        seen.assert_clean()


@DEVICES
def test_a_library_to_read_only_offers_no_change(browser, path: Path, device) -> None:
    fill(path, NUMBERED[:3])
    with library_page(browser, path, device, read_only=True) as (page, seen):
        page.get_by_text("This library is open to read only.").wait_for()
        page.locator("#library-table .title").first.wait_for()
        assert page.locator("#library-add").is_hidden()
        assert page.locator("#library-adding").is_hidden()
        assert page.locator(".remove").count() == 0
        page.locator("#library-table .title").first.click()
        page.locator("#source .article-text").wait_for()
        seen.assert_clean()


def test_hostile_articles_are_shown_as_they_are_said(browser, path: Path) -> None:
    fill(
        path,
        [
            {"id": f"{name} {payload[:40]}", "title": payload, "source": payload, "text": f"{LAMP} {name} {payload}"}
            for name, payload, _ in PAYLOADS[:60]
        ],
    )
    with library_page(browser, path, DESKTOP) as (page, seen):
        page.locator("#library-table .title").first.wait_for()
        expected = {summary.title for summary in Library.open(path, BagOfWordsEncoder()).articles()}
        assert set(titles(page)) <= expected
        assert len(titles(page)) == 50
        made = "img, script, iframe, form[action], object, embed, video, audio, link, base, meta, math"
        assert page.locator("#library-table").locator(made).count() == 0
        assert page.locator(".library-plots").locator(made).count() == 0
        page.locator(".remove").first.click()
        assert page.get_by_role("dialog").locator(".named").text_content() == titles(page)[0]
        page.keyboard.press("Escape")
        assert page.title() == "Dateline"
        assert not [host for host in seen.other_hosts if HOST in host]
        seen.assert_clean()


def test_files_that_are_dropped_are_added(browser, path: Path) -> None:
    with library_page(browser, path, DESKTOP) as (page, seen):
        page.evaluate(
            """text => {
                const data = new DataTransfer();
                data.items.add(new File([text], "dropped.txt", { type: "text/plain" }));
                const target = document.querySelector("#library-view");
                for (const type of ["dragover", "drop"]) {
                    target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
                }
            }""",
            LAMP,
        )
        page.locator(".library-counts", has_text="1 article").wait_for()
        assert (path / "uploads" / "dropped.txt").read_text() == LAMP
        assert seen.other_hosts == []


@DEVICES
def test_the_view_follows_the_rules_of_accessibility(browser, path: Path, device) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    fill(path, NUMBERED)
    with library_page(browser, path, {**device, "bypass_csp": True}) as (page, _):
        page.locator("#library-add").click()
        page.locator("summary", has_text="Paste a text").click()
        found = axe.Axe().run(page, context="#library-view").response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found] == []
