"""The short answer to a question for a person, a date, a number, a place or a name: words of the cited sentence."""

import math
import re
from collections.abc import Mapping

from index.library import Library
from index.types import Hit, Span
from rag.analysis import DATE, NUMBER, QuestionProfile
from rag.evidence import Evidence
from rag.features import content_terms, name_terms
from rag.names import unify

LEAST_PROBABILITY = 0.35
"""Probability from which on a span is given as the short answer: that of its sentence among all candidates times that
of the span among all of the sentence.

At .3 and .4, the words share half or more with an accepted answer (F1 .5) for .79 and .83 of the questions of XQuAD
that get one, all of it searched, .74 and .92 of the harbour set's, .86 and 1.00 of the seeds'; at 0 for .61, .61 and
.64. Twice to four times as many questions would get one then.
"""

LEAST_READ = 0.5
"""The same for a reader's span: the root of the product of the probabilities of its first and its last token."""

LEAST_ANSWERED = 1.5
"""Least log-odds, by a reader, that the passage answers the question, for a span of it to be given.

With these and `LEAST_OVERLAP_READ` the words share half or more with an accepted answer for 73 of 82 of every second
question of XQuAD that gets one, all of it searched, 12 of 19 of the harbour set's, 5 of 6 of the seeds' and 36 of 47 of
those kept from training; of the unanswerable questions of the last three sets 0 of 75, 1 of 43 and 4 of 92 get one, and
10 of 117 of SQuAD 2's. At .2, any log-odds and `LEAST_OVERLAP` it was 61 of 69, 8 of 16, 6 of 8, 24 of 34; 0, 0, 4, 14.
"""

MAX_WORDS = {"person": 7, "date": 7, "number": 6, "place": 7, "other": 10}
"""Most words of a short answer, by the type that is asked for; a longer one is a sentence, which follows anyway."""

LEAST_OVERLAP = 0.75
"""Least share, by idf, of the question's content terms that the sentence with those around it has: a tester's questions
that no article answered otherwise got a short answer as often as those that some did."""

LEAST_OVERLAP_READ = 0.45
"""The same where a reader says that the passage answers."""

MAX_WORDS_BETWEEN = 2
"""Most words between the first and the last number of a short answer, as in "31 to 35"; more is two facts."""

_ASKS_FOR_NAME = re.compile(
    r"\b(?:which|what|whose)\s+(?!(?:did|do|does|is|was|were|are|has|have|had|would|will|can|could|should)\b)\w+|"
    r"\bwhat (?:is|was|are|were) (?:the )?(?:name|title|capital|number|nickname)\b|\bcalled\b|\bnamed\b",
    re.IGNORECASE,
)
"""Questions that name the kind of thing they ask for, besides those whose answer has a type of its own."""

_WHO_IS = re.compile(r"\s*who(?:[’']s| is| was| are| were) (?P<whom>[\w’'. -]+?)\s*\?*\s*", re.IGNORECASE)

_NOT_OF_NAMES = frozenset("the a an of in at by to for from with his her its their".split())
"""Words of which one is in most descriptions of a person and in few names."""

MAX_NAME_WORDS = 3
"""Most words of a question without capitals that are taken for somebody's name."""

_QUALIFIER = re.compile(
    r"\b(?:at (?:least|most)|(?:no )?(?:more|fewer|less|later|earlier) than|as (?:many|much|few|little) as|up to|over|"
    r"under|about|around|nearly|almost|roughly|approximately|some|only|before|after|since|until)\s+",
    re.IGNORECASE,
)
"""Words before a number or date without which it says something else."""

_EDGES = re.compile(r"^[\s\"“”‘’'(,;:.–—-]+|[\s\"“”‘’',;:.–—-]+$")
_SMALL = re.compile(r"\b[^\W\d_A-ZÀ-Þ][^\W\d_]+")
"""A word in small letters."""

_CAPITAL = re.compile(r"\b[^\W\d_]*[A-ZÀ-Þ]")


