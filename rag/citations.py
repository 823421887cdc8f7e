"""From a model's text to an answer whose every mark leads to exact characters of an article.

The model names passages; a citation names the sentences in them that carry the statement. Marks that name nothing are
removed, marks that point at the wrong passage are set right where another one holds the statement, and each statement
gets a label of how well the cited words support it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from index.sentences import split_sentences
from index.types import Article, Hit, Span
from rag.marks import MarkedText, disarm_marks, readable, take_out_marks
from rag.prompts import DECLINE_SENTENCE
from rag.support import PARTIAL_COVERAGE, Words, coverage, fold, is_quoted_from, judge, quotations, stands_in
from rag.types import Citation, Statement, Support

CONTEXT_CHARACTERS = 60
"""Most characters before and after the cited ones that a citation keeps."""

MAX_SENTENCES = 3
"""Most sentences of one passage that are cited for one statement; more would be the passage, not the evidence."""

MIN_GAIN = 0.2
"""Share of a statement's needed terms that a further sentence must add to be cited, unless it adds a name or number."""

_DECLINES = re.compile(
    r"(?:(?:i am|i'm) )?(?:sorry,? )?(?:but )?(?:unfortunately,? )?(?:the|these) "
    r"(?:provided |given |numbered )?(?:articles?|passages?|sources?|texts?|documents?)(?: provided| given)? "
    r"(?:do(?:es)? not|don't|doesn't) (?:hold|contain|have|provide|include|give) "
    r"(?:the|an|any) answers?(?: to (?:the|this|that|your) question)?"
)
"""The agreed sentence of `rag.prompts.DECLINE_SENTENCE` and small variations, folded."""

_LIST_MARKER = re.compile(r"(?:[-*•–—]|\d{1,2}[.)]|#{1,6})\s+")


@dataclass(frozen=True, slots=True)
class CitedText:
    """A model's answer after its marks were resolved.

    `text` ends each statement with its `[n]`; every number in such a mark is the number of a citation, and every
    citation has a mark. `declined` says that the model replied that the articles do not hold the answer; then there
    are no statements. A text without words has none either. `removed_marks` counts numbers that named no passage.
    """

    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    declined: bool
    removed_marks: int


def cite_answer(text: str, hits: Sequence[Hit], articles: Mapping[str, Article]) -> CitedText:
    """Resolves the marks of a model's text, whatever it wrote.

    `hits` are in the order in which the prompt numbered them; `articles` holds their articles by `article_id`. A
    statement without a mark gets the sentence that supports it, if a passage has one, and is else `unsupported`.
    """
    shown = {hit.passage.article_id: articles[hit.passage.article_id].text for hit in hits}
    marked = take_out_marks(readable(text), len(hits), list(shown.values()))
    if _DECLINES.fullmatch(fold(marked.plain)):
        return CitedText(DECLINE_SENTENCE, (), (), declined=True, removed_marks=marked.removed)
    passages = [_Passage.of(hit, articles[hit.passage.article_id]) for hit in hits]
    folded = {passage.article.article_id: "" for passage in passages}
    quoted = quotations(marked.plain)
    if quoted:
        folded = {passage.article.article_id: fold(disarm_marks(passage.article.text)) for passage in passages}
    numbers: dict[tuple[str, Span], int] = {}
    citations: list[Citation] = []
    statements: list[Statement] = []
    pieces: list[str] = []
    cursor = 0
    spans = _statement_spans(marked.plain)
    for span, named in zip(spans, _named_passages(marked, spans), strict=True):
        words = marked.plain[span.start : span.end]
        quotes = [marked.plain[quote.start : quote.end] for quote in quoted if _overlap(quote, span)]
        cited, support = _find_evidence(Words.of(words), [passages[number - 1] for number in named], passages)
        if support != "unsupported" and not all(_is_quoted(quote, cited, folded) for quote in quotes):
            support = "unsupported"
            cited = cited if named else []
        for key in cited:
            if key not in numbers:
                numbers[key] = len(numbers) + 1
                article_id, place = key
                citations.append(make_citation(numbers[key], articles[article_id], place.start, place.end))
        own = tuple(numbers[key] for key in cited)
        statements.append(Statement(words, own, support))
        between = marked.plain[cursor : span.start]
        pieces += [between if between or not pieces else " ", words, " " if own else "", *(f"[{n}]" for n in own)]
        cursor = span.end
    pieces.append(marked.plain[cursor:])
    return CitedText("".join(pieces).strip(), tuple(statements), tuple(citations), False, marked.removed)


def make_citation(number: int, article: Article, start: int, end: int) -> Citation:
    """The citation of the characters `[start, end)` of an article, with at most `CONTEXT_CHARACTERS` on each side."""
    return Citation(
        number=number,
        article_id=article.article_id,
        origin=article.origin,
        title=article.title,
        source=article.source,
        published=article.published,
        url=article.url,
        start=start,
        end=end,
        cited_text=article.text[start:end],
        prefix=article.text[max(0, start - CONTEXT_CHARACTERS) : start],
        suffix=article.text[end : end + CONTEXT_CHARACTERS],
    )


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage of the prompt with the places of its sentences in the article, and their words."""

    article: Article
    whole: Span
    sentences: tuple[Span, ...]
    words: tuple[Words, ...]

    @classmethod
    def of(cls, hit: Hit, article: Article) -> "_Passage":
        start, end = hit.passage.start, hit.passage.end
        text = article.text[start:end]
        spans = tuple(Span(start + span.start, start + span.end) for span in split_sentences(text))
        words = tuple(Words.of(article.text[span.start : span.end]) for span in spans)
        return cls(article, Span(start, end), spans, words)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The places of an article's text that were chosen for a statement, in order, and their words together."""

    article_id: str
    places: tuple[Span, ...]
    words: Words
    share: float


