"""An exact stand-in for a library and a model, for tests of the page and of the HTTP interface."""

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any, cast

from index.errors import ArticleNotFoundError, DatelineError, LibraryWriteError
from index.types import Article, ArticleSummary, Hit, Metadata, Passage
from rag.types import Answer, Citation, Question, Refusal, Statement
from rag.verification import Verification, verify_citation


def make_article(text: str, title: str, *, source: str | None = None, published: str | None = None) -> Article:
    return Article.from_text(text, Metadata(title=title, source=source, published=published), f"/articles/{title}.txt")


def cite(number: int, article: Article, words: str) -> Citation:
    """The citation of the first place of `words` in the article."""
    start = article.text.index(words)
    end = start + len(words)
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
        cited_text=words,
        prefix=article.text[max(0, start - 60) : start],
        suffix=article.text[end : end + 60],
    )


def hit(rank: int, article: Article, words: str) -> Hit:
    """The hit of a passage that is just these words."""
    start = article.text.index(words)
    passage = Passage(
        f"{article.article_id}:{start}", article.article_id, start, start + len(words), words, article.title
    )
    return Hit(passage, rank, 1.0 / rank)


def answer(question: str, statements: Sequence[Statement], citations: Sequence[Citation], **changes: object) -> Answer:
    """An answer whose text is its statements, each followed by its marks."""
    fields: dict[str, object] = {
        "question": question,
        "standalone_question": question,
        "text": " ".join(s.text + "".join(f" [{number}]" for number in s.citations) for s in statements),
        "refusal": None,
        "confidence": 0.82,
        "statements": tuple(statements),
        "citations": tuple(citations),
        "hits": (),
        "model": "extractive",
        "library_generation": 7,
        "timings_ms": {"retrieve": 150.0, "answer": 250.0},
    }
    return Answer(**{**fields, **changes})  # type: ignore[arg-type]


def refusal(question: str, message: str, closest: Sequence[Hit]) -> Answer:
    declined = Refusal("low_confidence", message, tuple(closest))
    return answer(question, [], [], text=message, refusal=declined, confidence=0.1)


class FakeBackend:
    """Gives the answer of `respond` after its pieces and remembers the questions. An answer waits for `gate`."""

    models: tuple[str, ...] = ("extractive",)

    def __init__(
        self,
        articles: Sequence[Article],
        respond: Callable[[Question], Answer],
        *,
        pieces: Sequence[str] = (),
        gate: threading.Event | None = None,
    ) -> None:
        self.articles = list(articles)
        self.questions: list[Question] = []
        self.ks: list[int | None] = []
        self.asked_models: list[str | None] = []
        self.closed_early = 0
        self.error: Exception | None = None
        self._respond = respond
        self._pieces = pieces
        self._gate = gate

    def stream(
        self,
        question: Question,
        *,
        k: int | None = None,
        model: str | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[str | Answer, None, None]:
        try:
            yield from self._pieces
            yield self.ask(question, k=k, model=model)
        except GeneratorExit:
            self.closed_early += 1
            raise

    def ask(
        self,
        question: Question,
        *,
        k: int | None = None,
        model: str | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        self.questions.append(question)
        self.ks.append(k)
        self.asked_models.append(model)
        if self._gate is not None and not self._gate.wait(timeout=30):
            raise DatelineError("The gate was never opened.")
        if self.error is not None:
            raise self.error
        return self._respond(question)

    def ready(self, model: str) -> bool:
        return model in self.models

    def writing(self):
        raise LibraryWriteError("This library cannot be changed.")

    def article(self, article_id: str) -> Article:
        for article in self.articles:
            if article.article_id == article_id:
                return article
        raise ArticleNotFoundError(f"The library holds no article {article_id!r}.")

    def passages(self, article_id: str) -> list[Passage]:
        article = self.article(article_id)
        return [Passage(f"{article_id}:0", article_id, 0, len(article.text), article.text, article.title)]

    def summaries(self) -> list[ArticleSummary]:
        if self.error is not None:
            raise self.error
        return [
            ArticleSummary(a.article_id, a.title, a.source, a.published, a.url, a.origins, a.sha256, len(a.text), 1)
            for a in self.articles
        ]

    def generation(self) -> int:
        return 7

    def verify(self, citation: Citation) -> Verification:
        return verify_citation(citation, cast(Any, self))

    def find_article(self, origin: str) -> str | None:
        """Identifier of the article of that origin."""
        return next((article.article_id for article in self.articles if origin in article.origins), None)
