"""What indexing costs from a hundred to a hundred thousand articles, beside sentence-transformers with a flat index.

    python eval/benchmarks/ingest.py [--sizes 100,300,1000] [--repeat 3] [--store]
    python eval/benchmarks/ingest.py --sizes 100,300,1000,10000,100000 --borrow-from 10000 --store

Each size and repetition is a process of its own, those of a size in turns. The articles are those of
`made_articles.py`, in one JSON Lines file. Printed for each size:

- seconds: from `index_paths` to the closed library, that is reading, splitting, encoding, storing and writing the
  search files, without imports, making the articles and loading the encoder;
- articles, passages, tokens a second; tokens are the encoder's own of all that it is given, the context of each passage
  too, and none that it would cut off;
- encoding: the share of those seconds in which the encoder was at work (at least one thread inside it);
- peak memory of the process and its children, and the size of the library.

The plain alternative in the same run reads the same passages from a file, encodes them with sentence-transformers'
`encode` as it comes, adds them to a FAISS `IndexFlatIP` and writes that: no splitting, no keywords, no metadata, no
updates.

From `--borrow-from` articles on, only the first 2,000 passages are encoded and the others are given vectors made of
those (`encoders.py`), on both sides, because real ones would take hours and cost the storage nothing else. Such rows
are marked `borrowed`; the seconds that real encoding would add are extrapolated from the largest size that was encoded.
The costs are drawn to `results/ingest.svg` and `results/ingest_memory.svg` with `--store`.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eval.benchmarks.encoders import BorrowingEncoder, WatchedEncoder, weights_folder
from eval.benchmarks.growth_plot import growth_plot, slope
from eval.benchmarks.made_articles import made_articles, write_jsonl
from eval.benchmarks.processes import folder_mb, give_result, measured
from eval.text_table import titled
from index.encoder import load_encoder
from index.ingest import index_paths
from index.library import Library
from index.passages import encoder_input
from stored import ROOT, store

BORROW_FROM = 10_000
TOKENS_AT_A_TIME = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", default="100,300,1000", help="numbers of articles")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each size; those with borrowed vectors run once")
    parser.add_argument("--borrow-from", type=int, default=BORROW_FROM, metavar="ARTICLES")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain alternative out")
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        role, articles, folder, borrowed = arguments.child
        (_ours if role == "ours" else _plain)(Path(articles), Path(folder), borrowed == "borrowed")
        return
    sizes = sorted(int(size) for size in arguments.sizes.split(","))
    rows: list[dict[str, Any]] = []
    for size in sizes:
        is_borrowed = size >= arguments.borrow_from
        rows.append(_size(size, 1 if is_borrowed else arguments.repeat, is_borrowed, not arguments.no_plain))
        print(_line(rows[-1]), flush=True)
    _extrapolate(rows)
    growth = _growth(rows)
    print("\n" + _table(rows))
    for name, power in growth.items():
        print(f"{name:24} articles to the power of {power:.2f}")
    if arguments.store:
        _draw(rows)
        command = f"python eval/benchmarks/ingest.py --sizes {arguments.sizes} --repeat {arguments.repeat}"
        command += f" --borrow-from {arguments.borrow_from} --store"
        store("ingest", command, {"sizes": rows, "growth as a power of the articles": growth})


def _size(articles: int, repeat: int, is_borrowed: bool, with_plain: bool) -> dict[str, Any]:
    """Medians of a size's runs, ours and the plain ones in turns."""
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "articles.jsonl"
        write_jsonl(file, made_articles(articles))
        for turn in range(repeat):
            for role in ("ours", "plain") if with_plain else ("ours",):
                folder = Path(name) / f"{role}{turn}"
                folder.mkdir()
                texts = file if role == "ours" else Path(name) / "ours0" / "passages.jsonl"
                kind = "borrowed" if is_borrowed else "encoded"
                command = [sys.executable, __file__, "--child", role, str(texts), str(folder), kind]
                run = measured(command)
                found[role].append({**run.result, "peak MB": round(run.peak_mb), "process s": round(run.seconds, 2)})
    row: dict[str, Any] = {"articles": articles, "vectors": "borrowed" if is_borrowed else "encoded"}
    for role, runs in found.items():
        if runs:
            row[role] = {key: round(statistics.median(run[key] for run in runs), 4) for key in runs[0]}
            row[role]["seconds of each run"] = [run["seconds"] for run in runs]
    ours = row["ours"]
    row["a second"] = {key: round(ours[key] / ours["seconds"], 1) for key in ("articles", "passages", "tokens")}
    if "plain" in row:
        row["plain seconds / ours"] = round(row["plain"]["seconds"] / ours["seconds"], 2)
    return row


