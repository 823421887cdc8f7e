"""Quoted words, found in the text that they were taken from."""

import re

from index.encodings import clean_text
from index.types import Span


class NormalisedText:
    """A text as it is stored, and where the places of the original have gone.

    Data sets count their offsets in the text as they write it. Stored, it is in NFC with plain line ends, so that
    offsets behind a place that was changed are shifted.
    """

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = clean_text(original)
        self._is_unchanged = self.text == original

    def find(self, words: str, offset: int) -> Span | None:
        """Where `words` of the original are in the text: at the place that `offset` has become, else nearest to it.

        `None` if the text does not hold them.
        """
        wanted = clean_text(words)
        place = offset if self._is_unchanged else len(clean_text(self.original[:offset]))
        before, after = self.text.rfind(wanted, 0, place + len(wanted)), self.text.find(wanted, place)
        found = [start for start in (before, after) if start >= 0]
        nearest = min(found, key=lambda start: abs(start - place), default=None)
        return None if nearest is None else Span(nearest, nearest + len(wanted))


def occurrences(text: str, words: str) -> list[Span]:
    """Every place where a stored text holds the words, once they are normalised as it is, character by character."""
    wanted = clean_text(words)
    spans = []
    start = text.find(wanted)
    while wanted and start >= 0:
        spans.append(Span(start, start + len(wanted)))
        start = text.find(wanted, start + len(wanted))
    return spans


def occurrences_by_word(text: str, words: str) -> list[Span]:
    """Every place where a stored text holds the words with any white space between them."""
    parts = clean_text(words).split()
    if not parts:
        return []
    pattern = r"\s+".join(re.escape(part) for part in parts)
    return [Span(match.start(), match.end()) for match in re.finditer(pattern, text)]
