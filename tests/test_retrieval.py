"""Hybrid retrieval: the fusion by hand-worked numbers, the rest against a small collection."""

import math
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from index.library import Library
from index.types import Article, Hit, Metadata, Passage, SearchFilter
from rag.retrieval import (
    ARTICLE_SHARE,
    KEYWORD_WEIGHT,
    RECENCY_DAYS,
    RECENCY_WEIGHT,
    fuse,
    prefer_recent,
    retrieve,
)
from tests.fakes import BagOfWordsEncoder

NO_FILTER = SearchFilter()


def hit(name: str, rank: int, *, dense: int | None = None, keyword: int | None = None) -> Hit:
    passage = Passage(name, f"article-{name}", 0, 1, name, "")
    return Hit(passage, rank, 1.0 / rank, dense_rank=dense, keyword_rank=keyword)


def scored(name: str, score: float, *, dense: int | None = None, keyword: int | None = None) -> Hit:
    return replace(hit(name, dense or keyword or 1, dense=dense, keyword=keyword), score=score)


def test_fusion_is_the_weighted_mean_of_scaled_scores():
    # dense .9 .7 .5 → a 1, b .5, c 0; keyword 12 9 4 → c 1, a .625, d 0; keyword weighs 2 of 3.
    # a: (1 + 2 * .625) / 3 = .75; c: (0 + 2) / 3 = .6667; b: .5 / 3 = .1667; d: 0.
    assert KEYWORD_WEIGHT == 2.0
    fused = fuse(
        [scored("a", 0.9, dense=1), scored("b", 0.7, dense=2), scored("c", 0.5, dense=3)],
        [scored("c", 12.0, keyword=1), scored("a", 9.0, keyword=2), scored("d", 4.0, keyword=3)],
    )
    assert [found.passage.passage_id for found in fused] == ["a", "c", "b", "d"]
    assert [found.score for found in fused] == pytest.approx([0.75, 0.666667, 0.166667, 0.0], abs=1e-6)
    assert [(found.dense_rank, found.keyword_rank) for found in fused] == [(1, 2), (3, 1), (2, None), (None, 3)]
    assert [found.rank for found in fused] == [1, 2, 3, 4]


def test_fusion_gives_a_tie_to_the_better_dense_rank():
    fused = fuse(
        [scored("b", 0.8, dense=1), scored("a", 0.8, dense=2)],
        [scored("a", 3.0, keyword=1), scored("b", 3.0, keyword=2)],
    )
    assert [(found.passage.passage_id, found.score) for found in fused] == [("b", 1.0), ("a", 1.0)]


def test_a_single_hit_has_the_full_score_of_its_ranking():
    fused = fuse([scored("z", 0.1, dense=1)], [scored("a", 0.2, keyword=1)])
    assert [found.passage.passage_id for found in fused] == ["a", "z"]
    assert [found.score for found in fused] == pytest.approx([2 / 3, 1 / 3])


def test_fusion_of_nothing_is_nothing():
    assert fuse([], []) == []


