"""The SQLite file of a library: articles, passages and the manifest. It is the truth; everything else is derived."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from index.database import connect, damaged, mode_to_open, writing
from index.dates import date_interval
from index.errors import LibraryFormatError
from index.keywords import KeywordDocument
from index.types import Article, ArticleSummary, Passage, SearchFilter, sha256_hex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT_VERSION = 1
"""Version of the tables below. A library of another version is refused by name."""

DATABASE_NAME = "library.sqlite"

_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE derived (name TEXT PRIMARY KEY, generation INTEGER NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, text TEXT NOT NULL,
    title TEXT NOT NULL, source TEXT, place TEXT, author TEXT, published TEXT, url TEXT,
    first_day TEXT, last_day TEXT, characters INTEGER NOT NULL
);
CREATE TABLE origins (
    origin TEXT PRIMARY KEY, digest TEXT NOT NULL,
    article_row INTEGER NOT NULL REFERENCES articles(row) ON DELETE CASCADE
);
CREATE INDEX origins_by_article ON origins(article_row);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    article_row INTEGER NOT NULL REFERENCES articles(row) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, context TEXT NOT NULL, embedding BLOB NOT NULL
);
CREATE INDEX passages_by_article ON passages(article_row);
"""

_TOKENS_TABLE = """
CREATE TABLE IF NOT EXISTS passage_tokens (
    passage_row INTEGER PRIMARY KEY REFERENCES passages(row) ON DELETE CASCADE, tokens BLOB NOT NULL
)
"""
"""Beside the passages and not in their table, so that libraries written before it, which lack it, are libraries too."""

_SENTENCES_TABLE = """
CREATE TABLE IF NOT EXISTS article_sentences (
    article_row INTEGER PRIMARY KEY REFERENCES articles(row) ON DELETE CASCADE, sentences BLOB NOT NULL
)
"""
"""What `index.sentence_edges` keeps of each article, for the same reason beside the articles."""

