"""Warm retrieval by stage at ten thousand, a hundred thousand and a million passages, beside a plain hybrid search.

    python eval/benchmarks/queries.py [--sizes 10000,100000,1000000] [--folder /tmp/dateline-bench] [--store]

The libraries are made once and kept in `--folder` (`made_library.py`: made-up articles through the real storage, their
vectors borrowed with noise, because encoding a million passages would take days; the questions are really encoded). A
million passages need 16 GB there and some tens of minutes. Each size is measured in processes of its own:

- from disk: the whole for the first questions, when nothing of the database is in the system's cache;
- stages, after the database was read once, so that what fits is in that cache: milliseconds (p50, p95) of
  `rag.retrieval.retrieve` for five passages, questions that differ; first the parts that one after the other make up
  the whole, then what is inside them. A part that this version of Dateline does not have under its name is left out;
- filters: the whole for filters by date and by source that let 50%, 10%, 1% and .1% of the articles through;
- recall@10: of the ten nearest passages by exact cosine, among all or among those that the filter lets through, the
  share that `Library.dense` finds;
- memory while serving: resident, split into the process's own and pages of files.

The plain alternative in the same run: sentence-transformers for the question, FAISS `IndexFlatIP` in memory, tantivy
over the same passages, reciprocal rank fusion of the best 50 of both, and the five texts. It has no filters, no closer
look at passages, and loses everything that changes. Borrowed vectors are the nearest to questions by chance and not by
what the texts say, so that the two searches agree on fewer passages than in real collections, and more passages are
looked at closely; the cost is an upper one.
"""

import argparse
import importlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.benchmarks.encoders import number_of, weights_folder
from eval.benchmarks.growth_plot import growth_plot
from eval.benchmarks.made_articles import DAYS, FIRST_DAY, SOURCES
from eval.benchmarks.made_library import MadeLibrary, made_library, opened, questions
from eval.benchmarks.processes import give_result, measured, memory_now, quantiles
from eval.text_table import titled
from index.encoder import load_encoder
from index.library import Library
from index.passages import encoder_input
from index.store import DATABASE_NAME
from index.types import SearchFilter
from rag.retrieval import retrieve
from stored import ROOT, store

K = 5
RECALL_AT = 10
WARM_UP = 10
FROM_DISK = 40
"""Questions that are asked before anything of the database is in the system's cache, and not counted as warm."""
BYTES_AT_A_TIME = 2**24
DEPTH = 50
RANK_CONSTANT = 60
"""Of reciprocal rank fusion: 1 / (60 + rank)."""
ROWS_AT_A_TIME = 100_000

AIMS = {10_000: 15.0, 100_000: 25.0, 1_000_000: 50.0}
"""Milliseconds that the p95 of the whole retrieval should stay under, by passages."""

PARTS = {
    "the two searches": ("index.library", "Library", "dense_and_keyword"),
    "closer look": ("index.library", "Library", "match_sentences"),
    "scores of articles": ("index.library", "Library", "article_scores"),
    "fusion": ("rag.retrieval", "", "fuse"),
}
"""Parts of a retrieval, one after the other: module, class, name."""

INSIDE = {
    "  encode the question": (("index.token_reader", "TokenReader", "of_question"),),
    "  vectors": (("index.vectors", "VectorIndex", "search"),),
    "  keywords, beside them": (("index.keywords", "KeywordIndex", "search"),),
    "  fetch passages": (("index.store", "Store", "passages"),),
    "  fetch tokens": (("index.store", "Store", "tokens_in_rows"),),
    "  score again": (("index.search_files", "SearchFiles", "_read"),),
    "  filter": (("index.search_files", "SearchFiles", "matching"),),
}
"""What happens inside of those."""

SHARES = (0.5, 0.1, 0.01, 0.001)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of passages")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/dateline-bench"))
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        role, size, asked = arguments.child
        made = opened(arguments.folder / size, int(size))
        if made is None:
            made_library(arguments.folder / size, int(size))
        elif role != "make":
            {"exact": _exact, "ours": _ours, "plain": _plain}[role](made, questions(int(asked), made.articles))
        return
    load = [round(value, 1) for value in os.getloadavg()]
    rows = []
    for size in sorted(int(size) for size in arguments.sizes.split(",")):
        rows.append(_size(size, arguments.folder, arguments.questions))
        print(_report(rows[-1]), flush=True)
    if arguments.store:
        _draw(rows)
        command = f"python eval/benchmarks/queries.py --sizes {arguments.sizes} --questions {arguments.questions}"
        store("queries", f"{command} --store", {"load before": load, "aims in ms": AIMS, "sizes": rows})


