"""From a model's text to marks, statements and citations, whatever the model wrote."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import Article, Hit, Metadata, Passage, normalise_text
from rag.citations import CONTEXT_CHARACTERS, CitedText, cite_answer, make_citation
from rag.marks import MARK, Mark, readable, take_out_marks
from rag.prompts import DECLINE_SENTENCE
from rag.quotations import quotations
from rag.support import judge
from rag.words import Words

STRIKE = (
    "The dockers' strike in Port Amity ended on Sunday, May 8, after 26 days. "
    "Union leader Ana Reyes said the offer of a 4.5 percent rise “is not what we asked for, but it is enough”. "
    "The company did not confirm the figure. Some 1,200 workers had walked out in April."
)
MAYOR = (
    "Mayor John Okafor welcomed the end of the strike. He opposes the new harbour tax. "
    "The United Nations chartered two ships to bring food to the island."
)
ARTICLES = {
    article.article_id: article
    for article in (
        Article.from_text(normalise_text(STRIKE), Metadata(title="Strike ends", source="TASS"), "/news/strike.txt"),
        Article.from_text(normalise_text(MAYOR), Metadata(title="Mayor", published="2022-05-09"), "/news/mayor.txt"),
    )
}


def hit(article: Article, rank: int, start: int = 0, end: int | None = None) -> Hit:
    end = len(article.text) if end is None else end
    return Hit(Passage(f"p{rank}", article.article_id, start, end, article.text[start:end], ""), rank, 1 / rank)


HITS = [hit(article, rank) for rank, article in enumerate(ARTICLES.values(), start=1)]


def cite(text: str) -> CitedText:
    cited = cite_answer(text, HITS, ARTICLES)
    check_contract(cited)
    return cited


def check_contract(cited: CitedText) -> None:
    """What holds of every answer, by means other than the code's own."""
    numbers = [citation.number for citation in cited.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    in_text = [int(number) for number in re.findall(r"\[\s*(\d{1,3})\s*\]", cited.text)]
    assert sorted(set(in_text)) == numbers
    assert list(dict.fromkeys(in_text)) == numbers, "numbers are in order of first appearance"
    assert in_text == [number for statement in cited.statements for number in statement.citations]
    for citation in cited.citations:
        article = ARTICLES[citation.article_id]
        assert citation.cited_text == article.text[citation.start : citation.end] != ""
        assert article.text[: citation.start].endswith(citation.prefix)
        assert article.text[citation.end :].startswith(citation.suffix)
    places = [(citation.article_id, citation.start, citation.end) for citation in cited.citations]
    assert len(set(places)) == len(places)
    rest = cited.text
    for statement in cited.statements:
        assert not MARK.search(statement.text) or "[" not in MARK.search(statement.text)[0]
        _, found, rest = rest.partition(statement.text)
        assert found
        assert statement.citations or statement.support == "unsupported"
    assert not (cited.declined and cited.statements)


def cited_words(cited: CitedText) -> list[str]:
    return [citation.cited_text for citation in cited.citations]


def test_statement_is_narrowed_to_the_sentence_that_carries_it():
    cited = cite("The strike in Port Amity ended after 26 days [1]. The mayor opposes the harbour tax [2].")
    assert cited.text == ("The strike in Port Amity ended after 26 days. [1] The mayor opposes the harbour tax. [2]")
    assert cited_words(cited) == [
        "The dockers' strike in Port Amity ended on Sunday, May 8, after 26 days.",
        "Mayor John Okafor welcomed the end of the strike. He opposes the new harbour tax.",
    ]
    assert [statement.support for statement in cited.statements] == ["supported", "supported"]
    assert cited.removed_marks == 0


def test_numbers_are_those_of_the_prompt_and_come_out_in_order_of_appearance():
    cited = cite("He opposes the new harbour tax [2]. The company did not confirm the figure [1].")
    assert cited.text == "He opposes the new harbour tax. [1] The company did not confirm the figure. [2]"
    assert [statement.support for statement in cited.statements] == ["verbatim", "verbatim"]
    assert [citation.title for citation in cited.citations] == ["Mayor", "Strike ends"]


def test_same_words_are_one_citation():
    cited = cite("The company did not confirm the figure [1]. The figure, the company did not confirm [1].")
    assert [statement.citations for statement in cited.statements] == [(1,), (1,)]
    assert len(cited.citations) == 1


def test_overlapping_passages_are_one_citation():
    article = next(iter(ARTICLES.values()))
    middle = article.text.index("The company")
    hits = [hit(article, 1, 0, middle + 39), hit(article, 2, middle)]
    cited = cite_answer("The company did not confirm the figure [1][2].", hits, ARTICLES)
    check_contract(cited)
    assert cited_words(cited) == ["The company did not confirm the figure."]


def test_statement_from_two_sentences_cites_both():
    cited = cite("The strike of 1,200 workers ended after 26 days [1].")
    assert [words.split()[0] for words in cited_words(cited)] == ["The", "Some"]
    assert cited.statements[0].citations == (1, 2)
    assert cited.text.endswith("26 days. [1][2]")


@pytest.mark.parametrize(
    ("mark", "numbers"),
    [
        ("[1]", (1,)),
        ("[1, 3]", (1, 3)),
        ("[1][2]", (1, 2)),
        ("[1-3]", (1, 2, 3)),
        ("[1–3]", (1, 2, 3)),
        ("[3-1]", (3, 1)),
        ("[1; 2 and 3]", (1, 2, 3)),
        ("【1】", (1,)),
        ("【2†source】", (2,)),
        ("［3］", (3,)),
        ("[^1]", (1,)),
        ("(source 1)", (1,)),
        ("(Sources 1, 2)", (1, 2)),
        ("(passage 2 and passage 3)", (2, 3)),
        ("[Source: 2]", (2,)),
        ("[source 1, source 2]", (1, 2)),
        ("[#2]", (2,)),
        ("[ 2 ]", (2,)),
        ("[1](https://example.org/a)", (1,)),
    ],
)
def test_marks_as_models_write_them(mark, numbers):
    marked = take_out_marks(f"It ended {mark}.", 3)
    assert marked.plain == "It ended."
    assert tuple(number for each in marked.marks for number in each.numbers) == numbers
    assert {each.position for each in marked.marks} == {8}
    assert marked.removed == 0


@pytest.mark.parametrize(
    "text",
    ["It ended in (2017).", "Article (5) of [the] treaty [sic].", "a[i] (3)", "[]", "(Article 5)"],
)
def test_brackets_that_are_no_marks_stay(text):
    assert take_out_marks(text, 9) == take_out_marks(text, 0)
    assert take_out_marks(text, 9).plain == text


@pytest.mark.parametrize("number", ["2017", "12345", "1.5", "-1", "1-999999999", "9" * 30])
def test_a_number_in_brackets_that_is_no_mark_gets_round_ones(number):
    assert f"({number})" in cite(f"He opposes the new harbour tax in [{number}] places.").text


def test_numbers_that_name_no_passage_are_removed_and_counted():
    cited = cite("He opposes the new harbour tax [0, 2, 3][17]. In [2017] nothing else [99].")
    assert cited.removed_marks == 4
    assert cited.text == "He opposes the new harbour tax. [1] In (2017) nothing else."
    assert take_out_marks("x [1-999]", 2).marks == (Mark(1, (1, 2)),)
    assert take_out_marks("x [1-999]", 2).removed == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Word[1]word", "Word word"),
        ("[1] First.\n [2] Second.", "First.\nSecond."),
        ("- [1] First.", "- First."),
        ("A [1] , b.", "A , b."),
        ("It ended (see [1]).", "It ended."),
        ("[[1]2] x", "x"),
        ("Done. [1]\n\nSources:\n[1] TASS, 2022\n[2] Sputnik\n", "Done."),
        ("Done. [1]\n**References**\n- [1] TASS\n1. Sputnik", "Done."),
        ("Sources:\nThe minister said so. [1]", "Sources:\nThe minister said so."),
    ],
)
def test_text_without_its_marks(text, expected):
    assert take_out_marks(text, 9).plain == expected