_Key = tuple[str, Span]


def _find_evidence(
    statement: Words, named: Sequence[_Passage], passages: Sequence[_Passage]
) -> tuple[list[_Key], Support]:
    """The places to cite for a statement, best knowledge first from the passages it names, and its support."""
    found = [_narrow(statement, passage) for passage in named]
    carrying = [evidence for evidence in found if evidence.share >= PARTIAL_COVERAGE]
    support = judge(statement, Words.union([evidence.words for evidence in carrying or found]))
    if support in ("unsupported", "partial"):
        for passage in passages:
            other = _narrow(statement, passage)
            label = judge(statement, other.words)
            if label in ("verbatim", "supported"):
                return _keys([other]), label
    if carrying:
        return _keys(carrying), support
    return list(dict.fromkeys((passage.article.article_id, passage.whole) for passage in named)), "unsupported"


def _keys(evidence: Sequence[_Evidence]) -> list[_Key]:
    return list(dict.fromkeys((each.article_id, place) for each in evidence for place in each.places))


def _narrow(statement: Words, passage: _Passage) -> _Evidence:
    """The sentences of a passage that carry the statement: the best one, and others as long as they add to it."""
    chosen: list[int] = [
        index for index, words in enumerate(passage.words) if stands_in(statement.folded, words.folded)
    ][:1]
    covered: frozenset[str] = passage.words[chosen[0]].needed if chosen else frozenset()
    required = (statement.names & statement.content) | statement.numbers
    while not chosen or (statement.needed - covered and len(chosen) < MAX_SENTENCES):
        gains = [statement.needed & words.needed - covered for words in passage.words]
        best = max(range(len(gains)), key=lambda index: (len(gains[index]), len(gains[index] & required)), default=None)
        if best is None or not gains[best]:
            break
        if chosen and not gains[best] & required and len(gains[best]) < MIN_GAIN * len(statement.needed):
            break
        chosen.append(best)
        covered |= passage.words[best].needed
    chosen.sort()
    words = Words.union([passage.words[index] for index in chosen])
    places: list[Span] = []
    for index in chosen:
        place = passage.sentences[index]
        if places and passage.article.text[places[-1].end : place.start].isspace():
            place = Span(places.pop().start, place.end)
        places.append(place)
    return _Evidence(passage.article.article_id, tuple(places), words, coverage(statement, words))


def _is_quoted(quotation: str, cited: Sequence[_Key], folded: Mapping[str, str]) -> bool:
    return any(is_quoted_from(quotation, folded[article_id]) for article_id, _ in cited)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _statement_spans(plain: str) -> list[Span]:
    """The sentences of the text that hold a letter or digit, without the bullet or number of a list entry."""
    spans = []
    for span in split_sentences(plain):
        marker = _LIST_MARKER.match(plain, span.start, span.end)
        if marker and marker.end() < span.end:
            span = replace(span, start=marker.end())
        if any(char.isalnum() for char in plain[span.start : span.end]):
            spans.append(span)
    return spans


def _named_passages(marked: MarkedText, spans: Sequence[Span]) -> list[list[int]]:
    """For each statement the numbers of the passages that its marks name, each once.

    A mark belongs to the statement that it stands in or behind; on a line that begins with a mark and does not end
    with one, marks stand before their statements.
    """
    named: list[dict[int, None]] = [{} for _ in spans]
    starts, ends = [span.start for span in spans], [span.end for span in spans]
    for mark, before in zip(marked.marks, _stand_before(marked), strict=True):
        if spans and before:
            named[min(bisect_right(ends, mark.position), len(spans) - 1)].update(dict.fromkeys(mark.numbers))
        elif spans:
            named[max(bisect_left(starts, mark.position) - 1, 0)].update(dict.fromkeys(mark.numbers))
    return [list(numbers) for numbers in named]


def _stand_before(marked: MarkedText) -> list[bool]:
    """For each mark, whether it is on a line whose marks stand before their statements."""
    before: list[bool] = []
    line_ends = [match.start() for match in re.finditer("\n", marked.plain)] + [len(marked.plain)]
    for line, group in groupby(marked.marks, key=lambda mark: bisect_left(line_ends, mark.position)):
        on_line = list(group)
        start, end = line_ends[line - 1] + 1 if line else 0, line_ends[line]
        begins = not _has_words(marked.plain[start : on_line[0].position])
        ends_with = not _has_words(marked.plain[on_line[-1].position : end])
        before += [begins and not ends_with] * len(on_line)
    return before


def _has_words(text: str) -> bool:
    return any(char.isalpha() for char in text)
