"""What articles, questions and models say is shown as it is written, whatever it contains."""

import html
import re
from html.parser import HTMLParser

import pytest
from fake_backend import answer, cite, hit, make_article, refusal
from hypothesis import given
from hypothesis import strategies as st

from rag.refusals import parts_not_held
from rag.types import Problem, Statement
from ui.literal import literal
from ui.markup import (
    CLOSEST_SHOWN,
    answer_html,
    header_html,
    note_html,
    question_html,
    welcome_html,
    working_html,
)

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
        assert {name for name, _ in attributes} <= {"class", "href", "id"}
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
    for source in (literal(text), question_html(text), note_html(text, text), working_html(text)):
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
    shown = Shown(answer_html(answer("When?", statements, citations), {}, "extractive"))
    assert shown.links == [
        (f"#cite-{ARTICLE.article_id}-0-12", "[1]"),
        (f"#cite-{ARTICLE.article_id}-13-29", "[3]"),
        (f"#cite-{OTHER.article_id}-0-17", "[2]"),
        (f"#read-{ARTICLE.article_id}-0-12", "The lamp"),
        (f"#read-{OTHER.article_id}-0-17", "Back again"),
    ]
    assert "Lit in 1923. [1] Out, then back. [3] [2]" in shown.text
    assert "1, 3 The lamp Desk · 25 December" in shown.text
    assert "answered by extractive in 0.4 s, confidence 82%" in shown.text
    assert "supported" not in shown.text
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
    source = answer_html(given_answer, {}, "extractive")
    shown = Shown(source)
    assert shown.tags <= {"div", "p", "a", "span", "ul", "li"}
    assert {href for href, _ in shown.links} <= {
        f"#{kind}-{article.article_id}-0-{len(text)}" for kind in ("cite", "read")
    }
    assert "\n" not in source
    declined = refusal(text, text, [hit(1, article, text)])
    assert Shown(answer_html(declined, {article.article_id: article}, "extractive")).tags <= {
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
    shown = Shown(answer_html(answer("When?", statements, citations), {}, "extractive")).text
    assert (
        "It was lit. [1] partly supported by the cited words It is gone. [2] not supported by the cited words" in shown
    )


def test_weak_support_of_a_statement_that_is_not_found_in_the_text_is_said_below() -> None:
    statements = [Statement("Something else.", (1,), "partial")]
    given_answer = answer("q", statements, [cite(1, ARTICLE, "Lit in 1923.")], text="Lit [1].")
    assert (
        "Something else. partly supported by the cited words" in Shown(answer_html(given_answer, {}, "extractive")).text
    )


def test_every_statement_of_a_model_has_its_label_and_what_is_wrong_with_it() -> None:
    citations = [cite(1, ARTICLE, "Lit in 1923."), cite(2, ARTICLE, "Nobody knows why.")]
    statements = [
        Statement("Lit in 1923.", (1,), "verbatim", quoted="exact"),
        Statement("lit in 1923", (1,), "verbatim", quoted="normalised"),
        Statement("It was lit long ago.", (1,), "supported", (Problem("name", "It"),)),
        Statement("Okafor lit it in 12.", (2,), "unsupported", (Problem("number", "12"), Problem("name", "<b>"))),
        Statement("It is gone.", (2,), "partial", (Problem("hedge", "allegedly"),)),
    ]
    page = answer_html(answer("When?", statements, citations, model="openai:x"), {}, "openai:x")
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
    extractive = Shown(answer_html(answer("When?", statements[:3], citations), {}, "extractive")).text
    assert "word for word" not in extractive
    assert "supported" not in extractive


def test_a_well_supported_statement_that_is_not_found_in_the_text_has_no_label() -> None:
    statements = [Statement("Something else.", (1,), "supported")]
    given_answer = answer("q", statements, [cite(1, ARTICLE, "Lit in 1923.")], text="Lit [1].", model="openai:x")
    assert "supported" not in Shown(answer_html(given_answer, {}, "openai:x")).text


def test_marks_inside_statements_and_before_full_stops() -> None:
    citations = [cite(1, ARTICLE, "Lit in 1923.")]
    statements = [Statement("It was lit [1].", (1,), "partial")]
    shown = Shown(answer_html(answer("q", statements, citations, text="It was lit [1].\n\nMore."), {}, "extractive"))
    assert shown.text.startswith("It was lit [1]. partly supported by the cited wordsMore.")
    assert len(shown.links) == 2


def test_the_parts_that_are_not_answered_are_a_paragraph_without_marks() -> None:
    text = "Lit in 1923. [1]\n\n" + parts_not_held(["Who paid <b>Brandt</b> [1]?"])
    statements = [Statement("Lit in 1923.", (1,), "partial")]
    page = answer_html(answer("q", statements, [cite(1, ARTICLE, "Lit in 1923.")], text=text), {}, "extractive")
    shown = Shown(page)
    assert "partly supported by the cited wordsThe articles do not hold: “Who paid <b>Brandt</b> (1)”." in shown.text
    assert page.count('class="cite"') == 1
    assert "<b>" not in page


def test_a_mark_without_a_citation_is_no_link() -> None:
    shown = Shown(answer_html(answer("q", [], [], text="Made up [9]."), {}, "extractive"))
    assert shown.links == []
    assert "Made up [9]." in shown.text


def test_a_follow_up_says_what_was_asked() -> None:
    given_answer = answer("And why?", [], [], text="So.", standalone_question="Why was the lamp put out?")
    assert "Asked as: Why was the lamp put out?" in Shown(answer_html(given_answer, {}, "extractive")).text


def test_a_refusal_has_its_reason_and_passages_to_open() -> None:
    hits = [hit(rank, ARTICLE, "Nobody knows why.") for rank in range(1, CLOSEST_SHOWN + 3)]
    shown = Shown(
        answer_html(refusal("q", "The articles do not say why.", hits), {ARTICLE.article_id: ARTICLE}, "extractive")
    )
    assert "The articles do not say why." in shown.text
    assert [text for _, text in shown.links] == [f"Open passage {rank}" for rank in range(1, CLOSEST_SHOWN + 1)]
    assert shown.links[0][0] == f"#read-{ARTICLE.article_id}-30-47"
    assert "The lamp · Desk · 25 December" in shown.text
    assert "confidence" not in shown.text


def test_a_refusal_of_an_empty_library_has_no_passages() -> None:
    assert Shown(answer_html(refusal("q", "The library is empty.", []), {}, "extractive")).links == []


def test_another_model_in_place_of_the_one_asked_is_named() -> None:
    given_answer = answer("q", [], [], text="So.")
    said = "openai:x could not be used; extractive answered instead."
    assert said in Shown(answer_html(given_answer, {}, "openai:x")).text
    assert said not in Shown(answer_html(given_answer, {}, "extractive")).text


def test_what_happened_is_said_once_and_loud_only_where_the_answer_is_not_what_was_asked_for() -> None:
    statement = [Statement(ARTICLE.text, (1,), "verbatim")]
    cited = [cite(1, ARTICLE, ARTICLE.text)]
    failed = "openai:x does not reply <b>. The articles' own sentences are used instead."
    html = answer_html(answer("q", statement, cited, notices=(failed,)), {}, "openai:x")
    assert f'<p class="note">{literal(failed)}</p>' in html
    assert literal("could not be used") not in html
    html = answer_html(answer("q", statement, cited, notices=("Shown 3 of 9.",)), {}, "extractive")
    assert f'<p class="notice">{literal("Shown 3 of 9.")}</p>' in html
    assert "note" not in html.replace("notice", "")
    for notices in ((), ("The answer was cut off; it is not complete.",)):
        html = answer_html(answer("q", statement, cited, incomplete=True, notices=notices), {}, "extractive")
        assert html.count('class="note"') == 1
        assert literal("not complete") in html


def test_lines_of_a_question_are_kept() -> None:
    assert question_html("a\nb\n") == '<div class="asked-text">a<br>b</div>'


def test_an_empty_or_missing_library_says_how_to_index() -> None:
    for summaries in (None, []):
        assert "dateline index PATH --library /a/b" in Shown(welcome_html(summaries, "/a/b")).text


@pytest.mark.parametrize(("count", "words"), [(1, "1 article "), (1234, "1,234 articles "), (None, "answers by")])
def test_the_header_counts_articles_and_names_the_model(count: int | None, words: str) -> None:
    text = Shown(header_html(count, "openai:x")).text
    assert words in text
    assert text.endswith("answers by openai:x")
