"""What the tables of articles and of passages have in common: a connection, and rows that are checked when read."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from index.checksums import Value, row_checksum
from index.database import writing
from index.errors import LibraryDamagedError


@dataclass(slots=True)
class Changed:
    """What a transaction has changed so far: rows of articles, those that lost an origin, and by how many articles and
    passages there are more."""

    rows: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    articles: int = 0
    passages: int = 0


class RowTables:
    """A connection to a library's SQLite file. `is_checked`: its rows have checksums, as from format 2 on."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, is_checked: bool) -> None:
        self._connection = connection
        self._path = path
        self._is_checked = is_checked
        self._changed = Changed()
        self._is_changing = False
        self._turn = threading.RLock()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one commit, whatever a writer does meanwhile. Can be used inside another; other
        threads wait until the outermost is left."""
        with self._turn:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Everything written inside is committed at its end, or nothing is.

        Raises:
            LibraryWriteError: The disk is full or may not be written; nothing was changed.
        """
        with self._turn, writing(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _checksum_of(self, table: str) -> str:
        """The SQL expression for the checksum of a row."""
        return f"{table}.checksum" if self._is_checked else "NULL"

    def _check(self, what: str, checksum: int | None, *values: Value) -> None:
        """Raises `LibraryDamagedError` if the values of a row do not have its checksum."""
        if self._is_checked and checksum != row_checksum(*values):
            self._damaged(f"{what} is not as it was stored")

    def _damaged(self, what: str) -> NoReturn:
        raise LibraryDamagedError(
            f"The library {str(self._path.parent)!r} is damaged: {what}. Mend it with: dateline doctor --repair "
            f"--library {self._path.parent}",
            what=what,
        )
