"""A thousand questions over a thousand articles on the extractive system: time, memory, and the harness's own share.

    python eval/benchmarks/thousand.py [--articles 1000] [--questions 1000] [--no-baselines] [--store]

The articles are made up: reports of invented town councils, about 300 words each, every one with people, sums and dates
of its own, so that each question has one right answer; one question in five asks for something that no article says.
Printed are the minutes of indexing and asking, the largest resident memory, the figures of quality (made-up text is
easy: they only show that the run is a real one), and where the time went. The plain alternative is the same process
asking the same questions in a loop and keeping nothing: its time is what the run books as `system`, and the harness's
share is all that is neither the system nor a baseline. With `--store` the figures go to
`eval/benchmarks/results/thousand.json` with the commit and the command.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eval.benchmarks.made_names import ENDS, FAMILY, GIVEN, STARTS
from eval.question_sets import load_set
from eval.report import report_text, write_report
from eval.runner import RunOptions, run_set
from index.encoder import load_encoder
from index.ingest import index_paths
from index.library import Library
from stored import store

UNANSWERABLE_EVERY = 5
SEED = 11

_WORKS = (
    "footbridge library tram-line market-hall swimming-pool flood-wall water-tower museum harbour-light school".split()
)
_REASONS = (
    "the old one had been closed since the winter storms",
    "the county had offered to pay a third of it",
    "two engineers had called the present state dangerous",
    "more than half of the residents had asked for it in a survey",
    "the neighbouring towns had refused to share theirs",
)
_MONTHS = "January February March April May June July August September October November December".split()


def make_article(number: int, random_source: random.Random) -> tuple[str, dict[str, str]]:
    """The text of one article, and what it says by the name of each fact."""
    town = f"{STARTS[number % 24]}{ENDS[number // 24 % 18]}{'' if number < 432 else f' {STARTS[number // 432]}'}"
    mayor, critic, builder = (
        f"{random_source.choice(GIVEN)} {random_source.choice(FAMILY)}{ending}" for ending in ("", "sen", "mann")
    )
    work = random_source.choice(_WORKS).replace("-", " ")
    fact = {
        "town": town,
        "work": work,
        "mayor": mayor,
        "critic": critic,
        "builder": f"{builder} and Sons",
        "cost": f"{random_source.randint(12, 990) / 10:.1f} million crowns",
        "votes": f"{random_source.randint(11, 29)} to {random_source.randint(2, 10)}",
        "opening": f"{random_source.randint(1, 28)} {random_source.choice(_MONTHS)} 2026",
        "jobs": f"{random_source.randint(31, 890)}",
    }
    reason, other = random_source.sample(_REASONS, 2)
    text = (
        f"{town.upper()}, {random_source.randint(1, 28)} {random_source.choice(_MONTHS)} 2025 - The council of {town} "
        f"has voted {fact['votes']} to build a new {work}, ending an argument that had gone on for several years.\n\n"
        f"The {work} will cost {fact['cost']}, according to the budget that the council of {town} published after the "
        f"meeting. The town treasurer said that the money would come from reserves and not from a new tax.\n\n"
        f'"We have waited long enough," said {mayor}, the mayor of {town}, who had put the plan forward because '
        f'{reason}. "This is what people here asked of us, and it is what they are going to get."\n\n'
        f'{critic}, who leads the opposition in {town}, called the decision a mistake. "The sum will not be enough, '
        f'and everybody in the room knew it," {critic} told reporters. The opposition had '
        f"asked for a smaller plan, on the ground that {other}.\n\n"
        f"The contract in {town} went to {fact['builder']}, a firm that has worked for the county before. It expects "
        f"to employ {fact['jobs']} people on the site in {town}. Work begins once the frost is over, and the {work} "
        f"is to open on {fact['opening']}. A committee of residents will follow the work and report to the "
        f"council every three months, as the rules of the county require. The council meets again in four weeks; on "
        f"its agenda are the fees of the market and the repair of the road to the station.\n"
    )
    return text, fact


def make_question(number: int, name: str, text: str, fact: dict[str, str]) -> dict[str, Any]:
    """One line of the question set about an article."""
    town, work = fact["town"], fact["work"]
    if number % UNANSWERABLE_EVERY == UNANSWERABLE_EVERY - 1:
        asked = f"What did the bishop of {town} say about the airport?"
        return {"id": f"q{number}", "question": asked, "answerable": False, "type": "unanswerable"}
    kinds = (
        ("cost", f"How much will the new {work} in {town} cost?", fact["cost"]),
        ("builder", f"Which firm got the contract in {town}?", fact["builder"]),
        ("mayor", f"Who is the mayor of {town}?", fact["mayor"]),
        ("opening", f"When is the {work} in {town} to open?", fact["opening"]),
        ("votes", f"By how many votes did the council of {town} decide to build the {work}?", fact["votes"]),
        ("jobs", f"How many people will be employed on the site in {town}?", fact["jobs"]),
    )
    kind, asked, answer = kinds[number % len(kinds)]
    quote = next(line for line in text.split("\n\n") if answer in line)
    evidence = [{"article": name, "quote": quote.strip()}]
    return {"id": f"q{number}", "question": asked, "answers": [answer], "evidence": evidence, "type": kind}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--articles", type=int, default=1_000)
    parser.add_argument("--questions", type=int, default=1_000)
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    source = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "articles").mkdir()
        lines = []
        for number in range(arguments.articles):
            text, fact = make_article(number, source)
            (folder / "articles" / f"{number:04}.txt").write_text(text, encoding="utf-8")
            if number < arguments.questions:
                lines.append(json.dumps(make_question(number, f"{number:04}.txt", text, fact)))
        (folder / "set.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        encoder = load_encoder()
        encoder.encode(["The first text takes longer than the others."])
        begun = time.perf_counter()
        with Library.open_for_writing(folder / "library", encoder) as library:
            index_paths(library, [str(folder / "articles")])
        indexed = time.perf_counter()
        with Library.open(folder / "library", encoder) as library:
            report = run_set(
                load_set([folder / "set.jsonl"]),
                library,
                options=RunOptions(baselines=not arguments.no_baselines),
                out=folder / "run",
                on_progress=lambda done, total: print(f"\r{done}/{total}", end="", file=sys.stderr),
            )
        asked = time.perf_counter()
        write_report(report, folder / "run")
        reported = time.perf_counter()
        size = sum(file.stat().st_size for file in (folder / "run").iterdir())
    run_seconds, report_seconds = asked - indexed, reported - asked
    outside = report.seconds["system"] + report.seconds.get("baselines", 0.0)
    harness = run_seconds + report_seconds - outside
    figures = {
        "articles": arguments.articles,
        "questions": len(report.results),
        "baselines": not arguments.no_baselines,
        "index minutes": round((indexed - begun) / 60, 2),
        "run minutes": round(run_seconds / 60, 2),
        "report seconds": round(report_seconds, 2),
        "seconds in the system": round(report.seconds["system"], 1),
        "seconds in baselines": round(report.seconds.get("baselines", 0.0), 1),
        "seconds in the harness": round(harness, 1),
        "harness share of the whole": round(harness / (run_seconds + report_seconds), 4),
        "harness against the plain loop": round(harness / report.seconds["system"], 4),
        "peak resident MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "run folder MB": round(size / 1e6, 1),
        "failures": len(report.failures),
    }
    print("\n" + report_text(report))
    for label, value in figures.items():
        print(f"{label:34}{value}")
    if arguments.store:
        flags = " --no-baselines" if arguments.no_baselines else ""
        store("thousand", f"python eval/benchmarks/thousand.py{flags} --store", figures)


if __name__ == "__main__":
    main()