def _size(size: int, folder: Path, asked: int) -> dict[str, Any]:
    """The figures of one size."""

    def child(role: str) -> Any:
        command = [sys.executable, __file__, "--folder", str(folder), "--child", role, str(size), str(asked)]
        return measured(command).result

    if opened(folder / str(size), size) is None:
        print(f"making a library of {size:,} passages in {folder / str(size)}", flush=True)
    child("make")
    child("exact")
    made = json.loads((folder / str(size) / "complete.json").read_text())
    about = {key: made[key] for key in ("articles", "passages", "library MB", "put s", "search files s")}
    return {"size": size, **about, "ours": child("ours"), "plain": child("plain")}


def _filters() -> dict[str, SearchFilter]:
    """A filter by date and one by source for each share of the articles."""
    found = {"none": SearchFilter()}
    by_share = {share: source for source, share in SOURCES.items()}
    for share in SHARES:
        last = FIRST_DAY + timedelta(days=round(DAYS * share) - 1)
        found[f"dates, {share:.1%}"] = SearchFilter(date_from=FIRST_DAY, date_to=last)
        found[f"source, {share:.1%}"] = SearchFilter(sources=frozenset({by_share[share]}))
    return found


def _exact(made: MadeLibrary, asked: list[str]) -> None:
    """Writes the numbers of the texts of the nearest passages of each question, within each filter."""
    arrays, vectors = made.arrays(), made.vectors()
    encoded = load_encoder().encode(asked)
    nearest: dict[str, list[NDArray[np.uint64]]] = {}
    masks = {name: _mask(one, arrays)[arrays["article"]] for name, one in _filters().items()}
    scores: dict[str, NDArray[np.float32]] = {}
    places: dict[str, NDArray[np.int64]] = {}
    for name in masks:
        scores[name] = np.full((len(asked), RECALL_AT), -2, dtype=np.float32)
        places[name] = np.full((len(asked), RECALL_AT), -1, dtype=np.int64)
    for first in range(0, len(vectors), ROWS_AT_A_TIME):
        part = encoded @ np.asarray(vectors[first : first + ROWS_AT_A_TIME]).T
        for name, mask in masks.items():
            inside = np.flatnonzero(mask[first : first + ROWS_AT_A_TIME])
            both = np.concatenate([scores[name], part[:, inside]], axis=1)
            where = np.concatenate([places[name], np.broadcast_to(inside + first, (len(asked), len(inside)))], axis=1)
            best = np.argpartition(-both, RECALL_AT - 1, axis=1)[:, :RECALL_AT]
            scores[name] = np.take_along_axis(both, best, axis=1)
            places[name] = np.take_along_axis(where, best, axis=1)
    for name, found in places.items():
        nearest[name] = [arrays["text"][row[row >= 0]] for row in found]
    kept = {name: [[str(number) for number in row] for row in rows] for name, rows in nearest.items()}
    (made.folder / "exact.json").write_text(json.dumps({"questions": asked, "nearest": kept}))


