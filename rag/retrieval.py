"""Hybrid retrieval: two searches, fused with closer looks at what they found and with what a question says of time."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from operator import itemgetter
from typing import Literal

from index.library import Library
from index.types import Hit, SearchFilter
from rag.reading import Reader, Readings
from rag.reranking import Reranker, rerank, scaled
from rag.times import TimeReading, period_fit, read_times, recency, recency_scale

Mode = Literal["hybrid", "dense", "keyword"]

CANDIDATES = 50
"""Passages taken from each search before they are fused."""

ARTICLE_CANDIDATES = 200
"""Articles taken from the keyword search over whole articles, so that most of the passages found have its score."""

WEIGHTS = {"dense": 1.5, "keyword": 1.0, "article": 1.0, "passage_match": 1.0, "sentence_match": 1.0}
"""Weights of the scores that a hybrid's is the mean of, each scaled to 0..1 over the candidates: cosine, BM25 of the
passage, BM25 of the whole article, and how the passage and the best sentence of it match token by token.
"""

RECENCY_WEIGHT = 0.3
"""Weight of recency against 1 for a hybrid's score, where a question is asked as of a day or for the latest.

Adding .4·exp(-age/14 days) to a min-max hybrid lifted nDCG@10 from .68 to .79 on a held-out news quiz with dated
questions. Here it is a little less, so that a passage of today that has half of a good match never comes before an
old one that matches well; none of the sets at hand has enough questions asked as of a day to fit it.
"""

PERIOD_WEIGHT = 0.15
"""Weight of how well an article's date fits the period that a question names, against 1 for a hybrid's score. Half of
recency's: what happened in June is often told later."""

LONG_RECENCY_DAYS = 180.0
"""Days after which a third of the recency as of a day has fallen to 1/e: where nothing is of the last weeks, what is of
the last months is still newer than what is years old."""

FRESH_DAYS = 28
"""Days before the day of asking whose articles are searched once more by themselves: twice the scale of recency."""

READ_PASSAGES = 10
"""Passages of a hybrid search that a reader reads to put them in order. Twenty were no better and take twice the
time."""

READER_WEIGHT = 0.3
"""Weight of the probability that a passage answers the question, by the reader, against 1 for a hybrid's score. Its
relevance, scaled over the passages read, puts those of a query that nothing answers in so many words into a worse order
(Cranfield); see `eval/benchmarks/fusion.py`."""

ARTICLE_SHARE = 0.4
"""Largest share of the passages returned that one article may have while others are left, rounded up."""


def retrieve(
    library: Library,
    query: str,
    *,
    k: int,
    search_filter: SearchFilter,
    mode: Mode = "hybrid",
    reranker: Reranker | None = None,
    reader: Reader | None = None,
) -> list[Hit]:
    """The `k` best passages for a query, best first; fewer if the library or the filter holds fewer.

    A hybrid's `score` is in 0..1 (see `fuse`); dense and keyword scores are the cosine and BM25. One article has at
    most `ARTICLE_SHARE` of the passages unless too few others are found. A hybrid prefers recent articles where the
    question is asked as of a day or for the latest, and those of a period that it names; a question that limits the
    articles by their publication ("articles published in May") is searched within that period. A re-ranker, where one
    is given, puts what any of them found in a new order (see `rag.reranking.rerank`, which is also where its scores are
    from); without one a reader, where one is given, does so with the first `READ_PASSAGES` of a hybrid.

    Raises:
        LibraryError: The library cannot be read.
        ModelError: The re-ranker cannot be run.
    """
    ranked = rank_passages(library, query, k=k, search_filter=search_filter, mode=mode, reranker=reranker)
    if reader is not None and may_read_again(mode, reranker):
        ranked = read_again(ranked, Readings(reader, query))
    return spread(ranked, k)


def rank_passages(
    library: Library,
    query: str,
    *,
    k: int,
    search_filter: SearchFilter,
    mode: Mode = "hybrid",
    reranker: Reranker | None = None,
) -> list[Hit]:
    """All candidates that `retrieve` takes its `k` passages from, best first: at least `k` where there are so many.
    None is read again (`read_again`)."""
    depth = max(CANDIDATES, 2 * k)
    if mode == "dense":
        ranked = library.dense(query, depth, search_filter)
    elif mode == "keyword":
        ranked = library.keyword(query, depth, search_filter)
    else:
        times = read_times(query, as_of=search_filter.as_of)
        limits = _limited(search_filter, times)
        ranked = _rank(library, query, depth, limits)
        if not ranked and limits != search_filter:
            ranked = _rank(library, query, depth, search_filter)
        ranked = prefer_by_time(ranked, library, times, search_filter.as_of)
    return ranked if reranker is None else rerank(ranked, query, reranker)


