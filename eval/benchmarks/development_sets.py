"""The question sets that numbers are chosen on: the project's own and, where they are, open ones.

`tests/sets/seeds_heldout*.jsonl` are not among them, so that they can show what the numbers are worth.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.gold import locate_evidence
from eval.questions import load_questions
from eval.types import ArticleSpan, EvalQuestion
from index.encoder import Encoder
from index.ingest import index_paths
from index.library import Library
from index.types import Article, Metadata, normalise_text

ROOT = Path(__file__).resolve().parents[2]
OPEN_DATA = ROOT.parent / "shared" / "data"
"""Where the open sets are looked for unless a command is told otherwise."""


@dataclass
class DevelopmentSet:
    """Questions, the library that they ask, open until the next set is taken, and where their evidence is in it."""

    name: str
    questions: list[EvalQuestion]
    gold: dict[str, tuple[ArticleSpan, ...]]
    library: Library


def development_sets(folder: Path, data: Path, encoder: Encoder) -> Iterator[DevelopmentSet]:
    """The sets one after the other, their articles indexed below `folder`; open sets that `data` lacks are left out."""
    harbour = ROOT / "tests" / "sets" / "harbour"
    own = {
        "seeds": (ROOT / "seeds", ROOT / "seeds" / "questions.jsonl"),
        "seeds-oblique": (ROOT / "seeds", ROOT / "tests" / "sets" / "seeds_oblique.jsonl"),
        "harbour": (harbour / "articles", harbour / "questions.jsonl"),
        "harbour-oblique": (harbour / "articles", harbour / "questions_oblique.jsonl"),
    }
    for name, (articles, questions) in own.items():
        with Library.open_for_writing(folder / name, encoder) as library:
            index_paths(library, [str(articles)])
            loaded = load_questions(questions)
            gold = {key: found.spans for key, found in locate_evidence(loaded, library, questions).items()}
            yield DevelopmentSet(name, loaded, gold, library)
    for name, file in (("xquad", "xquad_en.json"), ("squad2", "squad2_sample.json")):
        if not (data / file).is_file():
            print(f"{name} is left out: there is no {file} in {data}", file=sys.stderr)
            continue
        with Library.open_for_writing(folder / name, encoder) as library:
            loaded, gold = _squad(json.loads((data / file).read_text(encoding="utf-8")), library)
            yield DevelopmentSet(name, loaded, gold, library)


def _squad(document: dict[str, Any], library: Library) -> tuple[list[EvalQuestion], dict[str, tuple[ArticleSpan, ...]]]:
    """The questions of a SQuAD file; each paragraph is an article of the library."""
    questions, gold, articles = [], {}, []
    for position, topic in enumerate(document["data"]):
        for number, paragraph in enumerate(topic["paragraphs"]):
            title = topic["title"].replace("_", " ")
            text = normalise_text(paragraph["context"])
            article = Article.from_text(text, Metadata(title=title), f"{position}/{number}")
            articles.append((article, ""))
            for asked in paragraph["qas"]:
                answerable = not asked.get("is_impossible", False)
                answers = asked["answers"] if answerable else []
                questions.append(
                    EvalQuestion(
                        asked["id"], asked["question"], tuple(a["text"] for a in answers), answerable=answerable
                    )
                )
                gold[asked["id"]] = tuple(
                    ArticleSpan(article.article_id, a["answer_start"], a["answer_start"] + len(a["text"]))
                    for a in answers
                )
    for start in range(0, len(articles), 64):
        library.put(articles[start : start + 64])
    return questions, gold
