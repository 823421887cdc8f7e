"""The questions on which two runs came out differently."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from eval.types import QuestionResult

Outcome = Literal["right", "wrong", "answered", "refused", "failed"]
"""`right` and `wrong` are given answers that can be told so; `answered` is one that cannot, or to a question that has
no answer; `failed` ended in an error."""

_OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "answered", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Side:
    """One run's part: the outcome, the answer's text (of a failure, what went wrong) and confidence in 0..1."""

    outcome: Outcome
    text: str
    confidence: float | None

    def as_json(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "answer": self.text, "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class Flip:
    """A question whose outcome is another in B than in A.

    `better` says whether B's is the better one, `None` where neither is good: a wrong answer for a refusal is another
    fault, not a mended one.
    """

    id: str
    type: str
    question: str
    answerable: bool
    a: Side
    b: Side
    better: bool | None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "question": self.question,
            "answerable": self.answerable,
            "better": self.better,
            "a": self.a.as_json(),
            "b": self.b.as_json(),
        }


def find_outcome(result: QuestionResult) -> Outcome:
    """How a question came out."""
    if result.answer is None:
        return "failed"
    if result.refused:
        return "refused"
    if not result.question.answerable or result.correct is None:
        return "answered"
    return "right" if result.correct else "wrong"


def find_flips(pairs: Iterable[tuple[QuestionResult, QuestionResult]]) -> tuple[Flip, ...]:
    """The questions whose outcomes differ, of pairs of A's and B's result of the same question.

    Answerable questions first; in both parts what got worse, then what got better, then the rest; of each pair of
    outcomes B's surest answer first.
    """
    flips = [_flip(a, b) for a, b in pairs if find_outcome(a) != find_outcome(b)]
    return tuple(sorted(flips, key=_place))


def _flip(a: QuestionResult, b: QuestionResult) -> Flip:
    question = a.question
    before, after = _side(a), _side(b)
    good: set[Outcome] = {"right", "answered"} if question.answerable else {"refused"}
    was_good, is_good = before.outcome in good, after.outcome in good
    better = is_good if was_good != is_good else None
    return Flip(question.id, question.type, question.text, question.answerable, before, after, better)


def _side(result: QuestionResult) -> Side:
    text = result.failure if result.answer is None else result.answer["answer"]
    return Side(find_outcome(result), text or "", result.confidence)


def _place(flip: Flip) -> tuple[Any, ...]:
    change = {False: 0, True: 1, None: 2}[flip.better]
    outcomes = (_OUTCOMES.index(flip.a.outcome), _OUTCOMES.index(flip.b.outcome))
    return (not flip.answerable, change, *outcomes, -(flip.b.confidence or 0.0), flip.id)
