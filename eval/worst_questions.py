"""The questions of a run to look at first: which they are, and what went wrong with each."""

from collections.abc import Iterable
from typing import Literal

from eval.types import QuestionResult

Fault = Literal["failed", "answered, should be refused", "wrong answer", "refused, is answerable", "cannot be told"]

WORST_QUESTIONS = 10
"""Questions that are listed: a screenful to start looking from."""

FAULT_ORDER = {
    "failed": 0,
    "answered, should be refused": 1,
    "wrong answer": 1,
    "refused, is answerable": 2,
    "cannot be told": 3,
}
"""The worst first: a wrong answer misleads, a refusal only disappoints. The last are no faults that can be shown."""


def find_fault(result: QuestionResult) -> Fault | None:
    """What went wrong with a question, `None` if nothing did.

    "cannot be told" is a given answer to a question without short answers: it may be right or wrong.
    """
    if result.failure is not None:
        return "failed"
    if result.refused:
        return "refused, is answerable" if result.question.answerable else None
    if not result.question.answerable:
        return "answered, should be refused" if result.answered else None
    if result.correct is None:
        return "cannot be told" if _closeness(result) is not None else None
    return None if result.correct else "wrong answer"


def worst_results(results: Iterable[QuestionResult], limit: int | None = WORST_QUESTIONS) -> list[QuestionResult]:
    """The questions that went wrong, the worst first, at most `limit`.

    Failures, then wrong answers with the most confident first, then false refusals in the same order. Answers that
    cannot be told right or wrong come last, those least like the reference first.
    """
    found = []
    for result in results:
        fault = find_fault(result)
        if fault == "cannot be told":
            found.append((FAULT_ORDER[fault], _closeness(result) or 0.0, result))
        elif fault is not None:
            found.append((FAULT_ORDER[fault], -(result.confidence or 0.0), result))
    return [result for _, _, result in sorted(found, key=lambda entry: entry[:2])[:limit]]


def count_faults(results: Iterable[QuestionResult]) -> int:
    """The questions that certainly went wrong."""
    return sum(find_fault(result) not in (None, "cannot be told") for result in results)


def describe_fault(result: QuestionResult) -> list[str]:
    """Sentences that say what went wrong, as far as the scores show it, from the answer back to the search."""
    fault = find_fault(result)
    if fault == "failed":
        return [result.failure or ""]
    said = []
    if fault == "answered, should be refused":
        return ["The articles do not answer this question; it should have been refused."]
    if fault == "refused, is answerable":
        said.append("The articles answer this question; it should not have been refused.")
    if fault == "wrong answer":
        several = len(result.question.answers_all) > 1
        said.append("Not every part that is asked for is in the answer." if several else "No accepted answer is in it.")
    if fault == "cannot be told":
        said.append("The set has no short answer to tell by whether this is right.")
        if result.scores.rouge_l is not None:
            said.append(f"ROUGE-L with the reference is {result.scores.rouge_l:.3f}.")
    return [*said, *_about_citations(result), *_about_ranking(result)]


def _closeness(result: QuestionResult) -> float | None:
    """How near an answer without a verdict is to what the set has, in 0..1; `None` if the set has nothing."""
    scores = result.scores
    if scores.rouge_l is not None:
        return scores.rouge_l
    if scores.gold_overlap is not None:
        return scores.gold_overlap
    return None if scores.gold_article is None else float(scores.gold_article)


def _about_citations(result: QuestionResult) -> list[str]:
    scores = result.scores
    if not result.answered:
        return []
    said = []
    if scores.gold_quote:
        said.append("It cites a gold quote.")
    elif scores.gold_article:
        said.append("It cites a gold article" + (", but no gold quote." if scores.gold_quote is False else "."))
    elif scores.gold_article is False:
        said.append("It cites no gold article.")
    if scores.citation_recall is not None and scores.citation_recall < 1:
        said.append(f"The cited words support {scores.citation_recall:.0%} of its statements.")
    return said


def _about_ranking(result: QuestionResult) -> list[str]:
    """Where the search put the evidence. RR@10 is one over the rank of the first that is relevant, 0 beyond 10."""
    levels = result.rankings.get("system", {})
    for level in ("passage", "article"):
        reciprocal = levels.get(level, {}).get("RR@10")
        if reciprocal is not None:
            if reciprocal > 0:
                return [f"The first gold {level} found is at rank {round(1 / reciprocal)}."]
            return [f"No gold {level} is among the first 10 found."]
    return []
