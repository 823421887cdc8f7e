"""Hybrid retrieval: dense and keyword search, fused by rank, with a limit on the passages of one article."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from index.library import Library
from index.types import Hit, SearchFilter

Mode = Literal["hybrid", "dense", "keyword"]

CANDIDATES = 50
"""Passages taken from each search before they are fused."""

RANK_CONSTANT = 60
"""The k of reciprocal rank fusion, as in Cormack, Clarke and Buettcher (SIGIR 2009)."""

ARTICLE_SHARE = 0.4
"""Largest share of the passages returned that one article may have while others are left, rounded up."""


def retrieve(library: Library, query: str, *, k: int, search_filter: SearchFilter, mode: Mode = "hybrid") -> list[Hit]:
    """The `k` best passages for a query, best first; fewer if the library or the filter holds fewer.

    A hybrid's `score` is the sum over both searches of 1 / (`RANK_CONSTANT` + rank), higher is better; dense and
    keyword scores are the cosine and BM25. One article has at most `ARTICLE_SHARE` of the passages unless too few
    others are found.
    """
    depth = max(CANDIDATES, 2 * k)
    if mode == "dense":
        ranked = library.dense(query, depth, search_filter)
    elif mode == "keyword":
        ranked = library.keyword(query, depth, search_filter)
    else:
        ranked = fuse(library.dense(query, depth, search_filter), library.keyword(query, depth, search_filter))
    return _spread(ranked, k)


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit]) -> list[Hit]:
    """The passages of both rankings by reciprocal rank fusion, best first; ties go to the better dense rank."""
    fused: dict[str, Hit] = {hit.passage.passage_id: hit for hit in dense}
    for hit in keyword:
        known = fused.get(hit.passage.passage_id)
        fused[hit.passage.passage_id] = hit if known is None else replace(known, keyword_rank=hit.keyword_rank)
    scored = [replace(hit, score=_reciprocal(hit.dense_rank) + _reciprocal(hit.keyword_rank)) for hit in fused.values()]
    scored.sort(key=lambda hit: (-hit.score, hit.dense_rank or math.inf, hit.passage.passage_id))
    return [replace(hit, rank=rank) for rank, hit in enumerate(scored, start=1)]


def _reciprocal(rank: int | None) -> float:
    return 0.0 if rank is None else 1.0 / (RANK_CONSTANT + rank)


def _spread(ranked: Sequence[Hit], k: int) -> list[Hit]:
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
