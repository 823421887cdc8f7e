"""The evidence that a question set names, found in a library before any question is asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.questions import list_problems
from eval.types import ArticleSpan, EvalQuestion, Gold
from index.errors import QuestionSetError
from index.types import first_words, normalise_text

if TYPE_CHECKING:
    from index.library import Library


def locate_evidence(questions: Sequence[EvalQuestion], library: "Library", set_path: Path) -> dict[str, Gold]:
    """Question id → where its quotes are, for every question with evidence.

    Quotes are matched exactly after the normalisation that articles are stored with; a quote that an article holds
    more than once is found in every place. Raises QuestionSetError, naming the first few, where the library does not
    hold an article or the article does not hold a quote.
    """
    finder = _Finder(library)
    located: dict[str, Gold] = {}
    problems: list[str] = []
    for question in questions:
        spans: list[ArticleSpan] = []
        for evidence in question.evidence:
            article_id = finder.article_id(evidence.article)
            if article_id is None:
                problems.append(f"question {question.id!r}: no single article is named {evidence.article!r}")
                continue
            found = finder.occurrences(article_id, evidence.quote)
            if not found:
                quote = first_words(evidence.quote, 60)
                problems.append(f"question {question.id!r}: article {evidence.article!r} does not hold {quote!r}")
            spans += found
        if question.evidence:
            located[question.id] = Gold(tuple(spans), finder.overlapping_passages(spans))
    if problems:
        library_path = str(library.path)
        raise QuestionSetError(
            f"the library at {library_path!r} does not hold the evidence that {str(set_path)!r} names: "
            f"{list_problems(problems)}. Add the articles that the set was written for with: "
            f"dateline index FOLDER --library {library_path!r}"
        )
    return located


class _Finder:
    """Looks things up in a library, each article once."""

    def __init__(self, library: "Library") -> None:
        self.library = library
        self.ids: dict[str, str | None] = {}
        self.texts: dict[str, str] = {}
        self.passage_spans: dict[str, list[tuple[str, int, int]]] = {}

    def article_id(self, name: str) -> str | None:
        if name not in self.ids:
            self.ids[name] = self.library.find_article(name)
        return self.ids[name]

    def occurrences(self, article_id: str, quote: str) -> list[ArticleSpan]:
        if article_id not in self.texts:
            self.texts[article_id] = self.library.article(article_id).text
        text, wanted = self.texts[article_id], normalise_text(quote)
        spans = []
        start = text.find(wanted)
        while start >= 0:
            spans.append(ArticleSpan(article_id, start, start + len(wanted)))
            start = text.find(wanted, start + len(wanted))
        return spans

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
