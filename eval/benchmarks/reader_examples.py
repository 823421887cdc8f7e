"""Questions, passages and answers that the reader is trained on, and the passages and questions that have no answer.

A case is a question with a passage that answers it and, for some, one that does not. Those that do not are of five
kinds, since a reader that only ever refuses passages about something else takes every near miss for an answer:

- `mined`: the first passage by BM25 that lacks the answer (from the data);
- `same_article`: another passage of the article that lacks it, one of those that have most of the question's words;
- `deleted`: the passage without the sentences that hold the answer;
- `altered`: the passage as it is, with a question of which a name, number or word was exchanged for another of its
  kind (`near_words.py`), or that was negated
  (as in Rajpurkar et al., "Know What You Don't Know", ACL 2018, https://arxiv.org/abs/1806.03822);
- `given`: marked as such in the data.

Sources and licences are in the README beside the data.
"""

import gzip
import json
import random
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eval.benchmarks.near_words import NearWords
from index.sentences import split_sentences
from rag.features import content_terms

SHARES = {
    "squadshifts_new_wiki": 1.5,
    "tydiqa_goldp_en": 1.7,
    "qed": 2.0,
    "qadiscourse": 0.5,
    "qamr": 0.6,
    "timeqa_human": 1.0,
    "selqa": 0.8,
    "clapnq_train_qa": 1.0,
    "quotesum_dev": 1.0,
    "fairytaleqa": 0.3,
    "covidqa": 0.2,
}
"""How often each question of a set is read in one pass, on average: more where people asked to know and answers are
checked, less where thousands of questions are about few passages."""

NEGATIVES = {"mined": 0.25, "same_article": 0.15, "deleted": 0.18, "altered": 0.3}
"""Share of the cases that are given a negative of each kind, where there is one."""

HELD_BACK = 0.02
"""Share of the articles whose questions are kept for the figures during training."""

TITLED = ("squadshifts_new_wiki", "tydiqa_goldp_en", "qed")
"""Sets whose passages the mined negatives are, with titles."""

SAME_ARTICLE = 4
"""Passages of the same article that a question is given, those that have most of its words."""

MARKED = 0.8
"""Share of a sentence's terms that an answer made of it has."""

IN_PASSAGE = 0.6
"""How often what stands in for a name or word is looked for in the passage first."""

NEAREST = 3
"""Names of the passage that may stand in for another, the nearest ones."""

BM25_OTHERS = 2
"""Other questions' passages that each question of `clapnq_train_qa` is given."""

_NAME = re.compile(r"(?<!^)(?<![.?!]\s)\b[A-Z][\w’'-]+(?:\s+(?:of\s+|the\s+)?[A-Z][\w’'-]+)*")
_NUMBER = re.compile(r"(?<![\w.,])\d{1,4}(?![\w,]|\.\d)")
_WORD = re.compile(r"\b[a-z]{5,}\b")
_AUXILIARY = re.compile(r"\b(did|was|were|is|are|has|had|can|could|will|would|does|do)\b")
_OPPOSITES = {
    one: other
    for pair in (
        "first/last largest/smallest highest/lowest most/least before/after north/south northern/southern east/west "
        "eastern/western oldest/youngest earliest/latest increase/decrease increased/decreased more/fewer "
        "maximum/minimum longest/shortest best/worst above/below male/female father/mother son/daughter "
        "brother/sister husband/wife born/buried winner/loser won/lost began/ended begin/end start/finish "
        "started/finished opened/closed founded/dissolved built/demolished bought/sold joined/left gained/lost "
        "supported/opposed accepted/rejected allowed/forbidden internal/external import/export upper/lower "
        "same/different always/never major/minor majority/minority public/private summer/winter spring/autumn"
    ).split()
    for one, other in (pair.split("/"), reversed(pair.split("/")))
}
_SAID_WITHOUT = frozenset("which where about there their would could should being after before during other".split())


