"""Do statements with one thing altered pass for supported, and how many faithful ones do?

    python eval/benchmarks/altered.py

The sets are in `tests/sets/altered`: invented passages of news, with faithful statements as a language model might
write them and statements in which one number, date, name, negation, hedge, quotation or speaker was altered. The rules
were written with `development` in sight and mended with `second`; nobody read `blind` before the figures were taken.

Each statement goes through `rag.citations.cite_answer` with its passage as the only one, as the answer of a model
would. Beside it stand two baselines: the share of the statement's words in the best sentence of the passage, from 0.5
on and from 0.8 on. A statement passes if it comes out `verbatim` or `supported`.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from eval.claims import sentence_overlap
from eval.statistics import rate_of
from eval.types import Figure
from index.encoder import load_encoder
from index.sentences import split_sentences
from index.types import Article, Hit, Metadata, Passage, normalise_text
from rag.citations import cite_answer
from rag.likeness import encoder_likeness
from rag.statement_check import EncoderChecker, StatementChecker, WordChecker
from stored import store

SETS = Path(__file__).parents[2] / "tests" / "sets" / "altered"
NAMES = ("development", "second", "blind")
OVERLAPS = (0.5, 0.8)

Passes = Callable[[str, str], bool]
"""A passage and a statement → whether the statement passes for supported."""


def checked_by(checker: StatementChecker) -> Passes:
    def passes(passage: str, statement: str) -> bool:
        labels = labels_of(passage, statement, checker)
        return bool(labels) and set(labels) <= {"verbatim", "supported"}

    return passes


def labels_of(passage: str, statement: str, checker: StatementChecker | None = None) -> list[str]:
    """The labels of a statement, one for each sentence of it, with the passage as the only one that is cited."""
    article = Article.from_text(normalise_text(passage), Metadata(title="News"), "news.txt")
    hit = Hit(Passage(f"{article.article_id}:0", article.article_id, 0, len(article.text), article.text, ""), 1, 1.0)
    cited = cite_answer(f"{statement} [1]", [hit], {article.article_id: article}, checker)
    return [one.support for one in cited.statements]


def overlaps(least: float) -> Passes:
    def passes(passage: str, statement: str) -> bool:
        sentences = [passage[span.start : span.end] for span in split_sentences(passage)]
        return sentence_overlap(statement, sentences) >= least

    return passes


def measure(name: str, systems: Mapping[str, Passes]) -> dict[str, object]:
    lines = [json.loads(line) for line in (SETS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    kinds = Counter(line["kind"] for line in lines)
    found: dict[str, object] = {"statements": dict(kinds)}
    for system, passes in systems.items():
        passed = Counter(line["kind"] for line in lines if passes(line["passage"], line["statement"]))
        altered = sum(count for kind, count in passed.items() if kind != "true")
        of_altered, of_true = rate_of(altered, len(lines) - kinds["true"]), rate_of(passed["true"], kinds["true"])
        found[system] = {
            "altered_that_pass": of_altered.as_json(),
            "faithful_that_pass": of_true.as_json(),
            "passed_by_kind": dict(passed),
        }
        print(f"{name:12} {system:18} altered {altered:3} of {of_altered.n} {shown(of_altered)}", end="   ")
        print(f"faithful {passed['true']:2} of {of_true.n} {shown(of_true)}   {dict(passed)}")
    return found


def shown(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def main() -> None:
    systems: dict[str, Passes] = {
        "words and encoder": checked_by(EncoderChecker(encoder_likeness(load_encoder()))),
        "words": checked_by(WordChecker()),
        **{f"overlap {least}": overlaps(least) for least in OVERLAPS},
        "always": lambda passage, statement: True,
    }
    figures = {name: measure(name, systems) for name in NAMES}
    store("altered", "python eval/benchmarks/altered.py", figures)


if __name__ == "__main__":
    main()
