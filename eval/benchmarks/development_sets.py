"""The question sets that numbers are chosen on: the project's own and, where they are, open ones.

`eval/sets/sample_articles.jsonl` and `tests/sets/seeds_heldout_oblique.jsonl` are not among them, so that they can show
what the numbers are worth.
"""

import json
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.collections import open_collection
from eval.gold import locate_evidence
from eval.question_sets import load_set
from eval.types import ArticleSpan, EvalQuestion
from index.encoder import Encoder
from index.library import Library
from index.types import normalise_text

REPORTED = ("xquad", "squad2", "clapnq", "cranfield")
"""Open sets that figures are reported on: no number is fitted on them."""

FITTED = ("training", "seeds", "seeds-oblique", "harbour", "harbour-oblique")
"""Sets that numbers are fitted on."""

ROOT = Path(__file__).resolve().parents[2]
OPEN_DATA = ROOT.parent / "shared" / "data"
"""Where the open sets are looked for unless a command is told otherwise."""


@dataclass
class DevelopmentSet:
    """Questions, the library that they ask, open until the next set is taken, and where their evidence is in it.

    `homes` is the article of the passage that each question was put to, also where it does not hold the answer.
    """

    name: str
    questions: list[EvalQuestion]
    gold: dict[str, tuple[ArticleSpan, ...]]
    library: Library
    homes: dict[str, str]


def development_sets(
    folder: Path, data: Path, encoder: Encoder, names: Collection[str] | None = None, *, reader: bool = False
) -> Iterator[DevelopmentSet]:
    """The sets one after the other, or those of the given names, their articles indexed below `folder`.

    Open sets that `data` lacks are left out, with a line that says so. With `reader`, the training set has only what
    the reader was not trained on.
    """
    from training_set import write_training_set

    folder.mkdir(parents=True, exist_ok=True)
    harbour = ROOT / "tests" / "sets" / "harbour"
    own = {
        "seeds": (ROOT / "seeds" / "questions.jsonl", [ROOT / "seeds"]),
        "seeds-oblique": (ROOT / "tests" / "sets" / "seeds_oblique.jsonl", [ROOT / "seeds"]),
        "harbour": (harbour / "questions.jsonl", [harbour / "articles"]),
        "harbour-oblique": (harbour / "questions_oblique.jsonl", [harbour / "articles"]),
        "xquad": (data / "xquad_en.json", []),
        "squad2": (data / "squad2_sample.json", []),
        "clapnq": (data / "clapnq_answerable.jsonl", []),
        "cranfield": (data / "cranfield", []),
        "training": (write_training_set(folder, data, held_back=reader) or data / "train", []),
    }
    for name, (path, articles) in own.items():
        if names is not None and name not in names:
            continue
        if not path.exists() or path == data / "train":
            print(f"{name} is left out: there is no {path.name} in {path.parent}", file=sys.stderr)
            continue
        question_set = load_set([path, path.with_name("clapnq_unanswerable.jsonl")] if name == "clapnq" else [path])
        with open_collection(articles or question_set, encoder, cache=folder) as library:
            gold = {key: found.spans for key, found in locate_evidence(question_set, library).items()}
            homes = _homes(path, library) if name in ("squad2", "clapnq") else {}
            yield DevelopmentSet(name, list(question_set.questions), gold, library, homes)


def _homes(path: Path, library: Library) -> dict[str, str]:
    """The article that each question of a SQuAD or CLAP NQ file was put to, found by its text."""
    texts: dict[str, str] = {}
    if path.suffix == ".json":
        for topic in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for paragraph in topic["paragraphs"]:
                texts |= {asked["id"]: paragraph["context"] for asked in paragraph["qas"]}
    else:
        for file in (path, path.with_name("clapnq_unanswerable.jsonl")):
            for record in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
                texts[record["id"]] = " ".join(record["passages"][0]["sentences"])
    known = {_squeezed(library.article(one.article_id).text): one.article_id for one in library.articles()}
    return {name: known[_squeezed(text)] for name, text in texts.items() if _squeezed(text) in known}


def _squeezed(text: str) -> str:
    return "".join(normalise_text(text).split())
