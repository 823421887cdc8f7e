"""Retrieval scores of one ranking, at the level of passages and of articles, by ir_measures."""

from collections.abc import Collection, Sequence

from eval.types import Gold, RankingScores
from index.types import Hit

MEASURES = ("nDCG@10", "RR@10", "R@5", "R@10", "Success@1", "Success@5")
"""nDCG (Järvelin & Kekäläinen 2002), reciprocal rank, recall, and whether a relevant one is among the first."""

RATE_MEASURES = frozenset({"Success@1", "Success@5"})
"""Measures that are 0 or 1 for each question, so that their mean is a rate."""

LEVELS = ("article", "passage")

RANKING_DEPTH = 10
"""Passages asked of a search: as deep as the measures look. More would not do: how many passages one article may have
depends on how many are asked for, so the first ten of a longer list are not the ten that a user gets."""

_QUERY = "q"
"""Rankings are scored one at a time, so one identifier is enough."""


def score_ranking(hits: Sequence[Hit], gold: Gold) -> RankingScores:
    """Level → measure → value in 0..1, for hits in order, best first.

    A passage is relevant if it overlaps a gold quote; an article, if it holds one. Articles rank by their best passage
    (MaxP, Dai & Callan 2019), so their recall is of the articles that the hits bring. An empty ranking, or a quote that
    no passage overlaps, scores 0 instead of vanishing.
    """
    passages = [hit.passage.passage_id for hit in hits]
    articles = list(dict.fromkeys(hit.passage.article_id for hit in hits))
    return {
        "article": _score(articles, gold.article_ids),
        "passage": _score(passages, gold.passage_ids),
    }


def no_ranking() -> RankingScores:
    """The scores of a question for which there was no search: 0 everywhere."""
    return {level: dict.fromkeys(MEASURES, 0.0) for level in LEVELS}


def _score(ranked: Sequence[str], relevant: Collection[str]) -> dict[str, float]:
    import ir_measures

    scores = dict.fromkeys(MEASURES, 0.0)
    if not ranked or not relevant:
        return scores
    qrels = [ir_measures.Qrel(_QUERY, identifier, 1) for identifier in relevant]
    # Scores fall with the rank and never tie: the order given is the order scored.
    run = [ir_measures.ScoredDoc(_QUERY, identifier, -float(rank)) for rank, identifier in enumerate(ranked, start=1)]
    for metric in ir_measures.iter_calc([ir_measures.parse_measure(name) for name in MEASURES], qrels, run):
        scores[str(metric.measure)] = float(metric.value)
    return scores
