"""The SQLite file of a library: articles, passages and the manifest. It is the truth; everything else is derived."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from index import schema
from index.article_rows import StoredOrigin
from index.checksums import entries_checksum, row_checksum
from index.database import IMMUTABLE, connect, damaged, has_log, mode_to_open, writing
from index.errors import LibraryDamagedError, LibraryFormatError, LibraryVersionError, LibraryWriteError
from index.passage_rows import PassageRows
from index.row_tables import Changed
from index.schema import CHECKSUM_KEY, FORMAT_VERSION, READABLE_VERSIONS

__all__ = ["DATABASE_NAME", "FORMAT_VERSION", "Stamp", "Store", "StoredOrigin"]

DATABASE_NAME = "library.sqlite"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of a derived file: the generation it was built from, the SHA-256 of its content, and what else is to be known of
    it."""

    generation: int
    sha256: str
    details: Mapping[str, str | int | float] = field(default_factory=dict)


class Store(PassageRows):
    """One connection to the SQLite file. Statements outside `change` see the last commit.

    What is read of articles and passages is checked against the checksum of its row, so that damage is an error
    (`LibraryDamagedError`) and never another text.
    """

    @classmethod
    def open(cls, path: Path, *, to_read: bool = False) -> Self:
        """The store in an existing file. On a medium that cannot be written it is opened as one that cannot change; so
        it is `to_read` on one that is full, where SQLite could not even read.

        Raises:
            LibraryFormatError: The file is not a library, is damaged, or has another format version.
        """
        try:
            return cls._open(path, mode_to_open(path))
        except LibraryWriteError:
            if not to_read or has_log(path):
                raise
            return cls._open(path, IMMUTABLE)

    @classmethod
    def _open(cls, path: Path, mode: str) -> Self:
        connection = connect(path, mode)
        try:
            schema.add_functions(connection)
            entries = dict(connection.execute("SELECT key, value FROM manifest").fetchall())
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise damaged(path, error) from error
            raise
        version = entries.get("format_version", "none")
        if version not in READABLE_VERSIONS:
            connection.close()
            raise LibraryVersionError(
                f"The library {str(path.parent)!r} has format version {version}; this version of Dateline reads "
                f"{' and '.join(READABLE_VERSIONS)}. Index the articles into a new folder: dateline index PATH "
                "--library NEW_FOLDER"
            )
        store = cls(connection, path, is_checked=version == str(FORMAT_VERSION))
        try:
            store._check_manifest(entries)
        except BaseException:
            connection.close()
            raise
        return store

    def _check_manifest(self, entries: dict[str, str]) -> None:
        checksum = entries.pop(CHECKSUM_KEY, None)
        if self._is_checked and checksum != str(entries_checksum(list(entries.items()))):
            self._damaged("its manifest is not as it was stored")

    @classmethod
    def create(cls, path: Path, manifest: dict[str, str]) -> Self:
        """A new store with its manifest, complete at once or not there at all."""
        unfinished = path.with_name(path.name + ".part")
        with writing(path):
            for leftover in path.parent.glob(unfinished.name + "*"):
                leftover.unlink()
            connection = connect(unfinished, "mode=rwc")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN")
            schema.create_tables(connection, manifest)
            connection.execute("COMMIT")
            connection.close()
            unfinished.replace(path)
            connection = connect(path, "mode=rw")
            # Readers go on with the last commit while a writer works.
            connection.execute("PRAGMA journal_mode = WAL")
            schema.add_functions(connection)
        return cls(connection, path, is_checked=True)

    @property
    def is_of_this_format(self) -> bool:
        """False for a file of an older format version."""
        return self._is_checked

    def upgrade(self, sentences_of: Callable[[str], bytes]) -> None:
        """Brings a file of an older format version to this one, in one commit, if it does not have it already.
        `sentences_of` gives what is kept of the sentences of a text.

        Raises:
            LibraryWriteError: The disk is full or may not be written; nothing was changed.
        """
        if self._is_checked:
            return
        with self._transaction():
            schema.upgrade(self._connection)
            for row, text in self._connection.execute("SELECT row, text FROM articles"):
                self.keep_sentences(row, sentences_of(text))
        self._is_checked = True

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Everything changed inside becomes visible in one commit, as the next generation, or not at all.

        Raises:
            LibraryWriteError: The disk is full or may not be written; nothing was changed.
        """
        with self._transaction():
            self._changed, self._is_changing = Changed(), True
            try:
                yield
            finally:
                self._is_changing = False
            generation = self.generation() + 1
            self._connection.executemany(
                "INSERT OR REPLACE INTO changes VALUES (?, ?, row_checksum(?1, ?2))",
                ((row, generation) for row in self._changed.rows),
            )
            self._set_manifest(
                generation=generation,
                articles=self.count_articles() + self._changed.articles,
                passages=self.count_passages() + self._changed.passages,
            )

    def start_after(self, generation: int) -> None:
        """Makes the present generation a later one than the given, for a store that takes the place of another."""
        with self._transaction():
            last = max(self.generation(), generation) + 1
            self._connection.execute(
                "UPDATE changes SET generation = ?1, checksum = row_checksum(article_row, ?1)", (last,)
            )
            self._set_manifest(generation=last)

    def _set_manifest(self, **entries: int | str) -> None:
        for key, value in entries.items():
            self._connection.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (key, str(value)))
        schema.sign_manifest(self._connection)

    def put_tokens(self, tokens: Mapping[int, bytes]) -> None:
        """Keeps the tokens of passages, by row, of those that are there, in one commit. They are derived: the
        collection does not change. Raises `LibraryWriteError`."""
        with self._transaction():
            for row, kept in tokens.items():
                if self._connection.execute("SELECT 1 FROM passages WHERE row = ?", (row,)).fetchone() is not None:
                    self._put_tokens(row, kept)

    def manifest(self) -> dict[str, str]:
        """What the library is: its format version, encoder and settings, and numbers of commits and rows."""
        entries = dict(self._connection.execute("SELECT key, value FROM manifest").fetchall())
        entries.pop(CHECKSUM_KEY, None)
        return entries

    def note_precision(self, precision: str) -> None:
        """Notes inside `change` in which number format passages were encoded, beside those of earlier ones."""
        known = set(self.manifest().get("precision", "").split(",")) - {""}
        if precision not in known:
            self._set_manifest(precision=",".join(sorted({*known, precision})))

    def set_manifest(self, key: str, value: str) -> None:
        """Keeps an entry of the manifest, in one commit. Raises `LibraryWriteError`."""
        with self._transaction():
            self._set_manifest(**{key: value})

    def generation(self) -> int:
        """Number of commits so far; it changes if and only if the collection does."""
        (value,) = self._connection.execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()
        return int(value)

    # Derived files

    def stamp(self, name: str) -> Stamp | None:
        """The stamp of a derived file, `None` if it has none or was not made for this format version."""
        if not self._is_checked:
            return None
        found = self._connection.execute(
            "SELECT generation, sha256, details, checksum FROM derived WHERE name = ?", (name,)
        ).fetchone()
        if found is None or found[3] != row_checksum(name, *found[:3]):
            return None
        return Stamp(found[0], found[1], json.loads(found[2]))

    def set_stamp(self, name: str, stamp: Stamp) -> None:
        with writing(self._path):
            self._connection.execute(
                "INSERT OR REPLACE INTO derived VALUES (?, ?, ?, ?, row_checksum(?1, ?2, ?3, ?4))",
                (name, stamp.generation, stamp.sha256, json.dumps(dict(stamp.details))),
            )

    def forget_stamps(self) -> None:
        """Makes every derived file count as missing."""
        with writing(self._path):
            self._connection.execute("DELETE FROM derived")

    def changed_since(self, generation: int) -> list[int] | None:
        """Rows of the articles that commits after a generation added, changed or removed; `None` if it is not known any
        more, for a generation before the oldest derived file."""
        if not self._is_checked or generation < self._changes_after() or generation > self.generation():
            return None
        found = self._connection.execute("SELECT article_row, generation, checksum FROM changes").fetchall()
        if any(checksum != row_checksum(row, changed) for row, changed, checksum in found):
            return None
        return [row for row, changed, _ in found if changed > generation]

    def _changes_after(self) -> int:
        (value,) = self._connection.execute("SELECT value FROM manifest WHERE key = 'changes_after'").fetchone()
        return int(value)

    def forget_changes(self, generation: int) -> None:
        """Forgets which articles changed up to a generation, which no derived file needs any more."""
        if generation <= self._changes_after():
            return
        with self._transaction():
            self._connection.execute("DELETE FROM changes WHERE generation <= ?", (generation,))
            self._set_manifest(changes_after=generation)

    # Checks

    def integrity(self) -> list[str]:
        """What SQLite's own check, the checksums of the rows and their numbers find wrong; empty if all is well."""
        problems: list[str] = []
        try:
            with self.snapshot():
                for check in (self._structure, self._entries, self._rows):
                    try:
                        problems.extend(check())
                    except (LibraryFormatError, sqlite3.Error) as error:
                        problems.append(error.what if isinstance(error, LibraryDamagedError) else str(error))
        except (LibraryFormatError, sqlite3.Error) as error:
            problems.append(error.what if isinstance(error, LibraryDamagedError) else str(error))
        return list(dict.fromkeys(problems))

    def _structure(self) -> Iterator[str]:
        yield from (line for (line,) in self._connection.execute("PRAGMA integrity_check") if line != "ok")
        if self._connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            yield "it has rows that belong to no article"
        for table in ("articles", "passages"):
            (last,) = self._connection.execute(f"SELECT ifnull(max(row), 0) FROM {table}").fetchone()
            if last >= self._next_row(table):
                yield f"the number of its last row of {table} is not as it was stored"

    def _entries(self) -> Iterator[str]:
        try:
            self._check_manifest(dict(self._connection.execute("SELECT key, value FROM manifest").fetchall()))
        except LibraryDamagedError:
            yield "its manifest is not as it was stored"

    def _rows(self) -> Iterator[str]:
        counted = {"articles": 0, "passages": 0}
        for table, rows in (("articles", self.all_articles()), ("passages", self.all_passages())):
            for _ in rows:
                counted[table] += 1
        for table, count in counted.items():
            if count != self._count(table):
                yield f"it has {self._count(table)} {table}, of which {count} are found"
