"""What is intact in a damaged database, saved into a new one."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from index.database import connect
from index.errors import LibraryDamagedError, LibraryFormatError
from index.schema import add_functions
from index.store import Store
from index.types import Article, Passage

T = TypeVar("T")

KEPT_ENTRIES = ("encoder_name", "encoder_digest", "dimension", "max_tokens", "precision", "vectors_kind")
"""Entries of the manifest that a saved library keeps."""

ROWS_BEYOND = 100_000
"""Rows behind the last known one that are looked for, where the tables cannot be read to their ends."""

_FAILURES = (sqlite3.Error, LibraryFormatError, ValueError, TypeError, OverflowError, MemoryError)
"""What reading a damaged row can raise."""


@dataclass(slots=True)
class Saved:
    """What came out of a damaged database.

    `kept` articles are in the new one as they were. The articles of `again` are intact, with their origins and the
    digests of these, but not their passages: they are to be split and encoded again. `lost` are the origins, or else
    the titles, of those that are neither; `unnamed` is how many more there were.
    """

    kept: int = 0
    again: list[tuple[Article, dict[str, str]]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unnamed: int = 0


def salvage(damaged: Path, target: Path) -> Saved:
    """Saves what is intact in the database `damaged` into a new one at `target`.

    Raises:
        LibraryDamagedError: Not even the description of the library can be read.
        LibraryWriteError: The new one cannot be written.
    """
    saved = Saved()
    try:
        connection = connect(damaged, "mode=rw")
    except _FAILURES as error:
        raise _hopeless(damaged, error) from error
    try:
        add_functions(connection)
        source = Store(connection, damaged, is_checked=_has_checksums(connection))
        entries: dict[str, str] = _try(
            lambda: dict(connection.execute("SELECT key, value FROM manifest").fetchall()), {}
        )
        if not {"encoder_name", "encoder_digest", "dimension", "max_tokens"} <= entries.keys():
            raise _hopeless(damaged, "its manifest is gone")
        new = Store.create(target, {key: entries[key] for key in KEPT_ENTRIES if key in entries})
        try:
            with new.change():
                for row in _rows(connection):
                    _save(source, new, row, int(entries["dimension"]), saved)
            new.start_after(_number(entries.get("generation")))
        finally:
            new.close()
        known = saved.kept + len(saved.again) + len(saved.lost)
        saved.unnamed = max(0, _number(entries.get("articles")) - known)
    finally:
        connection.close()
    return saved


def _save(source: Store, new: Store, row: int, dimension: int, saved: Saved) -> None:
    """Saves the article of a row, if there is one."""
    origins = _origins(source, row)
    try:
        article = source.article_in_row(row)
        if article is None and not origins and not source.passage_rows(row):
            return  # an article that was removed long ago
    except _FAILURES:
        article = None
    if article is None or not origins:
        saved.lost.append(", ".join(origins) or (f"article in row {row}" if article is None else repr(article.title)))
        return
    try:
        passages = list(source.passages_to_copy(article, row, dimension))
    except _FAILURES:
        passages = []
    if not _is_covered(article.text, [passage for passage, _, _ in passages]):
        saved.again.append((article, origins))
        return
    new_row = new.put_article(article)
    new.put_passages(
        new_row,
        [passage for passage, _, _ in passages],
        [vector for _, vector, _ in passages],
        [tokens for _, _, tokens in passages],
    )
    for origin, digest in origins.items():
        new.set_origin(origin, digest, new_row)
    saved.kept += 1


def _origins(source: Store, row: int) -> dict[str, str]:
    """The intact origins of an article with the digests of their records."""
    for hint in ("", " NOT INDEXED"):
        try:
            return source.origins_to_copy(row, hint)
        except _FAILURES:
            continue
    return {}


def _is_covered(text: str, passages: Iterable[Passage]) -> bool:
    """True if every character of a text that is not white space is in a passage."""
    done = 0
    for passage in sorted(passages, key=lambda one: one.start):
        if text[done : passage.start].strip():
            return False
        done = max(done, passage.end)
    return not text[done:].strip()


def _has_checksums(connection: sqlite3.Connection) -> bool:
    return _try(lambda: connection.execute("SELECT checksum FROM articles LIMIT 1").fetchall(), None) is not None


def _rows(connection: sqlite3.Connection) -> list[int]:
    """The rows that articles can have: those that some table names, and where one cannot be read to its end, also those
    between and `ROWS_BEYOND` behind them."""
    found: set[int] = set()
    is_complete = True
    for query in (
        "SELECT row FROM articles",
        "SELECT article_row FROM origins",
        "SELECT DISTINCT article_row FROM passages",
        "SELECT article_row FROM changes",
    ):
        try:
            found.update(_number(row) for (row,) in connection.execute(query))
        except _FAILURES:
            is_complete = False
    if is_complete:
        return sorted(found)
    last = _try(lambda: connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'articles'").fetchone(), None)
    end = max(found, default=0) + ROWS_BEYOND
    return list(range(1, min(end, _number(last[0]) if last else end) + 1)) or sorted(found)


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _try(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except _FAILURES:
        return otherwise


def _hopeless(path: Path, reason: object) -> LibraryDamagedError:
    return LibraryDamagedError(
        f"Nothing can be saved from {str(path)!r} ({getattr(reason, 'what', reason)}). Restore the folder from a copy, "
        "or move it away and index the articles again: dateline index PATH --library FOLDER"
    )
