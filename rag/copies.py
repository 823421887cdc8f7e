"""Syndicated copies: passages of other articles that repeat one already found, and where the same words stand in them.

An agency's report stands in many papers, with another headline or dateline, a word edited, a sentence cut. Such copies
are one voice: only the best-ranked is an answer's evidence, the others are named as having the same words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from index.types import Article, Hit, Span

SHINGLE_WORDS = 5
"""Consecutive words that are compared as one. Of five, different reports of one event share few but quotations."""

COPIED_SHARE = 0.6
"""Least share of a passage's shingles that stand in one other article's better-ranked passages, for it to be a copy.

Measured with made copies of 359 paragraphs of the development sets' XQuAD and CLAP NQ, with another dateline and one
sentence cut: all are found with up to every hundredth word replaced, 99.7% with every fiftieth, 92% with every
twentieth; and all of 173 that are cut across two passages of the original. No two of the 404 paragraphs themselves
share more than 8%; of Cranfield's 1,400 abstracts six are found, five reprints and an empty one.
"""

COPIED_NARRATION_SHARE = 0.4
"""Least share for the words outside quotation marks alone, so that two reports of the same speech stay two voices. A
dateline weighs more among them, hence the lower share; reports that only share quotations have next to none."""

_WORD = re.compile(r"\w+")
_QUOTATION_MARK = re.compile(r"([\"“”„«»])")
_OPENING = frozenset("“„«")
_BEFORE_OPENING = frozenset("([—–-")

Shingle = int
"""The hash of so many words: of 64 bits, so that two different ones are not taken for the same."""


@dataclass(frozen=True, slots=True)
class Collapsed:
    """Hits without copies of better-ranked ones, ranks from 1, scores as they were.

    `copies` has, for each passage kept that has any, those that were left out as copies of it, best first.
    """

    hits: tuple[Hit, ...]
    copies: Mapping[str, tuple[Hit, ...]]


@dataclass(frozen=True, slots=True)
class _Shingles:
    """The shingles of a passage, and those of its words outside quotation marks."""

    all: frozenset[Shingle]
    narration: frozenset[Shingle]


@dataclass(slots=True)
class _Kept:
    """The passages kept of one article, by identifier, and the shingles of all of them."""

    passages: list[tuple[str, _Shingles]] = field(default_factory=list)
    all: set[Shingle] = field(default_factory=set)
    narration: set[Shingle] = field(default_factory=set)

    def add(self, passage_id: str, shingles: _Shingles) -> None:
        self.passages.append((passage_id, shingles))
        self.all |= shingles.all
        self.narration |= shingles.narration


def collapse(hits: Sequence[Hit]) -> Collapsed:
    """The hits, given best first, without those that only repeat another article's better-ranked passages.

    A hit is a copy if `COPIED_SHARE` of its shingles (sets of `SHINGLE_WORDS` consecutive words, Broder 1997) stand in
    the kept passages of one other article together, because two articles are seldom cut at the same sentences. So
    little is lost: a passage that says more than the better-ranked copy of a part of it stays. Passages of one article
    are no copies of each other, however much they overlap. Passages are compared one by one only where their shingles
    were seen before: 100 take about 5 ms, 1 ms when they are met again.
    """
    kept: list[Hit] = []
    copies: dict[str, list[Hit]] = {}
    seen: set[Shingle] = set()
    by_article: dict[str, _Kept] = {}
    for hit in hits:
        shingles = _shingles(hit.passage.text)
        article_id, passage_id = hit.passage.article_id, hit.passage.passage_id
        original = None
        if len(shingles.all & seen) >= COPIED_SHARE * len(shingles.all):
            others = [theirs for article, theirs in by_article.items() if article != article_id]
            original = _original(shingles, others)
        if original is not None:
            copies.setdefault(original, []).append(hit)
            continue
        kept.append(replace(hit, rank=len(kept) + 1))
        by_article.setdefault(article_id, _Kept()).add(passage_id, shingles)
        seen |= shingles.all
    return Collapsed(tuple(kept), {passage: tuple(found) for passage, found in copies.items()})


def articles_with_copies(found: Iterable[Collapsed]) -> dict[str, tuple[str, ...]]:
    """For each article with a copy, the identifiers of the others with the same passage, as several searches found."""
    groups: dict[str, dict[str, None]] = {}
    for collapsed in found:
        article_of = {hit.passage.passage_id: hit.passage.article_id for hit in collapsed.hits}
        for passage, copies in collapsed.copies.items():
            members = dict.fromkeys([article_of[passage], *(hit.passage.article_id for hit in copies)])
            group = {other: None for member in members for other in (member, *groups.get(member, ()))}
            groups.update(dict.fromkeys(group, group))
    return {article: tuple(other for other in group if other != article) for article, group in groups.items()}


def same_words(article: Article, span: Span, other: Article) -> Span | None:
    """Where the sentences at a span of an article stand in another one, `None` if they do not.

    The same characters are looked for first, then the same but for white space and the form of quotation marks and
    dashes. What is found is whole sentences there too: not the end of a longer one that may say the opposite, and not
    a part of somebody's quotation. Where they stand more than once, the first place counts.
    """
    words = article.text[span.start : span.end]
    for start in _places(words, other.text):
        if _is_whole(other.text, start, start + len(words)):
            return Span(start, start + len(words))
    wanted, plain = _plain(words), _plain(other.text)
    for place in _places(wanted.text, plain.text):
        start, end = plain.starts[place], plain.ends[place + len(wanted.text) - 1]
        if _is_whole(other.text, start, end):
            return Span(start, end)
    return None


def _original(shingles: _Shingles, articles: Iterable[_Kept]) -> str | None:
    """Of the passages kept of several articles, the one that a passage repeats most of, if it is a copy."""
    best: tuple[int, _Kept] | None = None
    for theirs in articles:
        shared = len(shingles.all & theirs.all)
        if shared < COPIED_SHARE * len(shingles.all) or (best is not None and shared <= best[0]):
            continue
        if len(shingles.narration & theirs.narration) >= COPIED_NARRATION_SHARE * len(shingles.narration):
            best = shared, theirs
    return None if best is None else max(best[1].passages, key=lambda kept: len(shingles.all & kept[1].all))[0]


@lru_cache(maxsize=4096)
def _shingles(text: str) -> _Shingles:
    words: list[str] = []
    narration: list[str] = []
    for part, quoted in _parts(text):
        found = _WORD.findall(part.casefold())
        words += found
        if not quoted:
            narration += found
    shingles = _shingles_of(words) or frozenset([hash(tuple(words))])
    return _Shingles(shingles, shingles if len(narration) == len(words) else _shingles_of(narration))


def _shingles_of(words: Sequence[str]) -> frozenset[Shingle]:
    return frozenset(map(hash, zip(*(words[first:] for first in range(SHINGLE_WORDS)), strict=False)))


def _parts(text: str) -> list[tuple[str, bool]]:
    """The text cut at quotation marks, and whether each part is inside them; it may begin inside."""
    pieces = _QUOTATION_MARK.split(text)
    parts: list[tuple[str, bool]] = []
    for position in range(0, len(pieces), 2):
        before = position > 0 and _opens(pieces[position - 1], pieces[position - 2])
        after = position + 1 < len(pieces) and not _opens(pieces[position + 1], pieces[position])
        parts.append((pieces[position], before or (position == 0 and after)))
    return parts


def _opens(mark: str, before: str) -> bool:
    """True if a quotation mark begins a quotation, which for a straight one the character before it shows."""
    if mark != '"':
        return mark in _OPENING
    return not before or before[-1].isspace() or before[-1] in _BEFORE_OPENING


_SENTENCE_ENDS = frozenset(".!?…\"”»’')]")
_DASHES = frozenset("-‐‑‒–—―−")
_PLAIN = (
    {ord(mark): '"' for mark in "“”„«»"} | {ord(mark): "'" for mark in "‘’‚"} | {ord(mark): "-" for mark in _DASHES}
)
_RUN = re.compile(r"\s+|-{2,}")


@dataclass(frozen=True, slots=True)
class _PlainText:
    """A text with plain marks, each run of white space or hyphens one character, and where each stands in it."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@lru_cache(maxsize=256)
