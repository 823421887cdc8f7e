"""The sentences that a library keeps of its articles, and what searches make of them."""

import pytest

from index.library import Library
from index.sentences import split_sentences
from index.types import SearchFilter, Span
from rag.retrieval import retrieve
from tests.fakes import BagOfWordsEncoder
from tests.small_library import library_of, made_article

TEXTS = {
    "pier": "HARROW, May 3 (AP) - The council met on Monday. The ferry was repaired in March. Nobody came.\n"
    "A second line follows it. It says nothing of ferries.",
    "ferry": "The ferry sank. The council had been warned, said Ann Lee. Divers found it in March near the pier.",
    "roads": "Roads were closed. Snow fell on the pass in March.",
}
QUESTION = "When was the ferry repaired?"
ALL = SearchFilter()


@pytest.fixture
def library(tmp_path):
    with library_of(tmp_path / "library", [made_article(text, name) for name, text in TEXTS.items()]) as library:
        yield library


def names(library: Library) -> list[str]:
    return [article.article_id for article in library.articles()]


def found(library: Library):
    return retrieve(library, QUESTION, k=9, search_filter=ALL)


def test_the_sentences_are_those_of_the_texts(library):
    spans = library.sentence_spans([*names(library), "no such article"])
    assert spans == {name: tuple(split_sentences(library.article(name).text)) for name in names(library)}
    assert set(library._store.sentences(names(library))) == set(spans)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM article_sentences",
        "UPDATE article_sentences SET sentences = substr(sentences, 1, 9)",
        "UPDATE article_sentences SET sentences = CAST(x'ffff' || substr(sentences, 3) AS BLOB)",
    ],
)
def test_sentences_that_are_missing_or_damaged_are_found_again_named_and_mended(library, damage):
    library.write_derived()
    assert all(finding.ok for finding in library.check())
    sound, hits, generation = library.sentence_spans(names(library)), found(library), library.generation
    library._store._connection.execute(damage)
    with Library.open(library.path, BagOfWordsEncoder()) as other:
        assert other.sentence_spans(names(library)) == sound
        assert found(other) == hits
    (finding,) = [finding for finding in library.check() if finding.check == "sentences"]
    assert not finding.ok
    assert "3 of 3 articles" in finding.message
    assert "doctor --repair" in finding.message
    assert all(finding.ok for finding in library.repair())
    assert library.generation == generation
    assert set(library._store.sentences(names(library))) == set(sound)


def test_the_sentences_go_with_their_article(library):
    library.remove(names(library)[:1])
    assert library._store._connection.execute("SELECT count(*) FROM article_sentences").fetchone() == (2,)


def test_no_more_articles_are_remembered_than_may_be(library, monkeypatch):
    monkeypatch.setattr("index.sentence_reader.ARTICLES_REMEMBERED", 1)
    for _ in range(2):
        assert len(library.sentence_spans(names(library))) == 3
    assert len(library._sentences._known) == 1


def test_sentences_are_matched_as_one_by_one(library):
    passages = [passage for name in names(library) for passage in library.passages(name)]
    spans = [
        [
            span
            for span in split_sentences(library.article(passage.article_id).text)
            if span.start < passage.end and span.end > passage.start
        ]
        for passage in passages
    ]
    assert any(len(some) > 1 for some in spans)
    one_by_one = library.match(QUESTION, passages, spans)
    for match, expected in zip(library.match_sentences(QUESTION, passages), one_by_one, strict=True):
        assert match.whole == pytest.approx(expected.whole.weighted, abs=1e-6)
        assert match.best == pytest.approx(max(span.weighted for span in expected.spans), abs=1e-6)


def test_many_passages_are_matched_in_parts(library, monkeypatch):
    passages = [passage for name in names(library) for passage in library.passages(name)]
    spans = [[Span(passage.start, passage.end)] for passage in passages]
    at_once = library.match(QUESTION, passages, spans), library.match_sentences(QUESTION, passages)
    monkeypatch.setattr("index.token_reader.MATCHED_AT_A_TIME", 2)
    assert (library.match(QUESTION, passages, spans), library.match_sentences(QUESTION, passages)) == at_once
    assert library.match(QUESTION, [], []) == library.match_sentences(QUESTION, []) == []


def test_scores_of_some_articles_are_those_among_all(library):
    everything = dict(library.keyword_articles("ferry march", 9, ALL))
    some = [*list(everything)[1:], "no such article"]
    expected = {name: everything[name] for name in everything if name in some}
    assert library.article_scores("ferry march", 9, ALL, some) == expected
    assert library.article_scores("ferry march", 1, ALL, some) == {}


def test_a_passage_whose_article_is_gone_has_no_sentences(library):
    passages = library.passages(names(library)[0])
    (before,) = library.match_sentences(QUESTION, passages)
    library.remove(names(library)[:1])
    library._sentences._known.clear()
    (after,) = library.match_sentences(QUESTION, passages)
    assert (after.whole, after.best) == (before.whole, 0.0)
    assert before.best > 0
