"""A conversation of the page: its exchanges, and the running of one question in a thread of its own."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Literal

from index.errors import ArticleNotFoundError, DatelineError, InputError, ModelError
from index.types import Article
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Turn
from ui.backend import Backend, check_model
from ui.markup import answer_html, note_html, question_html, working_html

UPDATE_SECONDS = 0.1
"""Shortest time between two updates of a page. At 48 updates a second a page was seen to draw 8 frames a second, at
10 it drew 59 and its Stop button answered in 0.14 s."""

POLL_SECONDS = 0.02
"""How often a waiting page looks whether its answer has grown; a finished answer is shown after at most this long."""

TURNS_REMEMBERED = 20
"""Earlier turns that a question is understood with."""

STOPPING_SECONDS = 5.0
"""Longest wait for a stopped answer to be checked; then what there is of it is shown as it is."""

STOPPED = "Stopped. This answer is not complete."
BROKEN = "Something went wrong while answering; the server's log says what. Ask again, or put it another way."

LOG = logging.getLogger("dateline")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what the page shows for it; `text` is the answer's text as far as it is known."""

    question: str
    html: str
    text: str = ""
    state: Literal["running", "finished", "broken"] = "running"


Conversation = tuple[Exchange, ...]


def messages(conversation: Conversation) -> list[dict[str, str]]:
    """The conversation as Gradio's chat takes it."""
    return [
        {"role": role, "content": content}
        for exchange in conversation
        for role, content in (("user", question_html(exchange.question)), ("assistant", exchange.html))
    ]


async def converse(
    backend: Backend,
    text: str,
    conversation: Conversation,
    model: str | None = None,
    stop: threading.Event | None = None,
) -> AsyncIterator[Conversation]:
    """The conversation with one more exchange: at once, then as its answer grows, at last finished.

    `model` is one of the backend's, the first if `None`. Never raises for what goes wrong in answering: the last state
    then says so in a sentence. Once `stop` is set the model is stopped, also while it is silent, and what it has
    written is checked and kept as incomplete. When the iteration is given up, the model is stopped and nothing is kept.
    """
    exchange = Exchange(text.strip(), working_html())
    yield (*conversation, exchange)
    if len(exchange.question) > MAX_QUESTION_CHARACTERS:
        sentence = f"The question is longer than {MAX_QUESTION_CHARACTERS:,} characters; ask a shorter one."
        yield (*conversation, _broken(exchange, sentence))
        return
    # A question that was stopped is still what a follow-up refers to; its unfinished answer is not.
    turns = [
        Turn(earlier.question, earlier.text if earlier.state == "finished" else "")
        for earlier in conversation
        if earlier.state != "running"
    ]
    try:
        name = check_model(model, backend.models)
    except InputError as error:
        yield (*conversation, _broken(exchange, str(error)))
        return
    stop = stop or threading.Event()
    asked = Question(exchange.question, history=tuple(turns[-TURNS_REMEMBERED:]))
    answering = _Answering(backend, asked, name, stop)
    shown = time.monotonic()
    stopping: float | None = None
    try:
        while exchange.state == "running":
            await asyncio.sleep(POLL_SECONDS)
            now = answering.exchange(exchange)
            if now.state == "running" and stop.is_set():
                stopping = stopping or time.monotonic()
                if time.monotonic() - stopping > STOPPING_SECONDS:
                    now = _broken(now, STOPPED)
            if now.state == "running" and (now == exchange or time.monotonic() - shown < UPDATE_SECONDS):
                continue
            exchange, shown = now, time.monotonic()
            yield (*conversation, exchange)
    finally:
        answering.give_up()


def _broken(exchange: Exchange, sentence: str) -> Exchange:
    return replace(exchange, html=note_html(sentence, exchange.text), state="broken")


class _Answering:
    """A thread that asks the backend, and what has come of it so far."""

    def __init__(self, backend: Backend, question: Question, model: str, stop: threading.Event) -> None:
        self._backend = backend
        self._question = question
        self._model = model
        self._stop = stop
        self._given_up = False
        self._text = ""
        self._answered: tuple[str, Answer] | None = None
        self._failure: str | None = None
        threading.Thread(target=self._work, name="dateline-answer", daemon=True).start()

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange as it stands now."""
        if self._answered is not None:
            html, answer = self._answered
            # What is not complete says so itself, and is not what a follow-up refers to.
            return replace(exchange, html=html, text=answer.text, state="broken" if answer.incomplete else "finished")
        text = self._text
        if self._failure is not None:
            return _broken(replace(exchange, text=text), self._failure)
        return replace(exchange, html=working_html(text), text=text)

    def give_up(self) -> None:
        """Stops the model; the thread ends."""
        self._given_up = True
        self._stop.set()

    def _work(self) -> None:
        try:
            answer = self._answer()
            if answer is not None:
                self._answered = answer_html(answer, self._closest_articles(answer), self._model), answer
        except DatelineError as error:
            self._failure = str(error)
        except Exception:
            LOG.exception("A question could not be answered.")
            self._failure = BROKEN

    def _answer(self) -> Answer | None:
        """The answer; `None` if it was given up. A generator left in the middle is closed, so that its model stops."""
        with closing(self._backend.stream(self._question, model=self._model, stop=self._stop)) as items:
            for item in items:
                if self._given_up:
                    return None
                if isinstance(item, Answer):
                    return item
                self._text += item
        raise ModelError("The model ended without an answer; ask again.")

    def _closest_articles(self, answer: Answer) -> dict[str, Article]:
        found: dict[str, Article] = {}
        for hit in answer.refusal.closest if answer.refusal is not None else ():
            with suppress(ArticleNotFoundError):
                found[hit.passage.article_id] = self._backend.article(hit.passage.article_id)
        return found
