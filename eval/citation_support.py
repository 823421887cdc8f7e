"""ALCE's citation recall and precision (Gao et al. 2023, section 3) with any judge of what words support.

Worked by hand, with a judge that wants every letter of the statement in the evidence:

    statement  citations             recall  precise citations
    "ab"       [1] "a", [2] "b"      1       both: alone neither carries it, and what is left without it does not either
    "ab"       [3] "ab", [4] "c"     1       [3]; not [4], which carries nothing where [3] is enough
    "d"        [5] "ab"              0       none: a statement that is not supported has no precise citation
    "e"        none                  0       there is none

Recall is 2 of 4 statements, precision 3 of 5 citations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from index.dates import format_published
from index.sentences import split_sentences
from rag.likeness import Likeness
from rag.statement_check import choose_sentences
from rag.support import Judgement, judge
from rag.words import words_of

TITLE_LABEL = "Title: "
"""What the first line of the evidence begins with, as in ALCE's own evaluation."""

MAX_ABOUT_CHARACTERS = 120
"""Most characters of a line that gives source and date."""

SENTENCES_READ = 12
"""Most sentences that are compared with a statement as they are: those of three or four citations."""


class Checker(Protocol):
    """Decides whether evidence supports a statement; `name` stands in reports."""

    @property
    def name(self) -> str: ...

    def supports(self, evidence: Sequence[str], statement: str) -> bool:
        """Whether the texts of the evidence, taken together, support the statement."""
        ...


@dataclass(frozen=True, slots=True)
class CitationSupport:
    """Citation recall and precision of one answer, in 0..1; higher is better."""

    recall: float
    precision: float


class RuleChecker:
    """The check of `rag.support` by words alone: deterministic, without a model, and stricter than a person.

    It misses paraphrases, so its recall is a lower bound.
    """

    name = "rules"

    def supports(self, evidence: Sequence[str], statement: str) -> bool:
        """True if `rag.support.judge` calls the statement `verbatim` or `supported`.

        Of long evidence the sentences that carry the statement are looked at, as they are when an answer is made.
        """
        return judge_texts(statement, evidence).support in ("verbatim", "supported")


def judge_texts(statement: str, evidence: Sequence[str], likeness: Likeness | None = None) -> Judgement:
    """What `rag.support.judge` says of a statement and whole texts, of which it is shown the sentences that count."""
    words = words_of(statement)
    known: set[str] = set()
    texts: list[str] = []
    for text in evidence:
        about, own = _parted(text)
        known |= words_of(about).terms | words_of(about).numbers
        texts += [own[span.start : span.end] for span in split_sentences(own)]
    sentences = [words_of(text) for text in texts]
    if len(sentences) > SENTENCES_READ:
        chosen = choose_sentences(words, sentences)
        sentences, texts = [sentences[index] for index in chosen], [texts[index] for index in chosen]
    return judge(words, sentences, known=frozenset(known), likeness=likeness, texts=(statement, texts))


def _parted(text: str) -> tuple[str, str]:
    """The lines about an article that `evidence_text` puts in front, and the text behind them."""
    if not text.startswith(TITLE_LABEL):
        return "", text
    title, _, rest = text.removeprefix(TITLE_LABEL).partition("\n")
    second, _, behind = rest.partition("\n")
    is_about = bool(behind) and len(second) <= MAX_ABOUT_CHARACTERS and second[-1:] not in '.!?"”'
    return (f"{title}. {second}", behind) if is_about else (title, rest)


def score_support(document: Mapping[str, Any], checker: Checker) -> CitationSupport | None:
    """Citation recall and precision of an `ask --json` document; `None` for a refusal or an answer without statements.

    A statement has recall 1 if its citations together support it, 0 without citations. Of its citations one is precise
    if the statement has recall 1, unless the citation is superfluous: it does not support the statement alone, and the
    others do without it. Recall is the mean over the statements, precision the share of precise ones among all
    citations, 0 if there are none. A number without an entry supports nothing.
    """
    if document["refused"] or not document["statements"]:
        return None
    texts = {citation["number"]: evidence_text(citation) for citation in document["citations"]}
    supported = precise = cited = 0
    for statement in document["statements"]:
        numbers = list(dict.fromkeys(statement["citations"]))
        cited += len(numbers)
        evidence = [texts[number] for number in numbers if number in texts]
        if not evidence or len(evidence) < len(numbers) or not checker.supports(evidence, statement["text"]):
            continue
        supported += 1
        precise += sum(
            not _is_superfluous(place, evidence, statement["text"], checker) for place in range(len(evidence))
        )
    return CitationSupport(recall=supported / len(document["statements"]), precision=precise / cited if cited else 0.0)


def evidence_text(citation: Mapping[str, Any]) -> str:
    """What a checker is given for a citation: a line with the title, one with source and date, and the cited words.

    ALCE's passages carry their title too; source and date are what an attributed statement says besides.
    """
    published = citation["published"]
    about = [citation["source"], format_published(published) if published else None]
    lines = [f"{TITLE_LABEL}{citation['title']}", ", ".join(part for part in about if part), citation["cited_text"]]
    return "\n".join(line for line in lines if line)


def _is_superfluous(place: int, evidence: Sequence[str], statement: str, checker: Checker) -> bool:
    """True if the evidence at the place does not support the statement alone, and the rest does without it."""
    if len(evidence) == 1 or checker.supports([evidence[place]], statement):
        return False
    return checker.supports([*evidence[:place], *evidence[place + 1 :]], statement)
