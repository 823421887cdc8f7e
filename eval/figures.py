"""The figures of a group of results: answers, citations, refusals, confidence, retrieval."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from eval.rankings import LEVELS, MEASURES, RATE_MEASURES
from eval.statistics import (
    auroc_figure,
    calibration_figure,
    mean,
    means,
    rate,
    rate_of_counts,
    selective_figures,
)
from eval.types import Figure, Figures, QuestionResult, Scores

SYSTEM = "system"
"""The ranking that answers are made from."""


@dataclass(frozen=True, slots=True)
class Group:
    """Results with the clusters of their questions (`None` where none has one), and the seed of their intervals.

    Use `of`.
    """

    results: Sequence[QuestionResult]
    clusters: Sequence[str | None] | None
    seed: int

    @classmethod
    def of(cls, results: Sequence[QuestionResult], seed: int) -> "Group":
        """The group of these results."""
        clusters = [result.question.cluster for result in results]
        return cls(results, clusters if any(cluster is not None for cluster in clusters) else None, seed)

    def where(self, kept: Callable[[QuestionResult], bool]) -> "Group":
        """The group of the results that are kept."""
        return Group.of([result for result in self.results if kept(result)], self.seed)

    @property
    def scores(self) -> list[Scores]:
        """The scores of the results."""
        return [result.scores for result in self.results]

    def rate(self, flags: Iterable[bool | None]) -> Figure:
        """The share that is true of the flags, one for each result, that are not `None`."""
        known, clusters = self._known(flags)
        return rate(map(bool, known), clusters)

    def mean(self, values: Iterable[float | None]) -> Figure:
        """The mean of the values, one for each result, that are not `None`."""
        known, clusters = self._known(values)
        return mean(known, clusters, seed=self.seed)

    def _known(self, values: Iterable[float | None]) -> tuple[list[float], list[str | None] | None]:
        known = [(index, value) for index, value in enumerate(values) if value is not None]
        clusters = None if self.clusters is None else [self.clusters[index] for index, _ in known]
        return [value for _, value in known], clusters


def answer_figures(group: Group, scores: Sequence[Scores]) -> dict[str, Figure]:
    """How right the answers are; `scores` are the group's own or a baseline's.

    `contains`, `exact_match`, `f1` and `rouge_l` over the answerable questions, refused ones counting 0; `no_answer`,
    the share of the unanswerable ones that were refused; both together as SQuAD 2.0 does (Rajpurkar et al. 2018), where
    a refusal is the right answer to an unanswerable question; `mean_words` over given answers.
    """
    return {
        "contains": group.rate(score.contains for score in scores),
        "exact_match": group.rate(score.exact_match for score in scores),
        "f1": group.mean(score.f1 for score in scores),
        "rouge_l": group.mean(score.rouge_l for score in scores),
        "no_answer": group.rate(None if score.answerable else score.refused for score in scores),
        "overall_exact_match": group.rate(
            None if value is None else value == 1 for value in _overall(scores, lambda score: score.exact_match)
        ),
        "overall_f1": group.mean(_overall(scores, lambda score: score.f1)),
        "mean_words": group.mean(score.words for score in scores),
    }


def gold_figures(group: Group, scores: Sequence[Scores]) -> dict[str, Figure]:
    """Over answerable questions with evidence: `gold_quote`, `gold_article`, the shares whose answer cites one, and
    `gold_overlap`, the mean share of the gold quotes that is cited."""
    return {
        "gold_quote": group.rate(score.gold_quote for score in scores),
        "gold_overlap": group.mean(score.gold_overlap for score in scores),
        "gold_article": group.rate(score.gold_article for score in scores),
    }


def support_figures(group: Group, scores: Sequence[Scores]) -> dict[str, Figure]:
    """ALCE's citation `recall` and `precision`, the means over given answers."""
    return {
        "recall": group.mean(score.citation_recall for score in scores),
        "precision": group.mean(score.citation_precision for score in scores),
    }


def refusal_figures(group: Group, scores: Sequence[Scores]) -> dict[str, Figure]:
    """`rejected`: unanswerable questions that were refused; `false_rate`: answerable ones that got no answer (lower is
    better).

    A question that failed counts against the system in both: nobody got an answer, and nothing was refused.
    """
    return {
        "rejected": group.rate(None if score.answerable else score.refused for score in scores),
        "false_rate": group.rate(score.words is None if score.answerable else None for score in scores),
    }


