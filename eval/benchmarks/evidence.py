"""Finding the answer and knowing when there is none: each figure beside its plain baseline, on the open sets.

    python eval/benchmarks/evidence.py [--reader none] [--data ../shared/data] [--cache FOLDER]
        [--questions N] [--store]

No number is fitted on these sets (see `development_sets.REPORTED`); the weights are those shipped. *Given* means that
only the question's own paragraph or passage is looked at, *open* that it is searched for among all of the set. The
baseline of a sentence is the idf-weighted overlap with the question, of a short answer the whole best sentence, of
answerability the highest overlap. Intervals are 95% bootstrap over questions. Sets that are not there are left out with
a line that says so. With `--store` the figures go to `eval/benchmarks/results/evidence_reader.json`, or without a
reader to `evidence.json`.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from development_sets import FITTED, OPEN_DATA, DevelopmentSet, development_sets
from eval.metrics import best_f1, best_rouge_l, matches_gold
from eval.selective import auroc, expected_calibration_error
from eval.types import ArticleSpan, EvalQuestion
from index.encoder import load_encoder
from index.library import Library
from index.types import Hit, SearchFilter
from kept_readings import KeptReader
from rag.analysis import analyse_question
from rag.answering import AnswerSettings
from rag.confidence import confidence
from rag.evidence import Evidence, ScoredSentence, find_evidence
from rag.followups import make_standalone
from rag.reader import NO_READER, OWN, load_reader
from rag.reading import Reader, Readings
from rag.retrieval import retrieve
from rag.short_answers import LEAST_PROBABILITY, LEAST_READ, likeliest_span, short_answers
from rag.statements import MAX_STATEMENTS, choose, compose
from rag.weights import load_weights
from stored import store

NAMES = ("xquad", "squad2", "clapnq", "seeds", "harbour")
RESAMPLES = 2_000
FALSE_REFUSALS = 0.05
"""Share of answerable questions that a threshold may refuse where unanswerable ones are counted."""


@dataclass
class Asked:
    """A question, what was found for it, and the figures of each system by name (`None` where one does not apply)."""

    question: EvalQuestion
    sure: float
    overlap: float
    figures: dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="folder of the open sets")
    parser.add_argument("--cache", type=Path, help="folder where the collections are kept for the next time")
    parser.add_argument("--questions", type=int, metavar="N", help="most questions of each set, spread evenly over it")
    parser.add_argument("--reader", choices=(OWN, NO_READER), default=OWN)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    encoder, reader = load_encoder(), load_reader(arguments.reader)
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        kept = None if reader is None else KeptReader(reader, cache / "readings.sqlite")
        for development in development_sets(cache, arguments.data, encoder, NAMES):
            for setting, find in (("given", _given), ("open", _open)):
                if setting == "given" and development.name in FITTED:
                    continue  # their questions are about a collection, not about one passage
                step = max(1, len(development.questions) // (arguments.questions or len(development.questions)))
                asked = [_ask(question, development, find, kept) for question in development.questions[::step]]
                fitted = ", fitted on" if development.name in FITTED else ""
                name = f"{development.name}, {setting}{fitted}"
                print(f"\n{name}: {len(asked)} questions")
                figures[name] = {**_answers(asked), **_refusals(asked, read=reader is not None)}
    if arguments.store:
        name = "evidence" if reader is None else "evidence_reader"
        option = " --reader none" if reader is None else ""
        option += f" --questions {arguments.questions}" if arguments.questions else ""
        store(name, f"python eval/benchmarks/evidence.py{option} --store", figures)


Find = Callable[[EvalQuestion, str, DevelopmentSet, Reader | None], Sequence[Hit]]


def _given(question: EvalQuestion, _: str, development: DevelopmentSet, reader: Reader | None) -> list[Hit]:
    """All passages of the article that the question was written for."""
    article = _home(question, development)
    passages = development.library.passages(article) if article is not None else []
    return [Hit(passage, rank, 1.0 / rank) for rank, passage in enumerate(passages, start=1)]


def _home(question: EvalQuestion, development: DevelopmentSet) -> str | None:
    gold = development.gold.get(question.id)
    if gold:
        return gold[0].article_id
    return development.homes.get(question.id)


def _open(_: EvalQuestion, query: str, development: DevelopmentSet, reader: Reader | None) -> list[Hit]:
    return retrieve(development.library, query, k=AnswerSettings().k, search_filter=SearchFilter(), reader=reader)


def _ask(question: EvalQuestion, development: DevelopmentSet, find: Find, reader: Reader | None) -> Asked:
    library = development.library
    standalone = make_standalone(question.text, question.history)
    hits = find(question, standalone.text, development, reader)
    readings = None if reader is None else Readings(reader, standalone.text).of(hits)
    articles = {hit.passage.article_id: library.article(hit.passage.article_id) for hit in hits}
    profile = analyse_question(standalone.core, standalone.topic)
    evidence = find_evidence(profile, hits, articles, library, readings=readings)
    plain = sorted(evidence.sentences, key=lambda sentence: -sentence.feature("overlap"))
    gold = development.gold.get(question.id, ())
    figures: dict[str, dict[str, float]] = {}
    if question.answerable:
        for name, ranked in (("ours", evidence.sentences), ("overlap", plain)):
            figures[name] = _sentence_figures(ranked, gold, question)
        figures["ours"] |= _short_figures(question, evidence, hits, library)
        if question.answers:
            best = evidence.sentences[0].candidate.text if evidence.sentences else ""
            figures["overlap"]["short answer F1"] = best_f1(best, question.answers)
        if question.reference and evidence.sentences:
            text, _, _ = compose(choose([evidence], articles))
            figures["ours"]["answer ROUGE-L"] = best_rouge_l(text, question.accepted)
            top = " ".join(sentence.candidate.text for sentence in plain[:3])
            figures["overlap"]["answer ROUGE-L"] = best_rouge_l(top, question.accepted)
    overlap = max((sentence.feature("overlap") for sentence in evidence.sentences), default=0.0)
    return Asked(question, confidence(evidence), overlap, figures)


def _sentence_figures(
    ranked: Sequence[ScoredSentence], gold: Sequence[ArticleSpan], question: EvalQuestion
) -> dict[str, float]:
    """Whether the best one, or one of the best three, is evidence; with several gold sentences F1 of the best three,
    and of the best four, as many as an answer has."""
    best = [sentence.candidate for sentence in ranked[:MAX_STATEMENTS]]
    spans = [ArticleSpan(one.article_id, one.start, one.end) for one in best]
    right = [any(matches_gold(span, wanted) for wanted in gold) for span in spans]
    found = {"best sentence": float(any(right[:1])), "best three": float(any(right[:3]))}
    for count in (3, MAX_STATEMENTS) if question.reference else ():
        covered = sum(any(matches_gold(span, wanted) for span in spans[:count]) for wanted in gold)
        size = len(spans[:count]) + len(gold)
        found[f"gold sentences F1, {count}"] = 2 * covered / size if spans and gold else 0.0
    return found


def _short_figures(
    question: EvalQuestion, evidence: Evidence, hits: Sequence[Hit], library: Library
) -> dict[str, float]:
    """F1 of the span that is found, whether it is shown or not, and, where it is shown, whether it is right."""
    if not question.answers or not evidence.sentences:
        return {}
    best = evidence.sentences[0].candidate
    passages = {hit.passage.passage_id: hit for hit in hits}
    span = likeliest_span(evidence, passages, library, least=0.0)
    words = "" if span is None else library.article(best.article_id).text[span.start : span.end]
    figures = {"short answer F1": best_f1(words, question.answers)}
    shown = list(short_answers(evidence, passages, library).values())
    if shown:
        figures["F1 of those shown"] = best_f1(shown[0], question.answers)
    return figures


def _answers(asked: Sequence[Asked]) -> dict[str, object]:
    names = list(dict.fromkeys(name for one in asked for system in one.figures.values() for name in system))
    found: dict[str, object] = {}
    for name in names:
        row = {}
        for system in ("ours", "overlap"):
            values = np.array([one.figures[system][name] for one in asked if name in one.figures.get(system, {})])
            if len(values):
                row[system] = _interval(values)
                row[f"{system}, questions"] = len(values)
        pairs = [
            one.figures["ours"][name] - one.figures["overlap"][name]
            for one in asked
            if name in one.figures.get("ours", {}) and name in one.figures.get("overlap", {})
        ]
        if pairs:
            row["difference"] = _interval(np.array(pairs))
        found[name] = row
        print(f"  {name:24}" + "   ".join(f"{key} {_shown(value)}" for key, value in row.items()))
    return found


def _refusals(asked: Sequence[Asked], *, read: bool) -> dict[str, object]:
    answerable = [one for one in asked if one.question.answerable]
    others = [one for one in asked if not one.question.answerable]
    if not others:
        return {}
    found: dict[str, object] = {}
    scores: Mapping[str, Callable[[Asked], float]] = {"ours": lambda one: one.sure, "overlap": lambda one: one.overlap}
    for name, score in scores.items():
        positive, negative = [score(one) for one in answerable], [score(one) for one in others]
        threshold = float(np.quantile(positive, FALSE_REFUSALS))
        found[f"AUROC, {name}"] = round(auroc(positive, negative) or 0.0, 3)
        found[f"rejected at 5% false refusals, {name}"] = round(float(np.mean(np.array(negative) < threshold)), 3)
    shipped = load_weights(read=read).refuse_below
    found["rejected, as shipped"] = round(float(np.mean([one.sure < shipped for one in others])), 3)
    found["false refusals, as shipped"] = round(float(np.mean([one.sure < shipped for one in answerable])), 3)
    right = [one.question.answerable and one.figures["ours"]["best three"] > 0 for one in asked]
    error = expected_calibration_error([one.sure for one in asked], right)
    found["calibration error"] = round(error or 0.0, 3)
    for name, value in found.items():
        print(f"  {name:44}{value}")
    return found


def _interval(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float, float]:
    """Mean and 95% interval by bootstrap over questions."""
    source = np.random.default_rng(1)
    means = values[source.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return round(float(values.mean()), 3), round(float(low), 3), round(float(high), 3)


def _shown(value: object) -> str:
    return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})" if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    print(f"Short answers are shown from a probability of {LEAST_PROBABILITY} on, the reader's from {LEAST_READ}.")
    main()
