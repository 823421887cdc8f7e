"""What readers said of answers: in the file of the conversations, in tables of its own.

A judgement outlives its conversation: what it needs to become a line of a question set (the question and the turns
before it, the words pointed out) is kept with it, and the rest of the conversation is not. Whoever made it can take it
back at any time, also then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.errors import InputError
from rag.generators import EXTRACTIVE
from rag.statements import SHORT_ANSWER
from rag.types import Answer, Citation, Turn
from rag.verification import citation_from_json
from ui.conversation_store import ConversationNotFoundError, ConversationStore
from ui.exchanges import Exchange

TURNS_KEPT = 20
"""Turns before a follow-up that are kept with it: as many as the page understands it with."""

MAX_COMMENT_CHARACTERS = 2_000
MAX_PASSAGES = 20
"""Most passages that can be pointed out for one question."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS judged (exchange_id TEXT PRIMARY KEY, owner TEXT NOT NULL, asked TEXT NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS judged_by ON judged (owner)",
    "CREATE TABLE IF NOT EXISTS marks (exchange_id TEXT NOT NULL REFERENCES judged ON DELETE CASCADE, "
    "kind TEXT NOT NULL, place TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (exchange_id, kind, place)) STRICT",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one answer.

    `question` is the standalone one, `history` the turns before a follow-up, `short` the short answer with the numbers
    of its statement's citations. `helpful` is of the whole answer (of a refusal: whether it was right), `supports` maps
    numbers of citations to whether their words support it, `passages` are words pointed out as the right ones.
    """

    exchange_id: str
    question: str
    history: tuple[Turn, ...] = ()
    as_of: str | None = None
    refused: bool = False
    short: str | None = None
    short_citations: tuple[int, ...] = ()
    citations: Mapping[int, Citation] = field(default_factory=dict)
    helpful: bool | None = None
    comment: str = ""
    supports: Mapping[int, bool] = field(default_factory=dict)
    passages: tuple[Citation, ...] = ()

    @property
    def marks(self) -> int:
        """How many things were said."""
        return (self.helpful is not None) + len(self.supports) + len(self.passages)

    def as_json(self) -> dict[str, Any]:
        """What the page shows as said."""
        places = [
            {
                "article_id": one.article_id,
                "start_char_index": one.start,
                "end_char_index": one.end,
                "quote": one.cited_text,
            }
            for one in self.passages
        ]
        return {
            "exchange_id": self.exchange_id,
            "helpful": self.helpful,
            "comment": self.comment,
            "citations": {str(number): said for number, said in sorted(self.supports.items())},
            "passages": places,
        }


class FeedbackStore:
    """Judgements by owner, through the connection of a `ConversationStore`. May be used from any thread."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store
        with store.writing() as cursor:
            for statement in _TABLES:
                cursor.execute(statement)

    def judged(self, owner: str, exchange_id: str) -> Judged | None:
        """What the owner said of an answer, `None` if nothing."""
        return next(iter(self._found("AND exchange_id = ?", (owner, exchange_id))), None)

    def all_judged(self, owner: str) -> list[Judged]:
        """Everything that the owner said, in the order in which the answers were first judged."""
        return self._found("", (owner,)) if owner else []

    def answer_of(self, owner: str, exchange_id: str) -> tuple[Exchange, Answer]:
        """An answer that the owner may judge. Raises `ConversationNotFoundError`, `InputError` if there is none yet."""
        exchange = self._store.exchange(exchange_id)
        if not self._store.owns(owner, exchange_id):
            raise ConversationNotFoundError("Only who asked a question can judge its answer.")
        if exchange.answer is None:
            raise InputError("There is no answer to judge; ask the question again.")
        return exchange, exchange.answer

    def say(self, owner: str, exchange_id: str, kind: str, place: str, said: Mapping[str, Any]) -> None:
        """Keeps what was said, in the place of what was said of the same before. Raises as `answer_of`, and
        `InputError` if too many passages are pointed out."""
        exchange, answer = self.answer_of(owner, exchange_id)
        asked = _storable(self._asked(owner, exchange, answer))
        with self._store.writing() as cursor:
            cursor.execute("INSERT OR IGNORE INTO judged VALUES (?, ?, ?)", (exchange_id, owner, asked))
            cursor.execute(
                "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", (exchange_id, kind, place, _storable(said))
            )
            count = "SELECT COUNT(*) FROM marks WHERE exchange_id = ? AND kind = 'passage'"
            if cursor.execute(count, (exchange_id,)).fetchone()[0] > MAX_PASSAGES:
                raise InputError(f"At most {MAX_PASSAGES} passages can be pointed out for one question.")

    def clear(self, owner: str, exchange_id: str, kind: str, place: str) -> None:
        """Takes back what was said, if it was; an answer of which nothing is said any more is forgotten."""
        with self._store.writing() as cursor:
            cursor.execute(
                "DELETE FROM marks WHERE exchange_id = (SELECT exchange_id FROM judged WHERE exchange_id = ? AND "
                "owner = ?) AND kind = ? AND place = ?",
                (exchange_id, owner, kind, place),
            )
            cursor.execute("DELETE FROM judged WHERE exchange_id NOT IN (SELECT exchange_id FROM marks)")

    def _asked(self, owner: str, exchange: Exchange, answer: Answer) -> dict[str, Any]:
        """What of the exchange its line of a question set needs."""
        followed = answer.standalone_question.strip() != exchange.question.strip()
        short, numbers = short_answer(answer)
        as_of = exchange.filter.as_of
        return {
            "question": answer.standalone_question,
            "history": self._history(owner, exchange) if followed else [],
            "as_of": None if as_of is None else as_of.isoformat(),
            "refused": answer.refused,
            "short": short,
            "short_citations": numbers,
            "citations": [citation.as_json() for citation in answer.citations],
        }

    def _history(self, owner: str, exchange: Exchange) -> list[dict[str, str]]:
        """The turns before it. What was not answered has the sentence that says why, or dots."""
        before = []
        for earlier in self._store.exchanges(owner, exchange.conversation_id):
            if earlier.exchange_id == exchange.exchange_id:
                break
            if earlier.asked <= exchange.asked:
                before.append({"question": earlier.question, "answer": earlier.text.strip() or earlier.note or "…"})
        return before[-TURNS_KEPT:]

    def _found(self, condition: str, values: tuple[str, ...]) -> list[Judged]:
        found = self._store.rows(
            f"SELECT exchange_id, asked FROM judged WHERE owner = ? {condition} ORDER BY rowid", values
        )
        return [self._judged(exchange_id, json.loads(asked)) for exchange_id, asked in found]

    def _judged(self, exchange_id: str, asked: Mapping[str, Any]) -> Judged:
        rows = self._store.rows(
            "SELECT kind, place, said FROM marks WHERE exchange_id = ? ORDER BY rowid", (exchange_id,)
        )
        said = [(kind, place, json.loads(document)) for kind, place, document in rows]
        whole: dict[str, Any] = next((document for kind, _, document in said if kind == "answer"), {})
        return Judged(
            exchange_id=exchange_id,
            question=asked["question"],
            history=tuple(Turn(turn["question"], turn["answer"]) for turn in asked["history"]),
            as_of=asked["as_of"],
            refused=asked["refused"],
            short=asked["short"],
            short_citations=tuple(asked["short_citations"]),
            citations={one["number"]: citation_from_json(one) for one in asked["citations"]},
            helpful=whole.get("helpful"),
            comment=whole.get("comment", ""),
            supports={int(place): document["supports"] for kind, place, document in said if kind == "citation"},
            passages=tuple(citation_from_json(document) for kind, _, document in said if kind == "passage"),
        )


def short_answer(answer: Answer) -> tuple[str | None, Sequence[int]]:
    """The short answer in bold that an extractive answer begins with, and the citations of its statement."""
    first = answer.statements[0] if answer.statements and answer.model == EXTRACTIVE and not answer.refused else None
    found = None if first is None else SHORT_ANSWER.match(first.text)
    return (found[1], first.citations) if first is not None and found is not None and found[1].strip() else (None, ())


def _storable(document: Mapping[str, Any]) -> str:
    """The document as JSON, without halves of characters, which no file can hold."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
