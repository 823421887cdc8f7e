"""Retrieval scores of one question's rankings, at the level of articles and of passages, by ir_measures."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from eval.types import Gold, RankingScores
from index.types import Hit

MEASURES = ("nDCG@10", "RR@10", "R@5", "R@10", "R@50", "Success@1", "Success@5", "Success@10", "AP")
"""nDCG (Järvelin & Kekäläinen 2002) with the grade as gain, reciprocal rank, recall, whether a relevant one is among
the first, and average precision. Each is in 0..1; higher is better."""

RATE_MEASURES = frozenset({"Success@1", "Success@5", "Success@10"})
"""Measures that are 0 or 1 for each question, so that their mean is a rate."""

LEVELS = ("article", "passage")

DEPTHS = (10, 50)
"""Passages asked of a search, once each: 10 as an answer uses them, for the measures that look at ten or fewer, and 50
for those that look deeper. How many passages one article may have depends on how many are asked for, so the first ten
of fifty are not the ten that a user gets."""

DEEP_MEASURES = frozenset({"R@50", "AP"})
"""Measures taken from the longer list."""


def score_ranking(shallow: Sequence[Hit], deep: Sequence[Hit], gold: Gold) -> RankingScores:
    """Level → measure → value in 0..1, for hits in order, best first.

    `shallow` is what a search gives that is asked for 10 passages, `deep` the same search asked for 50 (see `DEPTHS`):
    R@50 and AP are of the latter, all others of the former. A passage is relevant if it overlaps a gold quote; an
    article has the grade of its evidence. Articles rank by their best passage (MaxP, Dai & Callan 2019), so their
    recall is of the articles that the passages bring. The level `passage` is left out where the gold has no quotes.
    An empty ranking, or a quote that no passage overlaps, scores 0 instead of vanishing.
    """
    scores = {"article": _score(rank_articles(shallow), rank_articles(deep), gold.grades)}
    if gold.spans:
        passages, deep_passages = ([hit.passage.passage_id for hit in hits] for hits in (shallow, deep))
        scores["passage"] = _score(passages, deep_passages, dict.fromkeys(gold.passage_ids, 1))
    return scores


def rank_articles(hits: Iterable[Hit]) -> list[str]:
    """The identifiers of the articles of hits, each where its best passage is."""
    return list(dict.fromkeys(hit.passage.article_id for hit in hits))


def no_ranking(gold: Gold) -> RankingScores:
    """The scores of a question whose search failed: 0 in everything that it would have been scored for."""
    return score_ranking((), (), gold)


def _score(shallow: Sequence[str], deep: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    import ir_measures

    scores = dict.fromkeys(MEASURES, 0.0)
    if not grades:
        return scores
    # One call for both lists: each is a query of its own.
    qrels = {"shallow": dict(grades), "deep": dict(grades)}
    # Scores fall with the rank and never tie: the order given is the order scored.
    run = {
        name: {identifier: -float(rank) for rank, identifier in enumerate(ranked, start=1)}
        for name, ranked in (("shallow", shallow), ("deep", deep))
        if ranked
    }
    if run:
        for metric in ir_measures.iter_calc(_measures(), qrels, run):
            name = str(metric.measure)
            if metric.query_id == ("deep" if name in DEEP_MEASURES else "shallow"):
                scores[name] = float(metric.value)
    return scores


@cache
def _measures() -> tuple[Any, ...]:
    import ir_measures

    return tuple(ir_measures.parse_measure(name) for name in MEASURES)
