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
    LONG_RECENCY_DAYS,
    PERIOD_WEIGHT,
    RECENCY_WEIGHT,
    WEIGHTS,
    fuse,
    match_scores,
    prefer_by_time,
    rank_passages,
    retrieve,
)
from rag.times import RECENCY_DAYS, TimeReading, read_times
from tests.fakes import BagOfWordsEncoder

NO_FILTER = SearchFilter()


def hit(name: str, rank: int, *, dense: int | None = None, keyword: int | None = None) -> Hit:
    passage = Passage(name, f"article-{name}", 0, 1, name, "")
    return Hit(passage, rank, 1.0 / rank, dense_rank=dense, keyword_rank=keyword)


def scored(name: str, score: float, *, dense: int | None = None, keyword: int | None = None) -> Hit:
    return replace(hit(name, dense or keyword or 1, dense=dense, keyword=keyword), score=score)


TWO = {"dense": 1.0, "keyword": 2.0}


def test_fusion_is_the_weighted_mean_of_scaled_scores():
    # dense .9 .7 .5 → a 1, b .5, c 0; keyword 12 9 4 → c 1, a .625, d 0; keyword weighs 2 of 3.
    # a: (1 + 2 * .625) / 3 = .75; c: (0 + 2) / 3 = .6667; b: .5 / 3 = .1667; d: 0.
    fused = fuse(
        [scored("a", 0.9, dense=1), scored("b", 0.7, dense=2), scored("c", 0.5, dense=3)],
        [scored("c", 12.0, keyword=1), scored("a", 9.0, keyword=2), scored("d", 4.0, keyword=3)],
        weights=TWO,
    )
    assert [found.passage.passage_id for found in fused] == ["a", "c", "b", "d"]
    assert [found.score for found in fused] == pytest.approx([0.75, 0.666667, 0.166667, 0.0], abs=1e-6)
    assert [(found.dense_rank, found.keyword_rank) for found in fused] == [(1, 2), (3, 1), (2, None), (None, 3)]
    assert [found.rank for found in fused] == [1, 2, 3, 4]


def test_further_scores_are_scaled_and_weighed_by_their_names():
    # match 2 4 3 → a 0, b 1, c .5, and nothing for d; it weighs 3 of 5, dense and keyword 1 each.
    fused = fuse(
        [scored("a", 0.9, dense=1), scored("b", 0.5, dense=2)],
        [scored("c", 12.0, keyword=1), scored("d", 4.0, keyword=2)],
        {"match": {"a": 2.0, "b": 4.0, "c": 3.0}},
        {"dense": 1.0, "keyword": 1.0, "match": 3.0},
    )
    scores = {found.passage.passage_id: found.score for found in fused}
    assert scores == pytest.approx({"b": 3 / 5, "c": (1 + 1.5) / 5, "a": 1 / 5, "d": 0.0})


def test_the_closer_look_at_candidates_has_a_score_for_each_and_a_weight(library: Library):
    hits = library.keyword("harbour strike cranes", 5, NO_FILTER)
    more = match_scores(library, "harbour strike cranes", hits, NO_FILTER)
    assert set(more) | {"dense", "keyword"} == set(WEIGHTS)
    names = {found.passage.passage_id for found in hits}
    assert set(more["passage_match"]) == set(more["sentence_match"]) == set(more["article"]) == names
    # A sentence is a part of its passage: it cannot match better.
    assert all(more["sentence_match"][name] <= more["passage_match"][name] + 1e-6 for name in names)


def test_fusion_gives_a_tie_to_the_better_dense_rank():
    fused = fuse(
        [scored("b", 0.8, dense=1), scored("a", 0.8, dense=2)],
        [scored("a", 3.0, keyword=1), scored("b", 3.0, keyword=2)],
        weights=TWO,
    )
    assert [(found.passage.passage_id, found.score) for found in fused] == [("b", 1.0), ("a", 1.0)]


def test_a_single_hit_has_the_full_score_of_its_ranking():
    fused = fuse([scored("z", 0.1, dense=1)], [scored("a", 0.2, keyword=1)], weights=TWO)
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
NO_TIME: TimeReading = read_times("Was the ferry repaired?")


