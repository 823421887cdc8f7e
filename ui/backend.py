"""What the page and the HTTP interface ask of a library and a model."""

import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from index.errors import InputError
from index.types import Article, ArticleSummary, Passage
from rag.types import Answer, Citation, Question
from rag.verification import Verification

if TYPE_CHECKING:
    from index.library import Library


class Backend(Protocol):
    """A library and its models behind the page. Every method may be called from any thread, several at once.

    `models` are the names of the models that may be asked for; the first answers where none is named. All methods
    raise the errors of `index.errors`; `article` raises `ArticleNotFoundError` on an unknown identifier.
    """

    models: tuple[str, ...]

    def stream(
        self,
        question: Question,
        *,
        k: int | None = None,
        model: str | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[str | Answer, None, None]:
        """Pieces of the answer's text as they come, then exactly one `Answer`. `k` limits the passages used.

        Once `stop` is set, the model ends within a second (`rag.answering.stream`).
        """
        ...

    def ask(
        self,
        question: Question,
        *,
        k: int | None = None,
        model: str | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        """The whole answer; `stop` as for `stream`."""
        ...

    def ready(self, model: str) -> bool:
        """True if one of `models` can be used now; its server is asked what it offers, no model is made to write."""
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

    def verify(self, citation: Citation) -> Verification:
        """What became of cited words in the library's newest state."""
        ...

    def writing(self) -> "AbstractContextManager[Library]":
        """The library opened to change, with the encoder that is loaded already; one is made if there is none.

        Raises `LibraryBusyError` while another one changes it.
        """
        ...


def check_model(name: str | None, models: Sequence[str]) -> str:
    """The name, if it is one of those that may be asked for; the first of them for `None`. Raises `InputError`."""
    if name is None:
        return models[0]
    if name not in models:
        raise InputError(f"There is no model {name!r} here; choose one of: {', '.join(models)}.")
    return name
