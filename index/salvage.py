"""What is intact in a damaged database, saved into a new one."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from index.database import connect, unusable
from index.errors import LibraryDamagedError, LibraryFormatError
from index.schema import ARTICLE_FIELDS, FORMAT_VERSION, PASSAGE_FIELDS, add_functions
from index.store import Store
from index.types import Article, Passage

T = TypeVar("T")

KEPT_ENTRIES = ("encoder_name", "encoder_digest", "dimension", "max_tokens", "precision", "vectors_kind")
"""Entries of the manifest that a saved library keeps."""

ROWS_BEYOND = 100_000
"""Rows behind the last known one that are looked for, where the tables cannot be read to their ends."""

NEEDED_ENTRIES = frozenset({"encoder_name", "encoder_digest", "dimension", "max_tokens"})
"""Entries of the manifest without which nothing can be saved."""

HEADER_BYTES = 100
"""Length of the header of an SQLite file, at the start of its first page."""

_COUNTER, _VALID_FOR = slice(24, 28), slice(92, 96)
"""Fields of the header: the number of changes, and that number when the number of pages in it was noted."""

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
    with _opened(damaged, target) as (connection, entries):
        add_functions(connection)
        is_checked = _has_checksums(connection) or entries.get("format_version") == str(FORMAT_VERSION)
        source = Store(connection, damaged, is_checked=is_checked)
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
    return saved


@contextmanager
def _opened(damaged: Path, target: Path) -> Iterator[tuple[sqlite3.Connection, dict[str, str]]]:
    """A connection to a damaged database with the entries of its manifest.

    Where SQLite refuses the file as it is, it is a connection to a copy whose first page is mended. The copy is beside
    `target` and gone afterwards.
    """
    with ExitStack() as stack:
        try:
            opened = _described(damaged)
        except _FAILURES as error:
            folder = target.with_name(f"{target.name}.copy")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            mended = _described_copy(damaged, folder)
            if mended is None:
                raise _hopeless(damaged, error) from error
            opened = mended
        stack.enter_context(closing(opened[0]))
        yield opened


def _described(path: Path) -> tuple[sqlite3.Connection, dict[str, str]]:
    """A connection to a file that SQLite opens and in which the tables and the manifest are, with the manifest's
    entries. Raises one of `_FAILURES`."""
    connection = connect(path, "mode=rw")
    try:
        entries: dict[str, str] = dict(connection.execute("SELECT key, value FROM manifest").fetchall())
        if not entries.keys() >= NEEDED_ENTRIES:
            raise ValueError("its manifest is gone")
        # These read no row. They fail where the names of the columns are damaged, and with them every later statement.
        connection.execute(f"SELECT row, {ARTICLE_FIELDS}, text FROM articles LIMIT 0")
        connection.execute(f"SELECT row, {PASSAGE_FIELDS} FROM passages LIMIT 0")
        connection.execute("SELECT origin, digest, article_row FROM origins LIMIT 0")
    except BaseException:
        connection.close()
        raise
    return connection, entries


def _described_copy(damaged: Path, folder: Path) -> tuple[sqlite3.Connection, dict[str, str]] | None:
    """What `_described` gives for a copy in a new folder, with the least mended of its first page that suffices; `None`
    if nothing does.

    The damage can be that the file is shorter than its header says, that the header is no SQLite file's, or that the
    description of the tables behind it is unreadable. Header and description are those of a new library, whose tables
    have the same places, as they are made first and in the same order.

    Raises:
        LibraryWriteError: There is no space for the copy.
    """
    copy = folder / damaged.name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        Store.create(folder / "fresh", {}).close()
        fresh = (folder / "fresh").read_bytes()
        page_size = int.from_bytes(fresh[16:18], "big")
        with damaged.open("rb") as file:
            own = file.read(HEADER_BYTES)
        for start in (own, fresh[:HEADER_BYTES], fresh[:page_size]):
            _copy_with_start(damaged, copy, start)
            try:
                connection, entries = _described(copy)
            except _FAILURES:
                continue
            if len(start) <= HEADER_BYTES or entries.get("format_version") == str(FORMAT_VERSION):
                return connection, entries
            connection.close()  # the description of another version's tables is not known
    except OSError as error:
        raise unusable(damaged, error) from error
    return None


def _copy_with_start(damaged: Path, copy: Path, start: bytes) -> None:
    """Copies a database with its log, and puts other bytes in the place of its first ones. The number of pages is that
    of the file or of its log, whatever the header says."""
    for leftover in copy.parent.glob(f"{copy.name}*"):
        leftover.unlink()
    shutil.copyfile(damaged, copy)
    log = damaged.with_name(f"{damaged.name}-wal")
    if log.exists():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
    header = bytearray(start)
    if len(header) >= HEADER_BYTES:
        # SQLite disregards a number of pages that was noted at another change than the last.
        header[_VALID_FOR] = bytes(255 - byte for byte in header[_COUNTER])
    with copy.open("r+b") as file:
        file.write(header)


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
    """True if the rows of articles have checksums, by the description of the table, whether or not it can be read."""
    return any(name == "checksum" for _, name, *_ in connection.execute("PRAGMA table_info(articles)"))


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