HARBOUR = " ".join(
    f"The harbour strike entered day {number} and the harbour cranes stood still." for number in range(40)
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    """One long article on the harbour, ten short ones that mention it, and one on something else."""
    articles = [
        (HARBOUR, Metadata(title="Harbour strike", source="TASS", published="2017-06-03")),
        *(
            (
                f"Bulletin {number}. A harbour was visited by ship number {number}.",
                Metadata(title=f"Bulletin {number}", source="Reuters", published=f"2018-{number + 1:02}"),
            )
            for number in range(10)
        ),
        ("Parliament passed the budget after a long night.", Metadata(title="Budget", source="AFP")),
    ]
    path: Path = tmp_path_factory.mktemp("retrieval") / "library"
    with Library.open_for_writing(path, BagOfWordsEncoder()) as opened:
        opened.put(
            [
                (Article.from_text(text, metadata, f"/news/{number}.txt"), str(number))
                for number, (text, metadata) in enumerate(articles)
            ]
        )
        yield opened


def article_counts(hits: list[Hit], library: Library) -> Counter[str]:
    return Counter(library.article(found.passage.article_id).title for found in hits)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
@pytest.mark.parametrize("k", [1, 2, 5, 10, 30])
def test_ranks_are_contiguous_and_scores_fall(library: Library, mode, k: int):
    hits = retrieve(library, "harbour strike cranes", k=k, search_filter=NO_FILTER, mode=mode)
    assert [found.rank for found in hits] == list(range(1, len(hits) + 1))
    assert 0 < len(hits) <= k
    assert [found.score for found in hits] == sorted((found.score for found in hits), reverse=True)
    assert len({found.passage.passage_id for found in hits}) == len(hits)
    assert hits == retrieve(library, "harbour strike cranes", k=k, search_filter=NO_FILTER, mode=mode)


def test_one_article_has_at_most_its_share_while_others_are_left(library: Library):
    assert library.count_passages() > 20
    assert ARTICLE_SHARE == 0.4
    unlimited = library.keyword("harbour strike cranes", 10, NO_FILTER)
    assert article_counts(unlimited, library)["Harbour strike"] > 4
    for k, limit in [(10, 4), (5, 2), (1, 1)]:
        hits = retrieve(library, "harbour strike cranes", k=k, search_filter=NO_FILTER)
        counts = article_counts(hits, library)
        assert len(hits) == k
        assert counts["Harbour strike"] == limit
    # The best passage of the long article still comes first.
    assert library.article(hits[0].passage.article_id).title == "Harbour strike"


def test_an_article_fills_up_what_the_others_leave(library: Library):
    only_strike = SearchFilter(sources=frozenset({"TASS"}))
    hits = retrieve(library, "harbour strike cranes", k=10, search_filter=only_strike)
    assert len(hits) == 10
    assert set(article_counts(hits, library)) == {"Harbour strike"}


def test_modes_say_where_their_ranks_are_from(library: Library):
    dense = retrieve(library, "harbour strike", k=5, search_filter=NO_FILTER, mode="dense")
    assert all(found.dense_rank is not None and found.keyword_rank is None for found in dense)
    assert all(-1.001 <= found.score <= 1.001 for found in dense)
    keyword = retrieve(library, "harbour strike", k=5, search_filter=NO_FILTER, mode="keyword")
    assert all(found.keyword_rank is not None and found.dense_rank is None for found in keyword)
    hybrid = retrieve(library, "harbour strike", k=5, search_filter=NO_FILTER)
    assert all(found.dense_rank is not None or found.keyword_rank is not None for found in hybrid)
    assert all(0.0 <= found.score <= 1.0 for found in hybrid)


def test_keyword_search_without_a_known_word_finds_nothing_and_hybrid_falls_back_to_dense(library: Library):
    assert retrieve(library, "zebra", k=5, search_filter=NO_FILTER, mode="keyword") == []
    assert len(retrieve(library, "zebra", k=5, search_filter=NO_FILTER)) == 5


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_the_filter_acts_inside_the_search(library: Library, mode):
    # The long article has more passages that match better than the candidates that any search returns to be filtered.
    in_march = SearchFilter(date_from=date(2018, 3, 1), date_to=date(2018, 3, 31))
    hits = retrieve(library, "harbour strike cranes", k=3, search_filter=in_march, mode=mode)
    assert article_counts(hits, library) == {"Bulletin 2": 1}
    by_source = retrieve(
        library, "harbour", k=20, search_filter=SearchFilter(sources=frozenset({"reuters"})), mode=mode
    )
    assert set(article_counts(by_source, library)) == {f"Bulletin {number}" for number in range(10)}
    nothing = SearchFilter(sources=frozenset({"Nobody"}))
    assert retrieve(library, "harbour", k=5, search_filter=nothing, mode=mode) == []


def test_no_passages_are_returned_for_none_asked(library: Library):
    assert retrieve(library, "harbour", k=0, search_filter=NO_FILTER) == []


@pytest.fixture(scope="module")
def bulletins(tmp_path_factory: pytest.TempPathFactory):
    """The same news five times: from before, of a month, a year, an unknown day, and from after the day of asking."""
    dates = {"old": "2020-01-01", "recent": "2020-05-25", "month": "2020-05", "year": "2020", "undated": None}
    texts = {name: f"The ferry was repaired, says bulletin {name}." for name in (*dates, "later")}
    articles = [
        (Article.from_text(text, Metadata(title=name, published={**dates, "later": "2020-06-02"}[name]), name), name)
        for name, text in texts.items()
    ]
    with Library.open_for_writing(tmp_path_factory.mktemp("bulletins") / "library", BagOfWordsEncoder()) as opened:
        opened.put(articles)
        yield opened


AS_OF = SearchFilter(as_of=date(2020, 6, 1))


def titles(hits: list[Hit], library: Library) -> list[str]:
    return [library.article(found.passage.article_id).title for found in hits]


def test_recency_is_the_share_of_the_score_that_its_weight_says(bulletins: Library):
    found = retrieve(bulletins, "Was the ferry repaired?", k=6, search_filter=AS_OF)
    equal = [replace(one, score=0.5) for one in found]
    preferred = prefer_recent(equal, bulletins, date(2020, 6, 1))
    ages = {"recent": 7, "month": 16, "year": 76, "old": 152}  # of the middle of May, and of 1 January to 1 June
    expected = {
        name: (0.5 + RECENCY_WEIGHT * math.exp(-age / RECENCY_DAYS)) / (1 + RECENCY_WEIGHT)
        for name, age in ages.items()
    } | {"undated": 0.5 / (1 + RECENCY_WEIGHT)}
    scores = {bulletins.article(one.passage.article_id).title: one.score for one in preferred}
    assert scores == pytest.approx(expected)
    assert titles(preferred, bulletins) == ["recent", "month", "year", "old", "undated"]
    assert [one.rank for one in preferred] == [1, 2, 3, 4, 5]


def test_as_of_leaves_out_later_articles_and_keeps_undated_ones(bulletins: Library):
    for mode in ("hybrid", "dense", "keyword"):
        found = retrieve(bulletins, "Was the ferry repaired?", k=6, search_filter=AS_OF, mode=mode)
        assert set(titles(found, bulletins)) == {"old", "recent", "month", "year", "undated"}
        assert all(one.score >= 0 for one in found)


def test_without_a_day_of_asking_and_in_the_plain_searches_recency_counts_nothing(bulletins: Library):
    query = "Was the ferry repaired, says bulletin old?"
    assert titles(retrieve(bulletins, query, k=6, search_filter=NO_FILTER), bulletins)[0] == "old"
    for mode in ("dense", "keyword"):
        assert titles(retrieve(bulletins, query, k=6, search_filter=AS_OF, mode=mode), bulletins)[0] == "old"


def test_a_much_better_match_beats_a_recent_one():
    class Dated:
        def publication_days(self, article_ids):
            return {"article-new": (date(2020, 6, 1), date(2020, 6, 1))}

    hits = [scored("fits", 1.0, dense=1), scored("new", 0.5, dense=2)]
    assert [one.passage.passage_id for one in prefer_recent(hits, Dated(), date(2020, 6, 1))] == ["fits", "new"]
