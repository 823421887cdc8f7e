"""The evidence that a question set names, found in a library before any question is asked."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from eval.questions import list_problems
from eval.quotes import occurrences, occurrences_by_word
from eval.types import ArticleSpan, Evidence, Gold, QuestionSet
from index.errors import QuestionSetError
from index.types import Article, ArticleSummary, Span, first_words

if TYPE_CHECKING:
    from index.library import Library


ADVICE = (
    "Name the files or folders that the set was written for with --articles, or a library that holds them with "
    "--library"
)
"""What to do about articles that are not there, on the command line; the page says something else in its place."""


def locate_evidence(question_set: QuestionSet, library: "Library") -> dict[str, Gold]:
    """Question id → where its evidence is, for every question with evidence.

    An article that the set carries is found by its text wherever it was indexed from, else by its origin, else as the
    only one of its URL or exact title. Any other is found by its origin or file name. A document that qrels name and
    the set itself lacks keeps its place in `grades`, under the name that the set has for it: it counts as relevant and
    is never found.

    Quotes are matched exactly after the normalisation that articles are stored with. One with a `start` is at that
    place if the article has it there; any other is found in every place. In an article found by URL or title, which
    may be another version of the text, white space may differ, and a quote that is not there leaves the article's
    grade only.

    Raises QuestionSetError, naming the first few, where the library does not hold an article or the article does not
    hold a quote.
    """
    finder = _Finder(question_set, library)
    located: dict[str, Gold] = {}
    problems: list[str] = []
    for question in question_set.questions:
        spans: dict[ArticleSpan, None] = {}
        grades: dict[str, int] = {}
        for evidence in question.evidence:
            article_id = finder.article_id(evidence)
            if article_id is None:
                problems.append(f"question {question.id!r}: no single article is named {evidence.article!r}")
                continue
            grades[article_id] = max(evidence.grade, grades.get(article_id, 0))
            found = finder.spans(article_id, evidence)
            if found is None:
                quote = first_words(evidence.quote or "", 60)
                problems.append(f"question {question.id!r}: article {evidence.article!r} does not hold {quote!r}")
            else:
                spans |= dict.fromkeys(found)
        if question.evidence:
            located[question.id] = Gold(tuple(spans), finder.overlapping_passages(tuple(spans)), grades)
    if problems:
        raise QuestionSetError(
            f"the articles asked do not hold the evidence that {question_set.path!r} names: {list_problems(problems)}. "
            f"{ADVICE}"
        )
    return located


class _Finder:
    """Looks things up in a library, each article once."""

    def __init__(self, question_set: QuestionSet, library: "Library") -> None:
        self.library = library
        self.carried = {origin: article for article in question_set.articles for origin in article.origins}
        self.ids: dict[str, str | None] = {}
        self.texts = {article.article_id: article.text for article in question_set.articles}
        self.stand_ins: set[str] = set()
        self.passage_spans: dict[str, list[tuple[str, int, int]]] = {}

    def article_id(self, evidence: Evidence) -> str | None:
        """The library's article, `None` if there is no single one; for a document that the set lacks, its name."""
        name = evidence.article
        if name not in self.ids:
            carried = self.carried.get(name)
            if carried is not None:
                self.ids[name] = self._held_as_carried(carried) or self._stand_in(name, carried)
            elif self.carried and evidence.quote is None:
                self.ids[name] = name
            else:
                self.ids[name] = self._named(name)
        return self.ids[name]

    def _named(self, name: str) -> str | None:
        """What `Library.find_article` says, which reads all origins again for each name."""
        found = {self._origins[name]} if name in self._origins else self._by_file_name.get(_file_name(name), set())
        return next(iter(found)) if len(found) == 1 else None

    def _held_as_carried(self, carried: Article) -> str | None:
        if carried.article_id in self._held:
            return carried.article_id
        return next((self._origins[origin] for origin in carried.origins if origin in self._origins), None)

    def _stand_in(self, name: str, carried: Article) -> str | None:
        self.stand_ins.add(name)
        return self._by_url.get(carried.url or "") or self._by_title.get(carried.title)

    @cached_property
    def _origins(self) -> dict[str, str]:
        return self.library.origins()

    @cached_property
    def _by_file_name(self) -> dict[str, set[str]]:
        named: dict[str, set[str]] = {}
        for origin, article_id in self._origins.items():
            named.setdefault(_file_name(origin), set()).add(article_id)
        return named

    @cached_property
    def _held(self) -> frozenset[str]:
        return frozenset(self._origins.values())

    @cached_property
    def _summaries(self) -> list[ArticleSummary]:
        return self.library.articles()

    @cached_property
    def _by_url(self) -> dict[str, str]:
        return _unique([(article.url, article.article_id) for article in self._summaries])

    @cached_property
    def _by_title(self) -> dict[str, str]:
        return _unique([(article.title, article.article_id) for article in self._summaries])

    def spans(self, article_id: str, evidence: Evidence) -> list[ArticleSpan] | None:
        """Where the quote is; nowhere if there is no quote, `None` if the article should hold it and does not."""
        if evidence.quote is None:
            return []
        if article_id not in self.texts:
            self.texts[article_id] = self.library.article(article_id).text
        text, quote, start = self.texts[article_id], evidence.quote, evidence.start
        if start is not None and quote and text.startswith(quote, start):
            found = [Span(start, start + len(quote))]
        else:
            found = occurrences(text, quote)
        is_stand_in = evidence.article in self.stand_ins
        if not found and is_stand_in:
            found = occurrences_by_word(text, quote)
        if not found and not is_stand_in:
            return None
        return [ArticleSpan(article_id, span.start, span.end) for span in found]

    def overlapping_passages(self, spans: Sequence[ArticleSpan]) -> frozenset[str]:
        found = set()
        for span in spans:
            if span.article_id not in self.passage_spans:
                passages = self.library.passages(span.article_id)
                self.passage_spans[span.article_id] = [(p.passage_id, p.start, p.end) for p in passages]
            for passage_id, start, end in self.passage_spans[span.article_id]:
                if start < span.end and span.start < end:
                    found.add(passage_id)
        return frozenset(found)


def _file_name(origin: str) -> str:
    return origin.rsplit("/", 1)[-1]


def _unique(named: Sequence[tuple[str | None, str]]) -> dict[str, str]:
    """Name → article, for the names that one article alone has."""
    counted = Counter(name for name, _ in named)
    return {name: article_id for name, article_id in named if name and counted[name] == 1}
