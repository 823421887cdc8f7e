"""Short answers: which questions get one, and how words of a sentence become it."""

import pytest

from index.encoder import load_encoder
from index.library import Library
from index.types import Article, Metadata
from rag.analysis import analyse_question
from rag.answering import ask
from rag.short_answers import (
    asks_for_short_answer,
    asks_who_somebody_is,
    is_dateline,
    is_of_type,
    whole_words,
    with_qualifier,
)
from rag.statements import SHORT_ANSWER
from rag.types import Question


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("Who opened the bridge?", True),
        ("When was the bridge opened?", True),
        ("How many people came?", True),
        ("Which company built the bridge?", True),
        ("What newspaper reported it?", True),
        ("What is the name of the mayor?", True),
        ("Where is the bridge?", True),
        ("Why was the bridge closed?", False),
        ("What did Brandt say about the bridge?", False),
        ("How has the position of the council changed?", False),
        ("What did the council do?", False),
    ],
)
def test_questions_for_a_few_words_get_a_short_answer(question: str, short: bool):
    assert asks_for_short_answer(analyse_question(question)) is short


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ("Tilda Bran", "Tilda Brandt"),
        (", Tilda Brandt,", "Tilda Brandt"),
        ("31.4 million", "31.4 million"),
        ("ayor (since 2014", "Mayor (since 2014)"),
        ("“no”", "no"),
    ],
)
def test_a_span_becomes_whole_words(span: str, words: str):
    text = "The Mayor (since 2014), Tilda Brandt, said “no” to 31.4 million crowns."
    start = text.index(span)
    assert whole_words(text, start, start + len(span)) == words


@pytest.mark.parametrize(
    ("text", "span", "words"),
    [
        ("It fired at least nine missiles.", "nine", "at least nine"),
        ("It fired at least nine missiles.", "least nine", "at least nine"),
        ("More than 20 were launched.", "20", "More than 20"),
        ("It stayed closed until 12 May.", "12 May", "until 12 May"),
        ("It fired nine missiles, at least.", "nine", "nine"),
        ("They came over. Nine stayed.", "Nine", "Nine"),
        ("Leftover 20 tickets were sold.", "20", "20"),
    ],
)
def test_a_number_or_date_keeps_what_qualifies_it(text: str, span: str, words: str):
    start = text.index(span)
    assert text[with_qualifier(text, start) : start + len(span)] == words


@pytest.mark.parametrize(
    ("text", "dateline"),
    [
        ("PORT IMSEL, 2 September 2023.", True),
        ("Berlin, May 3 —", True),
        ("The strike ended in 2003.", False),
        ("He left in 1998.", False),
        ("会议于2019年举行。", False),
    ],
)
def test_a_dateline_is_told_from_a_sentence(text: str, dateline: bool):
    assert is_dateline(text) is dateline


@pytest.mark.parametrize(
    ("question", "words", "fits"),
    [
        ("When was it?", "12 May", True),
        ("When was it?", "the mayor", False),
        ("How many came?", "several", True),
        ("How many came?", "people", False),
        ("How many came?", "31 to 35", True),
        ("How many came?", "2.4 million", True),
        ("How many lanes are there?", "1,280 metres long and carries four", False),
        ("When was it?", "2356", False),
        ("Who came?", "Tilda Brandt", True),
        ("Who came?", "nobody else", False),
        ("Who is Brandt?", "Brandt", False),
        ("Which bridge was closed?", "the old one", True),
    ],
)
def test_the_words_must_be_of_the_type_and_not_of_the_question(question: str, words: str, fits: bool):
    assert is_of_type(words, analyse_question(question)) is fits


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    text = (
        "The council of Arlen met on Monday to speak of the bridge. Tilda Brandt, the mayor of Arlen, opened the new "
        "bridge on 12 May 2019. It had cost 31.4 million crowns. Nobody wanted to say why it had taken so long."
    )
    article = Article.from_text(text, Metadata(title="The bridge of Arlen", source="Desk"), "/bridge.txt")
    with Library.open_for_writing(tmp_path_factory.mktemp("short") / "library", load_encoder()) as opened:
        opened.put([(article, "digest")])
        yield opened


def test_an_answer_begins_with_verbatim_words_of_what_it_cites(library: Library):
    answer = ask(Question("When was the new bridge of Arlen opened?"), library)
    short = SHORT_ANSWER.match(answer.text)
    assert short is not None
    assert short[1] == "12 May 2019"
    assert short[1] in answer.citations[0].cited_text
    assert answer.statements[0].text.startswith("**12 May 2019** — ")
    assert "12 May 2019" in answer.statements[0].text[len(short[0]) :]


@pytest.mark.parametrize(
    "question",
    [
        "When did Olga Winter open the new bridge of Arlen?",
        "How many crowns did the airport of Arlen cost?",
        "Who opened the swimming pool of Dunmore on a rainy Saturday?",
    ],
)
def test_what_the_sentence_is_not_about_gets_no_short_answer(library: Library, question: str):
    assert "**" not in ask(Question(question), library).text


def test_an_answer_to_why_does_not(library: Library):
    answer = ask(Question("Why did the council of Arlen meet on Monday?"), library)
    assert not answer.refused
    assert "**" not in answer.text


@pytest.mark.parametrize(
    ("question", "somebody"),
    [
        ("Who is Haley?", True),
        ("Who was Ann Lee?", True),
        ("who is ann lee", True),
        ("Who's Ann Lee?", True),
        ("Who is the mayor?", False),
        ("Who is mayor of Quillbury?", False),
        ("who was the first mayor?", False),
        ("Who was elected mayor?", False),
        ("Who is Haley's deputy?", False),
    ],
)
def test_who_somebody_is_has_no_name_for_an_answer(question: str, somebody: bool):
    assert asks_who_somebody_is(question) is somebody
    if somebody:
        assert not asks_for_short_answer(analyse_question(question))