_ARTICLE_COLUMNS = "row, article_id, sha256, text, title, source, place, author, published, url"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of a derived file: the generation it was built from and the SHA-256 of its content."""

    generation: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredOrigin:
    """What is known of an origin: the digest of its record and the row of its article."""

    digest: str
    article_row: int


class Store:
    """One connection to the SQLite file. Statements outside `change` see the last commit."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path) -> "Store":
        """The store in an existing file. On a medium that cannot be written it is opened as one that cannot change.

        Raises:
            LibraryFormatError: The file is not a library, is damaged, or has another format version.
        """
        connection = connect(path, mode_to_open(path))
        try:
            version = connection.execute("SELECT value FROM manifest WHERE key = 'format_version'").fetchone()
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise damaged(path, error) from error
            raise
        if version is None or version[0] != str(FORMAT_VERSION):
            found = "none" if version is None else version[0]
            connection.close()
            raise LibraryFormatError(
                f"The library {str(path.parent)!r} has format version {found}; this version of Dateline reads "
                f"{FORMAT_VERSION}. Index the articles into a new folder: dateline index PATH --library NEW_FOLDER"
            )
        return cls(connection, path)

    @classmethod
    def create(cls, path: Path, manifest: dict[str, str]) -> "Store":
        """A new store with its manifest, complete at once or not there at all."""
        unfinished = path.with_name(path.name + ".part")
        with writing(path):
            for leftover in path.parent.glob(unfinished.name + "*"):
                leftover.unlink()
            connection = connect(unfinished, "mode=rwc")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.executescript(f"BEGIN; {_SCHEMA}; {_TOKENS_TABLE}; {_SENTENCES_TABLE}")
            entries = {"format_version": str(FORMAT_VERSION), "generation": "0", **manifest}
            connection.executemany("INSERT INTO manifest VALUES (?, ?)", entries.items())
            connection.execute("COMMIT")
            connection.close()
            unfinished.replace(path)
            connection = connect(path, "mode=rw")
            # Readers go on with the last commit while a writer works.
            connection.execute("PRAGMA journal_mode = WAL")
        return cls(connection, path)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one commit, whatever a writer does meanwhile."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def change(self) -> Iterator[None]:
        """Everything changed inside becomes visible in one commit, as the next generation, or not at all.

        Raises:
            LibraryWriteError: The disk is full or may not be written; nothing was changed.
        """
        with self._transaction():
            yield
            self._connection.execute("UPDATE manifest SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Everything written inside is committed at its end, or nothing is. Raises as `change`."""
        with writing(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.execute(_TOKENS_TABLE)
                self._connection.execute(_SENTENCES_TABLE)
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def manifest(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT key, value FROM manifest"))

    def generation(self) -> int:
        """Number of commits so far; it changes if and only if the collection does."""
        (value,) = self._connection.execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()
        return int(value)

    def stamp(self, name: str) -> Stamp | None:
        found = self._connection.execute("SELECT generation, sha256 FROM derived WHERE name = ?", (name,)).fetchone()
        return None if found is None else Stamp(*found)

    def set_stamp(self, name: str, stamp: Stamp) -> None:
        with writing(self._path):
            self._connection.execute(
                "INSERT OR REPLACE INTO derived VALUES (?, ?, ?)", (name, stamp.generation, stamp.sha256)
            )

    def forget_stamps(self) -> None:
        """Makes every derived file count as missing."""
        with writing(self._path):
            self._connection.execute("DELETE FROM derived")

    # Articles and origins

    def article(self, article_id: str) -> Article | None:
        found = self._connection.execute(
            f"SELECT {_ARTICLE_COLUMNS} FROM articles WHERE article_id = ?", (article_id,)
        ).fetchone()
        if found is None:
            return None
        row, identifier, sha256, text, title, source, place, author, published, url = found
        origins = tuple(self._origins_of(row))
        return Article(identifier, sha256, text, title, source, place, author, published, url, origins)

    def texts(self, article_ids: Iterable[str]) -> dict[str, str]:
        """The texts of articles by identifier; those of unknown ones are left out."""
        return dict(
            self._connection.execute(
                "SELECT article_id, text FROM articles WHERE article_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(article_ids)),),
            )
        )

    def sentences(self, article_ids: Iterable[str]) -> dict[str, bytes]:
        """What is kept of the sentences of articles, by identifier; nothing of those that it was not kept of."""
        if not self._has_table("article_sentences"):
            return {}
        return dict(
            self._connection.execute(
                "SELECT article_id, sentences FROM articles JOIN article_sentences ON article_row = row"
                " WHERE article_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(article_ids)),),
            )
        )

    def all_sentences(self) -> Iterator[tuple[str, bytes | None]]:
        """Each article's identifier with what is kept of its sentences, `None` where nothing is."""
        if not self._has_table("article_sentences"):
            yield from ((name, None) for (name,) in self._connection.execute("SELECT article_id FROM articles"))
            return
        yield from self._connection.execute(
            "SELECT article_id, sentences FROM articles LEFT JOIN article_sentences ON article_row = row"
        )

    def put_sentences(self, sentences: Mapping[str, bytes]) -> None:
        """Keeps the sentences of articles, by identifier, in one commit. They are derived: the collection does not
        change. Raises `LibraryWriteError`."""
        with self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO article_sentences SELECT row, ? FROM articles WHERE article_id = ?",
                ((kept, name) for name, kept in sentences.items()),
            )

    def article_row(self, article_id: str) -> int | None:
        found = self._connection.execute("SELECT row FROM articles WHERE article_id = ?", (article_id,)).fetchone()
        return None if found is None else int(found[0])

    def article_of_row(self, row: int) -> tuple[str, str]:
        """Identifier and title of the article in a row."""
        found = self._connection.execute("SELECT article_id, title FROM articles WHERE row = ?", (row,)).fetchone()
        return found[0], found[1]

    def article_rows(self, article_ids: Iterable[str]) -> dict[str, int]:
        """Rows of articles by identifier; those of unknown ones are left out. Reads nothing but the index."""
        return dict(
            self._connection.execute(
                "SELECT article_id, row FROM articles WHERE article_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(article_ids)),),
            )
        )

    def article_ids(self, rows: Iterable[int]) -> dict[int, str]:
        """Identifiers of the articles in the given rows."""
        return dict(
            self._connection.execute(
                "SELECT row, article_id FROM articles WHERE row IN (SELECT value FROM json_each(?))",
                (json.dumps(list(rows)),),
            )
        )

    def summaries(self) -> list[ArticleSummary]:
        found = self._connection.execute(
            "SELECT article_id, title, source, published, url, sha256, characters,"
            " (SELECT count(*) FROM passages WHERE article_row = articles.row),"
            " (SELECT json_group_array(origin) FROM origins WHERE article_row = articles.row)"
            " FROM articles ORDER BY row"
        )
        return [
            ArticleSummary(
                article_id=identifier,
                title=title,
                source=source,
                published=published,
                url=url,
                origins=tuple(sorted(json.loads(origins))),
                sha256=sha256,
                characters=characters,
                passages=passages,
            )
            for identifier, title, source, published, url, sha256, characters, passages, origins in found
        ]

    def origin(self, origin: str) -> StoredOrigin | None:
        found = self._connection.execute(
            "SELECT digest, article_row FROM origins WHERE origin = ?", (origin,)
        ).fetchone()
        return None if found is None else StoredOrigin(*found)

    def all_origins(self) -> dict[str, str]:
        """Each origin with the identifier of its article."""
        return dict(
            self._connection.execute(
                "SELECT origin, article_id FROM origins JOIN articles ON articles.row = article_row ORDER BY origin"
            )
        )

    def _origins_of(self, row: int) -> list[str]:
        found = self._connection.execute("SELECT origin FROM origins WHERE article_row = ? ORDER BY origin", (row,))
        return [origin for (origin,) in found]

    def set_origin(self, origin: str, digest: str, article_row: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO origins VALUES (?, ?, ?)", (origin, digest, article_row))

    def forget_digests_beside(self, origin: str) -> None:
        """Makes the other origins of an origin's article count as changed."""
        self._connection.execute(
            "UPDATE origins SET digest = '' WHERE origin <> ?1 AND article_row ="
            " (SELECT article_row FROM origins WHERE origin = ?1)",
            (origin,),
        )

    def remove_origin(self, origin: str) -> None:
        self._connection.execute("DELETE FROM origins WHERE origin = ?", (origin,))

    def remove_orphans(self) -> list[int]:
        """Removes the articles that no origin is left of, with their passages; returns their rows."""
        condition = "FROM articles WHERE row NOT IN (SELECT article_row FROM origins)"
        rows = [row for (row,) in self._connection.execute(f"SELECT row {condition}")]
        self._connection.execute(f"DELETE {condition}")
        return rows

    def put_article(self, article: Article) -> int:
        """Inserts an article, or updates the metadata of the one with the same text; returns its row."""
        days = date_interval(article.published)
        first_day, last_day = (None, None) if days is None else (days[0].isoformat(), days[1].isoformat())
        (row,) = self._connection.execute(
            "INSERT INTO articles (article_id, sha256, text, title, source, place, author, published, url, first_day,"
            " last_day, characters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (article_id) DO UPDATE SET title = excluded.title, source = excluded.source,"
            " place = excluded.place, author = excluded.author, published = excluded.published, url = excluded.url,"
            " first_day = excluded.first_day, last_day = excluded.last_day RETURNING row",
            (
                article.article_id,
                article.sha256,
                article.text,
                article.title,
                article.source,
                article.place,
                article.author,
                article.published,
                article.url,
                first_day,
                last_day,
                len(article.text),
            ),
        ).fetchone()
        return int(row)

    def keep_sentences(self, article_row: int, sentences: bytes) -> None:
        """Keeps what `index.sentence_edges` writes of an article, inside `change`."""
        self._connection.execute("INSERT OR REPLACE INTO article_sentences VALUES (?, ?)", (article_row, sentences))

    # Passages

    def put_passages(
        self,
        article_row: int,
        passages: Sequence[Passage],
        embeddings: "NDArray[np.float32]",
        tokens: Sequence[bytes | None] = (),
    ) -> list[int]:
        """Replaces the passages of an article; `embeddings` has shape (len(passages), dimension). Returns the rows.

        `tokens` are what `index.interaction` keeps of each passage's tokens, if it keeps anything.
        """
        self._connection.execute("DELETE FROM passages WHERE article_row = ?", (article_row,))
        rows = []
        for passage, embedding, kept in zip(passages, embeddings, tokens or [None] * len(passages), strict=True):
            cursor = self._connection.execute(
                "INSERT INTO passages (article_row, start, end, context, embedding) VALUES (?, ?, ?, ?, ?)",
                (article_row, passage.start, passage.end, passage.context, embedding.astype("<f4").tobytes()),
            )
            rows.append(int(cursor.lastrowid or 0))
            if kept is not None:
                self._connection.execute("INSERT INTO passage_tokens VALUES (?, ?)", (rows[-1], kept))
        return rows

    def passage_tokens(self, passages: Sequence[Passage]) -> dict[str, bytes]:
        """What is kept of the tokens of passages, by `passage_id`; nothing of those that it was not kept of."""
        if not self._has_table("passage_tokens"):
            return {}
        wanted = json.dumps([[one.passage_id, one.article_id, one.start, one.end] for one in passages])
        found = self._connection.execute(
            "SELECT json_extract(value, '$[0]'), tokens FROM json_each(?)"
            " JOIN articles ON article_id = json_extract(value, '$[1]')"
            " JOIN passages ON article_row = articles.row AND start = json_extract(value, '$[2]')"
            " AND end = json_extract(value, '$[3]') JOIN passage_tokens ON passage_row = passages.row",
            (wanted,),
        )
        return dict(found.fetchall())

    def tokens_in_rows(self, rows: Iterable[int]) -> dict[int, bytes]:
        """What is kept of the tokens of the passages in the given rows; nothing of those that it was not kept of."""
        if not self._has_table("passage_tokens"):
            return {}
        return dict(
            self._connection.execute(
                "SELECT passage_row, tokens FROM passage_tokens WHERE passage_row IN (SELECT value FROM json_each(?))",
                (json.dumps(list(rows)),),
            )
        )

    def all_tokens(self) -> Iterator[tuple[int, bytes | None]]:
        """Each passage's row with what is kept of its tokens, `None` where nothing is, in the order of rows."""
        if not self._has_table("passage_tokens"):
            yield from ((row, None) for (row,) in self._connection.execute("SELECT row FROM passages ORDER BY row"))
            return
        yield from self._connection.execute(
            "SELECT row, tokens FROM passages LEFT JOIN passage_tokens ON passage_row = row ORDER BY row"
        )

    def put_tokens(self, tokens: Mapping[int, bytes]) -> None:
        """Keeps the tokens of passages, by row, in one commit. They are derived: the collection does not change."""
        with self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO passage_tokens SELECT row, ? FROM passages WHERE row = ?",
                ((kept, row) for row, kept in tokens.items()),
            )

    def _has_table(self, name: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        return found is not None

    def passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """The passages in the given rows."""
        # Cut here and not by SQLite's substr, which counts otherwise where a text holds a NUL.
        found = self._connection.execute(
            "SELECT passages.row, article_id, start, end, text, context"
            " FROM passages JOIN articles ON articles.row = article_row"
            " WHERE passages.row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        )
        return {
            row: Passage(f"{identifier}:{start}-{end}", identifier, start, end, text[start:end], context)
            for row, identifier, start, end, text, context in found
        }

    def passage_rows(self, article_row: int) -> list[int]:
        found = self._connection.execute("SELECT row FROM passages WHERE article_row = ? ORDER BY row", (article_row,))
        return [row for (row,) in found]

    def count_passages(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM passages").fetchone()[0])

    def count_articles(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM articles").fetchone()[0])

    def embeddings(self, dimension: int) -> "tuple[list[int], NDArray[np.float32]]":
        """Rows of all passages and their vectors, shape (n, dimension), in the order of rows."""
        import numpy as np

        vectors = np.empty((self.count_passages(), dimension), dtype=np.float32)
        rows = []
        for position, (row, blob) in enumerate(
            self._connection.execute("SELECT row, embedding FROM passages ORDER BY row")
        ):
            rows.append(row)
            vectors[position] = np.frombuffer(blob, dtype="<f4")
        return rows, vectors

    def keyword_documents(self, article_rows: Iterable[int] | None = None) -> Iterator[KeywordDocument]:
        """The passages of the given articles, or of all, as the keyword index takes them."""
        query = (
            "SELECT passages.row, article_row, title, text, start, end"
            " FROM passages JOIN articles ON articles.row = article_row"
        )
        if article_rows is None:
            found = self._connection.execute(f"{query} ORDER BY passages.row")
        else:
            found = self._connection.execute(
                f"{query} WHERE article_row IN (SELECT value FROM json_each(?)) ORDER BY passages.row",
                (json.dumps(list(article_rows)),),
            )
        for row, article_row, title, text, start, end in found:
            yield KeywordDocument(row, article_row, title, text[start:end])

    def article_documents(self, article_rows: Iterable[int] | None = None) -> Iterator[KeywordDocument]:
        """The given articles, or all, as the keyword index over whole articles takes them."""
        query = "SELECT row, row, title, text FROM articles"
        if article_rows is None:
            found = self._connection.execute(f"{query} ORDER BY row")
        else:
            found = self._connection.execute(
                f"{query} WHERE row IN (SELECT value FROM json_each(?)) ORDER BY row", (json.dumps(list(article_rows)),)
            )
        for fields in found:
            yield KeywordDocument(*fields)

    def articles_matching(self, search_filter: SearchFilter) -> list[int]:
        """Rows of the articles that a filter lets through."""
        conditions, values = ["1"], []
        if search_filter.date_from is not None:
            conditions.append("last_day >= ?")
            values.append(search_filter.date_from.isoformat())
        if search_filter.date_to is not None:
            conditions.append("first_day <= ?")
            values.append(search_filter.date_to.isoformat())
        if search_filter.as_of is not None:
            conditions.append("(first_day IS NULL OR first_day <= ?)")
            values.append(search_filter.as_of.isoformat())
        found = self._connection.execute(f"SELECT row, source FROM articles WHERE {' AND '.join(conditions)}", values)
        wanted = {source.casefold() for source in search_filter.sources}
        return [row for row, source in found if not wanted or (source or "").casefold() in wanted]

    def publication_days(self, article_ids: Iterable[str]) -> dict[str, tuple[date, date]]:
        """First and last day on which each article can have been published; those of an unknown year are left out."""
        found = self._connection.execute(
            "SELECT article_id, first_day, last_day FROM articles"
            " WHERE first_day IS NOT NULL AND article_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(article_ids)),),
        )
        return {identifier: (date.fromisoformat(first), date.fromisoformat(last)) for identifier, first, last in found}

    def passages_of_articles(self, article_rows: Iterable[int]) -> list[int]:
        found = self._connection.execute(
            "SELECT row FROM passages WHERE article_row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(article_rows)),),
        )
        return [row for (row,) in found]

    def integrity(self) -> list[str]:
        """What SQLite's own check and the digests of the texts find wrong; empty if all is well."""
        try:
            problems = [line for (line,) in self._connection.execute("PRAGMA integrity_check") if line != "ok"]
            problems.extend(
                f"the text of article {identifier} is not the one that was stored"
                for identifier, sha256, text in self._connection.execute(
                    "SELECT article_id, sha256, text FROM articles"
                )
                if sha256_hex(text) != sha256
            )
        except LibraryFormatError as error:
            problems = [str(error)]
        return problems
