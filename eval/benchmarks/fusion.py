"""Which ranking of passages is best, and what each part of it adds, on the development sets.

    python eval/benchmarks/fusion.py [--data ../shared/data] [--cache FOLDER] [--reader none] [--questions N]
        [--store]

Printed is nDCG@10 (ideal: all relevant ones first) of the passages that overlap the evidence, on Cranfield of the
documents with their grades, for each score alone, for reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR
2009; constant 60), for min-max scaled scores with more and more of what the product fuses, for the product's weights
without each of its parts, for a second keyword search with the words of the best passages (pseudo-relevance feedback),
for weights fitted on the training set (conditional logit), which no figure is reported on, and for the reader: the
first passages of the product's fusion in an order in which the probability that they answer has several weights, and
in the order of its relevance. No limit on the passages of one article. Then the differences of the product's fusion to
BM25 alone, and of the reader's order to the fusion, with 95% bootstrap intervals over questions.
With `--store` the figures go to
`eval/benchmarks/results/fusion.json`.
"""

import argparse
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from development_sets import FITTED, OPEN_DATA, REPORTED, DevelopmentSet, development_sets
from eval.gold import locate_evidence
from eval.question_sets import load_set
from index.encoder import load_encoder
from index.types import Hit, SearchFilter
from kept_readings import KeptReader
from rag import retrieval
from rag.features import content_terms
from rag.followups import make_standalone
from rag.reader import NO_READER, OWN, load_reader
from rag.reading import Reader, Reading, Readings
from rag.reranking import scaled
from stored import store

LEARNED = ("dense", "keyword", "article", "passage_match", "sentence_match")
FEEDBACK_PASSAGES = 3
FEEDBACK_TERMS = 10
FEEDBACK_WEIGHT = 0.3
READER_WEIGHTS = (0.1, 0.2, 0.3, 0.5, 1.0)
DEPTHS = (5, 10, 20)
MOST_READ = max(DEPTHS)
BY_READER = "the product with the reader"
RESAMPLES = 2_000


@dataclass
class Searched:
    """What one question's searches found. `gains` are by passage, or by article where the set has graded documents."""

    dense: list[Hit]
    keyword: list[Hit]
    feedback: list[Hit]
    more: dict[str, dict[str, float]]
    read: dict[str, Reading]
    gains: Mapping[str, float]
    by_article: bool


Ranking = Callable[[Searched], list[Hit]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="folder of the open sets")
    parser.add_argument("--cache", type=Path, help="folder where the collections are kept for the next time")
    parser.add_argument("--reader", choices=(OWN, NO_READER), default=OWN)
    parser.add_argument("--questions", type=int, metavar="N", help="most questions of each set, spread evenly over it")
    parser.add_argument("--sets", nargs="+", default=(*FITTED, *REPORTED), metavar="SET")
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    encoder, reader = load_encoder(), load_reader(arguments.reader)
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        found = development_sets(cache, arguments.data, encoder, arguments.sets, reader=reader is not None)
        kept = None if reader is None else KeptReader(reader, cache / "readings.sqlite")
        searched = {one.name: _search(one, arguments.data, kept, arguments.questions) for one in found}
    training = searched.pop("training", None)
    rankings = _rankings(with_reader=reader is not None)
    if training is not None:
        learned = _learn(training)
        print("fitted on the training set: " + ", ".join(f"{name} {value:.2f}" for name, value in learned.items()))
        rankings["weights fitted on the training set"] = _fused(learned)
    print(f"{'':44}" + "".join(f"{name:>16}" for name in searched) + f"{'mean':>8}")
    figures: dict[str, dict[str, float]] = {}
    values: dict[str, dict[str, list[float]]] = {}
    for name, rank in rankings.items():
        values[name] = {key: [_ndcg(rank(row), row) for row in rows] for key, rows in searched.items()}
        row = {key: sum(each) / len(each) for key, each in values[name].items()}
        figures[name] = {**{key: round(value, 4) for key, value in row.items()}, "mean": sum(row.values()) / len(row)}
        print(f"{name:44}" + "".join(f"{value:16.3f}" for value in row.values()) + f"{figures[name]['mean']:8.3f}")
    gained: dict[str, dict[str, tuple[float, float, float]]] = {}
    against = {"the product": "BM25 of passages", **({} if reader is None else {BY_READER: "the product"})}
    for ours, plain in against.items():
        gained[f"{ours} against {plain}"] = {}
        for key in searched:
            change = _interval(np.array(values[ours][key]) - np.array(values[plain][key]))
            gained[f"{ours} against {plain}"][key] = change
            print(f"{ours} against {plain}, {key:20}{change[0]:+.3f} ({change[1]:+.3f} to {change[2]:+.3f})")
    if arguments.store:
        store("fusion", "python eval/benchmarks/fusion.py --store", {"nDCG@10": figures, **gained})


