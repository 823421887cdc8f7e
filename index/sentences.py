"""Sentence spans of an article's text.

Rules instead of a trained splitter, because a citation needs exact offsets, every character must be accounted for, and
news has habits of its own: datelines, attributed quotations, one paragraph a line, `U.S.` and `Dec. 25` in every
second sentence.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from index.datelines import find_dateline
from index.types import Span

RULES_VERSION = 1
"""Version of the rules of this module and of `index.datelines`, kept with the sentences that they found. A change by
which any text is split otherwise raises it; a test has the digest of what they find."""

TITLES = "mr mrs ms dr prof gen col lt sgt capt cmdr maj adm brig sen rep gov pres rev hon st sr jr amb messrs mt ft"
OTHERS = "vs etc inc ltd co corp no nos fig figs vol pp p ed eds al cf approx dept est e.g i.e op ca v"
MONTHS = "jan feb mar apr jun jul aug sep sept oct nov dec"
ABBREVIATIONS = frozenset(f"{TITLES} {OTHERS} {MONTHS}".split())
"""Words, without their final full stop, after which a full stop does not end the sentence."""

STARTERS = frozenset(
    (
        "the a an he she it they we i you this that these those there his her its their our in on at for from by with "
        "as but and or so if when while after before since although however meanwhile according also both some many "
        "most all no not what who why how where earlier later last"
    ).split()
)
"""Words with which a sentence often begins: after initials such as `U.S.` they show that a new one does."""

SPEECH_VERBS = (
    "said|says|say|told|asked|asks|added|adds|wrote|writes|stressed|noted|argued|warned|replied|announced|continued|"
    "concluded|explained|insisted|claimed|stated|declared|remarked|recalled|tweeted|urged|emphasized|emphasised|"
    "reported|testified|complained|joked|promised|acknowledged|admitted|commented|observed|predicted|conceded"
)
"""Verbs that attribute words to a speaker, as alternatives of a regular expression."""

# Begun at the first of many marks only: a line of nothing but dots would be gone through from each of them.
_END = re.compile(r"(?<![.!?…])[.!?…]+(?:[\"”’'»)\]]*(?:\[\d{1,3}\])*(?=\s)|[\"”»]+(?=[A-Z“\"]))")
_NEXT_STARTS = re.compile(r"\s*[\"“‘'«(\[–—-]*\s*(?:[^\W\d_]|\d)")
_FOOTNOTES = re.compile(r"(?:\[\d{1,3}\])+$")
_LAST_WORD = re.compile(r"([^\W_](?:[\w.’'-]*[\w])?)$")
_ATTRIBUTION = re.compile(rf"\s*(?:(?:[A-Z][\w’'.-]*|the|of)\s+){{0,5}}(?:{SPEECH_VERBS})\b")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]$")
_LIST_MARKER = re.compile(r"^\s*(?:\d{1,3}|[A-Za-z])$")
_LINE_END = re.compile(r"[\n\u2028\u2029\f\v]")
_HEADING_LINE = re.compile(r"#{1,6}[ \t]")
_BLANK_LINE = re.compile(r"\n\s*\n|\n\s*(?=(?:#{1,6}|[*•-])\s)|^#{1,6}[ \t][^\n]*\n|\u2029|\f", re.MULTILINE)
_SENTENCE_FINAL = re.compile(r"[.!?…:;][\"”’'»)\]]*$")

WRAPPED_LINE_LIMIT = 120
"""Longest line, in characters, of a text that counts as hard-wrapped."""


def split_sentences(text: str) -> list[Span]:
    """Spans of the sentences of `text`, in order, without surrounding white space.

    They do not overlap, and every character outside them is white space. A line end ends a sentence unless the text is
    hard-wrapped; a dateline is a span of its own, so that the sentence behind it begins with its first word.
    """
    spans: list[Span] = []
    for block in _blocks(text):
        spans.extend(_trimmed(text, start, end) for start, end in pairwise(_boundaries(text, block)))
    return [span for span in spans if span.start < span.end]


def _blocks(text: str) -> Iterator[Span]:
    """Stretches of text that no sentence crosses: paragraphs, lines, and the dateline."""
    dateline = find_dateline(text)
    breaks = {0, len(text)}
    if dateline is not None:
        breaks |= {dateline.start, dateline.end}
    paragraph_break = _BLANK_LINE if is_hard_wrapped(text) else _LINE_END
    breaks.update(match.end() for match in paragraph_break.finditer(text))
    for start, end in pairwise(sorted(breaks)):
        yield Span(start, end)


def is_hard_wrapped(text: str) -> bool:
    """True if most single line ends fall inside sentences, as in text wrapped at a fixed width."""
    lines = text.split("\n")
    followed = [
        line
        for line, following in pairwise(lines)
        if line.strip() and following.strip() and not _HEADING_LINE.match(line)
    ]
    if len(followed) < 3 or max(len(line) for line in lines) > WRAPPED_LINE_LIMIT:
        return False
    running_on = sum(1 for line in followed if not _SENTENCE_FINAL.search(line.rstrip()))
    return running_on > len(followed) / 2


def _boundaries(text: str, block: Span) -> list[int]:
    """Offsets at which sentences of the block begin or end, its own two ends included."""
    found = [block.start]
    for match in _END.finditer(text, block.start, block.end):
        if _ends_sentence(text, found[-1], match, block.end):
            found.append(match.end())
    if found[-1] != block.end:
        found.append(block.end)
    return found


def _ends_sentence(text: str, start: int, match: re.Match[str], block_end: int) -> bool:
    mark = _FOOTNOTES.sub("", match.group())
    behind = text[match.end() : min(block_end, match.end() + 160)]
    start_of_next = _NEXT_STARTS.match(behind)
    if start_of_next is None:
        return not behind.strip()
    first = start_of_next.group()[-1]
    if first.islower():
        return False
    closes_quotation = len(mark) > 1 and mark[-1] in "\"”’'»"
    if closes_quotation and _ATTRIBUTION.match(behind):
        return False
    if mark.rstrip("\"”’'»)]") != ".":
        return True
    before = text[start : match.start()]
    word_match = _LAST_WORD.search(before[-40:])
    if word_match is None or closes_quotation:
        return True
    word = word_match.group(1)
    if _LIST_MARKER.match(before):
        return False
    next_word = re.match(r"\W*(\w+)", behind)
    if _INITIALS.match(word) and (len(word) == 1 or "." in word):
        if word.lower() in {"a.m", "p.m"}:
            return not first.isdigit()
        return len(word) > 1 and next_word is not None and next_word.group(1).lower() in STARTERS
    if word.lower() in ABBREVIATIONS:
        if word.lower() in {"no", "nos", "p", "pp", "fig", "v", "est", "ed", "al", "st"} | set(MONTHS.split()):
            return not (first.isdigit() or (word[0].isupper() and word.lower() == "st"))
        return word.lower() in {"etc", "inc", "ltd", "co", "corp", "jr", "sr"} and (
            next_word is not None and next_word.group(1).lower() in STARTERS
        )
    return True


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