def _ours(articles: Path, folder: Path, is_borrowed: bool) -> None:
    """Indexes a file of articles into a new library and says what it took; the first of a size also leaves its passages
    in a file, for the plain alternative."""
    encoder = load_encoder()
    encoder.encode(["So much that PyTorch is loaded, as it is in the plain alternative."] * 1_000)
    watched = WatchedEncoder(BorrowingEncoder(encoder) if is_borrowed else encoder)
    begun = time.perf_counter()
    with Library.open_for_writing(folder / "library", watched) as library:
        report = index_paths(library, [str(articles)])
        indexed = time.perf_counter()
    closed = time.perf_counter()
    if report.failed:
        raise SystemExit(f"{len(report.failed)} articles failed: {report.failed[0].reason}")
    passages = tokens = 0
    counter = BorrowingEncoder(encoder)
    with Library.open(folder / "library", encoder) as library, (folder / "passages.jsonl").open("w") as file:
        summaries = library.articles()
        for first in range(0, len(summaries), TOKENS_AT_A_TIME):
            some = summaries[first : first + TOKENS_AT_A_TIME]
            texts = [encoder_input(passage) for one in some for passage in library.passages(one.article_id)]
            passages += len(texts)
            tokens += sum(min(count, encoder.max_tokens) for count in counter.count_tokens(texts))
            if folder.name.endswith("0"):
                file.writelines(json.dumps(text) + "\n" for text in texts)
    seconds = closed - begun
    give_result(
        {
            "seconds": round(seconds, 3),
            "search files s": round(closed - indexed, 3),
            "encoding s": round(watched.busy_seconds(), 3),
            "encoding share": round(watched.busy_seconds() / seconds, 4),
            "counting tokens s": round(watched.busy_seconds("counting"), 3),
            "articles": len(summaries),
            "passages": passages,
            "tokens": tokens,
            "library MB": round(folder_mb(folder / "library"), 1),
        }
    )


def _plain(passages: Path, folder: Path, is_borrowed: bool) -> None:
    """sentence-transformers as it comes, and a flat index."""
    import faiss
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(weights_folder()), local_files_only=True)
    model.encode(["The first text takes longer than the others."])
    borrowing = BorrowingEncoder(load_encoder()) if is_borrowed else None
    begun = time.perf_counter()
    texts = [json.loads(line) for line in passages.open()]
    start = time.perf_counter()
    if borrowing is None:
        vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    else:
        vectors = borrowing.encode(texts)
    encoding = time.perf_counter() - start
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / "plain.faiss"))
    (folder / "texts.json").write_text(json.dumps(texts))
    seconds = time.perf_counter() - begun
    give_result(
        {
            "seconds": round(seconds, 3),
            "encoding s": round(encoding, 3),
            "encoding share": round(encoding / seconds, 4),
            "passages": len(texts),
        }
    )