def _rankings(*, with_reader: bool) -> dict[str, Ranking]:
    product = retrieval.WEIGHTS
    rankings: dict[str, Ranking] = {
        "encoder": lambda row: row.dense,
        "BM25 of passages": lambda row: row.keyword,
        "BM25 of articles": _fused({"article": 1.0}),
        "MaxSim of passages": _fused({"passage_match": 1.0}),
        "MaxSim of sentences": _fused({"sentence_match": 1.0}),
        "reciprocal rank, both": _reciprocal_rank(1.0),
        "reciprocal rank, BM25 x 2": _reciprocal_rank(2.0),
        "min-max, both": _fused({"dense": 1.0, "keyword": 1.0}),
        "min-max, BM25 x 2": _fused({"dense": 1.0, "keyword": 2.0}),
        "min-max, both and feedback": _with_feedback,
        "the product": _fused(product),
    }
    for left_out in product:
        rankings[f"the product without {left_out}"] = _fused(
            {name: weight for name, weight in product.items() if name != left_out}
        )
    if with_reader:
        rankings[BY_READER] = _read(retrieval.READER_WEIGHT, retrieval.READ_PASSAGES)
        for weight in READER_WEIGHTS:
            rankings[f"the reader x {weight:g}"] = _read(weight, retrieval.READ_PASSAGES)
        for depth in DEPTHS:
            rankings[f"the reader, {depth} passages"] = _read(retrieval.READER_WEIGHT, depth)
        for weight in READER_WEIGHTS:
            rankings[f"the reader's relevance x {weight:g}"] = _read(weight, retrieval.READ_PASSAGES, relevance=True)
        rankings["the reader's relevance alone"] = _read(1e6, retrieval.READ_PASSAGES, relevance=True)
    return rankings


def _read(weight: float, depth: int, *, relevance: bool = False) -> Ranking:
    """The product's fusion, its first `depth` passages put in order by the reader as `rag.retrieval` does, or by its
    relevance scaled over them to 0..1."""
    product = _fused(retrieval.WEIGHTS)

    def rank(row: Searched) -> list[Hit]:
        hits = product(row)
        read = [row.read[hit.passage.passage_id] for hit in hits[:depth] if hit.passage.passage_id in row.read]
        first = scaled([one.relevance for one in read]) if relevance else [one.probability for one in read]
        new = [*first, *[0.0] * (len(hits) - len(first))]
        scores = {hit.passage.passage_id: hit.score + weight * own for hit, own in zip(hits, new, strict=True)}
        return sorted(hits, key=lambda hit: -scores[hit.passage.passage_id])

    return rank


