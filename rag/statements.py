"""Chosen sentences as dated, attributed statements, every character of them cited."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.dates import date_interval
from index.types import Article, Span, first_words
from rag.analysis import QuestionProfile
from rag.citations import make_citation
from rag.copies import same_words
from rag.evidence import Evidence, ScoredSentence, date_in_words, sentences_of
from rag.marks import disarm_marks
from rag.names import unify
from rag.times import in_periods
from rag.types import Citation, Statement

MAX_STATEMENTS = 4
"""Most statements of an answer to a question for one fact."""

MAX_STATEMENTS_OF_CHANGE = 5
"""Most statements of an answer to a question for a development or a comparison."""

MAX_STATEMENTS_OF_PART = 2
"""Most statements for each part of a question that asks for several things."""

ENOUGH_PROBABILITY = 0.97
"""An answer takes the best sentences until together they have this share of the probability."""

LEAST_OF_PERIOD = 0.02
"""Least probability of a sentence of a development against that of the best one: a period in which nothing was said of
the matter has no part in it. On the change questions of the two sets about time, .05 loses two of the three answers
that .02 and 0 find."""

MAX_JOINED = 3
"""Most sentences that one citation spans: a quotation of several sentences, or one that begins with "It" and the
sentence before it."""

MAX_COPIES_NAMED = 3
"""Most other articles that are named, and cited, as having the words of a statement; the rest are counted."""

SHORT_ANSWER = re.compile(r"^\*\*([^*\n]+)\*\* — ", re.MULTILINE)
"""The short answer in bold that a statement may begin with."""

_REFERS_BACK = re.compile(
    r"^[\"“]?(?:It\b(?!\s(?:is|was|would\sbe|will\sbe|has\sbeen)\s\w+\s(?:to|that)\b)|"
    r"(?:They|Its|Their|Such)\b|(?:This|These|Those|That)\b"
    r"(?!\s(?:year|month|week|day|time|morning|night|"
    r"spring|summer|autumn|fall|winter)\b))"
)
_PERSONAL = re.compile(r"\b(?:[Hh]e|[Ss]he|[Hh]is|[Hh]er)\b")
_CAPITALISED = re.compile(r"(?<!^)\b[A-Z][\w’'-]+")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Consecutive sentences `first..last` (inclusive) of an article."""

    article: Article
    first: int
    last: int


def choose(parts: Sequence[Evidence], articles: Mapping[str, Article]) -> list[Chosen]:
    """The sentences that the answer is made of: for each part of the question its most probable ones, best first.

    For a development the best sentence of each period comes before a second one of any, and the result is in the
    order of the articles' dates as far as they are known.
    """
    chosen: list[Chosen] = []
    for evidence in parts:
        change = evidence.profile.asks_change
        limit = MAX_STATEMENTS_OF_PART if len(parts) > 1 else MAX_STATEMENTS
        limit = MAX_STATEMENTS_OF_CHANGE if change else limit
        taken, covered = 0, 0.0
        for sentence in _ranked(evidence, articles):
            if change and sentence.probability < LEAST_OF_PERIOD * evidence.sentences[0].probability:
                continue
            piece = _joined(sentence, articles[sentence.candidate.article_id], evidence.profile)
            covered += sentence.probability
            if not any(_same_place(piece, other) for other in chosen):
                chosen.append(piece)
                taken += 1
            if taken == limit or (not change and covered >= ENOUGH_PROBABILITY):
                break
    if any(evidence.profile.asks_change for evidence in parts):
        chosen.sort(key=lambda piece: _day(piece.article))
    return chosen


def _ranked(evidence: Evidence, articles: Mapping[str, Article]) -> list[ScoredSentence]:
    """The sentences, best first; of a development the best of each period, then the second of each, and so on."""
    if not evidence.profile.asks_change:
        return list(evidence.sentences)
    periods = in_periods(
        list(dict.fromkeys(sentence.candidate.article_id for sentence in evidence.sentences)),
        lambda name: date_interval(articles[name].published),
        MAX_STATEMENTS_OF_CHANGE,
    )
    period_of = {name: number for number, names in enumerate(periods) for name in names}
    seen: dict[int, int] = {}
    rounds = []
    for position, sentence in enumerate(evidence.sentences):
        period = period_of[sentence.candidate.article_id]
        seen[period] = seen.get(period, 0) + 1
        rounds.append((seen[period], position, sentence))
    return [sentence for _, _, sentence in sorted(rounds, key=lambda entry: entry[:2])]


