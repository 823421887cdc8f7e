"""The worst questions of a run laid out for a reader: what was asked, said, expected and cited."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.types import EvalReport, QuestionResult
from eval.worst_questions import describe_fault, find_fault, worst_results
from index.dates import format_published
from index.types import first_words

LISTED_QUESTIONS = 20
"""Questions that the page and the Markdown show: enough to see a pattern, few enough to read them all."""

CLOSEST_SHOWN = 2
"""Passages shown of those that came closest to a refused question."""

QUOTED_CHARACTERS = 600
"""Longest answer, quote and cited text that is shown, in characters; `results.jsonl` holds all of it."""

_FAULT_TITLES = {
    "failed": "failed",
    "answered, should be refused": "answered, should be refused",
    "wrong answer": "wrong answer",
    "refused, is answerable": "refused, is answerable",
    "cannot be told": "right or wrong cannot be told",
}
_SIGN = re.compile(r"[/#\\]")


@dataclass(frozen=True, slots=True)
class QuestionDetails:
    """One question, as plain text. Quotes are pairs of words and where they are from.

    `confidence` is empty where there is no answer. `cited` holds what the answer cites, or for a refusal the passages
    that came closest; `cited_heading` says which.
    """

    id: str
    type: str
    fault: str
    question: str
    history: tuple[str, ...]
    as_of: str
    answer: str
    confidence: str
    reasons: tuple[str, ...]
    accepted: tuple[str, ...]
    gold: tuple[tuple[str, str], ...]
    cited: tuple[tuple[str, str], ...]
    cited_heading: str


def question_details(report: EvalReport, limit: int = LISTED_QUESTIONS) -> list[QuestionDetails]:
    """The questions that went wrong, in the order of `worst_results`."""
    return [_details(result) for result in worst_results(report.results, limit)]


def _details(result: QuestionResult) -> QuestionDetails:
    question, answer = result.question, result.answer
    fault = find_fault(result)
    parts = question.answers_all
    accepted = (*question.answers, *((" and ".join(parts),) if parts else ()))
    reference = () if question.reference is None else (question.reference,)
    refusal = answer["refusal"] if answer is not None and answer["refused"] else None
    return QuestionDetails(
        id=question.id,
        type=question.type,
        fault=_FAULT_TITLES[fault] if fault else "",
        question=question.text,
        history=tuple(turn.question for turn in question.history),
        as_of="" if question.as_of is None else question.as_of.isoformat(),
        answer="There is no answer." if answer is None else _cut(str(answer["answer"])),
        confidence="" if result.confidence is None else f"confidence {result.confidence:.2f}",
        reasons=tuple(describe_fault(result)),
        accepted=tuple(_cut(text) for text in (*accepted, *reference)) if question.answerable else (),
        gold=tuple(
            (_cut(evidence.quote or "The whole article."), _article_name(evidence.article))
            for evidence in question.evidence
        ),
        cited=_closest(refusal) if refusal is not None else _cited(answer),
        cited_heading="Closest passages" if refusal is not None else "Cited words",
    )


def _cited(answer: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    citations: Sequence[Mapping[str, Any]] = () if answer is None else answer["citations"]
    return tuple(
        (
            _cut(str(citation["cited_text"])),
            ", ".join(
                str(part)
                for part in (
                    f"[{citation['number']}] {citation['title']}",
                    citation["source"],
                    citation["published"] and format_published(str(citation["published"])),
                )
                if part
            ),
        )
        for citation in citations
    )


def _closest(refusal: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((_cut(str(hit["text"])), f"rank {hit['rank']}") for hit in refusal["closest"][:CLOSEST_SHOWN])


def _article_name(origin: str) -> str:
    """The last part of an origin: a file name, or the key of an article that a set carries."""
    return _SIGN.split(origin.rstrip("/"))[-1] or origin


def _cut(text: str) -> str:
    return first_words(text, QUOTED_CHARACTERS)