def _mask(search_filter: SearchFilter, arrays: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Which articles a filter lets through."""
    first = (search_filter.date_from or date.min).toordinal()
    last = (search_filter.date_to or date.max).toordinal()
    inside = (arrays["day"] >= first) & (arrays["day"] <= last)
    if search_filter.sources:
        inside &= np.isin(arrays["source"], list(search_filter.sources))
    return inside


def _ours(made: MadeLibrary, asked: list[str]) -> None:
    """Serves the questions and gives stages, filters, recall and memory."""
    encoder = load_encoder()
    encoder.encode_tokens(["The first text takes longer than the others."])
    memory = {"with the encoder": memory_now()}
    filters = _filters()
    _forget(made.library / DATABASE_NAME)
    with Library.open(made.library, encoder) as library:
        begun = time.perf_counter()
        _search(library, asked[0], SearchFilter())
        first = time.perf_counter() - begun
        memory["after the first question"] = memory_now()
        from_disk = quantiles([_search(library, question, SearchFilter()) for question in asked[1:FROM_DISK]])
        _read(made.library / DATABASE_NAME)
        counted = asked[FROM_DISK:]
        stages = _stages(library, counted)
        memory["after all questions"] = memory_now()
        by_filter = {}
        for name, one in filters.items():
            if name != "none":
                by_filter[name] = quantiles([_search(library, question, one) for question in counted[::4]])
        memory["after all filters"] = memory_now()
        recall = _recall(library, made, filters)
    give_result(
        {
            "first question s": round(first, 2),
            "from disk": from_disk,
            "stages": stages,
            "filters": by_filter,
            f"recall@{RECALL_AT}": recall,
            "memory": memory,
        }
    )


def _forget(path: Path) -> None:
    """Has the system drop what its cache has of a file, where it can be told to."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read(path: Path) -> None:
    """Reads a file from its beginning to its end."""
    with path.open("rb") as file:
        while file.read(BYTES_AT_A_TIME):
            pass


def _search(library: Library, question: str, search_filter: SearchFilter) -> float:
    """Milliseconds of one retrieval."""
    begun = time.perf_counter()
    retrieve(library, question, k=K, search_filter=search_filter)
    return (time.perf_counter() - begun) * 1000


def _stages(library: Library, asked: list[str]) -> dict[str, dict[str, float]]:
    """Quantiles of each part over the questions, of all that is none of them, and of the whole."""
    hooks = {name: (place,) for name, place in PARTS.items()} | INSIDE
    times: dict[str, list[float]] = defaultdict(list)
    with _timed(hooks) as spent:
        known = sorted(spent, key=list(hooks).index)
        for question in asked:
            for name in known:
                spent[name] = 0.0
            whole = _search(library, question, SearchFilter())
            parts = sum(spent[name] for name in known if name in PARTS)
            for name in known:
                times[name].append(spent[name])
            times["all else"].append(whole - parts)
            times["whole"].append(whole)
    return {name: quantiles(values) for name, values in times.items()}


@contextmanager
def _timed(hooks: dict[str, tuple[tuple[str, str, str], ...]]) -> Iterator[dict[str, float]]:
    """Milliseconds spent in functions, by stage, while it is open; stages that are not there are left out."""
    spent: dict[str, float] = {}
    undo: list[tuple[Any, str, Any]] = []
    for stage, places in hooks.items():
        for module_name, class_name, name in places:
            try:
                owner = importlib.import_module(module_name)
                owner = getattr(owner, class_name) if class_name else owner
                function = getattr(owner, name)
            except (ImportError, AttributeError):
                continue
            spent[stage] = 0.0
            undo.append((owner, name, function))
            setattr(owner, name, _clocked(function, spent, stage))
    try:
        yield spent
    finally:
        for owner, name, function in undo:
            setattr(owner, name, function)


def _clocked(function: Callable[..., Any], spent: dict[str, float], stage: str) -> Callable[..., Any]:
    def clocked(*arguments: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent[stage] += (time.perf_counter() - begun) * 1000

    return clocked


def _recall(library: Library, made: MadeLibrary, filters: dict[str, SearchFilter]) -> dict[str, float | None]:
    """By filter, the share of the exactly nearest passages that are found, over all questions; `None` where the filter
    lets nothing through."""
    exact = json.loads((made.folder / "exact.json").read_text())
    shares: dict[str, float | None] = {}
    for name, one in filters.items():
        found = wanted = 0
        for question, nearest in zip(exact["questions"], exact["nearest"][name], strict=True):
            hits = library.dense(question, RECALL_AT, one)
            numbers = {number_of(encoder_input(hit.passage)) for hit in hits}
            found += len(numbers & set(map(int, nearest)))
            wanted += len(nearest)
        shares[name] = round(found / wanted, 4) if wanted else None
    return shares


def _plain(made: MadeLibrary, asked: list[str]) -> None:
    """A flat index in memory, tantivy, and reciprocal rank fusion."""
    import faiss
    from sentence_transformers import SentenceTransformer
    from tantivy import Index

    model = SentenceTransformer(str(weights_folder()), local_files_only=True)
    model.encode(["warm"])
    before = memory_now()
    vectors = faiss.IndexFlatIP(made.dimension)
    stored = made.vectors()
    for first in range(0, len(stored), ROWS_AT_A_TIME):
        vectors.add(np.ascontiguousarray(stored[first : first + ROWS_AT_A_TIME]))
    keywords = Index.open(str(made.folder / "plain_keywords"))
    searcher = keywords.searcher()
    times: dict[str, list[float]] = defaultdict(list)
    for turn, question in enumerate(asked):
        marks = [time.perf_counter()]
        vector = model.encode([question], normalize_embeddings=True)
        marks.append(time.perf_counter())
        _, dense = vectors.search(vector, DEPTH)
        marks.append(time.perf_counter())
        words = "".join(sign if sign.isalnum() else " " for sign in question)
        hits = searcher.search(keywords.parse_query(words, ["text"]), DEPTH).hits
        sparse = {searcher.doc(address)["number"][0]: rank for rank, (_, address) in enumerate(hits, start=1)}
        marks.append(time.perf_counter())
        fused: dict[int, float] = defaultdict(float)
        for ranks in ({int(row): rank for rank, row in enumerate(dense[0], start=1)}, sparse):
            for row, rank in ranks.items():
                fused[row] += 1 / (RANK_CONSTANT + rank)
        sorted(fused, key=lambda row: -fused[row])[:K]
        marks.append(time.perf_counter())
        if turn >= WARM_UP:
            names = ("encode the question", "vectors", "keywords", "fusion")
            for name, start, end in zip(names, marks, marks[1:], strict=False):
                times[name].append((end - start) * 1000)
            times["whole"].append((marks[-1] - marks[0]) * 1000)
    stages = {name: quantiles(values) for name, values in times.items()}
    give_result({"stages": stages, "memory": {"with the encoder": before, "after all questions": memory_now()}})


def _report(row: dict[str, Any]) -> str:
    ours, plain = row["ours"], row["plain"]
    lines = [f"\n{row['passages']:,} passages of {row['articles']:,} articles, {row['library MB']:,} MB"]
    table = [[name, f"{one['p50 ms']:.2f}", f"{one['p95 ms']:.2f}"] for name, one in ours["stages"].items()]
    recall = {name: "-" if found is None else f"{found:.3f}" for name, found in ours[f"recall@{RECALL_AT}"].items()}
    lines.append(titled(["milliseconds", "p50", "p95"], table))
    beside = [[name, f"{one['p50 ms']:.2f}", f"{one['p95 ms']:.2f}"] for name, one in plain["stages"].items()]
    lines.append(titled(["plain", "p50", "p95"], beside))
    table = [["none", *(f"{ours['stages']['whole'][key]:.2f}" for key in ("p50 ms", "p95 ms")), recall["none"]]]
    for name, one in ours["filters"].items():
        table.append([name, f"{one['p50 ms']:.2f}", f"{one['p95 ms']:.2f}", recall[name]])
    lines.append(titled(["filter", "p50", "p95", f"recall@{RECALL_AT}"], table))
    table = []
    for system, found in (("Dateline", ours["memory"]), ("plain", plain["memory"])):
        table += [[f"{system} {when}", *(f"{value:,}" for value in one.values())] for when, one in found.items()]
    lines.append(titled(["memory, MB", "resident", "anonymous", "of files"], table))
    lines.append(
        f"first question {ours['first question s']:.2f} s; from disk p50 {ours['from disk']['p50 ms']:.1f} ms, p95 "
        f"{ours['from disk']['p95 ms']:.1f}"
    )
    aim = AIMS.get(row["size"])
    if aim is not None:
        reached = ours["stages"]["whole"]["p95 ms"]
        lines.append(f"p95 {reached:.1f} ms, aim {aim:.0f}: {'reached' if reached <= aim else 'missed'}")
    return "\n".join(lines)


def _draw(rows: list[dict[str, Any]]) -> None:
    results = ROOT / "eval" / "benchmarks" / "results"

    def by_size(system: str, stage: str) -> list[tuple[float, float]]:
        return [(row["passages"], row[system]["stages"].get(stage, {"p95 ms": 0.0})["p95 ms"]) for row in rows]

    growth_plot(
        results / "queries.svg",
        "Warm retrieval by the number of passages",
        "passages",
        "p95 in ms ↓",
        {
            "Dateline, whole": by_size("ours", "whole"),
            "the two searches": by_size("ours", "the two searches"),
            "closer look": by_size("ours", "closer look"),
            "plain, whole": by_size("plain", "whole"),
        },
        expected="Lower is better.",
    )
    growth_plot(
        results / "queries_memory.svg",
        "Memory while serving by the number of passages",
        "passages",
        "resident MB ↓",
        {
            "Dateline": [(r["passages"], r["ours"]["memory"]["after all questions"]["resident MB"]) for r in rows],
            "Dateline, its own": [
                (r["passages"], r["ours"]["memory"]["after all questions"]["anonymous MB"]) for r in rows
            ],
            "plain": [(r["passages"], r["plain"]["memory"]["after all questions"]["resident MB"]) for r in rows],
        },
        expected="Lower is better.",
    )


if __name__ == "__main__":
    main()
