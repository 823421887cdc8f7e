"""Text for the terminal: what it looks like, and what it keeps from the terminal."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.dates import first_day, format_published, last_day
from index.errors import FilterError
from index.types import Article, ArticleSummary, Failure, Hit, IndexReport, Metadata, Passage
from rag.types import Answer, Citation, Problem, Refusal, Statement
from ui.render import (
    article_json,
    json_line,
    one_line,
    render_answer,
    render_article,
    render_hits,
    render_listing,
    render_report,
    report_json,
    source_line,
    summary_json,
    terminal_safe,
    wrapped,
)

ARTICLE = Article.from_text(
    "The council met on Monday. The levy was set at 4 percent.",
    Metadata(title="Levy set", source="Coastwire", published="2017-06-03"),
    "/news/levy.txt",
)
HIT = Hit(Passage("p1", ARTICLE.article_id, 27, 57, ARTICLE.text[27:57], "Levy set"), 1, 0.51234, 2, None)
CITATION = Citation(
    number=1,
    article_id=ARTICLE.article_id,
    origin=ARTICLE.origin,
    title=ARTICLE.title,
    source=ARTICLE.source,
    published=ARTICLE.published,
    url=None,
    start=27,
    end=57,
    cited_text=ARTICLE.text[27:57],
    prefix="The council met on Monday. ",
    suffix="",
)


def answer(text="The levy was set at 4 percent. [1]", support="verbatim", refusal=None):
    return Answer(
        question="What is the levy?",
        standalone_question="What is the levy?",
        text=text if refusal is None else refusal.message,
        refusal=refusal,
        confidence=0.9,
        statements=() if refusal else (Statement("The levy was set at 4 percent.", (1,), support),),
        citations=() if refusal else (CITATION,),
        hits=(HIT,),
        model="extractive",
        library_generation=1,
        timings_ms={},
    )


def test_answer_with_its_sources():
    assert render_answer(answer(), {}, 80) == (
        "The levy was set at 4 percent. [1]\n"
        "\n"
        "[1] Levy set — Coastwire, 3 June 2017\n"
        "    “The levy was set at 4 percent.”\n"
        "    /news/levy.txt, characters 27-57"
    )


def test_answer_is_wrapped_but_the_place_is_not():
    text = render_answer(answer(), {}, 20)
    assert "    “The levy was\n    set at 4\n    percent.”\n    /news/levy.txt, characters 27-57" in text


def test_the_problems_of_a_statement_are_said_in_words():
    problems = (Problem("number", "12"), Problem("name", "Ann\n\x1b[2J Lee"))
    statement = Statement("The levy was set at 12 percent.", (1,), "unsupported", problems)
    shown = render_answer(replace(answer(), statements=(statement,)), {}, 200)
    assert (
        "Not supported by the cited words (number 12; name Ann \\x1b[2J Lee): The levy was set at 12 percent." in shown
    )


def test_an_incomplete_answer_says_so():
    assert "\n\nThis answer is incomplete.\n\n" in render_answer(replace(answer(), incomplete=True), {}, 80)
    assert "incomplete" not in render_answer(answer(), {}, 80)


@pytest.mark.parametrize(("support", "note"), [("partial", "Partly supported"), ("unsupported", "Not supported")])
def test_statements_that_lack_support_are_named(support, note):
    assert f"{note} by the cited words: The levy was set at 4 percent." in render_answer(
        answer(support=support), {}, 80
    )


def test_refusal_with_the_closest_passages():
    refusal = Refusal("no_match", "The articles do not say.", (HIT,))
    assert render_answer(answer(refusal=refusal), {ARTICLE.article_id: ARTICLE}, 80) == (
        "The articles do not say.\n"
        "\n"
        "Closest passages:\n"
        "\n"
        "1. Levy set — Coastwire, 3 June 2017\n"
        "   score 0.5123 (dense rank 2)\n"
        "   The levy was set at 4 percent.\n"
        "   /news/levy.txt, characters 27-57"
    )
    empty = Refusal("empty_library", "The library holds no articles.", ())
    assert render_answer(answer(refusal=empty), {}, 80) == "The library holds no articles."


def test_hits_are_separated_by_a_blank_line():
    text = render_hits([HIT, HIT], {ARTICLE.article_id: ARTICLE}, 80)
    assert text.count("\n\n1. Levy set") == 1


def test_source_line_leaves_out_what_is_not_known():
    def line(**known):
        return source_line(Article.from_text("x", Metadata(title="T", **known), "o"))

    assert line() == "T"
    assert line(source="S") == "T — S"
    assert line(published="--12-25") == "T — 25 December"
    assert line(source="S", published="2022-05") == "T — S, May 2022"


def test_listing_and_its_json():
    summary = ArticleSummary("0123456789abcdef", "T\nU", "S", "2022", None, ("/a", "/b"), "ff", 10, 2)
    line = "0123456789abcdef  T U — S, 2022"
    assert render_listing([summary, summary]) == f"{line}\n{line}"
    assert summary_json(summary) == {
        "article_id": "0123456789abcdef",
        "title": "T\nU",
        "source": "S",
        "published": "2022",
        "url": None,
        "origins": ["/a", "/b"],
        "sha256": "ff",
        "characters": 10,
        "passages": 2,
    }


def test_article_and_its_json():
    text = render_article(ARTICLE, 1)
    assert text.startswith("Levy set — Coastwire, 3 June 2017\n")
    assert f"ID: {ARTICLE.article_id}\n" in text
    assert "From: /news/levy.txt\n" in text
    assert text.endswith("\n\n" + ARTICLE.text)
    document = article_json(ARTICLE, 1)
    assert document["text"] == ARTICLE.text
    assert document["characters"] == 57
    assert document["origins"] == ["/news/levy.txt"]


def test_report_and_its_json():
    report = IndexReport(3, 1, 2, 0, (Failure("/x", "It is empty."),))
    assert render_report(report) == "3 added, 1 updated, 2 unchanged, 0 removed, 1 failed"
    assert report_json(report) == {
        "added": 3,
        "updated": 1,
        "unchanged": 2,
        "removed": 0,
        "failed": 1,
        "failures": [{"origin": "/x", "reason": "It is empty."}],
    }


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\rb"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f", "\\x7f"),
        ("abc\u202efdp.exe", "abc\\u202efdp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\udc80", "\\udc80"),
        ("line\n\ttab", "line\n\ttab"),
        ("Zürich 東京 🙂 “quoted”", "Zürich 東京 🙂 “quoted”"),
    ],
)
def test_control_characters_become_visible(hostile, shown):
    assert terminal_safe(hostile) == shown


def test_hostile_article_cannot_reach_the_terminal():
    evil = "\x1b]8;;http://x\x07\u202e\x9b2J"
    article = Article.from_text(f"text {evil}", Metadata(title=evil, source=evil, published=evil, author=evil), evil)
    hit = Hit(Passage("p", article.article_id, 0, len(article.text), article.text, ""), 1, 0.1)
    citation = Citation(1, article.article_id, evil, evil, evil, evil, None, 0, 4, article.text, "", "")
    cited = Answer(
        "q", "q", f"{evil} [1]", None, 0.5, (Statement(evil, (1,), "unsupported"),), (citation,), (), evil, 1, {}
    )
    summary = ArticleSummary("id", evil, evil, evil, None, (evil,), "", 1, 1)
    articles = {article.article_id: article}
    for text in (
        render_answer(cited, articles, 80),
        render_hits([hit], articles, 80),
        render_listing([summary]),
        render_article(article, 1),
    ):
        assert not set(text) & set("\x1b\x07\u202e\x9b")
        assert "\\x1b" in text


@given(st.text())
def test_terminal_text_has_no_control_character_but_tab_and_line_feed(text):
    import unicodedata

    for character in terminal_safe(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
    assert "\n" not in one_line(text)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_json_line_is_one_line_of_the_same_document(document):
    line = json_line(document)
    assert json.loads(line) == document
    assert len(line.splitlines()) == 1
    assert terminal_safe(line) == line
    assert line.encode("utf-8")


def test_json_is_readable():
    assert json_line({"text": "“Zürich”"}) == '{"text": "“Zürich”"}'


@given(st.text(alphabet="ab -\n"), st.integers(10, 40))
def test_wrapping_loses_no_word(text, width):
    assert wrapped(text, width).split() == text.split()


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        ("2017-06-03", "3 June 2017"),
        ("2022-05", "May 2022"),
        ("2017", "2017"),
        ("--12-25", "25 December"),
        ("--02-29", "29 February"),
        ("2017-02-30", "2017-02-30"),
        ("2017-13", "2017-13"),
        ("--13-01", "--13-01"),
        ("yesterday", "yesterday"),
    ],
)
def test_dates_as_people_write_them(published, shown):
    assert format_published(published) == shown


@given(st.dates())
def test_full_dates_agree_with_the_calendar(day):
    assert format_published(day.isoformat()) == f"{day.day} {day:%B} {day.year:04}"
    assert first_day(day.isoformat()) == last_day(day.isoformat()) == day


def test_partial_dates_stand_for_their_first_and_last_day():
    assert (first_day("2017"), last_day("2017")) == (date(2017, 1, 1), date(2017, 12, 31))
    assert (first_day("2016-02"), last_day("2016-02")) == (date(2016, 2, 1), date(2016, 2, 29))
    for wrong in ("", "2017-2", "2017-02-30", "03/06/2017", "--12-25", "0000"):
        with pytest.raises(FilterError, match="is not a date"):
            first_day(wrong)
