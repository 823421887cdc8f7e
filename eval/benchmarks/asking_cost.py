"""What a warm `ask` costs at ten thousand articles, stage by stage, beside a plain keyword search.

    python eval/benchmarks/asking_cost.py [--articles 10000] [--questions 200] [--library FOLDER] [--store]

The articles are those of `thousand.py`, some 300 words each. Printed are the milliseconds (p50, p95) of each stage of
`ask` without a language model, of all that comes after the retrieval together, of the retrieval's own parts, and of
BM25 alone as the plain alternative. Every question meets other articles, so what is remembered of the last ones helps
little. Only the first thousand articles are encoded; the passages of the others get the vectors of earlier ones, which
cost a search as much, and what is found is not looked at. `--library` keeps the library for the next time. With
`--store` the figures go to `eval/benchmarks/results/asking_cost.json`.
"""

import argparse
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder, TokenVectors, load_encoder
from index.library import Library
from index.types import Article, Metadata, SearchFilter
from rag.answering import ask
from rag.types import Question
from stored import store
from thousand import SEED, make_article, make_question

ENCODED = 2_000
"""Passages that are really encoded."""

WARM_UP = 5
"""Questions that are asked first and not counted."""
AT_A_TIME = 50


class BorrowingEncoder:
    """An encoder that reads the first `ENCODED` passages and gives the later ones the vectors of those, in turn."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._read: list[TokenVectors] = []
        self._turn = 0
        self.name, self.digest = encoder.name, encoder.digest
        self.dimension, self.max_tokens = encoder.dimension, encoder.max_tokens
        self.precision = encoder.precision

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.count_tokens(texts)

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        if len(self._read) < ENCODED:
            self._read += (read := self._encoder.encode_tokens(texts))
            return read
        return [self._borrowed(text) for text in texts]

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        return enumerate(self.encode_tokens(texts))

    def _borrowed(self, text: str) -> TokenVectors:
        self._turn += 1
        one = self._read[self._turn % len(self._read)]
        return replace(one, starts=np.minimum(one.starts, len(text) - 1), ends=np.minimum(one.ends, len(text)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--library", type=Path, help="folder that keeps the library for the next time")
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    encoder = load_encoder()
    source = random.Random(SEED)
    made = [make_article(number, source) for number in range(arguments.articles)]
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.library or Path(folder) / "library"
        begun = time.perf_counter()
        with Library.open_for_writing(path, BorrowingEncoder(encoder)) as library:
            known = library.count_articles()
            for first in range(known, len(made), AT_A_TIME):
                some = range(first, min(first + AT_A_TIME, len(made)))
                library.put([(made_article(number, made[number][0]), str(number)) for number in some])
                print(f"\r{some[-1] + 1:,} articles", end="", flush=True)
        indexed = time.perf_counter() - begun
        print(f"\rindexed in {indexed / 60:.1f} minutes" if not known else "\rindexed before")
        with Library.open(path, encoder) as library:
            figures = _measure(library, made, arguments.questions)
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            figures |= {"articles": library.count_articles(), "passages": library.count_passages()}
            figures["library MB"] = round(size / 1e6)
    if arguments.store:
        store("asking_cost", "python eval/benchmarks/asking_cost.py --store", figures)


def made_article(number: int, text: str) -> Article:
    day = f"{2024 + number % 2}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    return Article.from_text(text, Metadata(title=text[:40].rsplit(" ", 1)[0], published=day), f"/made/{number}.txt")


def _measure(library: Library, made: list[tuple[str, dict[str, str]]], questions: int) -> dict[str, object]:
    chosen = random.Random(SEED).sample(range(len(made)), questions + WARM_UP)
    stages: dict[str, list[float]] = defaultdict(list)
    for turn, number in enumerate(chosen):
        text = str(make_question(number, "", *made[number])["question"])
        begun = time.perf_counter()
        library.keyword(text, 10, SearchFilter())
        plain = (time.perf_counter() - begun) * 1000
        answer = ask(Question(text), library)
        if turn < WARM_UP:
            continue
        stages["BM25 alone"].append(plain)
        for stage, value in answer.timings_ms.items():
            stages[stage].append(value)
        after = sum(answer.timings_ms.get(stage, 0.0) for stage in ("evidence", "answer"))
        stages["after retrieval"].append(after)
    figures: dict[str, object] = {}
    print(f"{'milliseconds':20}{'p50':>10}{'p95':>10}")
    for stage, values in stages.items():
        low, high = np.quantile(values, [0.5, 0.95])
        figures[stage] = {"p50 ms": round(float(low), 1), "p95 ms": round(float(high), 1)}
        print(f"{stage:20}{low:10.1f}{high:10.1f}")
    return figures


if __name__ == "__main__":
    main()
