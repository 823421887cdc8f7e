"""One walk through a model's text that takes its citation marks out and keeps what they name."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from index.patterns import late
from index.sentences import split_sentences
from rag.mark_grammar import ENGLISH, INLINE, MARK, NAME_BEFORE, PHRASE, REFERENCE_GROUPS, raises_no_unit
from rag.own_marks import OwnWords

MIN_BARE_WORDS = 4
"""Fewest words of each sentence before numbers in plain parentheses at the ends of all count as marks."""

_ONE_OR_RANGE = late(r"(\d{1,3})(?:\s*[-‐‑–—]\s*\D{0,12}?(\d{1,3}))?")
_RAISED_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹˒", "0123456789,")
_BETWEEN_MARKS = late(r"[ \t]*(?:[,;&]|[,;]?[ \t]*and|[-‐‑–—])?[ \t]*")
_BARE = late(r"[(（]\s?(?P<bare>\d{1,2}(?:\s?,\s?\d{1,2}){0,5})\s?[)）](?=[.!?]?[\"”']?\s*$)")
_BARE_ANYWHERE = late(r"[(（]\s?(?P<bare>\d{1,2}(?:\s?,\s?\d{1,2}){0,5})\s?[)）]")
_SENTENCE_START = late(r"(?:^|\n|[.!?:…][\"”’»)]?\s)\s*(?:(?:[-*•]|\d{1,2}[.)])\s+)?[\"“«*_]{0,3}$")
_LEADS_ON = late(r"(?:,|\b(?:and|but|while|whereas|although|though|however|also|yet|because|since))\s*$", re.IGNORECASE)
_NOT_BEFORE_TAIL = late(r"(?:^|\n|\b(?:not|only|than|and|or|but|nor|never|just))\s*$", re.IGNORECASE)
_LETTER_OR_DIGIT = late(r"[^\W_]")
_LOOK_BACK = 24
"""Characters before a phrase that show whether a sentence begins with it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that stood at `position` of the text without marks and names passages by `numbers`, counted from 1."""

    position: int
    numbers: tuple[int, ...]


@dataclass(slots=True)
class Walk:
    """One walk through a text. `run` fills the results: `plain`, `marks` and `removed`."""

    text: str
    passages: int
    articles: Sequence[str]
    bare: bool
    plain: str = ""
    marks: list[Mark] = field(default_factory=list)
    removed: int = 0
    _own: OwnWords = field(init=False)
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _kept: list[tuple[int, int, int]] = field(default_factory=list)
    _cursor: int = 0
    _since: int = 0
    _line_has_text: bool = False
    _capital: bool = False
    _leading: list[int] = field(default_factory=list)

    def run(self) -> None:
        text = self.text
        self._own = OwnWords(text, self.articles)
        place = 0
        while (found := PHRASE.search(text, place)) is not None:
            place = self._mark(found.start()) if found["mark"] else self._phrase(found)
        if self.bare and not self.marks and not self.removed:
            for match in _bare_marks(text, self.passages):
                if not self._own.has_bracket(match.start(), match.end(), 0, only_quoted=False):
                    self._take(match, match["bare"])
        self._keep(text[self._cursor :])
        self.plain = "".join(self._pieces)
        for index in self._leading:
            mark = self.marks[index]
            inside = _LETTER_OR_DIGIT.search(self.plain, mark.position, mark.position + 100)
            self.marks[index] = Mark(inside.end() if inside else min(mark.position, self._length), mark.numbers)

    def moved(self, position: int) -> int:
        """Where a place of the round's text is in `plain`."""
        index = bisect_right(self._kept, (position, len(self.text) + 1, 0)) - 1
        if index < 0:
            return 0
        start, new, length = self._kept[index]
        return new + max(0, min(position - start, length))

    def _mark(self, start: int) -> int:
        """Takes out the mark that begins at `start`, if there is one; returns where to go on."""
        match = MARK.match(self.text, start)
        if match is None or not raises_no_unit(self.text, match):
            return start + 1 if match is None else match.end()
        is_square = match.lastgroup in {"double", "brackets", "wrapped"}
        if self._own.has_bracket(start, match.end(), self._since, only_quoted=is_square):
            return match.end()
        self._take(match, match[match.lastgroup or 0])
        return match.end()

    def _take(self, match: re.Match[str], numbers: str) -> None:
        before = self.text[self._cursor : match.start()]
        named, wrong = self._numbers(numbers)
        joined = self._is_between_marks(before, match.end())
        if joined and before.strip(" \t") in set("-‐‑–—") and self.marks and len(named) == 1:
            first = self.marks[-1].numbers[-1]
            named = tuple(range(first + 1, named[0] + 1)) if first < named[0] else named
        kept = "" if joined else before.rstrip(" \t\xa0")
        self._keep(kept)
        self.removed += wrong
        if named:
            self.marks.append(Mark(self._length, named))
        self._line_has_text = bool(kept.rpartition("\n")[2].strip()) or (self._line_has_text and "\n" not in kept)
        self._since = self._cursor = match.end()
        if not self._line_has_text:
            while self.text[self._cursor : self._cursor + 1] in {" ", "\t"}:
                self._cursor += 1
        elif self.text[self._cursor : self._cursor + 1].isalnum():
            self._insert(" ")

    def _is_between_marks(self, before: str, end: int) -> bool:
        """Whether `before` only joins this mark to the one that was taken out before it."""
        if not self._since or self._cursor < self._since or len(before) > 12 or not _BETWEEN_MARKS.fullmatch(before):
            return False
        if "and" in before:
            return not (self._line_has_text and self.text[end : end + 2].strip()[:1].isalnum())
        return bool(before.strip())

    def _phrase(self, found: re.Match[str]) -> int:
        """Takes out a reference in prose if it is clear, else what can be taken out of it; returns where to go on."""
        start = found.start()
        if self.articles and self._own.has(found[0].strip(" ,:")):
            return found.end()
        before = self.text[max(self._cursor, start - _LOOK_BACK) : start]
        at_start = _SENTENCE_START.search(before) is not None and (len(before) == _LOOK_BACK or self._begins(start))
        named, wrong = self._numbers(next(found[group] for group in REFERENCE_GROUPS if found[group]))
        is_weak = found["weak"] or found["label"]
        if found["lead"] and (at_start or (not is_weak and _LEADS_ON.search(before))):
            self._keep(self.text[self._cursor : start])
            self._capital = self._capital or at_start
            if named:
                self._leading.append(len(self.marks))
                self.marks.append(Mark(self._length, named))
        elif found["tail"] and not _NOT_BEFORE_TAIL.search(before):
            self._keep(self.text[self._cursor : start].rstrip())
            if named:
                self.marks.append(Mark(self._length, named))
        else:
            return self._inline(start, before, at_start)
        self.removed += wrong
        self._since = self._cursor = found.end()
        return found.end()

    def _inline(self, start: int, before: str, at_start: bool) -> int:
        """Turns "passage 2" into "the passage" with a mark; anything else stays, and its marks are looked at alone."""
        found = INLINE.match(self.text, start)
        if found is None:
            return self._mark(start)
        named, wrong = self._numbers(found["e"])
        is_name = found["noun"][0].isupper() and not at_start and NAME_BEFORE.search(before) is not None
        if not named or wrong or is_name or (self.articles and self._own.has(found[0])):
            return found.end()
        self._keep(self.text[self._cursor : start])
        noun = found["noun"] + ("s" if len(named) > 1 else "")
        if ENGLISH.search(self.text, 0, 1000):
            noun = f"the {noun.lower()}"
            noun = noun[0].upper() + noun[1:] if at_start else noun
        self._insert(noun)
        self.marks.append(Mark(self._length, named))
        self._since = self._cursor = found.end()
        self._line_has_text = True
        return found.end()

    def _begins(self, start: int) -> bool:
        """Whether what was kept so far ends where a sentence can begin; used next to something taken out."""
        seen = ("".join(self._pieces[-3:]) + self.text[self._cursor : start])[-_LOOK_BACK:]
        return _SENTENCE_START.search(seen) is not None

    def _keep(self, kept: str) -> None:
        if kept:
            self._kept.append((self._cursor, self._length, len(kept)))
            if self._capital and (first := _LETTER_OR_DIGIT.search(kept, 0, 5)):
                upper = first[0].upper()
                kept = kept[: first.start()] + (upper if len(upper) == 1 else first[0]) + kept[first.end() :]
            self._capital = self._capital and not kept.strip()
            self._insert(kept)

    def _insert(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)

    def _numbers(self, group: str) -> tuple[tuple[int, ...], int]:
        """The passages that a mark names, in its order, and how many of its numbers name none."""
        written = group.translate(_RAISED_DIGITS)
        if written != group and written.isdecimal() and int(written) > self.passages:
            digits = [int(digit) for digit in written]
            if all(1 <= digit <= self.passages for digit in digits):
                return tuple(dict.fromkeys(digits)), 0
        named: list[int] = []
        wrong = 0
        for part in _ONE_OR_RANGE.finditer(written):
            first = int(part[1])
            last = int(part[2] or part[1])
            numbers = range(max(first, 1), min(last, self.passages) + 1) if first <= last else (first, last)
            named.extend(number for number in numbers if 1 <= number <= self.passages)
            wrong += sum(1 for number in {first, last} if not 1 <= number <= self.passages)
        return tuple(dict.fromkeys(named)), wrong


def _bare_marks(text: str, passages: int) -> list[re.Match[str]]:
    """Numbers in plain parentheses if they can only be marks: at the end of every sentence, of two or more.

    Elsewhere they are list numbers, ages, results of matches.
    """
    everywhere = list(_BARE_ANYWHERE.finditer(text))
    if len(everywhere) < 2:
        return []
    sentences = [span for span in split_sentences(text) if any(map(str.isalnum, text[span.start : span.end]))]
    found = [_BARE.search(text, max(span.start, span.end - 40), span.end) for span in sentences]
    marks = [match for match in found if match is not None]
    if len(marks) != len(sentences) or len(marks) != len(everywhere):
        return []
    enough = all(len(text[span.start : span.end].split()) > MIN_BARE_WORDS for span in sentences)
    known = all(1 <= int(number) <= passages for match in marks for number in re.findall(r"\d+", match["bare"]))
    return marks if enough and known else []