def may_read_again(mode: Mode, reranker: Reranker | None) -> bool:
    """Whether a reader puts what was found in order: it leaves the single searches and a re-ranker's order alone."""
    return mode == "hybrid" and reranker is None


def read_again(hits: Sequence[Hit], readings: Readings, depth: int = READ_PASSAGES) -> list[Hit]:
    """The hits, given best first, the first `depth` of them in a new order, ranks from 1.

    A score is the weighted mean of that of the search and of the probability that the passage answers, by the reader;
    for what is not read that is 0. Raises `ModelError` if the reader cannot be run.
    """
    read = readings.of(hits[:depth])
    weighed = []
    for hit in hits:
        reading = read.get(hit.passage.passage_id)
        probability = 0.0 if reading is None else reading.probability
        weighed.append(replace(hit, score=(hit.score + READER_WEIGHT * probability) / (1 + READER_WEIGHT)))
    weighed.sort(key=lambda hit: (-hit.score, hit.rank))
    return [replace(hit, rank=rank) for rank, hit in enumerate(weighed, start=1)]


def _rank(library: Library, query: str, depth: int, limits: SearchFilter) -> list[Hit]:
    """The candidates of a hybrid search by what they say, without regard to their dates."""
    dense, keyword = library.dense_and_keyword(query, depth, limits, ARTICLE_CANDIDATES)
    fresh = _fresh(limits)
    if fresh is not None:
        dense = _merged(dense, library.dense(query, depth, fresh))
        keyword = _merged(keyword, library.keyword(query, depth, fresh))
    return fuse(dense, keyword, match_scores(library, query, [*dense, *keyword], limits))


def _limited(search_filter: SearchFilter, times: TimeReading) -> SearchFilter:
    """The filter, narrowed where the question itself limits the articles by their publication."""
    if not times.is_filter or not times.periods:
        return search_filter
    first = max(search_filter.date_from or date.min, min(period.start for period in times.periods))
    last = min(search_filter.date_to or date.max, max(period.end for period in times.periods))
    if first > last:
        return search_filter
    return replace(
        search_filter,
        date_from=None if first == date.min else first,
        date_to=None if last == date.max else last,
    )


def _fresh(limits: SearchFilter) -> SearchFilter | None:
    """The filter, narrowed to the days before the day of asking; `None` if there is no such day."""
    if limits.as_of is None:
        return None
    first = limits.as_of - timedelta(days=min(FRESH_DAYS, (limits.as_of - date.min).days))
    return replace(limits, date_from=max(first, limits.date_from or first))


def _merged(hits: Sequence[Hit], others: Sequence[Hit]) -> list[Hit]:
    """The hits of two searches whose scores are comparable, each once, best first; ranks of the first search stay."""
    known = {hit.passage.passage_id for hit in hits}
    new = [replace(hit, dense_rank=None, keyword_rank=None) for hit in others if hit.passage.passage_id not in known]
    ranked = sorted([*hits, *new], key=lambda hit: -hit.score)
    return [replace(hit, rank=rank) for rank, hit in enumerate(ranked, start=1)]


def match_scores(
    library: Library, query: str, hits: Sequence[Hit], search_filter: SearchFilter
) -> dict[str, dict[str, float]]:
    """By name of `WEIGHTS`, what speaks for each passage besides the two searches, by `passage_id`; higher is better.

    `article` is BM25 of the whole article, `passage_match` and `sentence_match` are those of `index.interaction`.
    """
    passages = list({hit.passage.passage_id: hit.passage for hit in hits}.values())
    matches = library.match_sentences(query, passages)
    articles = {passage.article_id for passage in passages}
    whole = library.article_scores(query, ARTICLE_CANDIDATES, search_filter, articles)
    return {
        "article": {p.passage_id: whole[p.article_id] for p in passages if p.article_id in whole},
        "passage_match": {p.passage_id: match.whole for p, match in zip(passages, matches, strict=True)},
        "sentence_match": {p.passage_id: match.best for p, match in zip(passages, matches, strict=True)},
    }