def short_answers(evidence: Evidence, hits: Mapping[str, Hit], library: Library) -> dict[tuple[str, int], str]:
    """The short answer in the best sentence, by article and number of the sentence; empty if there is none.

    `hits` are by `passage_id`. What is given is a verbatim span of the sentence, of the type that the question asks
    for, and not words of the question.
    """
    profile = evidence.profile
    if not evidence.sentences or not asks_for_short_answer(profile):
        return {}
    best = evidence.sentences[0]
    candidate = best.candidate
    if not _is_about_the_same(evidence):
        return {}
    span = likeliest_span(evidence, hits, library)
    if span is None:
        return {}
    start = max(0, span.start - candidate.start)
    if profile.answer_type in ("number", "date"):
        start = with_qualifier(candidate.text, start)
    words = whole_words(candidate.text, start, span.end - candidate.start)
    if (
        not words
        or is_dateline(candidate.text)
        or len(words.split()) > MAX_WORDS.get(profile.answer_type, 0)
        or not is_of_type(words, profile)
    ):
        return {}
    return {(candidate.article_id, candidate.index): words}


def likeliest_span(
    evidence: Evidence, hits: Mapping[str, Hit], library: Library, least: float | None = None
) -> Span | None:
    """What is taken for the answer in the best sentence, characters of the article: by the reader, or without one by
    the tokens that passages keep. `None` if its probability is below `least`; where that is not given, below
    `LEAST_READ` or `LEAST_PROBABILITY`, or if its passage does not answer by `LEAST_ANSWERED`."""
    best = evidence.sentences[0]
    candidate = best.candidate
    reading, hit = evidence.readings.get(candidate.passage_id), hits.get(candidate.passage_id)
    if reading is not None:
        begin = candidate.passage_start
        read = reading.best(Span(candidate.start - begin, candidate.end - begin))
        if read is None or math.exp(read.score / 2) < (LEAST_READ if least is None else least):
            return None
        if least is None and reading.answered < LEAST_ANSWERED:
            return None
        return Span(begin + read.span.start, begin + read.span.end)
    if hit is None:
        return None
    found = library.short_answer(evidence.profile.text, hit.passage, Span(candidate.start, candidate.end))
    least = LEAST_PROBABILITY if least is None else least
    return None if found is None or found.probability * best.probability < least else found.span


def asks_for_short_answer(profile: QuestionProfile) -> bool:
    """True if a few words can be the whole answer."""
    if profile.asks_change or profile.topic or asks_who_somebody_is(profile.text):
        return False
    typed = profile.answer_type in ("person", "date", "number", "place")
    return typed or (profile.answer_type == "other" and _ASKS_FOR_NAME.search(profile.text) is not None)


def asks_who_somebody_is(text: str) -> bool:
    """True for "Who is Ann Lee?", to which another name is no answer, and not for "Who is the mayor?"."""
    found = _WHO_IS.fullmatch(text)
    if found is None:
        return False
    words = found["whom"].split()
    if {word.lower() for word in words} & _NOT_OF_NAMES:
        return False
    return all(word[:1].isupper() for word in words) or (text == text.lower() and len(words) <= MAX_NAME_WORDS)


def _is_about_the_same(evidence: Evidence) -> bool:
    """True if the best sentence has the names of the question, or the one before it does, most of its other words in
    what stands around it, what "how many" counts, and no date that contradicts it."""
    profile, best = evidence.profile, evidence.sentences[0]
    candidate = best.candidate
    speaker = candidate.speaker.name if candidate.speaker is not None else ""
    near = content_terms(f"{candidate.text} . {candidate.before} . {speaker} . {candidate.title}")
    names = [term for term in name_terms(profile) if not term.startswith("=")]
    least = LEAST_OVERLAP_READ if candidate.passage_id in evidence.readings else LEAST_OVERLAP
    if not set(names) <= near or best.feature("context_overlap") < least or best.feature("date_conflicts"):
        return False
    return not profile.counted or bool(set(profile.counted) & content_terms(candidate.text))


def is_dateline(text: str) -> bool:
    """True for "PORT IMSEL, 2 September 2023." and the like: place and day of a report, nothing of what happened."""
    return _CAPITAL.search(text) is not None and _SMALL.search(text) is None


def with_qualifier(text: str, start: int) -> int:
    """Where an answer that begins at `start` begins with words like "at least" that stand before it or that it cuts."""
    found = (one for one in _QUALIFIER.finditer(text) if one.start() < start <= one.end())
    return next((one.start() for one in found), start)


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
        return DATE.search(words) is not None
    if profile.answer_type == "number":
        numbers = list(NUMBER.finditer(words))
        return bool(numbers) and len(words[numbers[0].end() : numbers[-1].start()].split()) <= MAX_WORDS_BETWEEN
    if profile.answer_type in ("person", "place"):
        return _CAPITAL.search(words) is not None
    return True
