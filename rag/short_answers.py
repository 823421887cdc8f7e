"""The short answer to a question for a person, a date, a number, a place or a name: words of the cited sentence."""

import re
from collections.abc import Mapping

from index.library import Library
from index.types import Hit, Span
from rag.analysis import DATE, NUMBER, QuestionProfile
from rag.evidence import Evidence
from rag.names import unify

LEAST_PROBABILITY = 0.35
"""Probability from which on a span is given as the short answer: that of its sentence among all candidates times that
of the span among all of the sentence.

At .3 and .4, the words share half or more with an accepted answer (F1 .5) for .79 and .83 of the questions of XQuAD
that get one, all of it searched, .74 and .92 of the harbour set's, .86 and 1.00 of the seeds'; at 0 for .61, .61 and
.64. Twice to four times as many questions would get one then.
"""

MAX_WORDS = 10
"""Most words of a short answer; a longer one is a sentence, which follows anyway."""

_ASKS_FOR_NAME = re.compile(
    r"\b(?:which|what|whose)\s+(?!(?:did|do|does|is|was|were|are|has|have|had|would|will|can|could|should)\b)\w+|"
    r"\bwhat (?:is|was|are|were) (?:the )?(?:name|title|capital|number|nickname)\b|\bcalled\b|\bnamed\b",
    re.IGNORECASE,
)
"""Questions that name the kind of thing they ask for, besides those whose answer has a type of its own."""

_EDGES = re.compile(r"^[\s\"“”‘’'(,;:.–—-]+|[\s\"“”‘’',;:.–—-]+$")
_CAPITAL = re.compile(r"\b[^\W\d_]*[A-ZÀ-Þ]")


def short_answers(evidence: Evidence, hits: Mapping[str, Hit], library: Library) -> dict[tuple[str, int], str]:
    """The short answer in the best sentence, by article and number of the sentence; empty if there is none.

    `hits` are by `passage_id`. What is given is a verbatim span of the sentence, of the type that the question asks
    for, and not words of the question.
    """
    profile = evidence.profile
    if not evidence.sentences or not asks_for_short_answer(profile):
        return {}
    candidate = evidence.sentences[0].candidate
    hit = hits.get(candidate.passage_id)
    if hit is None:
        return {}
    found = library.short_answer(profile.text, hit.passage, Span(candidate.start, candidate.end))
    if found is None or found.probability * evidence.sentences[0].probability < LEAST_PROBABILITY:
        return {}
    start = max(0, found.span.start - candidate.start)
    words = whole_words(candidate.text, start, found.span.end - candidate.start)
    if not words or len(words.split()) > MAX_WORDS or not is_of_type(words, profile):
        return {}
    return {(candidate.article_id, candidate.index): words}


def asks_for_short_answer(profile: QuestionProfile) -> bool:
    """True if a few words can be the whole answer."""
    if profile.asks_change or profile.topic:
        return False
    typed = profile.answer_type in ("person", "date", "number", "place")
    return typed or (profile.answer_type == "other" and _ASKS_FOR_NAME.search(profile.text) is not None)


def whole_words(text: str, start: int, end: int) -> str:
    """The characters `start..end` of a text, extended to whole words, without punctuation around them."""
    while 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while 0 < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    words = _EDGES.sub("", text[start:end])
    closing = words.count("(") - words.count(")")
    return words + ")" if closing == 1 and text[start:].startswith(words + ")") else words


def is_of_type(words: str, profile: QuestionProfile) -> bool:
    """True if words can be what the question asks for, and do not only repeat it."""
    if set(unify(words)) <= set(profile.terms):
        return False
    if profile.answer_type == "date":
        return DATE.search(words) is not None or any(character.isdigit() for character in words)
    if profile.answer_type == "number":
        return NUMBER.search(words) is not None
    if profile.answer_type in ("person", "place"):
        return _CAPITAL.search(words) is not None
    return True
