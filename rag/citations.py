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
from rag.marks import MarkedText, readable, take_out_marks
from rag.prompts import DECLINE_SENTENCE
from rag.quotations import fold, quotations
from rag.statement_check import CitablePassage, Place, StatementChecker, check_statement
from rag.types import Citation, Statement

CONTEXT_CHARACTERS = 60
"""Most characters before and after the cited ones that a citation keeps."""

_DECLINES = re.compile(
    r"(?:(?:i am|i'm) )?(?:sorry,? )?(?:but )?(?:unfortunately,? )?(?:the|these) "
    r"(?:provided |given |numbered )?(?:articles?|passages?|sources?|texts?|documents?)(?: provided| given)? "
    r"(?:do(?:es)? not|don't|doesn't) (?:hold|contain|have|provide|include|give) "
    r"(?:the|an|any) answers?(?: to (?:the|this|that|your) question)?"
    r"|(?:(?:i am|i'm) sorry,? )?(?:but )?(?:unfortunately,? )?i (?:cannot|can't|am (?:un|not )able to) answer "
    r"(?:this|the|that|your)? ?question(?: (?:from|with|based on|using) (?:the|these) "
    r"(?:provided |given |numbered )?(?:articles?|passages?|sources?|texts?|documents?)(?: provided| given)?)?"
    r"|n/a"
)
"""The agreed sentence of `rag.prompts.DECLINE_SENTENCE` and small variations, folded."""

_NUMBER_IN_BRACKETS = re.compile(r"\[(\s*[-–]?\d[\d\s.,;–-]*)\]")
"""A number in square brackets that is no mark: in an answer these are kept for its citations."""

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


def cite_answer(
    text: str, hits: Sequence[Hit], articles: Mapping[str, Article], checker: StatementChecker | None = None
) -> CitedText:
    """Resolves the marks of a model's text, whatever it wrote.

    `hits` are in the order in which the prompt numbered them; `articles` holds their articles by `article_id`. A
    statement without a mark gets the sentence that supports it, if a passage has one, and is else `unsupported`.
    `checker` says how well words support a statement; without one they are judged by words alone (`rag.support`).
    """
    shown = {hit.passage.article_id: articles[hit.passage.article_id].text for hit in hits}
    marked = take_out_marks(readable(text), len(hits), list(shown.values()))
    marked = replace(marked, plain=_NUMBER_IN_BRACKETS.sub(r"(\1)", marked.plain))
    if _DECLINES.fullmatch(fold(marked.plain)):
        return CitedText(DECLINE_SENTENCE, (), (), declined=True, removed_marks=marked.removed)
    passages = [CitablePassage.of(hit, articles[hit.passage.article_id]) for hit in hits]
    quoted = quotations(marked.plain)
    numbers: dict[Place, int] = {}
    citations: list[Citation] = []
    statements: list[Statement] = []
    pieces: list[str] = []
    cursor = 0
    spans = _statement_spans(marked.plain)
    for span, named in zip(spans, _named_passages(marked, spans), strict=True):
        words = marked.plain[span.start : span.end]
        quotes = [marked.plain[quote.start : quote.end] for quote in quoted if _overlap(quote, span)]
        checked = check_statement(words, quotes, [passages[number - 1] for number in named], passages, checker)
        for place in checked.places:
            if place not in numbers:
                numbers[place] = len(numbers) + 1
                article_id, cited = place
                citations.append(make_citation(numbers[place], articles[article_id], cited.start, cited.end))
        own = tuple(numbers[place] for place in checked.places)
        statements.append(Statement(words, own, checked.judgement.support, checked.judgement.problems, checked.quoted))
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
