"""What articles, questions and models say is shown as it is written, whatever it contains."""

import html
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from fake_backend import FakeBackend, answer, cite, hit, make_article, refusal
from hypothesis import given
from hypothesis import strategies as st

from index.types import Article, SearchFilter
from rag.refusals import parts_not_held
from rag.types import Answer, Problem, Statement
from ui.coverage import coverage_of
from ui.exchanges import Exchange
from ui.literal import literal
from ui.markup import (
    CLOSEST_SHOWN,
    Around,
    answer_html,
    exchange_html,
    header_html,
    held_text,
    note_html,
    question_html,
    welcome_html,
    working_html,
)
from ui.texts import Texts

EN = Texts()


def page_of(given: Answer, articles: dict[str, Article], model: str) -> str:
    return answer_html(given, Around(articles), model, EN)


def asked(question: str, **changes) -> Exchange:
    return Exchange("0a1b", "c0", question, "extractive", SearchFilter(), "2026-01-02T03:04:05.000+00:00", **changes)


ARTICLE = make_article(
    "Lit in 1923. Put out in 1999. Nobody knows why.", "The lamp", source="Desk", published="--12-25"
)
OTHER = make_article("The lamp is back.", "Back again")

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "${alert(1)} {{7*7}}",
    "![a](https://evil.example/x.png) [b](javascript:alert(1))",
    "`code` *b* _i_ ~~s~~ | a | b |\n|---|---|",
    "```mermaid\ngraph TD\n```",
    "$$x$$ \\(y\\) https://evil.example/?q=1 www.evil.example a@b.example",
    "<style>*{display:none}</style><form action=//evil.example><button>x</button></form>",
    "&lt;b&gt; &#60;script&#62; &amp;",
    "</div></p><!-- --><a href='#cite-00-0-1'>[1]</a>",
    "[1]: https://evil.example\n\n[1] [[2]](#cite-00-1-2)",
    "    indented\n\n# heading\n> quote\n1. one\n\t- two",
]