def _search(development: DevelopmentSet, data: Path, reader: Reader | None, most: int | None) -> list[Searched]:
    library = development.library
    graded = locate_evidence(load_set([data / "cranfield"]), library) if development.name == "cranfield" else {}
    rows = []
    answerable = [question for question in development.questions if question.answerable]
    for question in answerable[:: max(1, len(answerable) // (most or len(answerable)))]:
        gains: dict[str, float] = {}
        if question.id in graded:
            gains = {name: float(grade) for name, grade in graded[question.id].grades.items()}
        for span in development.gold.get(question.id, ()) if not graded else ():
            for passage in library.passages(span.article_id):
                if passage.start < span.end and span.start < passage.end:
                    gains[passage.passage_id] = 1.0
        if not question.answerable or not gains:
            continue
        query, no_filter = make_standalone(question.text, question.history).text, SearchFilter()
        dense = library.dense(query, retrieval.CANDIDATES, no_filter)
        keyword = library.keyword(query, retrieval.CANDIDATES, no_filter)
        feedback = library.keyword(_feedback(query, keyword), retrieval.CANDIDATES, no_filter)
        more = retrieval.match_scores(library, query, [*dense, *keyword], no_filter)
        read = {}
        if reader is not None:
            read = Readings(reader, query).of(retrieval.fuse(dense, keyword, more)[:MOST_READ])
        rows.append(Searched(dense, keyword, feedback, more, read, gains, bool(graded)))
    return rows


def _feedback(query: str, hits: Sequence[Hit]) -> str:
    """The terms that most of the best passages have and the query has not."""
    asked = content_terms(query)
    counted = Counter(term for hit in hits[:FEEDBACK_PASSAGES] for term in content_terms(hit.passage.text))
    return " ".join(term for term, _ in counted.most_common() if term not in asked and "=" not in term)[
        : FEEDBACK_TERMS * 8
    ]


def _fused(weights: Mapping[str, float]) -> Ranking:
    def rank(row: Searched) -> list[Hit]:
        both = {"dense": 0.0, "keyword": 0.0, **weights}
        more = {name: row.more[name] for name in weights if name in row.more}
        return retrieval.fuse(row.dense, row.keyword, more, both)

    return rank


def _with_feedback(row: Searched) -> list[Hit]:
    again = {hit.passage.passage_id: hit.score for hit in row.feedback}
    known = {hit.passage.passage_id for hit in (*row.dense, *row.keyword)}
    more = {"feedback": {name: score for name, score in again.items() if name in known}}
    return retrieval.fuse(row.dense, row.keyword, more, {"dense": 1.0, "keyword": 1.0, "feedback": FEEDBACK_WEIGHT})


def _reciprocal_rank(weight: float) -> Ranking:
    def rank(row: Searched) -> list[Hit]:
        scores: dict[str, float] = {}
        hits = {hit.passage.passage_id: hit for hit in (*row.dense, *row.keyword)}
        for found, factor in ((row.dense, 1.0), (row.keyword, weight)):
            for hit in found:
                name = hit.passage.passage_id
                scores[name] = scores.get(name, 0.0) + factor / (60 + hit.rank)
        return [hits[name] for name in sorted(scores, key=lambda name: -scores[name])]

    return rank


def _learn(rows: Sequence[Searched]) -> dict[str, float]:
    """The weights that make the relevant passages most probable among the candidates of their question."""
    cases = []
    for row in rows:
        columns = {}
        for name in LEARNED:
            both = {"dense": 0.0, "keyword": 0.0, name: 1.0}
            more = {name: row.more[name]} if name in row.more else {}
            columns[name] = {
                hit.passage.passage_id: hit.score for hit in retrieval.fuse(row.dense, row.keyword, more, both)
            }
        names = list(columns["dense"])
        relevant = np.array([name in row.gains for name in names])
        if relevant.any():
            cases.append((np.array([[columns[name][one] for name in LEARNED] for one in names]), relevant))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = 0.0, np.zeros(len(LEARNED))
        for scores, relevant in cases:
            odds = scores @ weights
            share = np.exp(odds - odds.max())
            share /= share.sum()
            gold = share * relevant
            value -= float(np.log(gold.sum() + 1e-12))
            gradient -= scores.T @ (gold / (gold.sum() + 1e-12) - share)
        return value / len(cases) + 0.001 * float(weights @ weights), gradient / len(cases) + 0.002 * weights

    found = minimize(loss, np.ones(len(LEARNED)), jac=True, bounds=[(0, None)] * len(LEARNED), method="L-BFGS-B").x
    return dict(zip(LEARNED, found.tolist(), strict=True))


def _ndcg(ranked: Sequence[Hit], row: Searched) -> float:
    names = [hit.passage.article_id if row.by_article else hit.passage.passage_id for hit in ranked]
    gains = [row.gains.get(name, 0.0) for name in list(dict.fromkeys(names))[:10]]
    ideal = sorted(row.gains.values(), reverse=True)[:10]
    return _gain(gains) / _gain(ideal)


def _gain(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    source = np.random.default_rng(1)
    means = values[source.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return round(float(values.mean()), 4), round(float(low), 4), round(float(high), 4)


if __name__ == "__main__":
    main()
