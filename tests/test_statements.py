"""Sentences as statements: what belongs together is cited together, dated, and attributed to who says it."""

from dataclasses import replace
from pathlib import Path

import pytest

from index.library import Library
from rag.evidence import Evidence
from rag.statements import MAX_STATEMENTS, Chosen, attribution, choose, compose
from tests.small_library import evidence_of, library_of, made_article

TALKS = made_article(
    "UN, June 3. /TASS/. The Harbour Council has passed a resolution on dredging.\n"
    'Envoy Pavel Orlov said after the vote that his town had doubts. "We must keep searching," he said. '
    '"Some partners are ready to talk. They have conditions of their own. We know all of them."\n'
    "The council banned night work. It also closed the western channel.\n"
    "This year seven ships ran aground.\n"
    "Mayor Ines Calder endorsed the ban.",
    "talks",
    title="Council votes on dredging",
    source="TASS",
    published="2017-06-03",
)
LATER = made_article(
    "The council lifted the ban on night work. All the ships were delighted.",
    "later",
    source="Gazette",
    published="2019-02",
)
EARLIER = made_article("The council had no ban on night work in those days.", "earlier", source="Gazette")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("statements") / "library"
    with library_of(path, [LATER, EARLIER, TALKS]) as opened:
        yield opened


def ranked(library: Library, question: str, *words: str) -> Evidence:
    """The evidence of a question, with the sentences that hold the given words as its equally probable ones."""
    evidence, _, _ = evidence_of(library, question)
    found = [next(s for s in evidence.sentences if wanted in s.candidate.text) for wanted in words]
    return replace(evidence, sentences=tuple(replace(s, probability=1 / len(words)) for s in found))


def answer_of(library: Library, *words: str, question: str = "What happened in the council?"):
    """Text, statements and citations of an answer made of the sentences that hold the words."""
    articles = {article.article_id: article for article in (TALKS, LATER, EARLIER)}
    return compose(choose([ranked(library, question, *words)], articles))


def test_a_statement_is_the_sentence_with_source_and_date(library: Library):
    text, statements, citations = answer_of(library, "seven ships")
    assert text == "This year seven ships ran aground. (TASS, 3 June 2017) [1]"
    assert [statement.text for statement in statements] == ["This year seven ships ran aground. (TASS, 3 June 2017)"]
    assert statements[0].citations == (1,)
    assert statements[0].support == "verbatim"
    assert [citation.cited_text for citation in citations] == ["This year seven ships ran aground."]
    assert TALKS.text[citations[0].start : citations[0].end] == citations[0].cited_text


@pytest.mark.parametrize("words", ["Some partners", "They have conditions of", "We know all of them"])
def test_a_quotation_of_several_sentences_is_cited_whole(library: Library, words: str):
    _, _, citations = answer_of(library, words)
    assert (
        citations[0].cited_text
        == '"Some partners are ready to talk. They have conditions of their own. We know all of them."'
    )


def test_a_sentence_that_begins_with_it_brings_the_one_before(library: Library):
    text, _, citations = answer_of(library, "western channel")
    assert citations[0].cited_text == "The council banned night work. It also closed the western channel."
    assert text.startswith("The council banned night work. It also closed")


def test_a_question_for_a_date_gets_the_dateline_before_the_first_sentence(library: Library):
    dateline, first = "UN, June 3. /TASS/.", "The Harbour Council has passed a resolution on dredging."
    _, _, citations = answer_of(library, "passed a resolution", question="When did the council pass a resolution?")
    assert citations[0].cited_text == f"{dateline} {first}"
    _, _, citations = answer_of(library, "passed a resolution", question="What did the council pass?")
    assert citations[0].cited_text == first


def test_this_year_refers_to_no_sentence_before(library: Library):
    _, _, citations = answer_of(library, "seven ships")
    assert len(citations) == 1
    assert citations[0].cited_text.startswith("This year")


def test_a_speaker_named_elsewhere_leads_in_and_the_sentence_that_names_them_is_cited(library: Library):
    text, statements, citations = answer_of(library, "keep searching")
    assert text.endswith('Pavel Orlov: "We must keep searching," he said. (TASS, 3 June 2017) [1][2]')
    assert statements[0].citations == (1, 2)
    assert citations[1].cited_text == "Envoy Pavel Orlov said after the vote that his town had doubts."


def test_a_speaker_named_in_part_brings_the_sentence_with_the_whole_name_too(tmp_path: Path):
    article = made_article(
        "Harbour Minister Pavel Orlov met the pilots on Monday. The talks went on for hours. Orlov told reporters that "
        'he had doubts. "We must keep searching," he said.',
        "doubts",
    )
    with library_of(tmp_path / "library", [article]) as own:
        evidence = ranked(own, "What did Orlov say about searching?", "keep searching")
    _, (statement,), citations = compose(choose([evidence], {article.article_id: article}))
    assert statement.text == 'Harbour Minister Pavel Orlov: "We must keep searching," he said.'
    assert statement.citations == (1, 2, 3)
    assert [citation.cited_text for citation in citations] == [
        '"We must keep searching," he said.',
        "Orlov told reporters that he had doubts.",
        "Harbour Minister Pavel Orlov met the pilots on Monday.",
    ]


