"""One edited article among ten thousand: what it costs to bring a library up to date, beside indexing it all again.

    python eval/benchmarks/one_change.py [--articles 10000] [--repeat 5] [--folder /tmp/dateline-bench] [--store]

The articles are files of `made_articles.py`, in folders of a thousand, and are indexed once with borrowed vectors
(`encoders.py`: the first 2,000 passages are really encoded), which a library cannot tell from its encoder's own. Each
repetition edits another file and then measures, always with the real encoder:

- the command `dateline index FOLDER` as a whole process, which finds the edited file among all by itself;
- the same when nothing was edited, and the command with the one file named;
- inside a process that has the encoder loaded: `index_paths` on the folder and closing the library, and on the file;
- opening the library again and finding a word that only the edited article has: the change must be seen.

Beside it, in the same run: indexing all of it again, extrapolated from `index_paths` with the real encoder over the
first articles (`--sample`), because all of them would take most of an hour; and the plain alternative, which encodes
the one article with sentence-transformers and builds and writes a FAISS `IndexFlatIP` of all vectors anew.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eval.benchmarks.encoders import BorrowingEncoder, weights_folder
from eval.benchmarks.made_articles import made_article, made_articles, unique_word, write_files
from eval.text_table import aligned
from index.encoder import Encoder, load_encoder
from index.ingest import index_paths
from index.library import Library
from index.passages import encoder_input
from index.types import SearchFilter
from stored import ROOT, store

SHARE = 1 / 1_000
"""Aim: the change takes at most this share of indexing everything again, plus the start of a process."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--sample", type=int, default=200, help="articles that are really encoded for the extrapolation"
    )
    parser.add_argument("--folder", type=Path, default=Path("/tmp/dateline-bench"))
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    load = [round(value, 1) for value in os.getloadavg()]
    encoder = load_encoder()
    kept = arguments.folder / f"files-{arguments.articles}"
    _make(kept, arguments.articles, encoder)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        # Edited are copies, so that the library that was made can be used again.
        folder, library = kept / "articles", Path(name) / "library"
        shutil.copytree(kept / "library", library)
        figures = _measure(folder, library, encoder, arguments.repeat)
        figures["plain: encode one, build and write the flat index"] = _plain(library, encoder, arguments.repeat)
        for number in range(arguments.repeat * 4):
            write_files(folder, [made_article(number)], metadata=False)
        again, tokens = _again(arguments.articles, arguments.sample, encoder, Path(name))
    start = figures["process: nothing edited"]
    rows = [[label, f"{seconds:.3f} s", f"{seconds / again:.5f}"] for label, seconds in figures.items()]
    rows.append([f"all again, extrapolated from {arguments.sample} articles", f"{again:.0f} s", "1"])
    print("\n".join(aligned([["", "median", "share of all again"], *rows])))
    inside = figures["inside: edited, folder named"]
    share = inside / again
    print(f"inside a process {share:.5f} of indexing all again: {'at most' if share <= SHARE else 'more than'} {SHARE}")
    beyond = figures["process: edited, folder named"] - start
    print(f"the command takes {beyond:.2f} s longer than when nothing was edited, with loading the encoder")
    if arguments.store:
        command = f"python eval/benchmarks/one_change.py --articles {arguments.articles} --repeat {arguments.repeat}"
        about: dict[str, Any] = {"articles": arguments.articles, "load before": load, "tokens of all": tokens}
        seconds = {label: round(value, 4) for label, value in figures.items()}
        again_of = {"all again, extrapolated s": round(again), "of articles really encoded": arguments.sample}
        store("one_change", f"{command} --store", {**about, "seconds": seconds, **again_of, "share": round(share, 6)})


def _make(kept: Path, count: int, encoder: Encoder) -> None:
    """The files and the library of them, unless they are there from before."""
    if (kept / "complete").is_file():
        return
    shutil.rmtree(kept, ignore_errors=True)
    (kept / "articles").mkdir(parents=True)
    write_files(kept / "articles", made_articles(count))
    begun = time.perf_counter()
    with Library.open_for_writing(
        kept / "library", BorrowingEncoder(encoder, cache=kept.parent / "encoded-files.npz")
    ) as library:
        report = index_paths(library, [str(kept / "articles")])
    if report.added != count:
        raise SystemExit(f"{report.added} of {count} articles were added: {report.failed[:3]}")
    print(f"indexed {count:,} files with borrowed vectors in {time.perf_counter() - begun:.0f} s")
    (kept / "complete").write_text("")


