"""A conversation as the page shows it: its messages, and a running answer watched until it ends."""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from index.errors import DatelineError
from index.types import Article
from rag.generators import EXTRACTIVE
from rag.types import Answer
from ui.backend import Backend
from ui.coverage import Coverage, coverage_of
from ui.desk import Answering
from ui.examples import example_questions
from ui.exchanges import Exchange
from ui.markup import Around, exchange_html, question_html
from ui.texts import Texts

UPDATE_SECONDS = 0.1
"""Shortest time between two updates of a page. At 48 updates a second a page was seen to draw 8 frames a second, at
10 it drew 59 and its Stop button answered in 0.14 s."""

POLL_SECONDS = 0.02
"""How often a waiting page looks whether its answer has grown; a finished answer is shown after at most this long."""

ANSWERS_REMEMBERED = 256
"""Finished answers whose HTML is kept ready, a few kilobytes each, for conversations that are opened or go on."""

Seen = tuple[Exchange, int]
"""A running exchange and how many questions are answered before it."""


async def watch(answering: Answering) -> AsyncIterator[Seen]:
    """The exchange at once, then as its answer grows, at last ended."""
    shown: Seen | None = None
    moment = 0.0
    while True:
        ended = answering.ended.is_set()
        now = answering.exchange, answering.before
        if now[0].state != "running" and not ended:
            await asyncio.sleep(POLL_SECONDS)  # it is being kept; what is shown as ended is kept already
            continue
        if ended or (now != shown and time.monotonic() - moment >= UPDATE_SECONDS):
            shown, moment = now, time.monotonic()
            yield now
        if ended:
            return
        await asyncio.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Known:
    """What one state of a library holds, and questions to ask of it."""

    generation: int
    coverage: Coverage
    examples: tuple[str, ...]


class Shown:
    """Exchanges as HTML, with what the library knows of the articles that they name. May be used from any thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ready: OrderedDict[tuple[str, str, int], str] = OrderedDict()
        self._known: Known | None = None
        self._lock = threading.Lock()

    def messages(self, exchanges: Sequence[Exchange], texts: Texts, before: int = 0) -> list[dict[str, str]]:
        """The conversation as Gradio's chat takes it."""
        return [
            {"role": role, "content": content}
            for exchange in exchanges
            for role, content in (
                ("user", question_html(exchange, texts)),
                ("assistant", self._answer(exchange, texts, before)),
            )
        ]

    def known(self) -> "Known":
        """What the newest state of the library holds, found out once for each state. Raises `DatelineError`."""
        generation = self._backend.generation()
        known = self._known
        if known is None or known.generation != generation:
            summaries = self._backend.summaries()
            examples = example_questions(self._backend, summaries)
            known = self._known = Known(generation, coverage_of(summaries), tuple(examples))
        return known

    def _answer(self, exchange: Exchange, texts: Texts, before: int) -> str:
        if exchange.answer is None:
            return exchange_html(exchange, Around(), texts, before=before, extractive=exchange.model == EXTRACTIVE)
        generation, coverage = -1, None
        with suppress(DatelineError):
            known = self.known()
            generation, coverage = known.generation, known.coverage
        key = exchange.exchange_id, texts.language, generation
        with self._lock:
            ready = self._ready.get(key)
        if ready is None:
            ready = exchange_html(exchange, Around(self._articles(exchange.answer), coverage), texts)
            with self._lock:
                self._ready[key] = ready
                while len(self._ready) > ANSWERS_REMEMBERED:
                    self._ready.popitem(last=False)
        return ready

    def _articles(self, answer: Answer) -> dict[str, Article]:
        closest = answer.refusal.closest if answer.refusal is not None else ()
        named = [citation.article_id for citation in answer.citations] + [hit.passage.article_id for hit in closest]
        found: dict[str, Article] = {}
        for article_id in dict.fromkeys(named):
            with suppress(DatelineError):
                found[article_id] = self._backend.article(article_id)
        return found
