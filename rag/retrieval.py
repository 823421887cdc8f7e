"""Hybrid retrieval: dense and keyword search, fused by score, with a limit on the passages of one article."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from index.library import Library
from index.types import Hit, SearchFilter
from rag.reranking import Reranker, rerank, scaled

Mode = Literal["hybrid", "dense", "keyword"]

CANDIDATES = 50
"""Passages taken from each search before they are fused."""

KEYWORD_WEIGHT = 2.0
"""Weight of the keyword score against 1 for the dense one, both scaled to 0..1.

Measured with `eval/benchmarks/fusion.py`, nDCG@10 over passages of the project's four development sets, XQuAD and a
sample of SQuAD 2.0: mean .879 for this, .872 for reciprocal rank fusion with the weight that suits it best, .852 for
BM25 alone, .787 for the encoder alone; and not below BM25 alone on any of the six.
"""

RECENCY_WEIGHT = 0.4
"""Weight of recency against 1 for a hybrid's score, where a question is asked as of a day; see `prefer_recent`."""

RECENCY_DAYS = 14.0
"""Days after which the preference for a recent article has fallen to 1/e. This constant and `RECENCY_WEIGHT` are those
that lifted nDCG@10 of a min-max hybrid from .68 to .79 on a held-out news quiz with dated questions; of the sets here
none has questions asked as of a day, so they were not fitted anew."""

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
) -> list[Hit]:
    """The `k` best passages for a query, best first; fewer if the library or the filter holds fewer.

    A hybrid's `score` is in 0..1 (see `fuse`); dense and keyword scores are the cosine and BM25. One article has at
    most `ARTICLE_SHARE` of the passages unless too few others are found. Where the filter has an `as_of`, a hybrid
    prefers recent articles; dense and keyword search, the plain baselines, do not. A re-ranker, where one is given,
    puts what any of them found in a new order (see `rag.reranking.rerank`, which is also where its scores are from).

    Raises:
        LibraryError: The library cannot be read.
        ModelError: The re-ranker cannot be run.
    """
    ranked = rank_passages(library, query, k=k, search_filter=search_filter, mode=mode, reranker=reranker)
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
    """All candidates that `retrieve` takes its `k` passages from, best first: at least `k` where there are so many."""
    depth = max(CANDIDATES, 2 * k)
    if mode == "dense":
        ranked = library.dense(query, depth, search_filter)
    elif mode == "keyword":
        ranked = library.keyword(query, depth, search_filter)
    else:
        ranked = fuse(library.dense(query, depth, search_filter), library.keyword(query, depth, search_filter))
        if search_filter.as_of is not None:
            ranked = prefer_recent(ranked, library, search_filter.as_of)
    return ranked if reranker is None else rerank(ranked, query, reranker)


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit], keyword_weight: float = KEYWORD_WEIGHT) -> list[Hit]:
    """The passages of both rankings by weighted mean of their scores, best first; ties go to the better dense rank.

    Each ranking's scores are scaled from its lowest to its highest to 0..1 (min-max); a passage that a ranking does
    not have counts 0 there. The keyword score weighs `keyword_weight` times the dense one.
    """
    dense_scores, keyword_scores = _scaled(dense), _scaled(keyword)
    fused: dict[str, Hit] = {hit.passage.passage_id: hit for hit in dense}
    for hit in keyword:
        known = fused.get(hit.passage.passage_id)
        fused[hit.passage.passage_id] = hit if known is None else replace(known, keyword_rank=hit.keyword_rank)
    scored = [
        replace(
            hit,
            score=(dense_scores.get(name, 0.0) + keyword_weight * keyword_scores.get(name, 0.0)) / (1 + keyword_weight),
        )
        for name, hit in fused.items()
    ]
    scored.sort(key=lambda hit: (-hit.score, hit.dense_rank or math.inf, hit.passage.passage_id))
    return [replace(hit, rank=rank) for rank, hit in enumerate(scored, start=1)]


def prefer_recent(hits: Sequence[Hit], library: Library, as_of: date) -> list[Hit]:
    """The hits with the weighted mean of score and recency as their score, best first.

    Recency is exp(-age / RECENCY_DAYS), 1 for an article of the day `as_of`. Of a date that is stated in part, the
    middle of the days that fit until then counts; an article of an unknown date has none, and keeps the rest of its
    score.
    """
    days = library.publication_days({hit.passage.article_id for hit in hits})

    def recency(hit: Hit) -> float:
        known = days.get(hit.passage.article_id)
        if known is None:
            return 0.0
        first, last = (min(day, as_of) for day in known)
        return math.exp(-(as_of - (first + (last - first) / 2)).days / RECENCY_DAYS)

    scored = [replace(hit, score=(hit.score + RECENCY_WEIGHT * recency(hit)) / (1 + RECENCY_WEIGHT)) for hit in hits]
    scored.sort(key=lambda hit: (-hit.score, hit.rank))
    return [replace(hit, rank=rank) for rank, hit in enumerate(scored, start=1)]


def _scaled(hits: Sequence[Hit]) -> dict[str, float]:
    """Each passage's score from 0, the ranking's lowest, to 1, its highest; 1 for all if they are equal."""
    passages = [hit.passage.passage_id for hit in hits]
    return dict(zip(passages, scaled([hit.score for hit in hits]), strict=True))


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
