"""What the page and the HTTP interface ask of a library and a model."""

from collections.abc import Generator
from typing import Protocol

from index.types import Article, ArticleSummary, Passage
from rag.types import Answer, Question


class Backend(Protocol):
    """A library and a model behind the page. Every method may be called from any thread, several at once.

    All of them raise the errors of `index.errors`; `article` raises `ArticleNotFoundError` on an unknown identifier.
    """

    model: str

    def stream(self, question: Question, *, k: int | None = None) -> Generator[str | Answer, None, None]:
        """Pieces of the answer's text as they come, then exactly one `Answer`. `k` limits the passages used."""
        ...

    def ask(self, question: Question, *, k: int | None = None) -> Answer:
        """The whole answer."""
        ...

    def article(self, article_id: str) -> Article:
        """The article of that identifier."""
        ...

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of that article, in order."""
        ...

    def summaries(self) -> list[ArticleSummary]:
        """Every article, without its text."""
        ...

    def generation(self) -> int:
        """The number of the library's last change."""
        ...