def _extrapolate(rows: list[dict[str, Any]]) -> None:
    """Adds to borrowed rows the seconds that real encoding would take, by the largest size that was encoded."""
    encoded = [row for row in rows if row["vectors"] == "encoded"]
    if not encoded:
        return
    largest = encoded[-1]
    for row in rows:
        if row["vectors"] == "borrowed":
            rate = largest["ours"]["tokens"] / largest["ours"]["encoding s"]
            rest = row["ours"]["seconds"] - row["ours"]["encoding s"]
            encoding = row["ours"]["tokens"] / rate
            row["extrapolated"] = {
                "encoding s": round(encoding),
                "all else s, one after the other": round(rest, 1),
                "encoding share, at least": round(encoding / (encoding + rest), 4),
            }


def _growth(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The power of the number of articles that each cost grows with."""
    if len(rows) < 2:
        return {}
    kept = {
        "all but encoding": [(row["articles"], row["ours"]["seconds"] - row["ours"]["encoding s"]) for row in rows],
        "seconds at closing": [(row["articles"], row["ours"]["search files s"]) for row in rows],
        "memory": [(row["articles"], row["ours"]["peak MB"]) for row in rows],
    }
    return {name: round(slope(points), 2) for name, points in kept.items()}


def _line(row: dict[str, Any]) -> str:
    ours, plain = row["ours"], row.get("plain", {})
    beside = f", plain {plain['seconds']:.1f} s" if plain else ""
    return f"{row['articles']:,} articles ({row['vectors']}): {ours['seconds']:.1f} s{beside}"


def _table(rows: list[dict[str, Any]]) -> str:
    header = "articles vectors s passages/s tokens/s encoding peak library plain plain/ours plain-peak".split()
    header = [name.replace("peak", "peak MB").replace("library", "library MB") for name in header]
    lines = []
    for row in rows:
        ours, plain = row["ours"], row.get("plain", {})
        lines.append(
            [
                f"{row['articles']:,}",
                row["vectors"],
                f"{ours['seconds']:.1f}",
                f"{row['a second']['passages']:,.0f}",
                f"{row['a second']['tokens']:,.0f}",
                f"{ours['encoding share']:.0%}",
                f"{ours['peak MB']:,.0f}",
                f"{ours['library MB']:,.0f}",
                f"{plain['seconds']:.1f}" if plain else "-",
                f"{row['plain seconds / ours']:.2f}" if plain else "-",
                f"{plain['peak MB']:,.0f}" if plain else "-",
            ]
        )
        if "extrapolated" in row:
            more = row["extrapolated"]
            print(
                f"{row['articles']:,} articles: real encoding would take about {more['encoding s'] / 60:,.0f} minutes "
                f"(extrapolated), all else {more['all else s, one after the other'] / 60:.1f}: at least "
                f"{more['encoding share, at least']:.1%} of it is encoding"
            )
    return titled(header, lines)


def _draw(rows: list[dict[str, Any]]) -> None:
    results = ROOT / "eval" / "benchmarks" / "results"
    encoded = [row for row in rows if row["vectors"] == "encoded"]
    with_plain = [row for row in rows if "plain" in row]
    growth_plot(
        results / "ingest.svg",
        "Seconds of indexing by the number of articles",
        "articles",
        "seconds ↓",
        {
            "whole, vectors encoded": [(row["articles"], row["ours"]["seconds"]) for row in encoded],
            "all but encoding": [(row["articles"], row["ours"]["seconds"] - row["ours"]["encoding s"]) for row in rows],
            "search files at closing": [(row["articles"], row["ours"]["search files s"]) for row in rows],
            "plain, vectors encoded": [(r["articles"], r["plain"]["seconds"]) for r in encoded if "plain" in r],
        },
        expected="A slope of one is in proportion. Lower is better.",
    )
    growth_plot(
        results / "ingest_memory.svg",
        "Peak memory of indexing by the number of articles",
        "articles",
        "MB ↓",
        {
            "Dateline": [(row["articles"], row["ours"]["peak MB"]) for row in rows],
            "plain": [(row["articles"], row["plain"]["peak MB"]) for row in with_plain],
        },
        expected="A flat line is a bounded memory. Lower is better.",
    )


if __name__ == "__main__":
    main()