def _measure(folder: Path, library: Path, encoder: Encoder, repeat: int) -> dict[str, float]:
    """Medians of the seconds of each way."""
    dateline = [str(Path(sys.executable).with_name("dateline")), "--library", str(library), "index"]

    def process(path: Path) -> None:
        done = subprocess.run([*dateline, str(path)], capture_output=True, text=True, env=_environment(), cwd=ROOT)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)

    def inside(path: Path) -> None:
        with Library.open_for_writing(library, encoder) as opened:
            index_paths(opened, [str(path)])

    seconds: dict[str, list[float]] = {}
    process(folder)
    for turn in range(repeat):
        for number, (label, change) in enumerate(
            (
                ("process: edited, folder named", lambda _: process(folder)),
                ("process: edited, file named", process),
                ("inside: edited, folder named", lambda _: inside(folder)),
                ("inside: edited, file named", inside),
            )
        ):
            word = unique_word(90_000_000 + turn * 10 + number)
            _time(seconds, label, _edited(folder, turn * 4 + number, word, change))
            _time(seconds, "first search that sees it", lambda word=word: _seen(library, encoder, word))
        _time(seconds, "process: nothing edited", lambda: process(folder))
        _time(seconds, "inside: nothing edited", lambda: inside(folder))
    return {label: statistics.median(values) for label, values in seconds.items()}


def _edited(folder: Path, number: int, word: str, change: Callable[[Path], None]) -> Callable[[], None]:
    """Edits the file of an article now; what brings the library up to date is to be timed."""
    (path,) = write_files(folder, [made_article(number)], metadata=False)
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\nThe {word} was opened after the {made_article(number).word}.\n", encoding="utf-8")
    return lambda: change(path)


def _seen(library: Path, encoder: Encoder, word: str) -> None:
    with Library.open(library, encoder) as opened:
        hits = opened.keyword(word, 5, SearchFilter())
        dense = opened.dense(f"The {word} was opened", 5, SearchFilter())
    if len({hit.passage.article_id for hit in hits}) != 1 or not dense:
        raise SystemExit(f"the word {word!r} of the edited article is found {len(hits)} times")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _time(seconds: dict[str, list[float]], label: str, work: Callable[[], None]) -> None:
    begun = time.perf_counter()
    work()
    seconds.setdefault(label, []).append(time.perf_counter() - begun)


def _again(count: int, sample: int, encoder: Encoder, scratch: Path) -> tuple[float, int]:
    """Seconds that indexing everything would take, by the seconds a token of the first articles, and all tokens."""
    some = scratch / "sample"
    write_files(some, made_articles(sample))
    begun = time.perf_counter()
    with Library.open_for_writing(scratch / "sample-library", encoder) as library:
        index_paths(library, [str(some)])
    seconds = time.perf_counter() - begun
    counter = BorrowingEncoder(encoder)
    lengths = counter.count_tokens([one.text for one in made_articles(count)])
    return seconds * sum(lengths) / sum(lengths[:sample]), sum(lengths)


def _plain(library: Path, encoder: Encoder, repeat: int) -> float:
    """Median seconds of the plain alternative, with the vectors of all passages at hand."""
    import faiss
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(weights_folder()), local_files_only=True)
    with Library.open(library, encoder) as opened:
        passages = opened.count_passages()
        texts = [encoder_input(one) for one in opened.passages(opened.articles()[0].article_id)]
    vectors = np.random.default_rng(1).standard_normal((passages, encoder.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    model.encode(texts)
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        vectors[: len(texts)] = model.encode(texts, normalize_embeddings=True)
        index = faiss.IndexFlatIP(encoder.dimension)
        index.add(vectors)
        faiss.write_index(index, str(library.parent / "plain.faiss"))
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    main()