def test_marks_behind_the_full_stop_belong_to_the_sentence_before():
    cited = cite("He opposes the new harbour tax. [2] The company did not confirm the figure. [1]")
    assert [words[:10] for words in cited_words(cited)] == ["He opposes", "The compan"]
    cited = cite("He opposes the new harbour tax.\n[2]")
    assert cited.statements[0].citations == (1,)


def test_marks_at_the_beginning_of_a_line_belong_to_the_sentence_behind():
    cited = cite("- [2] He opposes the new harbour tax.\n- [1] The company did not confirm the figure.")
    assert cited.text == "- He opposes the new harbour tax. [1]\n- The company did not confirm the figure. [2]"
    assert [statement.text[:3] for statement in cited.statements] == ["He ", "The"]


def test_list_keeps_its_shape():
    cited = cite(
        "Two things happened:\n\n1. The strike ended after 26 days [1].\n2. He opposes the new harbour tax [2]."
    )
    assert cited.text.startswith("Two things happened:\n\n1. The strike ended after 26 days. [1]\n2. He opposes")
    assert cited.statements[0].support == "unsupported"


def test_statement_without_a_mark_gets_the_sentence_that_supports_it():
    cited = cite("He opposes the new harbour tax. The harbour is deep and green.")
    assert cited.text == "He opposes the new harbour tax. [1] The harbour is deep and green."
    assert [(s.citations, s.support) for s in cited.statements] == [((1,), "verbatim"), ((), "unsupported")]