class Shown(HTMLParser):
    """The text, tags and links of a piece of HTML."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attributes} <= {"class", "href", "id", "aria-label"}
        if tag == "a":
            self.links.append((dict(attributes)["href"] or "", ""))

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.links and self.links[-1][1] == "":
            self.links[-1] = (self.links[-1][0], data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_literally(text: str) -> None:
    for source in (literal(text), question_html(asked(text), EN), note_html(text, text), working_html(text, text)):
        shown = Shown(source)
        assert shown.tags <= {"div", "p", "br"}
        assert "".join(text.split()) in "".join(shown.text.split())


@given(st.text())
def test_only_letters_digits_spaces_and_references_come_out(text: str) -> None:
    out = literal(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9 ]|[^\x00-\x7f]|&#\d{1,3};)*", out)
    assert "\n" not in out
    assert literal(html.unescape(out)) == out


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_printable_text_is_unchanged_to_the_reader(text: str) -> None:
    assert html.unescape(literal(text)) == " ".join(text.split())


def test_signs_that_turn_text_around_are_left_out_and_joiners_kept() -> None:
    assert literal("a\u202eb\u2066c\U000e0041d\x1be") == "abcde"
    assert literal("می\u200cخواهم 👩\u200d🚀") == "می\u200cخواهم 👩\u200d🚀"


def test_an_answer_has_a_link_for_each_mark_and_a_line_for_each_article() -> None:
    citations = [
        cite(1, ARTICLE, "Lit in 1923."),
        cite(2, OTHER, "The lamp is back."),
        cite(3, ARTICLE, "Put out in 1999."),
    ]
    statements = [Statement("Lit in 1923.", (1,), "verbatim"), Statement("Out, then back.", (3, 2), "supported")]
    shown = Shown(page_of(answer("When?", statements, citations), {}, "extractive"))
    assert shown.links == [
        (f"#cite-{ARTICLE.article_id}-0-12", "[1]"),
        (f"#cite-{ARTICLE.article_id}-13-29", "[3]"),
        (f"#cite-{OTHER.article_id}-0-17", "[2]"),
        (f"#read-{ARTICLE.article_id}-0-12", "The lamp"),
        (f"#read-{OTHER.article_id}-0-17", "Back again"),
    ]
    assert "Lit in 1923. [1] word for word Out, then back. [3] [2] supported by the cited words" in shown.text
    assert "1, 3 The lamp Desk · 25 December" in shown.text
    assert "answered by extractive in 0.4 s, confidence 82%" in shown.text
    assert "Sources 2 articles · 2 independent sources" in shown.text
    assert "Asked as" not in shown.text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_answer_gets_no_other_tags_or_links(text: str) -> None:
    article = make_article(text, text, source=text)
    given_answer = answer(
        text,
        [Statement(text, (1,), "unsupported", (Problem("name", text), Problem("quotation", text)))],
        [cite(1, article, text)],
        standalone_question=text + "?",
        model=text,
    )
    source = page_of(given_answer, {}, "extractive")
    shown = Shown(source)
    assert shown.tags <= {"div", "p", "a", "span", "ul", "li"}
    assert {href for href, _ in shown.links} <= {
        f"#{kind}-{article.article_id}-0-{len(text)}" for kind in ("cite", "read")
    }
    assert "\n" not in source
    declined = refusal(text, text, [hit(1, article, text)])
    assert Shown(page_of(declined, {article.article_id: article}, "extractive")).tags <= {
        "div",
        "p",
        "a",
        "span",
        "ul",
        "li",
    }


def test_weak_support_is_said_behind_the_marks_of_its_statement() -> None:
    citations = [cite(1, ARTICLE, "Lit in 1923."), cite(2, ARTICLE, "Nobody knows why.")]
    statements = [Statement("It was lit.", (1,), "partial"), Statement("It is gone.", (2,), "unsupported")]
    shown = Shown(page_of(answer("When?", statements, citations), {}, "extractive")).text
    assert (
        "It was lit. [1] partly supported by the cited words It is gone. [2] not supported by the cited words" in shown
    )


def test_weak_support_of_a_statement_that_is_not_found_in_the_text_is_said_below() -> None:
    statements = [Statement("Something else.", (1,), "partial")]
    given_answer = answer("q", statements, [cite(1, ARTICLE, "Lit in 1923.")], text="Lit [1].")
    assert "Something else. partly supported by the cited words" in Shown(page_of(given_answer, {}, "extractive")).text


def test_every_statement_has_its_label_and_what_is_wrong_with_it() -> None:
    citations = [cite(1, ARTICLE, "Lit in 1923."), cite(2, ARTICLE, "Nobody knows why.")]
    statements = [
        Statement("Lit in 1923.", (1,), "verbatim", quoted="exact"),
        Statement("lit in 1923", (1,), "verbatim", quoted="normalised"),
        Statement("It was lit long ago.", (1,), "supported", (Problem("name", "It"),)),
        Statement("Okafor lit it in 12.", (2,), "unsupported", (Problem("number", "12"), Problem("name", "<b>"))),
        Statement("It is gone.", (2,), "partial", (Problem("hedge", "allegedly"),)),
    ]
    page = page_of(answer("When?", statements, citations, model="openai:x"), {}, "openai:x")
    assert Shown(page).text.startswith(
        "Lit in 1923. [1] word for word "
        "lit in 1923 [1] word for word but for quotation marks, dashes and case "
        "It was lit long ago. [1] supported by the cited words "
        "Okafor lit it in 12. [2] not supported by the cited words: number 12; name <b> "
        "It is gone. [2] partly supported by the cited words: a hedge of the article is missing: allegedly"
    )
    assert re.findall(r'class="support (\w+)"', page) == [
        *("verbatim", "verbatim", "supported", "unsupported", "partial")
    ]
    extractive = Shown(page_of(answer("When?", statements[:3], citations), {}, "extractive")).text
    assert extractive.startswith("Lit in 1923. [1] word for word lit in 1923 [1] word for word but")


def test_a_well_supported_statement_that_is_not_found_in_the_text_has_no_label() -> None:
    statements = [Statement("Something else.", (1,), "supported")]
    given_answer = answer("q", statements, [cite(1, ARTICLE, "Lit in 1923.")], text="Lit [1].", model="openai:x")
    assert "supported" not in Shown(page_of(given_answer, {}, "openai:x")).text


def test_marks_inside_statements_and_before_full_stops() -> None:
    citations = [cite(1, ARTICLE, "Lit in 1923.")]
    statements = [Statement("It was lit [1].", (1,), "partial")]
    shown = Shown(page_of(answer("q", statements, citations, text="It was lit [1].\n\nMore."), {}, "extractive"))
    assert shown.text.startswith("It was lit [1]. partly supported by the cited wordsMore.")
    assert len(shown.links) == 2


def test_the_parts_that_are_not_answered_are_a_paragraph_without_marks() -> None:
    text = "Lit in 1923. [1]\n\n" + parts_not_held(["Who paid <b>Brandt</b> [1]?"])
    statements = [Statement("Lit in 1923.", (1,), "partial")]
    page = page_of(answer("q", statements, [cite(1, ARTICLE, "Lit in 1923.")], text=text), {}, "extractive")
    shown = Shown(page)
    assert "partly supported by the cited wordsThe articles do not hold: “Who paid <b>Brandt</b> (1)”." in shown.text
    assert page.count('class="cite"') == 1
    assert "<b>" not in page


def test_a_mark_without_a_citation_is_no_link() -> None:
    shown = Shown(page_of(answer("q", [], [], text="Made up [9]."), {}, "extractive"))
    assert shown.links == []
    assert "Made up [9]." in shown.text


def test_a_follow_up_says_what_was_asked() -> None:
    given_answer = answer("And why?", [], [], text="So.", standalone_question="Why was the lamp put out?")
    assert "Asked as: Why was the lamp put out?" in Shown(page_of(given_answer, {}, "extractive")).text


def test_a_refusal_has_its_reason_and_passages_to_open() -> None:
    hits = [hit(rank, ARTICLE, "Nobody knows why.") for rank in range(1, CLOSEST_SHOWN + 3)]
    shown = Shown(
        page_of(refusal("q", "The articles do not say why.", hits), {ARTICLE.article_id: ARTICLE}, "extractive")
    )
    assert "The articles do not say why." in shown.text
    assert [text for _, text in shown.links] == [f"Open passage {rank}" for rank in range(1, CLOSEST_SHOWN + 1)]
    assert shown.links[0][0] == f"#read-{ARTICLE.article_id}-30-47"
    assert "The lamp · Desk · 25 December" in shown.text
    assert "confidence" not in shown.text


def test_a_refusal_of_an_empty_library_has_no_passages() -> None:
    assert Shown(page_of(refusal("q", "The library is empty.", []), {}, "extractive")).links == []


def test_another_model_in_place_of_the_one_asked_is_named() -> None:
    given_answer = answer("q", [], [], text="So.")
    said = "openai:x could not be used; extractive answered instead."
    assert said in Shown(page_of(given_answer, {}, "openai:x")).text
    assert said not in Shown(page_of(given_answer, {}, "extractive")).text


def test_what_happened_is_said_once_and_loud_only_where_the_answer_is_not_what_was_asked_for() -> None:
    statement = [Statement(ARTICLE.text, (1,), "verbatim")]
    cited = [cite(1, ARTICLE, ARTICLE.text)]
    failed = "openai:x does not reply <b>. The articles' own sentences are used instead."
    html = page_of(answer("q", statement, cited, notices=(failed,)), {}, "openai:x")
    assert f'<p class="note">{literal(failed)}</p>' in html
    assert literal("could not be used") not in html
    html = page_of(answer("q", statement, cited, notices=("Shown 3 of 9.",)), {}, "extractive")
    assert f'<p class="notice">{literal("Shown 3 of 9.")}</p>' in html
    assert "note" not in html.replace("notice", "")
    for notices in ((), ("The answer was cut off; it is not complete.",)):
        html = page_of(answer("q", statement, cited, incomplete=True, notices=notices), {}, "extractive")
        assert html.count('class="note"') == 1
        assert literal("not complete") in html


def test_lines_of_a_question_are_kept() -> None:
    assert question_html(asked("a\nb\n"), EN) == '<div class="asked-text">a<br>b</div>'


def test_a_question_says_which_articles_it_was_asked_of() -> None:
    limits = SearchFilter(date(2017, 6, 1), date(2018, 1, 31), frozenset({"<b>Desk</b>", "Agency"}), date(2019, 5, 6))
    shown = Shown(question_html(replace(asked("When?"), filter=limits), EN)).text
    assert shown == ("When?Only articles from 1 June 2017 to 31 January 2018, of <b>Desk</b>, Agency, as of 6 May 2019")


def test_an_exchange_is_shown_by_its_state() -> None:
    def text(exchange: Exchange, **options) -> str:
        return Shown(exchange_html(exchange, Around(), EN, **options)).text

    assert text(asked("When?")) == "Reading the articles…"
    assert text(asked("When?"), before=1) == "1 question is before this one…"
    assert text(asked("When?"), before=12) == "12 questions are before this one…"
    assert (
        text(replace(asked("When?"), model="ollama:a"), extractive=False) == "Reading the articles and asking ollama:a…"
    )
    assert text(asked("When?", text="It is")) == "It is"
    broken = text(asked("When?", state="broken", text="It is", note="The server stopped."))
    assert broken == "It isThe server stopped.Ask again Edit question"
    ended = answer("When?", [Statement("Lit in 1923.", (1,), "verbatim")], [cite(1, ARTICLE, "Lit in 1923.")])
    page = exchange_html(asked("When?", state="finished", answer=ended), Around(), EN)
    links = {text: href for href, text in Shown(page).links}
    assert links["Ask again"] == "#again-0a1b"
    assert links["Edit question"] == "#edit-0a1b"
    assert (links["Helpful"], links["Not helpful"]) == ("#helpful-0a1b", "#unhelpful-0a1b")
    assert links["Permanent link"] == "a/0a1b"
    assert links["JSON"] == "api/answers/0a1b/export?format=json"


def test_a_refusal_says_what_the_library_covers() -> None:
    dated = make_article("Lit.", "A", source="Desk", published="2017-06")
    summaries = FakeBackend([ARTICLE, OTHER, dated], lambda question: answer("", [], [])).summaries()
    around = Around({}, coverage_of(summaries))
    declined = refusal("q", "The articles do not say.", [])
    shown = Shown(answer_html(declined, around, "extractive", EN)).text
    assert shown.startswith("Not answered · The articles do not seem to sayThe articles do not say.")
    assert "The library holds 3 articles from June 2017 to June 2017, of Desk." in shown
    assert held_text(coverage_of(summaries[:1]), EN) == "The library holds 1 article, of Desk."
    assert held_text(coverage_of(summaries[1:2]), EN) == "The library holds 1 article."


def test_another_language_changes_the_interface_and_not_what_is_said() -> None:
    ended = answer("When?", [Statement("Lit in 1923.", (1,), "verbatim")], [cite(1, ARTICLE, "Lit in 1923.")])
    shown = Shown(answer_html(ended, Around(), "extractive", Texts("de"))).text
    assert "Lit in 1923. [1] wörtlich" in shown
    assert "beantwortet von extractive" in shown


def test_an_empty_or_missing_library_says_how_to_index() -> None:
    for count in (None, 0):
        assert "dateline index PATH --library /a/b and reload" in Shown(welcome_html(count, "/a/b", EN)).text


@pytest.mark.parametrize(("count", "words"), [(1, "1 article"), (1234, "1,234 articles"), (None, "Evaluate")])
def test_the_header_leads_to_the_views_and_counts_articles(count: int | None, words: str) -> None:
    shown = Shown(header_html(count, EN))
    assert shown.text.endswith(words)
    assert shown.links == [("#ask", "Ask"), ("#library", "Library"), ("#evaluate", "Evaluate")]
