"""Whether a library holds exactly what it should, and finds it as a look through every passage does."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from fakes import BagOfWordsEncoder

from index.keywords import analyze
from index.library import Library
from index.passages import encoder_input
from index.types import Passage, SearchFilter
from rag.retrieval import retrieve

ALL = SearchFilter()

EVERYTHING = 10_000
"""More hits than any of these libraries has passages."""

QUERIES = ("the harbour in May", "Who vetoed the resolution?", "a late vote", "nothing of it")

SCORE_TOLERANCE = 1e-4
"""How far a cosine may be from the one that NumPy gives: both add 256 products of single precision."""


def collection(library: Library) -> dict[str, tuple[str, str]]:
    """What a library holds: of each origin the title and the text of its article, which are read and checked."""
    held = {}
    for summary in library.articles():
        article = library.article(summary.article_id)
        digest = hashlib.sha256(article.text.encode()).hexdigest()
        assert digest == article.sha256 == summary.sha256, f"{summary.article_id} has another text than it names"
        assert (summary.origins, summary.characters) == (article.origins, len(article.text))
        assert article.origins, f"{summary.article_id} has no origin"
        held.update(dict.fromkeys(article.origins, (article.title, article.text)))
    assert library.count_articles() == len({text for _, text in held.values()})
    assert {origin: library.article(found).text for origin, found in library.origins().items()} == {
        origin: text for origin, (_, text) in held.items()
    }
    return held


def passages_of(library: Library) -> dict[str, Passage]:
    """Every passage by its identifier; each is a slice of its article, and no word of an article is in none."""
    found = {}
    for summary in library.articles():
        article = library.article(summary.article_id)
        passages = library.passages(summary.article_id)
        assert len(passages) == summary.passages
        covered = bytearray(len(article.text))
        for passage in passages:
            assert passage.text == article.text[passage.start : passage.end]
            covered[passage.start : passage.end] = b"\1" * len(passage.text)
            found[passage.passage_id] = passage
        assert all(is_in or sign.isspace() for is_in, sign in zip(covered, article.text, strict=True))
    assert library.count_passages() == len(found)
    return found


def check_searches(library: Library, encoder: BagOfWordsEncoder, gone: Collection[str] = ()) -> None:
    """Every search over everything against a look through the articles that are there; `gone` are words of none."""
    passages = passages_of(library)
    articles = {summary.article_id: library.article(summary.article_id) for summary in library.articles()}
    _check_dense(library, encoder, passages)
    terms = {name: set(analyze(f"{articles[one.article_id].title} {one.text}")) for name, one in passages.items()}
    words = {name: set(analyze(f"{one.title} {one.text}")) for name, one in articles.items()}
    own = [article.text.split()[-1].strip(".") for article in articles.values()]
    for query in (*QUERIES, *own, *gone):
        wanted = set(analyze(query))
        expected = {name for name, held in terms.items() if held & wanted}
        _check_keyword(library, query, passages, expected)
        found = {identifier for identifier, _ in library.keyword_articles(query, EVERYTHING, ALL)}
        assert found == {name for name, held in words.items() if held & wanted}, f"the search of articles for {query!r}"
        assert found >= {passages[name].article_id for name in expected}
    for word in gone:
        assert word not in own, "a word that is gone is one of an article that is there"
    for query in (QUERIES[0], *own[:1], *gone[:1]):
        hits = retrieve(library, query, k=5, search_filter=ALL)
        assert all(passages.get(hit.passage.passage_id) == hit.passage for hit in hits), "a hit of what is not there"
        assert bool(hits) == bool(passages)
        if query in own:
            assert query in articles[hits[0].passage.article_id].text


def _check_dense(library: Library, encoder: BagOfWordsEncoder, passages: Mapping[str, Passage]) -> None:
    vectors = encoder.encode([encoder_input(one) for one in passages.values()])
    for query in QUERIES:
        hits = library.dense(query, EVERYTHING, ALL)
        expected = dict(zip(passages, (vectors @ encoder.encode([query])[0]).tolist(), strict=True))
        assert {hit.passage.passage_id for hit in hits} == set(expected), "the dense search finds other passages"
        for hit in hits:
            assert passages[hit.passage.passage_id] == hit.passage
            assert abs(hit.score - expected[hit.passage.passage_id]) < SCORE_TOLERANCE
        scores = np.array([hit.score for hit in hits])
        assert (np.diff(scores) <= 0).all()


def _check_keyword(library: Library, query: str, passages: Mapping[str, Passage], expected: set[str]) -> None:
    hits = library.keyword(query, EVERYTHING, ALL)
    assert {hit.passage.passage_id for hit in hits} == expected, f"the keyword search for {query!r}"
    assert all(passages[hit.passage.passage_id] == hit.passage for hit in hits)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


def check_database(library: Library) -> None:
    """The library's own check finds its database well; files derived from it may be behind."""
    for finding in library.check():
        assert finding.ok or finding.check != "database", finding.message


def check_whole(path: Path, gone: Collection[str] = ()) -> dict[str, tuple[str, str]]:
    """Opens a library, checks everything, and returns what it holds as `collection` does."""
    encoder = BagOfWordsEncoder()
    with Library.open(path, encoder) as library:
        held = collection(library)
        check_searches(library, encoder, gone)
        check_database(library)
    return held
