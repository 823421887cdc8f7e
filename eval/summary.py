"""Results of questions in, the report of a run out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from eval.figures import (
    SYSTEM,
    Group,
    answer_figures,
    citation_figures,
    confidence_figures,
    confidence_of,
    gold_figures,
    headline_figures,
    judgeable,
    refusal_figures,
    retrieval_figures,
    support_figures,
)
from eval.selective import reliability, risk_coverage
from eval.statistics import quantile
from eval.types import EvalReport, Figure, Figures, Manifest, QuestionResult, Scores

QUANTILES = {"p50": 0.50, "p95": 0.95}

ALWAYS_REFUSE = "always_refuse"
"""The baseline that answers nothing: it rejects every unanswerable question and every other one too."""

BASELINES = ("keyword_only", "dense_only", "top_passage", "keyword_top_passage", "extractive", "without_reader")
"""Baselines in the order of the report; others follow by name, and ALWAYS_REFUSE comes last."""

RANKING_BASELINES = {"keyword_only": "keyword", "dense_only": "dense"}
"""Baselines of the retrieval, and the ranking that each is measured by."""


def summarise(results: Sequence[QuestionResult], *, manifest: Manifest) -> EvalReport:
    """The report of a run; every figure states how many things it was measured on.

    All names of figures are there in every report, `UNDEFINED` where nothing was measured. Where questions state
    clusters, all intervals are of clusters.
    """
    group = Group.of(results, manifest.seed)
    ignored = Counter(name for result in results for name in result.question.ignored_fields)
    sizes = Counter(result.question.type for result in results)
    told = judgeable(results)
    given = [result for result in told if result.answered]
    sure, wrong = [confidence_of(result) for result in given], [not result.correct for result in given]
    return EvalReport(
        manifest=manifest,
        ignored_fields=dict(sorted(ignored.items())),
        retrieval=retrieval_figures(group, SYSTEM),
        answers=answer_figures(group, group.scores),
        citations=citation_figures(group),
        refusals={**refusal_figures(group, group.scores), **confidence_figures(group)},
        by_type={label: headline_figures(_of_type(group, label)) for label in sorted(sizes)},
        type_sizes=dict(sorted(sizes.items())),
        baselines=_baselines(group),
        baseline_retrieval={
            name: retrieval_figures(group, ranking)
            for name, ranking in RANKING_BASELINES.items()
            if manifest.settings.get("baselines", True)
        },
        timings_ms=_timings(results),
        judge=_judge(results, manifest.seed),
        risk_coverage=risk_coverage(sure, wrong, len(told)),
        reliability=reliability(sure, [not flag for flag in wrong]),
        seconds=_seconds(results),
        clusters=_count_clusters(group.clusters),
        results=tuple(results),
    )


def _baselines(group: Group) -> dict[str, Figures]:
    """The baselines of the results by name; a result that lacks one counts as if it had failed to answer."""
    present = {name for result in group.results for name in result.baselines}
    known = [name for name in BASELINES if name in present]
    others = sorted(present.difference(BASELINES, {ALWAYS_REFUSE}))
    scores = {
        name: [result.baselines.get(name) or _unanswered(result.scores, refused=False) for result in group.results]
        for name in (*known, *others)
    }
    scores[ALWAYS_REFUSE] = [_unanswered(result.scores, refused=True) for result in group.results]
    return {name: baseline_figures(group, of_baseline) for name, of_baseline in scores.items()}


def baseline_figures(group: Group, scores: Sequence[Scores]) -> dict[str, Figure]:
    """The figures of a baseline: its answers, citations and refusals, one score for each result."""
    return {
        **answer_figures(group, scores),
        **support_figures(group, scores),
        **gold_figures(group, scores),
        **refusal_figures(group, scores),
        "coverage": group.rate(score.words is not None for score in scores),
    }


def _unanswered(scores: Scores, *, refused: bool) -> Scores:
    """The scores of the same question without an answer."""
    return replace(
        scores,
        refused=refused,
        contains=None if scores.contains is None else False,
        exact_match=None if scores.exact_match is None else False,
        f1=None if scores.f1 is None else 0.0,
        rouge_l=None if scores.rouge_l is None else 0.0,
        gold_quote=None if scores.gold_quote is None else False,
        gold_overlap=None if scores.gold_overlap is None else 0.0,
        gold_article=None if scores.gold_article is None else False,
        citation_recall=None,
        citation_precision=None,
        words=None,
    )


def _judge(results: Sequence[QuestionResult], seed: int) -> Figures:
    if all(result.judgement is None for result in results):
        return {}
    from eval.judge import judge_figures

    return judge_figures(results, seed=seed)


def _timings(results: Iterable[QuestionResult]) -> dict[str, Figures]:
    """Stage → `p50` and `p95` in milliseconds, over the questions whose answer reports that stage."""
    stages: dict[str, list[float]] = {}
    for result in results:
        if result.answer is not None:
            for stage, milliseconds in result.answer["timings_ms"].items():
                stages.setdefault(stage, []).append(float(milliseconds))
    return {
        stage: {name: quantile(values, share) for name, share in QUANTILES.items()} for stage, values in stages.items()
    }


def _seconds(results: Iterable[QuestionResult]) -> dict[str, float]:
    total: dict[str, float] = {}
    for result in results:
        for part, seconds in result.seconds.items():
            total[part] = total.get(part, 0.0) + seconds
    return total


def _of_type(group: Group, label: str) -> Group:
    return group.where(lambda result: result.question.type == label)


def _count_clusters(clusters: Sequence[str | None] | None) -> int | None:
    """How many clusters there are, `None` where each question stands alone."""
    if clusters is None:
        return None
    count = len(set(clusters) - {None}) + sum(cluster is None for cluster in clusters)
    return count if count < len(clusters) else None