def _plain(text: str) -> _PlainText:
    marks = text.translate(_PLAIN)  # as long as the text: every mark is one character
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    cursor = 0
    for run in _RUN.finditer(marks):
        pieces += [marks[cursor : run.start()], "-" if run[0][0] == "-" else " "]
        starts += [*range(cursor, run.start()), run.start()]
        ends += [*range(cursor + 1, run.start() + 1), run.end()]
        cursor = run.end()
    pieces.append(marks[cursor:])
    starts += range(cursor, len(marks))
    ends += range(cursor + 1, len(marks) + 1)
    return _PlainText("".join(pieces), tuple(starts), tuple(ends))


def _places(words: str, text: str) -> Iterable[int]:
    place = text.find(words) if words else -1
    while place >= 0:
        yield place
        place = text.find(words, place + 1)


def _is_whole(text: str, start: int, end: int) -> bool:
    """True if whole sentences stand at that place: they begin behind another one or a dateline, on a line of their own
    or with the text, and end as one does."""
    before = text[:start].rstrip()
    gap = text[len(before) : start]
    begins = not before or "\n" in gap or (gap != "" and before[-1] in _SENTENCE_ENDS | _DASHES)
    after = text[end:]
    if text[end - 1] in _SENTENCE_ENDS:
        return begins and not after[:1].isalnum()
    return begins and (not after or after.lstrip(" \t")[:1] == "\n")
