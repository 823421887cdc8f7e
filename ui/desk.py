"""Where questions of the page are answered: each in a thread of its own that keeps what comes of it, watched or not."""

import logging
import threading
import time
from contextlib import closing
from dataclasses import replace

from index.errors import DatelineError, InputError, ModelError
from rag.generators import EXTRACTIVE
from rag.types import MAX_QUESTION_CHARACTERS, Answer, Question, Turn
from ui.backend import Backend, check_model
from ui.conversation_store import ConversationStore
from ui.exchanges import Asked, Exchange
from ui.waiting_line import Ticket, WaitingLine

LOG = logging.getLogger("dateline")

ANSWERS_AT_ONCE = 8
"""Questions that language models answer at the same time, each waiting mostly for its model's server."""

EXTRACTIVE_AT_ONCE = 4
"""The same without a language model. They share the processor and the library; more at once make each slower."""

QUESTIONS_WAITING = 100
"""Questions that may wait for their turn; the next one is told to come back."""

TURNS_REMEMBERED = 20
"""Earlier turns that a question is understood with."""

SAVE_SECONDS = 1.0
"""How often the text of a growing answer is kept: what a crash of the server can cost."""

STOPPING_SECONDS = 5.0
"""Longest wait for a stopped answer to be checked; then what there is of it is kept as it is."""

ABANDONED_SECONDS = 10.0
"""How long an answer goes on that nobody watches any more. A page that is loaded again is back in two."""

STOPPED = "Stopped. This answer is not complete."
BROKEN = "Something went wrong while answering; the server's log says what. Ask again, or put it another way."


class Answering:
    """A question that is being answered. May be looked at from any thread."""

    def __init__(self, exchange: Exchange, turns: tuple[Turn, ...], store: ConversationStore) -> None:
        self.stop = threading.Event()
        self.ended = threading.Event()
        self._exchange = exchange
        self._turns = turns
        self._store = store
        self._lock = threading.Lock()
        self._saved = time.monotonic()
        self._stopping: float | None = None
        self._watchers: set[str] = set()
        self._ticket: Ticket | None = None

    @property
    def exchange(self) -> Exchange:
        """What there is of it now. One that was stopped and is silent for too long ends here."""
        if self.stop.is_set() and not self.ended.is_set():
            self._stopping = self._stopping or time.monotonic()
            if time.monotonic() - self._stopping > STOPPING_SECONDS:
                self.end("stopped", note=STOPPED)
        return self._exchange

    @property
    def before(self) -> int:
        """How many questions have to be answered before this one's turn comes; 0 if it has come."""
        return 0 if self._ticket is None else self._ticket.before

    def wait(self, ticket: Ticket) -> bool:
        """Waits for the turn; false if it was stopped before."""
        self._ticket = ticket
        return ticket.wait(self.stop)

    def question(self) -> Question:
        """What the backend is asked."""
        return Question(self._exchange.question, history=self._turns, filter=self._exchange.filter)

    def grow(self, text: str) -> None:
        """Adds to the answer's text."""
        with self._lock:
            if self.ended.is_set():
                return
            self._exchange = replace(self._exchange, text=self._exchange.text + text)
            if time.monotonic() - self._saved >= SAVE_SECONDS:
                self._saved = time.monotonic()
                self._store.save(self._exchange)

    def answered(self, answer: Answer) -> None:
        """Ends it with an answer."""
        self.end("stopped" if answer.incomplete else "finished", text=answer.text, answer=answer)

    def end(self, state: str, **changes: object) -> None:
        """Ends it, once; what comes later is let go."""
        with self._lock:
            if self.ended.is_set():
                return
            self._exchange = replace(self._exchange, state=state, **changes)  # type: ignore[arg-type]
            try:
                self._store.save(self._exchange)
            finally:
                self.ended.set()

    def join(self, watcher: str) -> None:
        """Somebody watches it."""
        with self._lock:
            self._watchers.add(watcher)

    def leave(self, watcher: str) -> None:
        """Somebody watches no longer. If nobody does for `ABANDONED_SECONDS`, it is stopped."""
        with self._lock:
            self._watchers.discard(watcher)
        if not self.ended.is_set() and not self._watchers:
            timer = threading.Timer(ABANDONED_SECONDS, self._stop_if_abandoned)
            timer.daemon = True
            timer.start()

    def _stop_if_abandoned(self) -> None:
        if not self._watchers:
            self.stop.set()


class Desk:
    """Takes questions, keeps them, and answers them in the order in which they came.

    Those that wait for a language model keep nobody from an answer without one.
    """

    def __init__(self, backend: Backend, store: ConversationStore) -> None:
        self._backend = backend
        self._store = store
        self._running: dict[str, Answering] = {}
        self._lines = {
            False: WaitingLine(ANSWERS_AT_ONCE, QUESTIONS_WAITING),
            True: WaitingLine(EXTRACTIVE_AT_ONCE, QUESTIONS_WAITING),
        }

    def ask(self, owner: str, conversation_id: str, asked: Asked) -> Answering:
        """Keeps a question of a conversation (a new one, if there is none of that identifier) and begins to answer it.

        Never raises for what is wrong with the question: it ends at once then, with a sentence.
        """
        earlier = self._store.exchanges(owner, conversation_id)
        at = [one.exchange_id for one in earlier]
        if asked.replaces in at:
            earlier = earlier[: at.index(asked.replaces)]
        # A question that was stopped is still what a follow-up refers to; its unfinished answer is not.
        turns = [
            Turn(one.question, one.text if one.state == "finished" else "") for one in earlier if one.state != "running"
        ]
        kept = replace(asked, question=_storable(asked.question.strip()))
        too_long = len(kept.question) > MAX_QUESTION_CHARACTERS
        if too_long:
            kept = replace(kept, question=kept.question[:MAX_QUESTION_CHARACTERS] + "…")
        exchange = self._store.begin(owner, conversation_id, kept)
        answering = Answering(exchange, tuple(turns[-TURNS_REMEMBERED:]), self._store)
        if too_long:
            limit = f"{MAX_QUESTION_CHARACTERS:,}"
            answering.end("broken", note=f"The question is longer than {limit} characters; ask a shorter one.")
            return answering
        try:
            ticket = self._lines[check_model(asked.model, self._backend.models) == EXTRACTIVE].join()
        except InputError as error:
            answering.end("broken", note=str(error))
            return answering
        self._running[exchange.exchange_id] = answering

        def work() -> None:
            try:
                if answering.wait(ticket):
                    self._answer(answering)
                else:
                    answering.end("stopped", note=STOPPED)
            finally:
                ticket.leave()
                self._running.pop(exchange.exchange_id, None)

        threading.Thread(target=work, name="dateline-answer", daemon=True).start()
        return answering

    def running(self, exchange_id: str) -> Answering | None:
        """The exchange if it is being answered."""
        return self._running.get(exchange_id)

    def _answer(self, answering: Answering) -> None:
        try:
            asked = answering.exchange
            items = self._backend.stream(answering.question(), model=asked.model, stop=answering.stop)
            # A generator left in the middle is closed, so that its model stops.
            with closing(items):
                for item in items:
                    if answering.ended.is_set():
                        return
                    if isinstance(item, Answer):
                        answering.answered(item)
                        return
                    answering.grow(item)
            raise ModelError("The model ended without an answer; ask again.")
        except DatelineError as error:
            answering.end("broken", note=str(error))
        except Exception:
            LOG.exception("A question could not be answered.")
            answering.end("broken", note=BROKEN)


def _storable(text: str) -> str:
    """The text without halves of characters and without characters that no text file has."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