def test_mark_that_points_at_the_wrong_passage_is_set_right():
    cited = cite("He opposes the new harbour tax [1].")
    assert [citation.origin for citation in cited.citations] == ["/news/mayor.txt"]


def test_passage_that_nothing_in_carries_the_statement_is_cited_whole():
    cited = cite("Der Streik ging nach Wochen zu Ende [1].")
    assert cited_words(cited) == [STRIKE]
    assert cited.statements[0].support == "unsupported"


@pytest.mark.parametrize(
    "text",
    [
        DECLINE_SENTENCE,
        DECLINE_SENTENCE.upper() + " [1]",
        "  The articles do not hold the answer to this question  ",
        "The articles don’t contain the answer to your question.",
        "I'm sorry, but the provided passages do not contain an answer to this question.",
        "**The passages do not provide the answer.**",
        "\u200bThe articles do not hold the answer to this question.\n",
    ],
)
def test_agreed_sentence_declines(text):
    cited = cite(text)
    assert cited.declined
    assert cited.text == DECLINE_SENTENCE
    assert cited.citations == ()


@pytest.mark.parametrize(
    "text",
    [
        "The articles do not hold the answer to this question. The strike ended after 26 days [1].",
        "The articles hold the answer to this question.",
        "The company did not confirm the figure [1].",
        "",
        "[1] [2]",
    ],
)
def test_anything_else_does_not_decline(text):
    assert not cite(text).declined


def test_text_without_words_has_no_statements():
    assert cite("[1] [2] \u202e ...").statements == ()


def test_characters_that_nobody_sees_are_taken_out():
    assert readable("a\u202eb\u200bc\x00d\x1b[31m\ud800\ufeff\r\ne\u2028f\tg") == "abcd[31m\ne\nf\tg"
    assert cite("The com\u200bpany did not con\u00adfirm the figure [\u200b1].").statements[0].support == "verbatim"


@pytest.mark.parametrize(
    ("statement", "support"),
    [
        ("The company did not confirm the figure.", "verbatim"),
        ('the offer of a 4.5 percent rise "is not what we asked for, but it is enough"', "verbatim"),
        ("Ana Reyes, the union leader, said the offer is enough.", "supported"),
        ("The strike in Port Amity ended on May 8.", "supported"),
        ("The strike ended after twenty-six days in Port Amity.", "supported"),
        ("Some 1200 workers walked out in April.", "supported"),
        ("The UN chartered 2 ships to bring food to the island.", "supported"),
        ("The strike ended after 27 days.", "unsupported"),
        ("The strike in Port Amity ended on May 9.", "unsupported"),
        ("The offer was a 4.5 million rise.", "unsupported"),
        ("The company confirmed the figure.", "unsupported"),
        ("The strike has not ended.", "unsupported"),
        ("Maria Reyes, the union leader, said the offer is enough.", "partial"),
        ("Mayor John Okafor condemned the end of the strike.", "unsupported"),
        ("He supports the new harbour tax.", "unsupported"),
        ("Ana Reyes said “it is enough”.", "supported"),
        ("Ana Reyes said “it is far too little for us”.", "unsupported"),
        ("Penguins live at the South Pole.", "unsupported"),
        ("It did.", "unsupported"),
        ("26", "verbatim"),
        ("27", "unsupported"),
    ],
)
def test_support_of_a_statement(statement, support):
    assert [each.support for each in cite(f"{statement} [1][2]").statements] == [support]


