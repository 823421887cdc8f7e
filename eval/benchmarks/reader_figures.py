"""What a reader's outputs are worth on questions whose passage is given, as in SQuAD 1.1 and 2.0."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.metrics import best_f1, exact_match
from rag.reading import MAX_ANSWER_TOKENS, PER_TOKEN


@dataclass(frozen=True, slots=True)
class Output:
    """What a reader says of a pair. `span`: characters of the passage; `best` and `null`: scores of that span and of
    there being none; `answered` and `relevant`: log-odds that the passage answers, and its score beside others."""

    span: tuple[int, int]
    best: float
    null: float
    answered: float
    relevant: float


@dataclass(frozen=True, slots=True)
class Asked:
    question: str
    context: str
    answers: tuple[str, ...]


def best_spans(scores: np.ndarray, judged: np.ndarray, first: int, starts: np.ndarray, ends: np.ndarray) -> Output:
    """From scores of the word pieces of a pair, (length, 2); `first` is the place of the passage's first one."""
    own = scores[first : first + len(starts)]
    sums = own[:, 0][:, None] + own[:, 1][None]
    length = np.arange(len(own))[None] - np.arange(len(own))[:, None]
    chosen = np.where((length >= 0) & (length < MAX_ANSWER_TOKENS), sums - PER_TOKEN * length, -np.inf)
    best = int(chosen.argmax())
    start, end = divmod(best, len(own))
    span = (int(starts[start]), int(ends[end]))
    return Output(span, float(sums.flat[best]), float(scores[0].sum()), float(judged[0]), float(judged[1]))


def read_squad(path: Path) -> list[Asked]:
    """The questions of a SQuAD file; no answers for one that its paragraph does not answer."""
    return [
        Asked(asked["question"], paragraph["context"], tuple(filter(None, (one["text"] for one in asked["answers"]))))
        for topic in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in topic["paragraphs"]
        for asked in paragraph["qas"]
    ]


def span_figures(questions: Sequence[Asked], outputs: Sequence[Output]) -> dict[str, float]:
    """F1 and exact match on what is answered; where some is not, also the area under the curve of refusing by two
    scores, and F1 of answering where the log-odds that the passage answers are above 0."""
    texts = [one.context[out.span[0] : out.span[1]] for one, out in zip(questions, outputs, strict=True)]
    f1 = [best_f1(text, one.answers) for one, text in zip(questions, texts, strict=True)]
    answered = [bool(one.answers) for one in questions]
    exact = [exact_match(text, one.answers) for one, text in zip(questions, texts, strict=True) if one.answers]
    found = {"f1": float(np.mean([value for value, one in zip(f1, answered, strict=True) if one]))}
    found["em"] = float(np.mean(exact))
    if not all(answered):
        found["auroc"] = answerability_auroc([out.answered for out in outputs], answered)
        found["auroc_null"] = answerability_auroc([out.best - out.null for out in outputs], answered)
        found["auroc_both"] = answerability_auroc([out.answered + out.best - out.null for out in outputs], answered)
        said = [out.answered > 0 for out in outputs]
        right = [value if a and s else float(a == s) for value, a, s in zip(f1, answered, said, strict=True)]
        found["f1_all"] = float(np.mean(right))
    return found


def answerability_auroc(scores: Sequence[float], answered: Sequence[bool]) -> float:
    """How often one that is answered has the higher score than one that is not; ties count half."""
    values, right = np.asarray(scores), np.asarray(answered)
    yes, no = values[right][:, None], values[~right][None]
    return float(np.mean((yes > no) + 0.5 * (yes == no)))
