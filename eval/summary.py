"""Results of questions in, figures of a run out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from eval.rankings import LEVELS, MEASURES, RATE_MEASURES
from eval.statistics import auroc_figure, calibration_figure, mean, quantile, rate, rate_of
from eval.types import EvalReport, Figure, Figures, QuestionResult, Scores, SearchMode

QUANTILES = {"p50": 0.50, "p95": 0.95}

ALWAYS_REFUSE = "always_refuse"
"""The baseline that answers nothing: it rejects every unanswerable question and every other one too."""


def summarise(
    results: Sequence[QuestionResult], *, set_path: str, set_sha256: str, model: str, library_generation: int
) -> EvalReport:
    """The report of a run; every figure states how many things it was measured on."""
    ignored = Counter(name for result in results for name in result.question.ignored_fields)
    sizes = Counter(result.question.type for result in results)
    of_type = {label: [result for result in results if result.question.type == label] for label in sorted(sizes)}
    baselines = {
        name: baseline_figures([result.baselines[name] for result in results])
        for name in (results[0].baselines if results else ())
    }
    return EvalReport(
        set_path=set_path,
        set_sha256=set_sha256,
        model=model,
        library_generation=library_generation,
        ignored_fields=dict(sorted(ignored.items())),
        retrieval=retrieval_figures(results, "hybrid"),
        answers=answer_figures([result.scores for result in results]),
        citations=citation_figures(results),
        refusals={**refusal_figures([result.scores for result in results]), **confidence_figures(results)},
        by_type={label: headline_figures(group) for label, group in of_type.items()},
        type_sizes=dict(sorted(sizes.items())),
        baselines={**baselines, ALWAYS_REFUSE: _always_refuse(results)},
        baseline_retrieval={
            "keyword_retrieval": retrieval_figures(results, "keyword"),
            "dense_retrieval": retrieval_figures(results, "dense"),
        },
        timings_ms=_timings(results),
        results=tuple(results),
    )


def retrieval_figures(results: Iterable[QuestionResult], mode: SearchMode) -> dict[str, Figures]:
    """Level → measure → figure, over answerable questions with evidence."""
    rankings = [result.rankings[mode] for result in results if mode in result.rankings]

    def figure(level: str, measure: str) -> Figure:
        values = [ranking[level][measure] for ranking in rankings]
        return rate(value > 0 for value in values) if measure in RATE_MEASURES else mean(values)

    return {level: {measure: figure(level, measure) for measure in MEASURES} for level in LEVELS}


def answer_figures(scores: Sequence[Scores]) -> dict[str, Figure]:
    """`contains` and `f1` over the answerable questions, refused ones counting 0; `mean_words` over given answers."""
    return {
        "contains": _rate_where_known(scores, lambda score: score.contains),
        "f1": mean(score.f1 for score in scores if score.f1 is not None),
        "mean_words": mean(score.words for score in scores if score.words is not None),
    }


def gold_figures(scores: Sequence[Scores]) -> dict[str, Figure]:
    """The share of answerable questions with evidence whose answer cites a gold quote, and a gold article."""
    return {
        "gold_quote": _rate_where_known(scores, lambda score: score.gold_quote),
        "gold_article": _rate_where_known(scores, lambda score: score.gold_article),
    }


def refusal_figures(scores: Sequence[Scores]) -> dict[str, Figure]:
    """`rejected`: unanswerable questions that were refused; `false_rate`: answerable ones that were (lower is better).

    A question that failed was not refused.
    """
    return {
        "rejected": rate(score.refused for score in scores if score.contains is None),
        "false_rate": rate(score.refused for score in scores if score.contains is not None),
    }


def citation_figures(results: Sequence[QuestionResult]) -> dict[str, Figure]:
    """`exactness` over citations, the gold figures over questions, `statements_cited` over statements,
    `mean_citations` over given answers."""
    counts = [result.counts for result in results if result.answered]
    all_counts = [result.counts for result in results]
    return {
        "exactness": rate_of(sum(c.exact_citations for c in all_counts), sum(c.citations for c in all_counts)),
        **gold_figures([result.scores for result in results]),
        "statements_cited": rate_of(sum(c.cited_statements for c in counts), sum(c.statements for c in counts)),
        "mean_citations": mean(c.citations for c in counts),
    }


def confidence_figures(results: Sequence[QuestionResult]) -> dict[str, Figure]:
    """What the confidence is worth.

    `auroc`: how well it separates answerable questions from unanswerable ones, refused or not; a failed question
    counts as the worst its side can have. `ece`: calibration error over given answers, correct if the question is
    answerable and the answer holds what is accepted; lower is better. `coverage`: the share of all questions that
    got an answer.
    """
    answerable, unanswerable = [], []
    for result in results:
        if result.question.answerable:
            answerable.append(0.0 if result.answer is None else result.answer.confidence)
        else:
            unanswerable.append(1.0 if result.answer is None else result.answer.confidence)
    given = [
        (result.answer.confidence, bool(result.scores.contains))
        for result in results
        if result.answer is not None and not result.answer.refused
    ]
    return {
        "auroc": auroc_figure(answerable, unanswerable),
        "ece": calibration_figure([confidence for confidence, _ in given], [correct for _, correct in given]),
        "coverage": rate(result.answered for result in results),
    }


def headline_figures(results: Sequence[QuestionResult]) -> dict[str, Figure]:
    """The figures that a group of questions is summed up with."""
    scores = [result.scores for result in results]
    answers = answer_figures(scores)
    return {
        "contains": answers["contains"],
        "f1": answers["f1"],
        **gold_figures(scores),
        **refusal_figures(scores),
        "passage_nDCG@10": retrieval_figures(results, "hybrid")["passage"]["nDCG@10"],
    }


def baseline_figures(scores: Sequence[Scores]) -> dict[str, Figure]:
    """The figures of a baseline that answers; `mean_words` over answerable questions only."""
    return {**answer_figures(scores), **gold_figures(scores), **refusal_figures(scores)}


def _always_refuse(results: Sequence[QuestionResult]) -> dict[str, Figure]:
    def refused(score: Scores) -> Scores:
        return Scores(
            refused=True,
            contains=None if score.contains is None else False,
            f1=None if score.f1 is None else 0.0,
            gold_quote=None if score.gold_quote is None else False,
            gold_article=None if score.gold_article is None else False,
            words=None,
        )

    return baseline_figures([refused(result.scores) for result in results])


def _rate_where_known(scores: Iterable[Scores], of: Callable[[Scores], bool | None]) -> Figure:
    return rate(flag for score in scores if (flag := of(score)) is not None)


def _timings(results: Iterable[QuestionResult]) -> Mapping[str, Figures]:
    """Stage → `p50` and `p95` in milliseconds, over the questions whose answer reports that stage."""
    stages: dict[str, list[float]] = {}
    for result in results:
        if result.answer is not None:
            for stage, milliseconds in result.answer.timings_ms.items():
                stages.setdefault(stage, []).append(milliseconds)
    return {
        stage: {name: quantile(values, share) for name, share in QUANTILES.items()} for stage, values in stages.items()
    }