@pytest.mark.parametrize(
    ("statement", "evidence", "support"),
    [
        ("Russia vetoed the draft.", "Nobody believes that Russia vetoed the draft.", "unsupported"),
        ("The offer is enough.", "The offer is not what we asked for, but it is enough.", "supported"),
        ("The offer is enough.", "The offer is not enough.", "unsupported"),
        ("Russia did not veto the draft.", "Russia never vetoed that draft.", "supported"),
        ("Sales fell 5% in 2021.", "Sales fell 5 per cent in 2021.", "supported"),
        ("Sales fell 5bn in 2021.", "In 2021 sales fell by 5 billion.", "supported"),
        ("It happened in May in Rome.", "It may have happened in Rome.", "unsupported"),
        ("It happened on Sept. 3 in Rome.", "On September 3 it happened in Rome.", "supported"),
        ("The U.S. imposed sanctions.", "Sanctions were imposed by the United States.", "supported"),
        ("Trade rose before the war.", "Trade rose after the war.", "unsupported"),
        ("She is deputy director of the museum.", "She is director of the museum.", "partial"),
        ("No.", "There is no answer.", "unsupported"),
    ],
)
def test_rules_of_support(statement, evidence, support):
    assert judge(Words.of(statement), [Words.of(evidence)]).support == support


def test_quotation_over_several_sentences_is_checked_as_a_whole():
    cited = cite('"We are glad about this offer. It is enough," Ana Reyes said of the offer of a rise [1].')
    assert "supported" not in [statement.support for statement in cited.statements]


def test_what_counts_as_a_quotation():
    text = (
        "He said “one two three” and ‘it’s four five’, \"six seven eight,\" 5\" guns, 'nine', the dockers' own day's."
    )
    found = quotations(text)
    assert [text[span.start : span.end] for span in found] == ["one two three", "it’s four five", "six seven eight,"]


def test_citation_keeps_at_most_sixty_characters_around():
    article = next(iter(ARTICLES.values()))
    citation = make_citation(1, article, 100, 120)
    assert citation.prefix == STRIKE[40:100]
    assert citation.suffix == STRIKE[120:180]
    assert CONTEXT_CHARACTERS == 60
    edge = make_citation(1, article, 0, len(STRIKE))
    assert (edge.prefix, edge.suffix, edge.cited_text) == ("", "", STRIKE)


def test_text_without_passages():
    cited = cite_answer("The strike ended [1].", [], {})
    assert cited.text == "The strike ended."
    assert (cited.removed_marks, cited.citations) == (1, ())


PIECES = st.one_of(
    st.sampled_from(
        "[1] [2] [3] [0] [1,2] [1-9] [1-2] [[1]2] [ 【1】 ] ( ) (source 1) [source 2 [1 1] , . ! \n \r\n - 1. [2017] "
        "“ ” \" ' * ¹ ² [[1]] {1} \\[1\\] &#91;1&#93; According passage to says that "
        "[١] ［2］ \u202e \u200b \u2028 \x00 Sources: (Sources not 26".split(" ")
    ),
    st.sampled_from(re.split(r"(?<=[ .,])", STRIKE + " " + MAYOR)),
    st.text(max_size=8),
    st.just(" "),
)


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=400, deadline=None)
def test_contract_holds_for_any_text(text):
    cite(text)


@given(st.text(alphabet=st.characters(), max_size=200))
@settings(max_examples=200, deadline=None)
def test_contract_holds_for_any_characters(text):
    cite(text)


@given(
    st.lists(PIECES, max_size=15).map("".join).map(readable).filter(str.strip),
    st.lists(PIECES, max_size=15).map("".join),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_contract_holds_for_any_article(article_text, text, data):
    article = Article.from_text(article_text, Metadata(), "/news/any.txt")
    ends = st.integers(0, len(article_text))
    hits = []
    for rank in range(1, 4):
        start, end = sorted((data.draw(ends), data.draw(ends)))
        if start < end:
            hits.append(hit(article, rank, start, end))
    cited = cite_answer(text, hits, {article.article_id: article})
    for citation in cited.citations:
        assert citation.cited_text == article.text[citation.start : citation.end] != ""
    in_text = {int(number) for number in re.findall(r"\[\s*(\d{1,3})\s*\]", cited.text)}
    assert in_text == {citation.number for citation in cited.citations}


@pytest.mark.parametrize(
    "text",
    [
        *(piece * 20_000 for piece in ("[", "“", "\n", "1", " ")),
        *(piece * 6_000 for piece in ("[1", "[1]", "[[1]1]", "(source ", "a. ", "'a ", "[1, ", "not ", "\n[1] a")),
    ],
)
def test_long_and_strange_text_takes_no_time(text):
    cited = cite_answer(text, HITS, ARTICLES)
    assert len(cited.text) <= len(text) * 4
