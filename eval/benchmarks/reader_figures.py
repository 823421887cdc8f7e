"""What a reader's outputs are worth on questions whose passage is given, as in SQuAD 1.1 and 2.0.

    python eval/benchmarks/reader_figures.py [--reader NAME_OR_FOLDER] [--data ../shared/data]

On the development halves of XQuAD and of the sample of SQuAD 2.0, all questions. Beside F1 over all of SQuAD 2's
questions stands that of refusing every one.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from development_sets import OPEN_DATA
from eval.metrics import best_f1, exact_match
from eval.selective import auroc
from index.types import Span
from rag.reader import OWN, load_reader
from rag.reading import Reading, Text

SETS = ("xquad_en", "squad2_sample")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="folder of the open sets")
    parser.add_argument("--reader", default=OWN, metavar="NAME_OR_FOLDER")
    arguments = parser.parse_args()
    reader = load_reader(arguments.reader)
    if reader is None:
        parser.error("--reader: there is nothing to measure without one")
    for name in SETS:
        questions = read_squad(arguments.data / f"{name}.json")
        readings = [reader.read(one.question, [Text("", one.context)])[0] for one in questions]
        print(f"{name}: {len(questions)} questions, {sum(bool(one.answers) for one in questions)} answered")
        for key, value in span_figures(questions, readings).items():
            print(f"  {key:14}{value:.3f}")
        if not all(one.answers for one in questions):
            print(f"  {'f1_all, refusing always':24}{np.mean([not one.answers for one in questions]):.3f}")


@dataclass(frozen=True, slots=True)
class Asked:
    question: str
    context: str
    answers: tuple[str, ...]


def read_squad(path: Path) -> list[Asked]:
    """The questions of a SQuAD file; no answers for one that its paragraph does not answer."""
    return [
        Asked(asked["question"], paragraph["context"], tuple(filter(None, (one["text"] for one in asked["answers"]))))
        for topic in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in topic["paragraphs"]
        for asked in paragraph["qas"]
    ]


def span_figures(questions: Sequence[Asked], readings: Sequence[Reading]) -> dict[str, float]:
    """F1 and exact match on what is answered; where some is not, also the area under the curve of refusing by two
    scores, and F1 of answering where the log-odds that the passage answers are above 0."""
    texts, odds = [], []
    for one, reading in zip(questions, readings, strict=True):
        best = reading.best(Span(0, len(one.context)))
        texts.append("" if best is None else one.context[best.span.start : best.span.end])
        odds.append(-math.inf if best is None else best.score - reading.none)
    f1 = [best_f1(text, one.answers) for one, text in zip(questions, texts, strict=True)]
    answered = [bool(one.answers) for one in questions]
    exact = [exact_match(text, one.answers) for one, text in zip(questions, texts, strict=True) if one.answers]
    found = {"f1": float(np.mean([value for value, one in zip(f1, answered, strict=True) if one]))}
    found["em"] = float(np.mean(exact))
    if not all(answered):
        judged = [reading.answered for reading in readings]
        found["auroc"] = answerability_auroc(judged, answered)
        found["auroc_null"] = answerability_auroc(odds, answered)
        found["auroc_both"] = answerability_auroc([a + b for a, b in zip(judged, odds, strict=True)], answered)
        said = [value > 0 for value in judged]
        right = [value if a and s else float(a == s) for value, a, s in zip(f1, answered, said, strict=True)]
        found["f1_all"] = float(np.mean(right))
    return found


def answerability_auroc(scores: Sequence[float], answered: Sequence[bool]) -> float:
    """`eval.selective.auroc` of what is answered against what is not; not a number where one of them is empty."""
    sides = [[score for score, yes in zip(scores, answered, strict=True) if yes is side] for side in (True, False)]
    area = auroc(*sides)
    return math.nan if area is None else area


if __name__ == "__main__":
    main()