def titles(hits: list[Hit], library: Library) -> list[str]:
    return [library.article(found.passage.article_id).title for found in hits]


def test_recency_is_the_share_of_the_score_that_its_weight_says(bulletins: Library):
    found = retrieve(bulletins, "Was the ferry repaired?", k=6, search_filter=AS_OF)
    equal = [replace(one, score=0.5) for one in found]
    preferred = prefer_by_time(equal, bulletins, NO_TIME, date(2020, 6, 1))
    ages = {"recent": 7, "month": 16, "year": 76, "old": 152}  # of the middle of May, and of 1 January to 1 June
    recent = {
        name: (2 * math.exp(-age / RECENCY_DAYS) + math.exp(-age / LONG_RECENCY_DAYS)) / 3 for name, age in ages.items()
    }
    expected = {name: (0.5 + RECENCY_WEIGHT * value) / (1 + RECENCY_WEIGHT) for name, value in recent.items()} | {
        "undated": 0.5 / (1 + RECENCY_WEIGHT)
    }
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


class Dated:
    """Stands for a library in which one article is dated."""

    def __init__(self, name: str, day: date) -> None:
        self.days = {f"article-{name}": (day, day)}

    def publication_days(self, article_ids):
        return self.days


def test_a_much_better_match_beats_a_recent_one():
    library = Dated("new", date(2020, 6, 1))
    hits = [scored("fits", 1.0, dense=1), scored("new", 0.5, dense=2)]
    ranked = prefer_by_time(hits, library, NO_TIME, date(2020, 6, 1))
    assert [one.passage.passage_id for one in ranked] == ["fits", "new"]


def test_the_period_of_a_question_is_preferred_and_leaves_nothing_out():
    times = read_times("What did the council decide in June 2017?")
    hits = [scored("undated", 0.6, dense=1), scored("then", 0.55, dense=2)]
    ranked = prefer_by_time(hits, Dated("then", date(2017, 6, 9)), times, None)
    assert [one.passage.passage_id for one in ranked] == ["then", "undated"]
    assert [one.score for one in ranked] == pytest.approx(
        [(0.55 + PERIOD_WEIGHT) / (1 + PERIOD_WEIGHT), (0.6 + 0.5 * PERIOD_WEIGHT) / (1 + PERIOD_WEIGHT)]
    )


def test_the_latest_is_preferred_where_it_is_asked_for(bulletins: Library):
    query = "Was the ferry repaired?"
    assert titles(retrieve(bulletins, f"What is the latest: {query}", k=6, search_filter=NO_FILTER), bulletins)[0] == (
        "later"
    )


def test_a_question_that_limits_the_articles_is_asked_of_those(bulletins: Library):
    query = "What do articles published in May 2020 say about the ferry?"
    found = retrieve(bulletins, query, k=6, search_filter=NO_FILTER)
    assert set(titles(found, bulletins)) == {"recent", "month", "year"}
    everything = retrieve(bulletins, query, k=6, search_filter=NO_FILTER, mode="keyword")
    assert len(everything) == 6
    none_then = retrieve(
        bulletins, "What do articles published in May 1990 say about the ferry?", k=6, search_filter=NO_FILTER
    )
    assert len(none_then) == 6


def test_articles_shortly_before_the_day_of_asking_are_found_among_many_others(tmp_path: Path):
    old = [
        (Article.from_text(f"Ferry ferry ferry {number}.", Metadata(published="2019-01-01"), f"o{number}"), str(number))
        for number in range(120)
    ]
    new = Article.from_text("After the storm a ferry left.", Metadata(title="New", published="2020-05-31"), "new")
    with Library.open_for_writing(tmp_path / "library", BagOfWordsEncoder()) as library:
        library.put([*old, (new, "new")])
        candidates = rank_passages(library, "ferry", k=10, search_filter=AS_OF)
        assert "New" in titles(candidates, library)
        plain = rank_passages(library, "ferry", k=10, search_filter=NO_FILTER)
        assert "New" not in titles(plain, library)
