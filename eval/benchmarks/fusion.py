"""Which fusion of dense and keyword search ranks passages best, on the development sets.

    python eval/benchmarks/fusion.py [--data ../shared/data] [--store]

Printed is nDCG@10 of the passages that overlap the evidence, for each search alone, for reciprocal rank fusion
(Cormack, Clarke and Buettcher, SIGIR 2009; constant 60) and for min-max scaled scores, at several weights of the
keyword search; no limit on the passages of one article. With `--store` the figures go to
`eval/benchmarks/results/fusion.json` with the commit and the command.
"""

import argparse
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from development_sets import OPEN_DATA, DevelopmentSet, development_sets
from index.encoder import load_encoder
from index.types import Hit, SearchFilter
from rag import retrieval
from rag.followups import make_standalone
from stored import store

Ranking = Callable[[Sequence[Hit], Sequence[Hit]], list[str]]
Searched = tuple[list[Hit], list[Hit], frozenset[str]]
"""Dense hits, keyword hits, and the passages that hold the evidence, of one question."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=OPEN_DATA, help="folder of the open sets")
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    encoder = load_encoder()
    with tempfile.TemporaryDirectory() as folder:
        found = development_sets(Path(folder), arguments.data, encoder)
        searched = {development.name: _search(development) for development in found}
    rankings: dict[str, Ranking] = {
        "dense": lambda dense, _: _names(dense),
        "keyword": lambda _, keyword: _names(keyword),
    }
    for weight in (1.0, 1.5, 2.0, 3.0):
        rankings[f"reciprocal rank, keyword x {weight:g}"] = _reciprocal_rank(weight)
        rankings[f"min-max, keyword x {weight:g}"] = _min_max(weight)
    print(f"{'':34}" + "".join(f"{name:>17}" for name in searched) + f"{'mean':>8}")
    figures: dict[str, dict[str, float]] = {}
    for name, rank in rankings.items():
        row = {key: sum(_ndcg(rank(d, k), gold) for d, k, gold in rows) / len(rows) for key, rows in searched.items()}
        figures[name] = {**{key: round(value, 4) for key, value in row.items()}, "mean": sum(row.values()) / len(row)}
        print(f"{name:34}" + "".join(f"{value:17.3f}" for value in row.values()) + f"{figures[name]['mean']:8.3f}")
    if arguments.store:
        store("fusion", "python eval/benchmarks/fusion.py --store", {"nDCG@10": figures})


def _search(development: DevelopmentSet) -> list[Searched]:
    library = development.library
    rows = []
    for question in development.questions:
        if not question.answerable or not development.gold.get(question.id):
            continue
        query = make_standalone(question.text, question.history).text
        gold = frozenset(
            passage.passage_id
            for span in development.gold[question.id]
            for passage in library.passages(span.article_id)
            if passage.start < span.end and span.start < passage.end
        )
        depth = retrieval.CANDIDATES
        rows.append((library.dense(query, depth, SearchFilter()), library.keyword(query, depth, SearchFilter()), gold))
    return rows


def _names(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.passage_id for hit in hits]


def _reciprocal_rank(weight: float) -> Ranking:
    def rank(dense: Sequence[Hit], keyword: Sequence[Hit]) -> list[str]:
        scores: dict[str, float] = {}
        for hits, factor in ((dense, 1.0), (keyword, weight)):
            for hit in hits:
                name = hit.passage.passage_id
                scores[name] = scores.get(name, 0.0) + factor / (60 + hit.rank)
        return sorted(scores, key=lambda name: -scores[name])

    return rank


def _min_max(weight: float) -> Ranking:
    def rank(dense: Sequence[Hit], keyword: Sequence[Hit]) -> list[str]:
        return _names(retrieval.fuse(dense, keyword, keyword_weight=weight))

    return rank


def _ndcg(ranking: Sequence[str], gold: frozenset[str]) -> float:
    gain = sum(1 / math.log2(rank + 2) for rank, name in enumerate(ranking[:10]) if name in gold)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(10, len(gold))))


if __name__ == "__main__":
    main()
