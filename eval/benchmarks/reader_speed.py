"""What the reader adds to a question: passages read together with it, warm, beside the plain alternative.

    python eval/benchmarks/reader_speed.py [--passages 20] [--questions 40] [--store]

The questions and articles are those of the sample and the harbour collection; the passages are the first of the
product's fusion (a question of ten passages reads ten and, where they are not among those that answers are made of, a
few more). Read by the reader in PyTorch (in `fp32` and, where this processor gains from it, in `bf16`), by the reader
in a process without PyTorch, and, as the plain alternative, by a transformers model of the same size with the same
weights of its layers, all padded to one batch. The times of one question follow each other, so that all have the same
machine. With `--store` the figures go to `eval/benchmarks/results/reader_speed.json`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np

from development_sets import ROOT, development_sets
from index.encoder import default_folder, load_encoder
from index.precision import VARIABLE, precision_of_processor
from index.types import SearchFilter
from rag.followups import make_standalone
from rag.reader import OwnReader
from rag.reading import Text
from rag.retrieval import rank_passages
from stored import store

NAMES = ("seeds", "harbour")
NO_FILTER = SearchFilter()

CHILD = """
import json, sys, time
from rag.reader import OwnReader
from rag.reading import Text
reader = OwnReader()
reader.read("What?", [Text("", "A first text.")])
print("ready", flush=True)
for line in sys.stdin:
    question, texts = json.loads(line)
    texts = [Text(*one) for one in texts]
    started = time.perf_counter()
    reader.read(question, texts)
    assert "torch" not in sys.modules
    print(time.perf_counter() - started, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--passages", type=int, default=20)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    asked: list[tuple[str, list[Text]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for development in development_sets(Path(folder), Path("none"), load_encoder(), NAMES):
            for question in development.questions:
                text = make_standalone(question.text, question.history).text
                hits = rank_passages(development.library, text, k=10, search_filter=NO_FILTER)[: arguments.passages]
                asked.append((text, [Text.of(hit) for hit in hits]))
    asked = [one for one in asked if len(one[1]) == arguments.passages]
    asked = asked[:: max(1, len(asked) // arguments.questions)][: arguments.questions]
    times = _times(asked)
    pieces = [sum(len(text.text) + len(text.context) for text in texts) for _, texts in asked]
    figures: dict[str, object] = {
        "questions": len(asked),
        "passages": arguments.passages,
        "characters of them": round(float(np.mean(pieces))),
    }
    for name, seconds in times.items():
        p50, p95 = (round(float(np.quantile(seconds, share)) * 1000) for share in (0.5, 0.95))
        ratio = round(float(np.median(np.array(times["plain"]) / np.array(seconds))), 2)
        figures[name] = {"p50 ms": p50, "p95 ms": p95, "times as fast as plain": ratio}
        print(f"{name:32} p50 {p50:6} ms   p95 {p95:6} ms   {ratio} times as fast as plain")
    if arguments.store:
        store("reader_speed", "python eval/benchmarks/reader_speed.py --store", figures)


def _times(asked: Sequence[tuple[str, list[Text]]]) -> dict[str, list[float]]:
    import torch  # noqa: F401, so that the reader here uses it

    readers = {f"reader, PyTorch, {kind}": _reader(kind) for kind in sorted({"fp32", precision_of_processor()})}
    times: dict[str, list[float]] = {name: [] for name in (*readers, "reader, NumPy", "plain")}
    plain = _Plain()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    plain.read(*asked[0])
    for question, texts in asked:
        for name, reader in readers.items():
            started = time.perf_counter()
            reader.read(question, texts)
            times[name].append(time.perf_counter() - started)
        child.stdin.write(json.dumps([question, [[text.context, text.text] for text in texts]]) + "\n")
        child.stdin.flush()
        times["reader, NumPy"].append(float(child.stdout.readline()))
        started = time.perf_counter()
        plain.read(question, texts)
        times["plain"].append(time.perf_counter() - started)
    child.stdin.close()
    child.wait()
    return times


def _reader(precision: str) -> OwnReader:
    """One that works in PyTorch in that precision, which is settled when it first reads."""
    reader = OwnReader()
    with patch.dict(os.environ, {VARIABLE: precision}):
        reader.read("What?", [Text("", "A first text.")])
    return reader


class _Plain:
    """A model of the size of the reader as transformers runs it."""

    def __init__(self) -> None:
        from transformers import AutoTokenizer, BertForQuestionAnswering

        self._tokenizer = AutoTokenizer.from_pretrained(default_folder(), local_files_only=True)
        self._model = BertForQuestionAnswering.from_pretrained(default_folder(), local_files_only=True).eval()

    def read(self, question: str, texts: Sequence[Text]) -> None:
        import torch

        inputs = self._tokenizer(
            [question] * len(texts),
            [f"{text.context} {text.text}" for text in texts],
            truncation="only_second",
            max_length=384,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            self._model(**inputs)


if __name__ == "__main__":
    main()
