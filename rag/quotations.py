"""Quoted words: where a text quotes, and whether an article has the words."""

import re

from index.types import Span

MIN_QUOTED_WORDS = 3
"""Fewest words between quotation marks that count as a quotation; fewer are a name or a scare quote."""

_QUOTATION = re.compile(
    r"“([^“”\n]+)”|«([^«»\n]+)»|„([^„“”\n]+)[“”]|(?<![\w\"])\"(?=\S)([^\"\n]+)(?<=\S)\"(?!\w)"
    r"|‘((?:[^‘’\n]|(?<=\w)’(?=\w))+)’(?!\w)|(?<!\w)'(?=\w)((?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w)"
)
_LEFT_OUT = re.compile(r"…|\.{3}|[\[(][^\])]*[\])]")
_FOLDED = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "‑": "-", "‐": "-"} | dict.fromkeys('"“”„«»')
)
_EDGES = " \t\n.,;:!?…'*_`-"


def fold(text: str) -> str:
    """The text with double quotation marks left out, dashes and white space unified, and in lower case."""
    return " ".join(text.translate(_FOLDED).split()).casefold().strip(_EDGES)


def stands_in(words: str, text: str) -> bool:
    """True if the folded words stand in the folded text as whole words; empty words stand nowhere."""
    start = text.find(words) if words else -1
    while start >= 0:
        end = start + len(words)
        if not (text[start - 1 : start].isalnum() and words[0].isalnum()) and not (
            text[end : end + 1].isalnum() and words[-1].isalnum()
        ):
            return True
        start = text.find(words, start + 1)
    return False


def quotations(text: str) -> list[Span]:
    """Where the text quotes: the words between quotation marks on one line, at least `MIN_QUOTED_WORDS` of them."""
    spans = []
    for match in _QUOTATION.finditer(text):
        group = match.lastindex or 0
        if len(match[group].split()) >= MIN_QUOTED_WORDS:
            spans.append(Span(*match.span(group)))
    return spans


def is_quoted_from(quotation: str, article: str) -> bool:
    """True if the quoted words stand in the article's folded text, but for what an ellipsis or brackets leave out."""
    parts = [fold(part) for part in _LEFT_OUT.split(quotation)]
    return all(stands_in(part, article) for part in parts if part)
