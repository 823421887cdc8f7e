"""Citation marks in a model's text, and the characters that may not be in it.

Models write marks as `[1]`, `[1, 3]`, `[1][2]`, `[1-3]`, `【1】` or `(source 1)`, in any order and with numbers that do
not exist. Here they are taken out of the text and what they name is kept with the place where they stood.
"""

import re
import unicodedata
from dataclasses import dataclass

from index.types import normalise_text

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories that a reader does not see: control, format (zero-width and bidirectional), lone surrogates."""

_NUMBER = r"(?:no\.?\s{0,2}|\#)?\d{1,3}"
_NUMBERS = r"{number}(?:\s{{0,3}}(?:,|;|&|and|[-‐‑–—])\s{{0,3}}(?:{word}\s{{0,3}})?{number})*"
_BRACKET_WORD = r"(?:sources?|passages?|documents?|docs?|articles?|refs?\.?|excerpts?)"
_PARENTHESIS_WORD = r"(?:sources?|passages?|refs?\.?|excerpts?)"

MARK = re.compile(
    r"[\[【［]\s{0,3}\^?\s{0,3}(?:" + _BRACKET_WORD + r"\s{0,3}:?\s{0,3})?"
    rf"(?P<brackets>{_NUMBERS.format(number=_NUMBER, word=_BRACKET_WORD)})"
    r"(?:†[^\[\]【】\n]{0,80})?\s{0,3}[\]】］](?:\((?:https?:|\#)[^()\s]{0,500}\))?"
    r"|[(（]\s{0,3}" + _PARENTHESIS_WORD + r"\s{0,3}:?\s{0,3}"
    rf"(?P<parentheses>{_NUMBERS.format(number=_NUMBER, word=_PARENTHESIS_WORD)})\s{{0,3}}[)）]",
    re.IGNORECASE,
)
"""A group of citation marks. Numbers have at most three digits, so a year in brackets is none."""

_ONE_OR_RANGE = re.compile(r"(\d{1,3})(?:\s*[-‐‑–—]\s*\D{0,12}?(\d{1,3}))?")
_REFERENCE_HEADING = re.compile(r"[\s#*_]*(?:sources|references|citations)[\s:*_]*", re.IGNORECASE)
_REFERENCE_LINE = re.compile(rf"\s*(?:[-*•]\s+)?(?:{MARK.pattern}|\d{{1,3}}[.):])", re.IGNORECASE)
_PARENTHESES = str.maketrans("[【［]】］", "((()))")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that stood at `position` of the text without marks and names passages by `numbers`, counted from 1."""

    position: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text without its marks, the marks in order of position, and how many numbers named no passage."""

    plain: str
    marks: tuple[Mark, ...]
    removed: int


def readable(text: str) -> str:
    """The text in the form in which articles are stored, without control, bidirectional and zero-width characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return normalise_text(
        "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) not in HIDDEN_CATEGORIES)
    )


def take_out_marks(text: str, passages: int) -> MarkedText:
    """The text without citation marks; numbers outside `1..passages` are counted and left out.

    The white space before a mark goes with it. A list of sources at the end, which models add unasked, goes as well.
    Where taking a mark out makes a new one, as in `[[1]2]`, the new one's brackets become parentheses.
    """
    text = _without_reference_list(text)
    pieces: list[str] = []
    marks: list[Mark] = []
    length = cursor = removed = 0
    line_has_text = False
    for match in MARK.finditer(text):
        before = text[cursor : match.start()].rstrip(" \t\xa0")
        pieces.append(before)
        length += len(before)
        numbers, wrong = _numbers(match, passages)
        removed += wrong
        if numbers:
            marks.append(Mark(length, numbers))
        cursor = match.end()
        line_has_text = bool(before.rpartition("\n")[2].strip()) or (line_has_text and "\n" not in before)
        if not line_has_text:
            while text[cursor : cursor + 1] in {" ", "\t"}:
                cursor += 1
        elif text[cursor : cursor + 1].isalnum():
            pieces.append(" ")
            length += 1
    pieces.append(text[cursor:])
    return MarkedText(disarm_marks("".join(pieces)), tuple(marks), removed)


def disarm_marks(text: str) -> str:
    """The text with parentheses in place of the square brackets of marks; its length does not change."""
    return MARK.sub(lambda match: match[0].translate(_PARENTHESES), text)


def _numbers(match: re.Match[str], passages: int) -> tuple[tuple[int, ...], int]:
    """The passages that a mark names, in its order, and how many of its numbers name none."""
    named: list[int] = []
    wrong = 0
    for part in _ONE_OR_RANGE.finditer(match["brackets"] or match["parentheses"]):
        first = int(part[1])
        last = int(part[2] or part[1])
        numbers = range(first, last + 1) if first <= last else (first, last)
        named.extend(number for number in numbers if 1 <= number <= passages)
        wrong += sum(1 for number in {first, last} if not 1 <= number <= passages)
    return tuple(dict.fromkeys(named)), wrong


def _without_reference_list(text: str) -> str:
    """The text without a last part that is a heading such as "Sources" and lines that begin with a number."""
    lines = text.split("\n")
    for index in range(len(lines) - 1, 0, -1):
        if _REFERENCE_HEADING.fullmatch(lines[index]):
            entries = [line for line in lines[index + 1 :] if line.strip()]
            is_list = bool(entries) and all(_REFERENCE_LINE.match(line) for line in entries)
            return "\n".join(lines[:index]).rstrip() if is_list else text
    return text
