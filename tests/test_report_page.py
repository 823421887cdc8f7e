"""The page of a report: one file, nothing live in it, and in a browser nothing asked for and nothing cut off."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made_report import MOON, SAID, citation, document, empty_report, made_report

from eval.report import write_report
from eval.report_page import report_page
from eval.types import Evidence, QuestionResult, Scores

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script></style></svg>--><base href=//evil.example>"
    " {{ 7*7 }} {% x %} &lt;b&gt; javascript:alert(1) \u202eesrever\x1b[31m\x00\ud83d"
)
VOID = {"meta", "link", "br", "base", "img", "input"}


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text; fails on tags that do not nest."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], set(), [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def hostile_report():
    question = replace(
        SAID, id=HOSTILE, text=HOSTILE, type=HOSTILE, answers=(HOSTILE,), evidence=(Evidence(HOSTILE, HOSTILE),)
    )
    answered = document(HOSTILE, citations=[citation(1, HOSTILE, HOSTILE)])
    wrong = QuestionResult(question, answered, None, Scores(answerable=True, refused=False, contains=False))
    closest = [{"rank": 1, "text": HOSTILE}]
    refusal = document(HOSTILE, refused=True, closest=closest)
    refused = QuestionResult(question, refusal, None, Scores(answerable=True, refused=True, contains=False))
    failed = QuestionResult(replace(MOON, id=HOSTILE), None, HOSTILE, Scores(answerable=False, refused=False))
    full = made_report()
    return made_report(
        manifest=replace(full.manifest, set_path=HOSTILE, model=HOSTILE, system=HOSTILE, command=HOSTILE),
        by_type={HOSTILE: full.by_type["numbers"]},
        type_sizes={HOSTILE: 22},
        ignored_fields={HOSTILE: 2},
        baselines={HOSTILE: full.baselines["top_passage"]},
        timings_ms={HOSTILE: full.timings_ms["total"]},
        results=(wrong, refused, failed),
    )


@pytest.mark.parametrize("report", [made_report(), empty_report(), hostile_report()], ids=["full", "empty", "hostile"])
def test_a_page_is_one_file_without_anything_live(report):
    page = report_page(report)
    found = Tags(page)
    assert not found.tags & {"script", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "input"}
    for name, value in found.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "style", "action")
        if name == "href":
            assert value == "data:," or value.startswith("#")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert "@import" not in page
    assert "url(" not in page
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page) is None
    page.encode("utf-8")


def test_hostile_words_come_out_as_words():
    found = Tags(report_page(hostile_report()))
    assert "<script>alert(1)</script>" in found.text
    assert "{{ 7*7 }}" in found.text
    assert "&lt;b&gt;" in found.text
    assert "\\u202eesrever\\x1b[31m\\x00\\ud83d" in found.text


def test_the_page_says_everything_in_order():
    text = Tags(report_page(made_report())).text
    places = [
        text.index(words)
        for words in (
            "harbour.jsonl 100 questions",
            "22 November 2026, 05:17 UTC",
            "1 of 100 questions ended in an error",
            "0.912 0.851 to 0.974 of 80 answerable questions",
            "Retrieval of articles",
            "Retrieval of passages",
            "Refusals and confidence",
            "change over time 14 0.720",
            "Headline figures",
            "Opinions of openai:judge-model",
            "5 of 100 questions went wrong; 6 are shown",
            "By how much did the harbour board raise the levy",
            "Answer, confidence 0.88",
            "12 cents a tonne or 12 cents",
            "[1] Levy up in March, Harbour Post, 6 May 2021",
            "said-030 The model",
            "53aa5117" * 8,
        )
    ]
    assert places == sorted(places)


def test_sections_that_have_nothing_to_say_are_left_out():
    page = report_page(empty_report())
    text = Tags(page).text
    assert "Nothing was measured." in text
    assert text.count("Nothing to draw") == 5
    for name in ("types", "judge", "questions", "failures"):
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page


def test_links_lead_to_sections_and_identifiers_are_single():
    page = report_page(made_report())
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(names)


def test_a_refusal_shows_what_came_closest():
    text = Tags(report_page(made_report())).text
    assert "Closest passages Judge Holm halted the dredging of the northern channel. rank 1" in text
    assert "Asked after: Who sued the port?" in text


def luminance(colour):
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_have_contrast_in_light_and_dark():
    style = re.search(r"<style>(.*?)</style>", report_page(empty_report()), re.DOTALL)[1]
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    )
    for colours in (light, dark):
        for ink in ("ink", "quiet", "accent", "beside", "warn"):
            assert contrast(colours[ink], colours["paper"]) >= 4.5, ink
        assert contrast(colours["warn"], colours["warn-fill"]) >= 4.5
    # Outside the two lists there is no colour at all.
    assert "#" not in re.sub(r"--[\w-]+: #[0-9a-f]{6};", "", style)


@pytest.mark.browser
@pytest.mark.parametrize("report", [made_report(), hostile_report(), empty_report()], ids=["full", "hostile", "empty"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_nothing_is_asked_for_and_nothing_is_cut_off(browser, tmp_path, report, scheme, width):
    write_report(report, tmp_path)
    address = (tmp_path / "report.html").as_uri()
    asked, complaints = [], []
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    try:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.title() != "owned"
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 22, 20)"}[scheme]
        small = page.evaluate(
            "[...document.querySelectorAll('svg text')].filter(e => e.getBoundingClientRect().height < 10).length"
        )
        assert small == 0
        spilled = page.evaluate(
            """[...document.querySelectorAll('svg')].flatMap(svg => [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect(), frame = svg.getBoundingClientRect();
                return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 3;
            }).map(text => text.textContent))"""
        )
        assert spilled == []
        touching = page.evaluate(
            """[...document.querySelectorAll('svg')].flatMap(svg => {
                const boxes = [...svg.querySelectorAll('text')].map(e => [e.textContent, e.getBoundingClientRect()]);
                return boxes.flatMap(([text, a], index) => boxes.slice(index + 1).filter(([_, b]) =>
                    a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom
                ).map(([other]) => [text, other]));
            })"""
        )
        assert touching == []
    finally:
        context.close()
    assert asked == [address]
    assert complaints == []


@pytest.mark.browser
def test_on_paper_the_tables_fit_and_the_page_is_light(browser, tmp_path):
    write_report(made_report(), tmp_path)
    # A4 less 12 mm on each side, at 96 pixels an inch.
    context = browser.new_context(viewport={"width": 703, "height": 1000}, color_scheme="dark")
    try:
        page = context.new_page()
        page.goto((tmp_path / "report.html").as_uri())
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") == 703
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator("nav").is_visible()
    finally:
        context.close()
