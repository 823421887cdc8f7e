"""Indexing, asking and changing beside LlamaIndex, LangChain with FAISS and txtai, with the same encoder and texts.

    python eval/benchmarks/peers_install.py
    python eval/benchmarks/peers.py [--articles 300] [--repeat 3] [--store]

The others run in an environment of their own (`--environment`) with the same PyTorch and the same weights on the same
files, each with its own reader and splitter, set to chunks about as long as Dateline's passages, and its usual settings
(`peer_systems.py`). Every system and repetition is a process of its own; those of one round follow each other, and each
round begins with another. Passages and tokens are counted by the encoder's tokenizer in what each system has encoded,
to the 254 word pieces that it reads; LlamaIndex puts the path of the file before each chunk, Dateline the title.
Printed, as medians over the rounds:

- ingest: seconds inside the process from the files to what is kept on disk, after imports and with the model loaded;
- process: the same as a whole process, with imports and model, that does nothing else;
- question p50 and p95: warm, five passages; Dateline's search is hybrid with a closer look at 100 passages, txtai's is
  hybrid, the others' are by vectors alone;
- change: one edited article until it is stored; the others are told which file it is, Dateline looks for it;
- reload: opening what is kept and the first answer, in a new process with the model loaded, without and with imports;
- peak memory of the ingest process and its children.

The ratio is that of the fastest of the three to Dateline in each round, by seconds and by seconds a token.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from eval.benchmarks.made_articles import made_articles, write_files
from eval.benchmarks.peer_systems import CHUNK_TOKENS, OVERLAP_TOKENS, SYSTEMS, WARM_UP
from eval.benchmarks.peers_install import DEFAULT_ENVIRONMENT, PACKAGES, installed_versions, python_of
from eval.benchmarks.processes import folder_mb, measured, quantiles
from eval.text_table import titled
from stored import ROOT, store

QUESTIONS = 100

Runs = dict[str, list[dict[str, Any]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="some of: %(default)s")
    parser.add_argument("--environment", type=Path, default=DEFAULT_ENVIRONMENT)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    names = arguments.systems.split(",")
    versions = installed_versions(arguments.environment)
    if set(names) - {"Dateline"} and not versions:
        raise SystemExit("The others are not installed; run: python eval/benchmarks/peers_install.py")
    load = [round(value, 1) for value in os.getloadavg()]
    runs: Runs = {name: [] for name in names}
    for turn in range(arguments.repeat):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            python = sys.executable if name == "Dateline" else str(python_of(arguments.environment))
            runs[name].append(_run(name, python, arguments.articles))
            last = runs[name][-1]
            print(f"round {turn + 1}, {name}: {last['ingest s']:.1f} s, {last['tokens']:,} tokens", flush=True)
    figures = {name: _medians(found) for name, found in runs.items()}
    ratios = _ratios(runs)
    print("\n" + _table(figures))
    for name, ratio in ratios.items():
        print(f"{name}: {ratio}")
    if arguments.store:
        command = f"python eval/benchmarks/peers.py --articles {arguments.articles} --repeat {arguments.repeat} --store"
        chunks = {"tokens": CHUNK_TOKENS, "overlap": OVERLAP_TOKENS}
        kept = {name: versions[name] for name in ("torch", "sentence-transformers", "transformers", *PACKAGES)}
        about = {"articles": arguments.articles, "load before": load, "chunks": chunks, "versions": kept}
        store("peers", command, {**about, "systems": figures, "ratios": ratios})


def _run(name: str, python: str, articles: int) -> dict[str, Any]:
    """One system's figures: the whole path with questions and a change, a process that only ingests, and a reload."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, kept = Path(scratch) / "articles", Path(scratch) / "kept"
        made = list(made_articles(articles))
        write_files(folder, made)
        asked = Path(scratch) / "questions.json"
        # No question twice: what is remembered of one would make it look fast.
        some = made[:: max(1, len(made) // (QUESTIONS + WARM_UP))][: QUESTIONS + WARM_UP]
        asked.write_text(json.dumps([one.question for one in some]))
        offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
        if name != "Dateline":
            offline["PYTHONPATH"] = ""
        script = str(ROOT / "eval" / "benchmarks" / "peer_systems.py")

        def go(action: str) -> Any:
            command = [python, script, name, action, str(folder), str(kept), str(asked)]
            return measured(command, environment=offline, folder=Path(scratch))

        only = go("ingest")
        reloaded = go("reload").result
        size = folder_mb(kept)
        shutil.rmtree(kept)
        whole = go("all").result
    return {
        **whole,
        "ingest s": statistics.fmean([only.result["ingest s"], whole["ingest s"]]),
        "process s": only.seconds,
        "peak MB": only.peak_mb,
        "reload s": reloaded["open s"] + reloaded["first question s"],
        "reload with imports s": sum(reloaded.values()),
        "kept MB": size,
    }


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0] if key != "question ms"
    }
    figures["question"] = quantiles([value for run in runs for value in run["question ms"]])
    figures["ingest s of each round"] = [round(run["ingest s"], 2) for run in runs]
    return figures


def _ratios(runs: Runs) -> dict[str, Any]:
    """How many times as long the fastest of the others takes as Dateline, round by round; the median first."""
    others = [found for name, found in runs.items() if name != "Dateline"]
    if not others or "Dateline" not in runs:
        return {}
    rounds = list(zip(runs["Dateline"], *others, strict=True))
    by_key = {
        "ingest, fastest of the others / Dateline": [
            min(one["ingest s"] for one in rest) / ours["ingest s"] for ours, *rest in rounds
        ],
        "the same by seconds a token": [
            min(one["ingest s"] / one["tokens"] for one in rest) / (ours["ingest s"] / ours["tokens"])
            for ours, *rest in rounds
        ],
        "whole process, fastest of the others / Dateline": [
            min(one["process s"] for one in rest) / ours["process s"] for ours, *rest in rounds
        ],
    }
    return {
        name: {"median": round(statistics.median(found), 2), "rounds": [round(one, 2) for one in found]}
        for name, found in by_key.items()
    }


def _table(figures: dict[str, dict[str, Any]]) -> str:
    header = ["system", "ingest s", "passages", "tokens", "tokens/s", "process s", "p50 ms", "p95 ms", "change s"]
    header += ["reload s", "+ imports", "peak MB", "kept MB"]
    rows = [
        [
            name,
            f"{one['ingest s']:.2f}",
            f"{one['passages']:,.0f}",
            f"{one['tokens']:,.0f}",
            f"{one['tokens'] / one['ingest s']:,.0f}",
            f"{one['process s']:.1f}",
            f"{one['question']['p50 ms']:.1f}",
            f"{one['question']['p95 ms']:.1f}",
            f"{one['change s']:.2f}",
            f"{one['reload s']:.2f}",
            f"{one['reload with imports s']:.1f}",
            f"{one['peak MB']:,.0f}",
            f"{one['kept MB']:.1f}",
        ]
        for name, one in figures.items()
    ]
    return titled(header, rows)


if __name__ == "__main__":
    main()