def _day(article: Article) -> str:
    days = date_interval(article.published)
    return "9999" if days is None else days[0].isoformat()


def _same_place(one: Chosen, other: Chosen) -> bool:
    return one.article.article_id == other.article.article_id and one.first <= other.last and other.first <= one.last


def _joined(sentence: ScoredSentence, article: Article, profile: QuestionProfile) -> Chosen:
    """The sentence with the rest of the quotation that it is part of, and with the one that its "it" or "he" means.

    Where a date is asked for and the sentence follows the dateline, the dateline belongs to it.
    """
    structure = sentences_of(article.article_id, article.text)
    first = last = sentence.candidate.index
    while structure.quoted[first][0] and first > 0 and last - first + 1 < MAX_JOINED:
        first -= 1
    while structure.quoted[last][1] and last + 1 < len(structure.spans) and last - first + 1 < MAX_JOINED:
        last += 1
    text = article.text[structure.spans[first].start : structure.spans[first].end]
    unexplained = _REFERS_BACK.match(text) or (structure.speakers[first] is None and _means_somebody_before(text))
    if unexplained and first > 0 and first - 1 != structure.dateline and last - first + 1 < MAX_JOINED:
        first -= 1
    if profile.answer_type == "date" and first > 0 and first - 1 == structure.dateline:
        first -= 1
    return Chosen(article, first, last)


def compose(
    chosen: Sequence[Chosen],
    copies: Mapping[str, Sequence[Article]] | None = None,
    short: Mapping[tuple[str, int], str] | None = None,
) -> tuple[str, tuple[Statement, ...], tuple[Citation, ...]]:
    """The answer's text with `[n]` after each statement, its statements and its citations.

    A statement is the article's own words, in front of them the speaker where only another sentence names them (which
    is then cited too), behind them the source and date in round brackets. `copies` are, by article, others that repeat
    its passages: those in which the very words stand are named and cited too, and the words are said once.
    `short` are, by article and number of the sentence, words of it that are the short answer: they come first, in bold.
    """
    statements: list[Statement] = []
    citations: list[Citation] = []
    lines: list[str] = []
    for piece, others in _said_once(chosen, copies or {}):
        numbers = [_cite(citations, piece.article, _span(piece.article, piece.first, piece.last))]
        # A "[12]" of the article itself must not look like a mark of ours.
        text = disarm_marks(" ".join(citations[numbers[0] - 1].cited_text.split()))
        speaker = _unnamed_speaker(piece)
        if speaker is not None:
            name, naming = speaker
            text = f"{disarm_marks(name)}: {text}"
            numbers += [_cite(citations, piece.article, _span(piece.article, one, one)) for one in naming]
        own = attribution(piece.article)
        also = _others_by_name(own, others)
        numbers += [_cite(citations, article, span) for article, span in list(also.values())[:MAX_COPIES_NAMED]]
        first_words_of = _short_answer(piece, citations[numbers[0] - 1].cited_text, short or {})
        if first_words_of:
            text = f"**{first_words_of}** — {text}"
        label = disarm_marks("; ".join(part for part in (own, _same_words_in(list(also))) if part))
        statement = Statement(f"{text} ({label})" if label else text, tuple(numbers), "verbatim")
        statements.append(statement)
        lines.append(statement.text + " " + "".join(f"[{number}]" for number in numbers))
    return "\n\n".join(lines), tuple(statements), tuple(citations)


def _short_answer(piece: Chosen, cited: str, short: Mapping[tuple[str, int], str]) -> str:
    """The short answer in a piece, if there is one and it stands in the cited words on one line; else nothing."""
    for number in range(piece.first, piece.last + 1):
        words = short.get((piece.article.article_id, number), "")
        if words and words in cited and "\n" not in words and "*" not in words:
            return disarm_marks(words)
    return ""


