"""What speaks for a sentence as the answer to a question, in numbers."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.interaction import TextMatch
from index.types import Span
from rag.analysis import DATE, MONTHS, NUMBER, QUOTATION, REASON, SPEECH, STOP_WORDS, QuestionProfile
from rag.names import unify
from rag.reading import Reading
from rag.speakers import Speaker

FEATURES = (
    "match",
    "match_plain",
    "match_least",
    "passage_match",
    "passage_least",
    "article_match",
    "overlap",
    "pair_overlap",
    "context_overlap",
    "article_overlap",
    "passage_rank",
    "passage_score",
    "type_present",
    "type_absent",
    "counted_near_number",
    "speaker_asked",
    "speaker_other",
    "names_in_context",
    "date_agrees",
    "date_conflicts",
    "no_sentence",
    "short",
    "early",
)
"""Names of the features, in the order in which `sentence_features` gives their values."""

READER_FEATURES = ("reader_span", "reader_share", "reader_answered", "reader_relevance")
"""Names of what a reader adds to them where there is one, in the order in which `reader_features` gives them."""

LARGEST_LOG_ODDS = 10.0
"""A reader's log-odds count up to this; what they are divided by, so that they are about as large as the others."""

_CAPITALISED = re.compile(r"(?<![.!?]\s)(?<!^)(?<![\"“‘])\b[A-Z][\w’'-]+")
_ENDS_LIKE_SENTENCE = re.compile(r"[.!?…;,][\"”’'»)\]]*$")


@dataclass(frozen=True, slots=True)
class ArticleView:
    """What of an article as a whole counts for its sentences.

    `terms` are those of its text, title and date, `published` its date as far as stated, `match`, -1..1, that of its
    passage that matches the question in its topic best.
    """

    title: str
    published: str | None
    text: str
    terms: frozenset[str]
    match: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be the answer, with what stands around it.

    `before` and `after` are the neighbouring sentences, empty at the ends. `passage_id` names the best passage that
    holds the sentence, `passage_start` is where that begins in the article, `passage_rank` is 1 for the first, falling
    with its rank, `passage_score` its score.
    `date` is that of the article in words, empty if it has none;
    `speaker` is whose words the sentence reports.
    """

    article_id: str
    index: int
    start: int
    end: int
    text: str
    before: str
    after: str
    title: str
    date: str
    speaker: Speaker | None
    passage_id: str
    passage_start: int
    passage_rank: float
    passage_score: float


@dataclass(frozen=True, slots=True)
class Match:
    """How a sentence matches the question, how the passage that it is from does, and how that one does with the
    question's topic, token by token; see `index.interaction`."""

    sentence: TextMatch
    passage: TextMatch
    topic: TextMatch


def inverse_document_frequency(frequency: Mapping[str, int], passages: int) -> dict[str, float]:
    """log(1 + (N - n + 0.5) / (n + 0.5)) of each term, as in BM25; N passages, n of them with the term."""
    return {term: math.log(1 + max(0.0, passages - n + 0.5) / (n + 0.5)) for term, n in frequency.items()}


def share_of_weight(wanted: Sequence[str], present: set[str] | frozenset[str], idf: Mapping[str, float]) -> float:
    """Share, 0..1, of the idf weight of `wanted` terms that is `present`; 0 if nothing is wanted."""
    total = sum(idf.get(term, 1.0) for term in wanted)
    return sum(idf.get(term, 1.0) for term in wanted if term in present) / total if total else 0.0


def content_terms(text: str) -> set[str]:
    """The terms of a text that are not stop words."""
    return {term for term in unify(text) if term not in STOP_WORDS}


def content_sequence(text: str) -> list[str]:
    """The terms of a text that are not stop words, in order."""
    return [term for term in unify(text) if term not in STOP_WORDS]


def pairs(terms: Sequence[str]) -> list[str]:
    """Each two terms that follow each other, as one."""
    return [f"{one} {other}" for one, other in pairwise(terms)]


def context_terms(candidate: Candidate) -> set[str]:
    """Content terms of the sentence, its neighbours, its speaker, and the article's title and date."""
    speaker = candidate.speaker.name if candidate.speaker is not None else ""
    parts = (candidate.text, candidate.before, candidate.after, candidate.title, candidate.date, speaker)
    return content_terms(" . ".join(parts))


def name_terms(profile: QuestionProfile) -> tuple[str, ...]:
    """The content terms of the question's names."""
    return tuple(dict.fromkeys(term for name in profile.names for term in unify(name) if term not in STOP_WORDS))