@dataclass(frozen=True, slots=True)
class Text:
    """A passage with its article's title (empty if unknown)."""

    title: str
    passage: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question put to a passage. `spans` are characters of the passage, each an accepted answer; none if it has none.

    `sentences`: the spans are sentences that answer, so that only the sentence is known and not the words of it.
    `ranks_only`: the passage answers, but not where. `kind` is `answer` or one of the kinds of negatives.
    """

    question: str
    text: Text
    spans: tuple[tuple[int, int], ...]
    kind: str
    sentences: bool = False
    ranks_only: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """An example with an answer and what may be put beside it. `group` is what must not be in two parts of the data."""

    source: str
    group: str
    positive: Example
    negatives: tuple[Example, ...] = ()


@dataclass(slots=True)
class Cases:
    """What is trained on, and what is held back."""

    fitted: list[Case] = field(default_factory=list)
    held: list[Case] = field(default_factory=list)


def read_cases(data: Path, without: Sequence[str] = ()) -> Cases:
    """All cases of the training data but for the sets `without`. Raises `FileNotFoundError` if there are none."""
    cases = Cases()
    titles = {row["context"]: _title(row) for source in TITLED for row in _rows(data, source)}
    mined = {
        row["neg_of"]: Text(titles.get(row["context"], ""), row["context"]) for row in _rows(data, "mined_negatives")
    }
    for source in SHARES:
        if source in without:
            continue
        for case in _READERS.get(source, _span_cases)(source, list(_rows(data, source)), mined):
            (cases.held if is_held_back(case.group) else cases.fitted).append(case)
    passages = {case.positive.text.passage for case in cases.held}
    cases.fitted = [
        replace(case, negatives=tuple(one for one in case.negatives if one.text.passage not in passages))
        for case in cases.fitted
        if case.positive.text.passage not in passages
    ]
    return cases


def is_held_back(group: str) -> bool:
    """Whether the questions of an article, by its title or else the passage, are kept from training."""
    return zlib.crc32(group.encode()) % 1000 < HELD_BACK * 1000


def group_of(row: Mapping[str, Any]) -> str:
    """What `is_held_back` is asked for a row with a context."""
    return _title(row) or str(row["context"])


def _rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(data / "train" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _title(row: Mapping[str, Any]) -> str:
    return str(row.get("title") or "").replace("_", " ")


def _span_cases(source: str, rows: Sequence[dict[str, Any]], mined: Mapping[str, Text]) -> Iterator[Case]:
    """Questions with a passage and marked answers. Rows without an answer go to the question that they were made of."""
    by_title: dict[str, list[str]] = defaultdict(list)
    given: dict[str, list[str]] = defaultdict(list)
    answered: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row.get("is_impossible") or not row["answers"]:
            given[row["question"]].append(row["context"])
            continue
        known = answered.setdefault((row["question"], row["context"]), row)
        if known is not row:
            known["answers"] = [*known["answers"], *row["answers"]]
        if _title(row) and row["context"] not in by_title[_title(row)][-50:]:
            by_title[_title(row)].append(row["context"])
    terms = {passage: content_terms(passage) for passages in by_title.values() for passage in passages}
    for row in answered.values():
        title, passage, answers = _title(row), row["context"], row["answers"]
        spans = tuple({(one["answer_start"], one["answer_start"] + len(one["text"])): None for one in answers})
        positive = Example(row["question"], Text(title, passage), spans, "answer")
        words = [one["text"].lower() for one in answers]
        negatives = []
        if row["id"] in mined:
            negatives.append(replace(positive, text=mined[row["id"]], spans=(), kind="mined"))
        others = [one for one in by_title.get(title, ()) if not any(word in one.lower() for word in words)]
        asked = content_terms(row["question"])
        nearest = sorted(others, key=lambda one: -len(asked & terms[one]))[:SAME_ARTICLE]
        negatives += [replace(positive, text=Text(title, one), spans=(), kind="same_article") for one in nearest]
        refused = given.get(row["question"], ())[:2]
        negatives += [replace(positive, text=Text(title, one), spans=(), kind="given") for one in refused]
        yield Case(source, group_of(row), positive, tuple(negatives))


def _sentence_cases(source: str, rows: Sequence[dict[str, Any]], mined: Mapping[str, Text]) -> Iterator[Case]:
    """Questions with the sentences of a section, some of which answer."""
    for row in rows:
        spans, at = [], 0
        for sentence, label in zip(row["sentences"], row["labels"], strict=True):
            if label:
                spans.append((at, at + len(sentence)))
            at += len(sentence) + 1
        if spans:
            text = Text(_title(row), " ".join(row["sentences"]))
            positive = Example(row["question"], text, tuple(spans), "answer", sentences=True)
            yield Case(source, text.title or text.passage, positive)


def _ranked_cases(source: str, rows: Sequence[dict[str, Any]], mined: Mapping[str, Text]) -> Iterator[Case]:
    """Questions with the answer that people wrote or marked, among other questions' answers that BM25 finds. Of some,
    the passage is there as well (behind two colons), and which of its sentences the answer was made of is found."""
    for row in rows:
        parts = [one.partition("::") for one in row["sentences"]]
        texts = [Text("", passage or answer) for answer, _, passage in parts]
        right = [at for at, label in enumerate(row["labels"]) if label]
        if not right:
            continue
        text = texts[right[0]]
        others = [text for text, label in zip(texts, row["labels"], strict=True) if not label][:BM25_OTHERS]
        spans = _marked(text.passage, parts[right[0]][0]) if parts[right[0]][2] else ()
        positive = Example(row["question"], text, spans, "answer", sentences=bool(spans), ranks_only=not spans)
        negatives = tuple(
            replace(positive, text=text, spans=(), kind="given", sentences=False, ranks_only=False) for text in others
        )
        yield Case(source, text.passage, positive, negatives)


def _marked(passage: str, answer: str) -> tuple[tuple[int, int], ...]:
    """The sentences of a passage of whose terms an answer has nearly all."""
    known = content_terms(answer)
    found = []
    for span in split_sentences(passage):
        terms = content_terms(passage[span.start : span.end])
        if terms and len(terms & known) >= MARKED * len(terms):
            found.append((span.start, span.end))
    return tuple(found)


_READERS = {"selqa": _sentence_cases, "clapnq_train_qa": _ranked_cases}


def drawn(
    cases: Sequence[Case], seed: int, near: NearWords, negatives: Mapping[str, float] = NEGATIVES
) -> Iterator[list[Example]]:
    """Cases without end, in an order given by the seed: the example with an answer and those beside it."""
    turn = 0
    while True:
        chosen = []
        for number, case in enumerate(cases):
            share = random.Random(f"{seed} {turn} {number}").random() + SHARES[case.source]
            chosen += [number] * int(share)
        random.Random(f"{seed} {turn}").shuffle(chosen)
        for place, number in enumerate(chosen):
            yield with_negatives(cases[number], random.Random(f"{seed} {turn} {place}"), negatives, near)
        turn += 1


def with_negatives(case: Case, source: random.Random, shares: Mapping[str, float], near: NearWords) -> list[Example]:
    """The example with an answer and none, one or, as the data have them, two without."""
    positive = case.positive
    given = [one for one in case.negatives if one.kind == "given"]
    if given and shares:
        return [positive, *given] if positive.ranks_only else [positive, source.choice(given)]
    by_kind = {kind: [one for one in case.negatives if one.kind == kind] for kind in ("mined", "same_article")}
    kinds = list(shares)
    kind = source.choices([*kinds, ""], [*shares.values(), max(0.0, 1 - sum(shares.values()))])[0]
    found = None
    if by_kind.get(kind):
        found = source.choice(by_kind[kind])
    elif kind == "altered" and not positive.ranks_only:
        found = altered(positive, source, near)
    elif kind and not positive.ranks_only:  # `deleted`, and what stands for a kind that the case has none of
        found = deleted(positive)
    return [positive] if found is None else [positive, found]


def near_words(cases: Sequence[Case], folder: Path) -> NearWords:
    """The words and names of the questions, by the encoder in a folder."""
    questions = {case.positive.question for case in cases}
    return NearWords(
        folder,
        (word for one in questions for word in _WORD.findall(one) if word not in _SAID_WITHOUT),
        (name.group() for one in questions for name in _NAME.finditer(one)),
    )


def deleted(example: Example) -> Example | None:
    """The passage without the sentences of the answer; `None` if less than two are left, or it is still there."""
    passage = example.text.passage
    kept = [
        passage[span.start : span.end]
        for span in split_sentences(passage)
        if not any(start < span.end and end > span.start for start, end in example.spans)
    ]
    left = " ".join(kept)
    if len(kept) < 2 or any(passage[start:end].lower() in left.lower() for start, end in example.spans):
        return None
    return replace(example, text=replace(example.text, passage=left), spans=(), kind="deleted")


def altered(example: Example, source: random.Random, near: NearWords) -> Example | None:
    """The question with one thing exchanged, so that the passage does not answer it; `None` if nothing can be."""
    question, passage = example.question, example.text.passage
    left = dict(ALTERATIONS)
    while left:
        maker = source.choices(list(left), list(left.values()))[0]
        del left[maker]
        found = maker(question, passage, source, near)
        if found is not None and found != question:
            return replace(example, question=found, spans=(), kind="altered")
    return None


def _other_name(question: str, passage: str, source: random.Random, near: NearWords) -> str | None:
    """One of its kind that the passage has, or else one that other questions have."""
    names = [match.group() for match in _NAME.finditer(question)]
    if not names:
        return None
    name = source.choice(names)
    here = sorted({match.group() for match in _NAME.finditer(passage)})
    found = near.of(name, here)[:NEAREST] if source.random() < IN_PASSAGE else []
    found = [one for one in found or near.names(name) if not any(one in other or other in one for other in names)]
    return question.replace(name, source.choice(found)) if found else None


def _other_number(question: str, passage: str, source: random.Random, near: NearWords) -> str | None:
    numbers = [match.group() for match in _NUMBER.finditer(question)]
    if not numbers:
        return None
    one = source.choice(numbers)
    others = sorted({found for found in _NUMBER.findall(passage) if len(found) == len(one)} - {*numbers})
    other = source.choice(others) if others else str(int(one) + source.choice((-7, -3, -1, 1, 2, 5, 10)))
    return re.sub(rf"\b{one}\b", other, question)


def _opposite(question: str, passage: str, source: random.Random, near: NearWords) -> str | None:
    found = [word for word in re.findall(r"\b[a-z]+\b", question) if word in _OPPOSITES]
    if not found:
        return None
    one = source.choice(found)
    return re.sub(rf"\b{one}\b", _OPPOSITES[one], question)


def _other_word(question: str, passage: str, source: random.Random, near: NearWords) -> str | None:
    """A word exchanged for one of its kind, for one that the passage has where there is one and it so falls."""
    found = [word for word in _WORD.findall(question) if word not in _SAID_WITHOUT]
    if not found:
        return None
    word = source.choice(found)
    others = near.words(word)
    known = passage.lower()
    here = [other for other in others if re.search(rf"\b{other}\b", known)] if source.random() < IN_PASSAGE else []
    others = here or [other for other in others if other not in known]
    return re.sub(rf"\b{word}\b", source.choice(others), question) if others else None


def _negated(question: str, passage: str, source: random.Random, near: NearWords) -> str | None:
    found = _AUXILIARY.search(question)
    if found is None:
        return None
    word = found.group()
    denied = {"can": "can't", "will": "won't"}.get(word, f"{word}n't")
    return f"{question[: found.start()]}{denied}{question[found.end() :]}"


ALTERATIONS: Mapping[Callable[[str, str, random.Random, NearWords], str | None], float] = {
    _other_name: 3.0,
    _other_word: 3.0,
    _other_number: 2.0,
    _opposite: 2.0,
    _negated: 0.7,
}
"""Ways to alter a question and how often each is tried first, roughly as people did it in SQuAD 2.0 (Rajpurkar et al.,
table 1)."""