def attribution(article: Article) -> str:
    """Source and date of an article as far as they are known, as in `TASS, 3 June 2017`; else its stated title."""
    known = ", ".join(part for part in (article.source or "", date_in_words(article)) if part)
    return known or ("" if article.title == first_words(article.text) else article.title)


_Copy = tuple[Article, Span]
"""An article that has the words of another, and where."""


def _said_once(chosen: Sequence[Chosen], copies: Mapping[str, Sequence[Article]]) -> list[tuple[Chosen, list[_Copy]]]:
    """The pieces without those whose words an earlier one has, each with the other articles that have its words."""
    said: list[tuple[Chosen, list[_Copy]]] = []
    waiting = list(chosen)
    while waiting:
        piece = waiting.pop(0)
        span = _span(piece.article, piece.first, piece.last)
        others = [*copies.get(piece.article.article_id, ()), *(later.article for later in waiting)]
        found: dict[str, _Copy] = {}
        for other in others:
            place = None if other.article_id == piece.article.article_id else same_words(piece.article, span, other)
            if place is not None:
                found[other.article_id] = other, place
        waiting = [later for later in waiting if not _is_within(later, found)]
        said.append((piece, list(found.values())))
    return said


def _is_within(piece: Chosen, found: Mapping[str, _Copy]) -> bool:
    if piece.article.article_id not in found:
        return False
    span, (_, place) = _span(piece.article, piece.first, piece.last), found[piece.article.article_id]
    return place.start <= span.start and span.end <= place.end


def _others_by_name(own: str, others: Sequence[_Copy]) -> dict[str, _Copy]:
    """The articles with the same words by how they are named, each name once: a source's second edition adds none."""
    named: dict[str, _Copy] = {}
    for article, span in others:
        name = attribution(article) or article.title
        if name != own:
            named.setdefault(name, (article, span))
    return named


def _same_words_in(names: Sequence[str]) -> str:
    """As in `same words in TASS, 3 June 2017; Gazette and 2 more`; empty if there are none."""
    if not names:
        return ""
    more = f" and {len(names) - MAX_COPIES_NAMED} more" if len(names) > MAX_COPIES_NAMED else ""
    return f"same words in {'; '.join(names[:MAX_COPIES_NAMED])}{more}"


def _means_somebody_before(text: str) -> bool:
    """True if the sentence says "he" or "she" of somebody whom it does not name before."""
    pronoun = _PERSONAL.search(text)
    return pronoun is not None and _CAPITALISED.search(text[: pronoun.start()]) is None


def _span(article: Article, first: int, last: int) -> Span:
    spans = sentences_of(article.article_id, article.text).spans
    return Span(spans[first].start, spans[last].end)


def _cite(citations: list[Citation], article: Article, span: Span) -> int:
    """Number of the citation of a span, which is added if it is not there."""
    for citation in citations:
        if (citation.article_id, citation.start, citation.end) == (article.article_id, span.start, span.end):
            return citation.number
    citations.append(make_citation(len(citations) + 1, article, span.start, span.end))
    return len(citations)


def _unnamed_speaker(piece: Chosen) -> tuple[str, list[int]] | None:
    """Who speaks in the cited words, if the words themselves do not name them, and the sentences that say so: the one
    that names the speaker and, where it has only a part of the name, the first that has the whole.
    """
    structure = sentences_of(piece.article.article_id, piece.article.text)
    speaker = structure.speakers[piece.first]
    if speaker is None or piece.first <= speaker.sentence <= piece.last:
        return None
    span = _span(piece.article, piece.first, piece.last)
    cited = set(unify(piece.article.text[span.start : span.end]))
    if unify(speaker.name)[-1] in cited:
        return None
    naming = [speaker.sentence]
    named = piece.article.text[structure.spans[speaker.sentence].start : structure.spans[speaker.sentence].end]
    if not set(unify(speaker.name)) <= cited | set(unify(named)):
        whole = piece.article.text.find(speaker.name)
        naming += [number for number, span in enumerate(structure.spans) if span.start <= whole < span.end]
    return speaker.name, naming