def test_a_speaker_named_in_the_cited_words_does_not_lead_in(library: Library):
    text, _, citations = answer_of(library, "his town had doubts")
    assert text == "Envoy Pavel Orlov said after the vote that his town had doubts. (TASS, 3 June 2017) [1]"
    assert len(citations) == 1


def test_nobody_leads_in_where_nobody_speaks(library: Library):
    text, _, _ = answer_of(library, "ships were delighted")
    assert text == "All the ships were delighted. (Gazette, February 2019) [1]"


def test_each_part_of_a_question_has_its_own_statements(library: Library):
    parts = [ranked(library, "What was banned?", "banned night work"), ranked(library, "Who left?", "were delighted")]
    chosen = choose(parts, {article.article_id: article for article in (TALKS, LATER, EARLIER)})
    assert [piece.article.title for piece in chosen] == [TALKS.title, LATER.title]
    # What answers both parts is said once.
    assert len(choose([parts[0], parts[0]], {TALKS.article_id: TALKS})) == 1


def test_a_speaker_of_two_statements_is_cited_once(library: Library):
    text, statements, citations = answer_of(library, "keep searching", "We know all of them")
    assert [statement.citations for statement in statements] == [(1, 2), (3, 2)]
    assert len({(citation.start, citation.end) for citation in citations}) == len(citations) == 3
    assert text.count("\n\n") == 1


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"source": "TASS", "published": "2017-06-03"}, "TASS, 3 June 2017"),
        ({"source": "Sputnik", "published": "2022-05"}, "Sputnik, May 2022"),
        ({"source": "Agencies", "published": "--12-25"}, "Agencies, 25 December"),
        ({"source": "RIA", "published": "2017"}, "RIA, 2017"),
        ({"source": "RIA"}, "RIA"),
        ({"published": "2017-06-03"}, "3 June 2017"),
        ({"title": "Council votes"}, "Council votes"),
        ({}, ""),
    ],
)
def test_the_attribution_states_what_is_known(metadata: dict[str, str], expected: str):
    assert attribution(made_article("The council met.", "met", **metadata)) == expected


def test_sentences_of_one_place_are_one_statement(library: Library):
    _, statements, citations = answer_of(library, "They have conditions of", "We know all of them", "Some partners")
    assert len(statements) == 1
    spans = [(citation.start, citation.end) for citation in citations]
    assert len(set(spans)) == len(spans)


def overlap(one: Chosen, other: Chosen) -> bool:
    return one.article == other.article and one.first <= other.last and other.first <= one.last


@pytest.mark.parametrize(
    "question", ["What did the council ban?", "How has the ban on night work changed?", "Who said what?", "ships"]
)
def test_chosen_pieces_never_overlap_and_are_few(library: Library, question: str):
    evidence, _, articles = evidence_of(library, question)
    flat = replace(
        evidence,
        sentences=tuple(replace(s, probability=1 / len(evidence.sentences)) for s in evidence.sentences),
    )
    chosen = choose([flat], articles)
    assert 1 < len(chosen) <= (5 if evidence.profile.asks_change else MAX_STATEMENTS)
    assert not any(overlap(one, other) for place, one in enumerate(chosen) for other in chosen[place + 1 :])
    assert all(chosen_piece.first <= chosen_piece.last for chosen_piece in chosen)


def test_one_sure_sentence_is_the_whole_answer(library: Library):
    evidence = ranked(library, "How many ships ran aground?", "seven ships", "night work")
    first, second = evidence.sentences
    sure = replace(evidence, sentences=(replace(first, probability=0.99), replace(second, probability=0.01)))
    chosen = choose([sure], {TALKS.article_id: TALKS, LATER.article_id: LATER, EARLIER.article_id: EARLIER})
    assert len(chosen) == 1


def test_a_development_is_told_in_the_order_of_dates_with_unknown_ones_last(library: Library):
    question = "How has the ban on night work changed over time?"
    text, statements, _ = answer_of(
        library, "no ban on night work", "lifted the ban", "banned night work", question=question
    )
    assert [statement.text for statement in statements] == [
        "The council banned night work. (TASS, 3 June 2017)",
        "The council lifted the ban on night work. (Gazette, February 2019)",
        "The council had no ban on night work in those days. (Gazette)",
    ]
    assert text.index("[1]") < text.index("[2]") < text.index("[3]")


def test_a_development_takes_each_article_before_a_second_sentence_of_any(library: Library):
    articles = {article.article_id: article for article in (TALKS, LATER, EARLIER)}
    words = (
        *(
            "passed a resolution",
            "had doubts",
            "keep searching",
            "banned night work",
            "seven ships",
            "endorsed the ban",
        ),
        "lifted the ban",
    )
    development = ranked(library, "How has the ban on night work changed over time?", *words)
    assert LATER in [piece.article for piece in choose([development], articles)]
    # For one fact, the same sentences are taken in the order of their scores.
    fact = ranked(library, "What is banned?", *words)
    assert {piece.article.article_id for piece in choose([fact], articles)} == {TALKS.article_id}
