"""The conversations of every browser, in one SQLite file, so that they outlive a reload and a restart."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.errors import InputError
from index.types import first_words
from rag.answer_json import answer_from_json
from ui.exchanges import Asked, ConversationSummary, Exchange, filter_as_json, filter_from_json

FILE_NAME = "conversations.sqlite"

TITLE_CHARACTERS = 80
"""Longest name that a conversation gets from its first question."""

MAX_TITLE_CHARACTERS = 200
"""Longest name that people may give one."""

IDENTIFIER_BYTES = 12
"""Random bytes of an identifier: 96 bits cannot be guessed."""

CONVERSATIONS_LISTED = 500
"""Most conversations in a list, the latest first."""

INTERRUPTED = "The server stopped while this was being answered. Ask again."

_TABLES = """
CREATE TABLE IF NOT EXISTS conversations (
    conversation_id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, changed TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS conversations_of ON conversations (owner, changed);
CREATE TABLE IF NOT EXISTS exchanges (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    exchange_id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    question TEXT NOT NULL, model TEXT NOT NULL, filter TEXT NOT NULL, asked TEXT NOT NULL,
    state TEXT NOT NULL, text TEXT NOT NULL, note TEXT NOT NULL, answer TEXT,
    replaced INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS exchanges_of ON exchanges (conversation_id, number);
"""
_COLUMNS = "exchange_id, conversation_id, question, model, filter, asked, state, text, note, answer"


class ConversationNotFoundError(InputError):
    """There is no conversation or answer of that identifier, or it is somebody else's."""


class ConversationStore:
    """Conversations by owner (`ui.visitors.owner_of`). May be used from any thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, folder: Path | None) -> "ConversationStore":
        """The store in a folder, which is made; without one it is kept in memory.

        What was being answered when the server stopped is marked as interrupted. Raises `InputError` if the folder
        cannot be written or the file is not such a store.
        """
        try:
            if folder is None:
                connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            else:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                connection = sqlite3.connect(
                    folder / FILE_NAME, check_same_thread=False, isolation_level=None, timeout=10
                )
                (folder / FILE_NAME).chmod(0o600)
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"Conversations cannot be kept in {str(folder)!r} ({error}); name another folder with --state."
            ) from error
        store = cls(connection)
        with store.writing() as cursor:
            cursor.execute("UPDATE exchanges SET state = 'broken', note = ? WHERE state = 'running'", (INTERRUPTED,))
        return store

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Cursor]:
        """A transaction: kept as a whole, or not at all when an exception leaves it."""
        with self._lock:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """The rows of a query."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    # Conversations

    def conversations(self, owner: str) -> list[ConversationSummary]:
        """Those of an owner, the latest first."""
        found = self.rows(
            "SELECT c.conversation_id, title, changed, COUNT(number) FROM conversations c "
            "LEFT JOIN exchanges e ON e.conversation_id = c.conversation_id AND NOT replaced "
            "WHERE owner = ? GROUP BY c.conversation_id ORDER BY changed DESC, c.rowid DESC LIMIT ?",
            (owner, CONVERSATIONS_LISTED),
        )
        return [ConversationSummary(*row) for row in found]

    def conversation(self, owner: str, conversation_id: str) -> ConversationSummary:
        """One of them. Raises `ConversationNotFoundError`."""
        for summary in self.conversations(owner):
            if summary.conversation_id == conversation_id:
                return summary
        raise ConversationNotFoundError("There is no such conversation here; it may have been deleted.")

    def exchanges(self, owner: str, conversation_id: str) -> list[Exchange]:
        """The exchanges of a conversation, oldest first, without those that were replaced; empty if it is not
        there or is somebody else's."""
        found = self.rows(
            f"SELECT {_COLUMNS} FROM exchanges JOIN conversations USING (conversation_id) "
            "WHERE conversation_id = ? AND owner = ? AND NOT replaced ORDER BY number",
            (conversation_id, owner),
        )
        return [_exchange(row) for row in found]

    def rename(self, owner: str, conversation_id: str, title: str) -> None:
        """Gives a conversation another name. Raises `ConversationNotFoundError`, `InputError` on an empty name."""
        name = " ".join(title.split())
        if not name or len(name) > MAX_TITLE_CHARACTERS:
            raise InputError(f"A name must have 1 to {MAX_TITLE_CHARACTERS} characters.")
        self._change(
            "UPDATE conversations SET title = ? WHERE conversation_id = ? AND owner = ?",
            (name, conversation_id, owner),
        )

    def delete(self, owner: str, conversation_id: str) -> None:
        """Deletes a conversation with its answers: their permanent links end. Raises `ConversationNotFoundError`."""
        self._change("DELETE FROM conversations WHERE conversation_id = ? AND owner = ?", (conversation_id, owner))

    def _change(self, statement: str, values: tuple[Any, ...]) -> None:
        with self.writing() as cursor:
            cursor.execute(statement, values)
            if cursor.rowcount == 0:
                raise ConversationNotFoundError("There is no such conversation here; it may have been deleted.")

    # Exchanges

    def begin(self, owner: str, conversation_id: str, asked: Asked) -> Exchange:
        """A new exchange, running, in a conversation of the owner; in a new one if there is none of that identifier.

        The exchange that it replaces and all after it are no longer part of the conversation; their links stay.
        """
        now = _now()
        with self.writing() as cursor:
            known = cursor.execute(
                "SELECT 1 FROM conversations WHERE conversation_id = ? AND owner = ?", (conversation_id, owner)
            ).fetchone()
            if known is None:
                conversation_id = _identifier()
                title = first_words(" ".join(asked.question.split()), TITLE_CHARACTERS)
                cursor.execute("INSERT INTO conversations VALUES (?, ?, ?, ?)", (conversation_id, owner, title, now))
            cursor.execute(
                "UPDATE exchanges SET replaced = 1 WHERE conversation_id = ? AND number >= "
                "(SELECT number FROM exchanges WHERE exchange_id = ? AND conversation_id = ?)",
                (conversation_id, asked.replaces, conversation_id),
            )
            exchange = Exchange(_identifier(), conversation_id, asked.question, asked.model, asked.filter, now)
            cursor.execute(
                f"INSERT INTO exchanges ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    exchange.exchange_id,
                    conversation_id,
                    asked.question,
                    asked.model,
                    json.dumps(filter_as_json(asked.filter)),
                    now,
                    exchange.state,
                    "",
                    "",
                    None,
                ),
            )
            cursor.execute("UPDATE conversations SET changed = ? WHERE conversation_id = ?", (now, conversation_id))
        return exchange

    def save(self, exchange: Exchange) -> None:
        """Keeps what came of an exchange; one whose conversation was deleted meanwhile is let go."""
        answer = None if exchange.answer is None else json.dumps(exchange.answer.as_json(), ensure_ascii=True)
        with self.writing() as cursor:
            cursor.execute(
                "UPDATE exchanges SET state = ?, text = ?, note = ?, answer = ? WHERE exchange_id = ?",
                (exchange.state, _storable(exchange.text), _storable(exchange.note), answer, exchange.exchange_id),
            )

    def exchange(self, exchange_id: str) -> Exchange:
        """The exchange of that identifier, whoever asked it. Raises `ConversationNotFoundError`."""
        found = self.rows(f"SELECT {_COLUMNS} FROM exchanges WHERE exchange_id = ?", (exchange_id,))
        if not found:
            raise ConversationNotFoundError("There is no answer here: it was deleted, or the link is not whole.")
        return _exchange(found[0])

    def owns(self, owner: str, exchange_id: str) -> bool:
        """True if the exchange stands in a conversation of the owner."""
        statement = (
            "SELECT 1 FROM exchanges JOIN conversations USING (conversation_id) WHERE exchange_id = ? AND owner = ?"
        )
        return bool(owner) and bool(self.rows(statement, (exchange_id, owner)))


def _exchange(row: Any) -> Exchange:
    exchange_id, conversation_id, question, model, search_filter, asked, state, text, note, answer = row
    exchange = Exchange(
        exchange_id, conversation_id, question, model, filter_from_json(json.loads(search_filter)), asked, state, text,
        note,
    )  # fmt: skip
    return exchange if answer is None else replace(exchange, answer=answer_from_json(json.loads(answer)))


def _identifier() -> str:
    return secrets.token_hex(IDENTIFIER_BYTES)


def _storable(text: str) -> str:
    """The text without halves of characters, which SQLite cannot store."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
