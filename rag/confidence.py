"""How likely it is that the chosen sentences answer the question, and what to say when it is not likely."""

import math
from collections.abc import Sequence
from dataclasses import replace

from rag.evidence import Evidence, ScoredSentence
from rag.features import (
    answer_type_fit,
    content_terms,
    context_terms,
    counts_what_is_asked,
    name_terms,
    share_of_weight,
)
from rag.names import unify
from rag.weights import Weights, load_weights

SIGNALS = (
    "match",
    "match_plain",
    "match_least",
    "passage_match",
    "passage_least",
    "score",
    "lead",
    "share",
    "overlap",
    "context_overlap",
    "known_in_article",
    "known_in_context",
    "names_in_article",
    "names_in_context",
    "unknown_names",
    "unknown_terms",
    "type_absent",
    "counted_missing",
    "speaker_missing",
    "speaker_match",
    "speaker_overlap",
    "date_conflicts",
)
"""Names of the signals of an answer's confidence, in the order in which `confidence_signals` gives them."""

READ_SIGNALS = ("unread", "reader_answered")
"""Names of the signals where there is a reader: the log-odds of being right without it, and the highest log-odds that
one of the passages read answers."""

MOST_ODDS = 8.0
"""Highest log-odds that a reader is believed, and the negative of the lowest."""

TOP = 3
"""Sentences looked at for most signals: the ones that an answer is made of."""

NO_SPEAKER_MATCH = 0.45
"""What stands for the speaker's match and overlap where nobody's words are asked for: about their mean."""


def confidence_signals(evidence: Evidence) -> tuple[float, ...]:
    """The values of `SIGNALS`; all 0 if there is no sentence.

    They are of the sentences in the order that they have without a reader, which told near misses from answerable
    questions better than those that it chose (`docs/reader.md`).
    """
    if not evidence.sentences:
        return (0.0,) * len(SIGNALS)
    if evidence.is_read:
        evidence = replace(evidence, sentences=evidence.unread, readings={})
    profile, idf = evidence.profile, evidence.idf
    top = evidence.sentences[:TOP]
    best = top[0]
    known = [term for term in profile.terms if evidence.frequency.get(term, 0) > 0]
    unknown = [term for term in profile.terms if evidence.frequency.get(term, 0) == 0]
    names = (*name_terms(profile), *(term for number in profile.numbers for term in unify(number)))
    contexts = [context_terms(sentence.candidate) for sentence in top]
    mentioned = {term for view in evidence.articles.values() for term in view.terms}
    articles = [evidence.articles[sentence.candidate.article_id].terms for sentence in top]
    speaker_match, speaker_overlap, speaker_missing = _speaker_signals(evidence)
    return (
        max(sentence.feature("match") for sentence in evidence.sentences),
        max(sentence.feature("match_plain") for sentence in evidence.sentences),
        max(sentence.feature("match_least") for sentence in top),
        max(sentence.feature("passage_match") for sentence in evidence.sentences),
        max(sentence.feature("passage_least") for sentence in top),
        best.score,
        best.score - top[-1].score,
        sum(sentence.probability for sentence in top),
        max(sentence.feature("overlap") for sentence in top),
        max(sentence.feature("context_overlap") for sentence in top),
        max(share_of_weight(known, terms, idf) for terms in articles) if known else 0.0,
        max(share_of_weight(known, terms, idf) for terms in contexts) if known else 0.0,
        max(share_of_weight(names, terms, idf) for terms in articles) if names else 1.0,
        max(share_of_weight(names, terms, idf) for terms in contexts) if names else 1.0,
        float(bool((set(unknown) & set(names)) - mentioned)),
        len(unknown) / len(profile.terms) if profile.terms else 1.0,
        float(all(answer_type_fit(profile, sentence.candidate.text) < 0 for sentence in top)),
        float(
            profile.answer_type == "number"
            and bool(profile.counted)
            and not any(counts_what_is_asked(profile, sentence.candidate.text) for sentence in top)
        ),
        speaker_missing,
        speaker_match,
        speaker_overlap,
        best.feature("date_conflicts"),
    )


def _speaker_signals(evidence: Evidence) -> tuple[float, float, float]:
    """Of a question for somebody's words: how like it, and how much of the rest of it, their sentences are.

    The third value is 1 if the question names a speaker and no sentence reports that speaker's words.
    """
    profile = evidence.profile
    asked = set(name_terms(profile))
    if not profile.asks_speech or not asked:
        return NO_SPEAKER_MATCH, NO_SPEAKER_MATCH, 0.0
    theirs: list[ScoredSentence] = []
    speakers: set[str] = set()
    for sentence in evidence.sentences:
        speaker = sentence.candidate.speaker
        spoken = {term for term in content_terms(speaker.name) if not term.startswith("=")} if speaker else set()
        if spoken & asked:
            theirs.append(sentence)
            speakers |= spoken
    if not theirs:
        return 0.0, 0.0, 1.0
    rest = [term for term in profile.terms if term not in speakers and evidence.frequency.get(term, 0) > 0]
    overlap = max(share_of_weight(rest, context_terms(sentence.candidate), evidence.idf) for sentence in theirs)
    return max(sentence.feature("match") for sentence in theirs), overlap if rest else 1.0, 0.0


def read_signals(evidence: Evidence) -> tuple[float, float]:
    """The values of `READ_SIGNALS`, for evidence that a reader had a part in."""
    unread = _log_odds(SIGNALS, confidence_signals(evidence), load_weights())
    answered = max((reading.answered for reading in evidence.readings.values()), default=-MOST_ODDS)
    return unread, max(-MOST_ODDS, min(MOST_ODDS, answered))


def confidence(evidence: Evidence) -> float:
    """Estimated probability, 0..1, that the best sentences answer the question: by logistic regression on `SIGNALS`
    and, where a reader read the passages, on `READ_SIGNALS`."""
    if not evidence.sentences:
        return 0.0
    if evidence.is_read:
        log_odds = _log_odds(READ_SIGNALS, read_signals(evidence), load_weights(read=True))
    else:
        log_odds = _log_odds(SIGNALS, confidence_signals(evidence), load_weights())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds))))


def refuse_below(evidence: Sequence[Evidence]) -> float:
    """The confidence under which a question with that evidence for its parts gets no answer."""
    return load_weights(read=any(part.is_read for part in evidence)).refuse_below


def _log_odds(names: Sequence[str], values: Sequence[float], weights: Weights) -> float:
    return weights.bias + sum(weights.confidence[name] * value for name, value in zip(names, values, strict=True))
