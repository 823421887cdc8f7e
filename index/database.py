"""Connections to an SQLite file whose errors are those of a library."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from index.errors import LibraryDamagedError, LibraryWriteError

BUSY_TIMEOUT_SECONDS = 10.0
"""How long a statement waits for another process's commit. Commits take milliseconds."""


REFUSALS = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""SQLite's primary error codes for what the system refused: nothing is wrong with the statement or the content."""


class _Cursor(sqlite3.Cursor):
    """A cursor that says plainly where SQLite finds the file damaged, or cannot use it, which can be at any row."""

    def execute(self, statement: str, values: Any = (), /) -> Self:
        with self._explained():
            return super().execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Any], /) -> Self:
        with self._explained():
            return super().executemany(statement, values)

    def fetchone(self) -> Any:
        with self._explained():
            return super().fetchone()

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        with self._explained():
            return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        with self._explained():
            return super().fetchall()

    def __next__(self) -> Any:
        try:  # not by `_explained`, which would cost as much again as the row itself
            return super().__next__()
        except sqlite3.DatabaseError as error:
            self._explain(error)
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            self._explain(error)
            raise

    def _explain(self, error: sqlite3.DatabaseError) -> None:
        if not isinstance(self.connection, _Connection):
            return
        # Damage is of this type itself, or a table that should be there and is not, or a number that comes twice: no
        # statement of ours is wrong.
        if type(error) is sqlite3.DatabaseError or isinstance(error, sqlite3.IntegrityError) or is_no_sense(error):
            raise damaged(self.connection.path, error) from error
        if is_refusal(error):
            raise unusable(self.connection.path, error) from error


class _Connection(sqlite3.Connection):
    path: Path

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Any], /) -> sqlite3.Cursor:
        return self.cursor(_Cursor).executemany(statement, values)


def is_refusal(error: sqlite3.Error) -> bool:
    """True if the system would not let SQLite use the file: a full disk, a failing one, missing permissions, a lock."""
    code = getattr(error, "sqlite_errorcode", None)  # Python's own errors have none
    return isinstance(error, sqlite3.OperationalError) and code is not None and (code & 0xFF) in REFUSALS


def is_no_sense(error: sqlite3.Error) -> bool:
    """True if a statement names what the file should have and does not, or if text in it is none."""
    signs = ("no such table", "no such column", "Could not decode to UTF-8")
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith(signs)


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to a file, in one of the modes of SQLite's URIs, such as `mode=rw`.

    Raises:
        LibraryFormatError: The file is damaged or of another kind; also later, from any statement.
        LibraryWriteError: The system does not let the file be used; also later, from any statement.
    """
    uri = f"{path.absolute().as_uri()}?{mode}"
    try:
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from error
    connection.path = path
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


IMMUTABLE = "mode=ro&immutable=1"
"""The mode for a file that cannot change: nothing is written, not even what readers share."""


def mode_to_open(path: Path) -> str:
    """The mode for an existing file: on a medium that cannot be written, as one that cannot change."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    return "mode=ro" if has_log(path) else IMMUTABLE


def has_log(path: Path) -> bool:
    """True if a writer is at work, or did not end in order: the newest commits are in the log beside the file."""
    log = path.with_name(path.name + "-wal")
    return log.is_file() and log.stat().st_size > 0


def damaged(path: Path, error: BaseException) -> LibraryDamagedError:
    """The error for a file that SQLite cannot make sense of."""
    reason = str(error).partition(" with text ")[0]  # of what is no UTF-8 SQLite tells the whole
    return LibraryDamagedError(
        f"{str(path)!r} is damaged, or not the database of a library ({reason}). If it is one, mend it with: dateline "
        f"doctor --repair --library {path.parent}",
        what=reason,
    )


def unusable(path: Path, error: BaseException) -> LibraryWriteError:
    """The error for a file that the system does not let SQLite read or write."""
    return LibraryWriteError(
        f"The library {str(path.parent)!r} could not be read or written ({error}); free some space or check its "
        "permissions, then run the command again. What was indexed before is kept."
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a full disk and the like into one plain sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from error
