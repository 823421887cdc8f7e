"""Citation marks in a model's text, and the characters that may not be in it.

Models write marks as `[1]`, `[1, 3]`, `[1][2]`, `[1-3]`, `【1】`, `[^1]`, `(source 1)` or `¹`, in any order and with
numbers that do not exist, and they refer to passages in prose, as in "Passage 2 says that". Here all of that is taken
out of the text and what it names is kept with the place where it stood.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from index.types import normalise_text
from rag.mark_grammar import MARK
from rag.mark_walk import Mark, Walk
from rag.reference_lists import without_reference_list

__all__ = ["MARK", "Mark", "MarkedText", "disarm_marks", "readable", "take_out_marks"]

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories that a reader does not see: control, format (zero-width and bidirectional), lone surrogates."""

MAX_ROUNDS = 6
"""Times that a text is gone through. A mark that is taken out can leave another one behind, as in `[[1]2]`; what is
nested deeper is disarmed."""

_PARENTHESES = str.maketrans("[【［〔〖⟦]】］〕〗⟧", "(((((())))))")


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


def take_out_marks(text: str, passages: int, articles: Sequence[str] = ()) -> MarkedText:
    """The text without citation marks; numbers outside `1..passages` are counted and left out.

    The white space before a mark goes with it, and so do commas and "and" between marks. A list of sources at the end,
    which models add unasked, goes as well. A phrase that only says which passage a statement is from, as in "Passage 2
    says that", becomes a mark of the statement; any other "passage 2" becomes "the passage", with a mark.

    `articles` are the texts of the articles that the model was shown. Brackets of their own that the model repeats are
    no marks: `[3]` between quotation marks, or `(source 3)` anywhere, if it stands in one of them with the words next
    to it. In the result no number stands in square brackets; such ones get parentheses.
    """
    marks: list[Mark] = []
    removed = 0
    for number in range(MAX_ROUNDS):
        step = Walk(without_reference_list(text), passages, articles, bare=number == 0)
        step.run()
        removed += step.removed
        marks = [Mark(step.moved(mark.position), mark.numbers) for mark in marks] + step.marks
        done = step.plain == text
        text = step.plain
        if done:
            break
    marks.sort(key=lambda mark: mark.position)
    return MarkedText(disarm_marks(text), tuple(marks), removed)


def disarm_marks(text: str) -> str:
    """The text with parentheses in place of the square brackets of marks; its length does not change."""
    if text.translate(_PARENTHESES) == text:
        return text  # before the expression for marks is compiled, which most answers do without
    return MARK.sub(lambda match: match[0].translate(_PARENTHESES), text)
