"""The sentences of the retrieved passages, scored as answers to the question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from index.datelines import find_dateline
from index.dates import format_published
from index.library import Library
from index.sentences import split_sentences
from index.types import Article, Hit, Span
from rag.analysis import QuestionProfile
from rag.features import (
    FEATURES,
    READER_FEATURES,
    ArticleView,
    Candidate,
    Match,
    content_terms,
    inverse_document_frequency,
    reader_features,
    sentence_features,
)
from rag.names import document_frequency
from rag.reading import Reading
from rag.speakers import Speaker, find_speakers, quotation_states
from rag.weights import load_weights

MIN_WORDS = 4
"""Fewest words of a line without a full stop that may answer a question; shorter ones are bylines and headings."""

MAX_CANDIDATES = 120
"""Most sentences that are scored for one question, those of the best passages first."""


RECENCY_IN_SCORE = 1.0
"""What a sentence's score gains by being of today, where recency counts: some twice the usual difference between the
best sentence and the second. Not fitted, since the sets at hand have few questions that ask for the latest."""


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A candidate with its features and `score`, by which sentences are ranked; higher is better.

    The features are those of `rag.features.FEATURES`, then, where a reader was used, of `READER_FEATURES`.
    `probability`, 0..1, is the sentence's share among all candidates of the question: they add up to 1.
    """

    candidate: Candidate
    features: tuple[float, ...]
    score: float
    probability: float

    def feature(self, name: str) -> float:
        """The value of one of `rag.features.FEATURES` or, where a reader was used, of `READER_FEATURES`."""
        return self.features[(*FEATURES, *READER_FEATURES).index(name)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the retrieved passages hold for a question.

    `sentences` are in order of score. `idf` gives the weight of each of the question's terms, `frequency` in how many
    of the library's `passages` it occurs. `articles` are those that the sentences are from, by identifier. `readings`
    is what a reader says of the passages that it was given, by `passage_id`; empty without one. `unread` are the same
    sentences in the order of the score that they have without a reader, where there is one.
    """

    profile: QuestionProfile
    sentences: tuple[ScoredSentence, ...]
    idf: Mapping[str, float]
    frequency: Mapping[str, int]
    passages: int
    articles: Mapping[str, ArticleView]
    readings: Mapping[str, Reading] = field(default_factory=dict)
    unread: tuple[ScoredSentence, ...] = ()

    @property
    def is_read(self) -> bool:
        """True if a reader had a part in it."""
        return bool(self.readings)


def find_evidence(
    profile: QuestionProfile,
    hits: Sequence[Hit],
    articles: Mapping[str, Article],
    library: Library,
    recent: Mapping[str, float] | None = None,
    readings: Mapping[str, Reading] | None = None,
) -> Evidence:
    """Every sentence of the passages, scored; taken from the articles, so that one cut by a passage is whole.

    `recent` is how recent each article is, 0..1, where that counts. `readings` is what a reader says of each passage,
    by `passage_id`, if there is one.
    """
    frequency = document_frequency(library, (*profile.terms, *profile.topic_terms))
    passages = library.count_passages()
    idf = inverse_document_frequency(frequency, passages)
    sentences = library.sentence_spans(dict.fromkeys(hit.passage.article_id for hit in hits))
    candidates = _candidates(hits, articles, sentences)[:MAX_CANDIDATES]
    matches = _matches(profile, candidates, hits, library)
    views = _article_views(candidates, matches, articles)
    features = [
        sentence_features(profile, candidate, views[candidate.article_id], idf, match)
        for candidate, match in zip(candidates, matches, strict=True)
    ]
    recency = [RECENCY_IN_SCORE * (recent or {}).get(candidate.article_id, 0.0) for candidate in candidates]
    plain = _scored(candidates, features, FEATURES, load_weights().sentence, recency)
    if not readings:
        return Evidence(profile, plain, idf, frequency, passages, views)
    relevance = max(reading.relevance for reading in readings.values())
    features = [
        values + reader_features(candidate, readings[candidate.passage_id], relevance)
        for values, candidate in zip(features, candidates, strict=True)
    ]
    weights = load_weights(read=True).sentence
    scored = _scored(candidates, features, (*FEATURES, *READER_FEATURES), weights, recency)
    return Evidence(profile, scored, idf, frequency, passages, views, readings, plain)


def _scored(
    candidates: Sequence[Candidate],
    features: Sequence[tuple[float, ...]],
    names: Sequence[str],
    weights: Mapping[str, float],
    recency: Sequence[float],
) -> tuple[ScoredSentence, ...]:
    """The candidates in order of the score that the weights give them, with what recency adds to it."""
    scores = [
        sum(weights[name] * value for name, value in zip(names, values, strict=True)) + more
        for values, more in zip(features, recency, strict=True)
    ]
    scored = [
        ScoredSentence(candidate, values, score, probability)
        for candidate, values, score, probability in zip(candidates, features, scores, softmax(scores), strict=True)
    ]
    scored.sort(key=lambda sentence: (-sentence.score, sentence.candidate.article_id, sentence.candidate.start))
    return tuple(scored)


def _candidates(
    hits: Sequence[Hit], articles: Mapping[str, Article], sentences: Mapping[str, tuple[Span, ...]]
) -> list[Candidate]:
    """The sentences of the passages, each once, with the best passage that it is in. Datelines answer nothing."""
    found: dict[tuple[str, int], Candidate] = {}
    for hit in hits:
        article = articles[hit.passage.article_id]
        structure = sentences_of(article.article_id, article.text, sentences.get(article.article_id))
        for position, span in enumerate(structure.spans):
            outside = span.end <= hit.passage.start or span.start >= hit.passage.end
            if outside or position == structure.dateline or (article.article_id, position) in found:
                continue
            if _is_fragment(article.text[span.start : span.end]):
                continue
            found[article.article_id, position] = Candidate(
                article_id=article.article_id,
                index=position,
                start=span.start,
                end=span.end,
                text=article.text[span.start : span.end],
                before=_text_of(article.text, structure, position - 1),
                after=_text_of(article.text, structure, position + 1),
                title=article.title,
                date=date_in_words(article),
                speaker=structure.speakers[position],
                passage_id=hit.passage.passage_id,
                passage_start=hit.passage.start,
                passage_rank=1.0 / hit.rank,
                passage_score=hit.score,
            )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Structure:
    """The sentences of an article: their `spans`, whose words each reports, whether each begins and whether it ends
    inside a quotation, and which of them is the dateline."""

    spans: tuple[Span, ...]
    speakers: tuple[Speaker | None, ...]
    quoted: tuple[tuple[bool, bool], ...]
    dateline: int | None


@dataclass(frozen=True, slots=True)
class _Split:
    """A text with its identifier, and its sentences where they are known."""

    article_id: str
    text: str
    spans: tuple[Span, ...] | None = field(compare=False)


def sentences_of(article_id: str, text: str, spans: tuple[Span, ...] | None = None) -> Structure:
    """The structure of an article's text; `article_id` is the identifier of that text, `spans` are its sentences, which
    take time to find again."""
    return _structure(_Split(article_id, text, spans))


@lru_cache(maxsize=512)
def _structure(split: _Split) -> Structure:
    text = split.text
    spans = tuple(split_sentences(text)) if split.spans is None else split.spans
    dateline = find_dateline(text)
    starts = {span.start: position for position, span in enumerate(spans)}
    return Structure(
        spans,
        tuple(find_speakers(text, spans)),
        tuple(quotation_states(text, spans)),
        None if dateline is None else starts.get(dateline.start),
    )


def _is_fragment(text: str) -> bool:
    return text[-1] not in '.!?…"”' and len(text.split()) < MIN_WORDS


def _text_of(text: str, structure: Structure, position: int) -> str:
    """The text of a sentence, empty if there is none or it is the dateline."""
    if not 0 <= position < len(structure.spans) or position == structure.dateline:
        return ""
    return text[structure.spans[position].start : structure.spans[position].end]


def _matches(
    profile: QuestionProfile, candidates: Sequence[Candidate], hits: Sequence[Hit], library: Library
) -> list[Match]:
    """How each candidate, and the passage that it is from, match the question token by token."""
    groups: dict[str, list[Candidate]] = {hit.passage.passage_id: [] for hit in hits}
    for candidate in candidates:
        groups[candidate.passage_id].append(candidate)
    passages = [hit.passage for hit in hits if groups[hit.passage.passage_id]]
    spans = [[Span(one.start, one.end) for one in groups[passage.passage_id]] for passage in passages]
    found = dict(zip((p.passage_id for p in passages), library.match(profile.text, passages, spans), strict=True))
    in_topic = found
    if profile.topic:
        whole = library.match(profile.full_text, passages, [[] for _ in passages])
        in_topic = dict(zip(found, whole, strict=True))
    matched: dict[tuple[str, int], Match] = {}
    for name, group in groups.items():
        for position, candidate in enumerate(group):
            place = candidate.article_id, candidate.index
            matched[place] = Match(found[name].spans[position], found[name].whole, in_topic[name].whole)
    return [matched[candidate.article_id, candidate.index] for candidate in candidates]


def _article_views(
    candidates: Sequence[Candidate], matches: Sequence[Match], articles: Mapping[str, Article]
) -> dict[str, ArticleView]:
    best: dict[str, float] = {}
    for candidate, match in zip(candidates, matches, strict=True):
        best[candidate.article_id] = max(best.get(candidate.article_id, -1.0), match.topic.weighted)
    views = {}
    for identifier, value in best.items():
        article = articles[identifier]
        views[identifier] = ArticleView(
            title=article.title,
            published=article.published,
            text=article.text,
            terms=_article_terms(f"{article.title} . {date_in_words(article)} . {article.text}"),
            match=value,
        )
    return views


@lru_cache(maxsize=512)
def _article_terms(text: str) -> frozenset[str]:
    return frozenset(content_terms(text))


def date_in_words(article: Article) -> str:
    """The article's date as far as it is stated, as people write it; empty if it is not."""
    return format_published(article.published) if article.published else ""


def softmax(scores: Sequence[float]) -> list[float]:
    """The scores as shares that add up to 1."""
    if not scores:
        return []
    highest = max(scores)
    shares = [math.exp(score - highest) for score in scores]
    total = sum(shares)
    return [share / total for share in shares]