def fuse(
    dense: Sequence[Hit],
    keyword: Sequence[Hit],
    more: Mapping[str, Mapping[str, float]] | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> list[Hit]:
    """The passages of both rankings by weighted mean of their scores, best first; ties go to the better dense rank.

    `more` holds further scores by name and `passage_id`. All scores of a name are scaled from the lowest to the highest
    to 0..1 (min-max), or are all 1 if they are equal; a passage that has none counts 0. `weights` has a weight for each
    name; those of `dense` and `keyword` are for the two rankings.
    """
    raw = {"dense": _by_passage(dense), "keyword": _by_passage(keyword), **(more or {})}
    scores = {name: dict(zip(found, scaled(list(found.values())), strict=True)) for name, found in raw.items()}
    total = sum(weights[name] for name in scores)
    by_dense, by_keyword = ({hit.passage.passage_id: hit for hit in hits} for hits in (dense, keyword))
    fused = []
    for passage, hit in (by_keyword | by_dense).items():
        score = sum([weights[name] * found.get(passage, 0.0) for name, found in scores.items()]) / total
        fused.append((-score, hit.dense_rank or math.inf, passage, hit, by_keyword.get(passage, hit).keyword_rank))
    fused.sort(key=itemgetter(0, 1, 2))
    return [
        Hit(hit.passage, rank, -negative, hit.dense_rank, keyword_rank)
        for rank, (negative, _, _, hit, keyword_rank) in enumerate(fused, start=1)
    ]


def prefer_by_time(hits: Sequence[Hit], library: Library, times: TimeReading, as_of: date | None) -> list[Hit]:
    """The hits with the weighted mean of score and fit in time as their score, best first.

    Recency counts where the question is asked as of a day or for the latest, the fit with a period where it names one;
    see `rag.times`. Nothing is left out: an article of an unknown date has no recency, and keeps the rest of its score.
    """
    if as_of is None and not times.wants_latest and not times.names_period:
        return list(hits)
    names = {hit.passage.article_id for hit in hits}
    days, recent = library.publication_days(names), recencies(library, names, times, as_of)
    weight = 1.0 + (RECENCY_WEIGHT if recent else 0.0) + (PERIOD_WEIGHT if times.names_period else 0.0)

    def preferred(hit: Hit) -> float:
        article = hit.passage.article_id
        score = hit.score + RECENCY_WEIGHT * recent.get(article, 0.0)
        if times.names_period:
            score += PERIOD_WEIGHT * period_fit(times, days.get(article))
        return score / weight

    scored = [replace(hit, score=preferred(hit)) for hit in hits]
    scored.sort(key=lambda hit: (-hit.score, hit.rank))
    return [replace(hit, rank=rank) for rank, hit in enumerate(scored, start=1)]


def recencies(library: Library, articles: Collection[str], times: TimeReading, as_of: date | None) -> dict[str, float]:
    """How recent each article is, 0..1, if the question is asked as of a day or for the latest; else nothing.

    As of a day, two thirds fall with `rag.times.RECENCY_DAYS` and a third with `LONG_RECENCY_DAYS`.
    """
    if as_of is None and not times.wants_latest:
        return {}
    days = library.publication_days(articles)
    scale = recency_scale(days.values(), as_of)
    if scale is None:
        return {}
    recent = {name: recency(known, *scale) for name, known in days.items()}
    if as_of is None:
        return recent
    return {name: (2 * recent[name] + recency(known, as_of, LONG_RECENCY_DAYS)) / 3 for name, known in days.items()}


def _by_passage(hits: Sequence[Hit]) -> dict[str, float]:
    return {hit.passage.passage_id: hit.score for hit in hits}


def spread(ranked: Sequence[Hit], k: int) -> list[Hit]:
    """The first `k` hits with no article above its share, filled up with the others if they do not suffice."""
    limit = max(1, -int(-k * ARTICLE_SHARE // 1))
    taken: Counter[str] = Counter()
    chosen: list[Hit] = []
    held_back: list[Hit] = []
    for hit in ranked:
        if taken[hit.passage.article_id] < limit:
            taken[hit.passage.article_id] += 1
            chosen.append(hit)
        else:
            held_back.append(hit)
    kept = sorted(chosen[:k] + held_back[: max(0, k - len(chosen))], key=lambda hit: hit.rank)
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1)]