def sentence_features(
    profile: QuestionProfile,
    candidate: Candidate,
    article: ArticleView,
    idf: Mapping[str, float],
    match: Match,
) -> tuple[float, ...]:
    """The values of `FEATURES` for one candidate."""
    speaker_terms = content_terms(candidate.speaker.name) if candidate.speaker is not None else set()
    present = content_terms(candidate.text) | speaker_terms
    context = context_terms(candidate)
    type_fit = answer_type_fit(profile, candidate.text)
    speaks_asked = bool(speaker_terms & set(profile.terms))
    return (
        match.sentence.weighted,
        match.sentence.plain,
        match.sentence.least,
        match.topic.weighted,
        match.passage.least,
        article.match,
        share_of_weight(profile.terms, present, idf),
        share_of_weight(pairs(profile.terms), set(pairs(content_sequence(candidate.text))), {}),
        share_of_weight(profile.terms, context, idf),
        share_of_weight((*profile.terms, *profile.topic_terms), article.terms, idf),
        candidate.passage_rank,
        candidate.passage_score,
        float(type_fit > 0),
        float(type_fit < 0),
        float(counts_what_is_asked(profile, candidate.text)),
        float(profile.asks_speech and speaks_asked),
        float(profile.asks_speech and bool(speaker_terms) and not speaks_asked),
        share_of_weight(name_terms(profile), context, idf),
        *_date_fit(profile, article),
        float(_ENDS_LIKE_SENTENCE.search(candidate.text) is None),
        float(len(present) < 5),
        1.0 / (1 + candidate.index),
    )


def reader_features(candidate: Candidate, reading: Reading, best_relevance: float) -> tuple[float, ...]:
    """The values of `READER_FEATURES` for one candidate, from the reading of its passage, all in -1..1.

    They are how much likelier the sentence's best span is the answer than that the passage has none, how likely the
    answer begins in it, the log-odds that the passage answers, and its relevance below that of the best passage.
    """
    within = Span(candidate.start - candidate.passage_start, candidate.end - candidate.passage_start)
    found = reading.best(within)
    return (
        -1.0 if found is None else _bounded(found.score - reading.none),
        reading.share(within),
        _bounded(reading.answered),
        _bounded(reading.relevance - best_relevance),
    )


def _bounded(log_odds: float) -> float:
    return max(-1.0, min(1.0, log_odds / LARGEST_LOG_ODDS))


def answer_type_fit(profile: QuestionProfile, text: str) -> int:
    """1 if the text holds something of the type that is asked for, -1 if it does not, 0 if no type is asked for."""
    expected = profile.answer_type
    if expected == "date":
        found = any(match.group() not in profile.text for match in DATE.finditer(text))
    elif expected == "number":
        found = any(match.group() not in profile.text for match in NUMBER.finditer(text))
    elif expected in ("person", "place"):
        found = any(match.group() not in profile.text for match in _CAPITALISED.finditer(" " + text))
    elif expected == "reason":
        found = REASON.search(text) is not None
    elif expected == "speech":
        found = bool(QUOTATION.search(text) or SPEECH.search(text))
    else:
        return 0
    return 1 if found else -1


def counts_what_is_asked(profile: QuestionProfile, text: str) -> bool:
    """True if a number stands at most four terms before something that a "how many" question counts."""
    if profile.answer_type != "number" or not profile.counted:
        return False
    terms = unify(text)
    places = [position for position, term in enumerate(terms) if term in profile.counted]
    numbers = [position for position, term in enumerate(terms) if NUMBER.fullmatch(term)]
    return any(0 < place - number <= 4 for place in places for number in numbers)


def _date_fit(profile: QuestionProfile, article: ArticleView) -> tuple[float, float]:
    """Whether months and years of the question are those of the article's date, and whether they contradict it.

    A month or year that the article's text mentions contradicts nothing.
    """
    published = article.published or ""
    year = published[:4] if published[:4].isdigit() else None
    month = re.match(r"(?:\d{4}-|--)(\d\d)", published)
    month_number = None if month is None else int(month.group(1))
    agrees = (month_number in profile.months) + (year in profile.years)
    conflicts = 0
    if profile.months and month_number is not None and month_number not in profile.months:
        conflicts += not any(MONTHS[number - 1].capitalize() in article.text for number in profile.months)
    if profile.years and year is not None and year not in profile.years:
        conflicts += not any(number in article.text for number in profile.years)
    return float(agrees), float(conflicts)