def citation_figures(group: Group) -> dict[str, Figure]:
    """`exactness` over citations, `statements_cited` over statements, `mean_citations` and the support over given
    answers, the gold figures over questions.

    `contains` and `mean_words` stand beside them, because whole passages as answers would cite best of all.
    """
    answered = group.where(lambda result: result.answered)
    counts = [result.counts for result in group.results]
    return {
        "exactness": rate_of_counts([c.exact_citations for c in counts], [c.citations for c in counts], group.clusters),
        **support_figures(group, group.scores),
        **gold_figures(group, group.scores),
        "statements_cited": rate_of_counts(
            [c.cited_statements for c in counts], [c.statements for c in counts], group.clusters
        ),
        "mean_citations": answered.mean(result.counts.citations for result in answered.results),
        "contains": group.rate(score.contains for score in group.scores),
        "mean_words": group.mean(score.words for score in group.scores),
    }


def confidence_figures(group: Group) -> dict[str, Figure]:
    """What the confidence is worth.

    `auroc`: how well it separates answerable questions from unanswerable ones, refused or not; a failed question
    counts as the worst its side can have. `aurc`, `coverage_at_5_risk` and `ece` are of given answers that can be told
    right or wrong (see `judgeable`); of `aurc` and `ece` lower is better. `coverage`: the share of all questions that
    got an answer.
    """
    positive = group.where(lambda result: result.question.answerable)
    negative = group.where(lambda result: not result.question.answerable)
    told = Group.of(judgeable(group.results), group.seed)
    given = told.where(lambda result: result.answered)
    labels = [[result.question.cluster for result in side.results] for side in (positive, negative)]
    aurc, coverage_at_risk = selective_figures(
        [confidence_of(result) if result.answered else None for result in told.results],
        [not result.correct for result in told.results],
        told.clusters,
        seed=group.seed,
    )
    return {
        "auroc": auroc_figure(
            [0.0 if result.answer is None else confidence_of(result) for result in positive.results],
            [1.0 if result.answer is None else confidence_of(result) for result in negative.results],
            (labels[0], labels[1]),
            seed=group.seed,
        ),
        "aurc": aurc,
        "coverage_at_5_risk": coverage_at_risk,
        "ece": calibration_figure(
            [confidence_of(result) for result in given.results],
            [bool(result.correct) for result in given.results],
            given.clusters,
            seed=group.seed,
        ),
        "coverage": group.rate(result.answered for result in group.results),
    }


def headline_figures(group: Group) -> dict[str, Figure]:
    """The figures that a type is summed up with; `nDCG@10` is of passages where quotes name them, else of articles."""
    answers, gold = answer_figures(group, group.scores), gold_figures(group, group.scores)
    retrieval = retrieval_figures(group, SYSTEM)
    by_passage = retrieval["passage"]["nDCG@10"]
    return {
        **{name: answers[name] for name in ("contains", "f1", "rouge_l")},
        **{name: gold[name] for name in ("gold_quote", "gold_article")},
        **refusal_figures(group, group.scores),
        "nDCG@10": by_passage if by_passage.n else retrieval["article"]["nDCG@10"],
    }


def retrieval_figures(group: Group, ranking: str) -> dict[str, Figures]:
    """Level → measure → figure, over the questions for which such a ranking was scored at that level."""

    def of_level(level: str) -> dict[str, Figure]:
        ranked = group.where(lambda result: level in result.rankings.get(ranking, {}))
        columns = {name: [r.rankings[ranking][level][name] for r in ranked.results] for name in MEASURES}
        graded = [name for name in MEASURES if name not in RATE_MEASURES]
        figures = dict(
            zip(graded, means([columns[name] for name in graded], ranked.clusters, seed=group.seed), strict=True)
        )
        return {
            name: figures[name] if name in figures else ranked.rate(value > 0 for value in columns[name])
            for name in MEASURES
        }

    return {level: of_level(level) for level in LEVELS}


def _overall(scores: Sequence[Scores], of: Callable[[Scores], float | None]) -> list[float | None]:
    """The score of each answerable question, and of each other one whether it was refused.

    Where no answerable question can be scored so, all are `None`: the others alone would not be an overall figure.
    """
    if any(score.answerable for score in scores) and all(of(score) is None for score in scores):
        return [None] * len(scores)
    return [of(score) if score.answerable else float(score.refused) for score in scores]


def judgeable(results: Sequence[QuestionResult]) -> list[QuestionResult]:
    """The results whose answer is right or wrong or would be: of unanswerable questions and those with short answers.

    There are none if no answerable question has short answers: the others alone would make every answer wrong.
    """
    answerable = [result for result in results if result.question.answerable]
    if answerable and all(result.scores.contains is None for result in answerable):
        return []
    return [result for result in results if not result.question.answerable or result.scores.contains is not None]


def confidence_of(result: QuestionResult) -> float:
    """The confidence of a result that has an answer."""
    assert result.confidence is not None
    return result.confidence
