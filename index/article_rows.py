"""The articles of a library and the origins they came from, in its SQLite file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from index.checksums import row_checksum
from index.dates import date_interval
from index.keywords import KeywordDocument
from index.row_tables import RowTables
from index.schema import ARTICLE_FIELDS
from index.types import Article, ArticleSummary, sha256_hex

_FIELDS = [name.strip() for name in ARTICLE_FIELDS.split(",")]


@dataclass(frozen=True, slots=True)
class StoredOrigin:
    """What is known of an origin: the digest of its record and the row of its article."""

    digest: str
    article_row: int


class ArticleRows(RowTables):
    """Reads and writes articles and origins. What is read is checked; see `index.row_tables`."""

    def article(self, article_id: str) -> Article | None:
        found = self._connection.execute(f"{self._select_articles()} WHERE article_id = ?", (article_id,)).fetchone()
        return None if found is None else self._article(found)

    def article_in_row(self, row: int) -> Article | None:
        """The article of a row, which need not have origins."""
        found = self._connection.execute(f"{self._select_articles()} WHERE row = ?", (row,)).fetchone()
        return None if found is None else self._article(found, origins=())

    def all_articles(self) -> Iterator[tuple[int, Article]]:
        """Every article with its row, in the order in which they were added."""
        for found in self._connection.execute(f"{self._select_articles()} ORDER BY row"):
            yield found[0], self._article(found)

    def _select_articles(self) -> str:
        """The SQL for rows as `_article` takes them."""
        return f"SELECT row, text, {self._checksum_of('articles')}, {ARTICLE_FIELDS} FROM articles"

    def _article(self, found: Sequence[Any], origins: tuple[str, ...] | None = None) -> Article:
        """The article of a row (row, text, checksum, fields), checked."""
        row, text, checksum, *fields = found
        self._check(f"article {fields[0]}", checksum, row, *fields)
        self._check_text(fields[0], fields[1], text)
        known = dict(zip(_FIELDS, fields, strict=True))
        return Article(
            article_id=known["article_id"],
            sha256=known["sha256"],
            text=text,
            title=known["title"],
            source=known["source"],
            place=known["place"],
            author=known["author"],
            published=known["published"],
            url=known["url"],
            origins=tuple(self._origins_of(row)) if origins is None else origins,
        )

    def _check_text(self, article_id: str, sha256: str, text: str) -> None:
        if sha256_hex(text) != sha256:
            self._damaged(f"the text of article {article_id} is not the one that was stored")

    def article_row(self, article_id: str) -> int | None:
        found = self._connection.execute("SELECT row FROM articles WHERE article_id = ?", (article_id,)).fetchone()
        return None if found is None else int(found[0])

    def title_of(self, article_id: str) -> str | None:
        """The title of an article, `None` if it is not there."""
        found = self._connection.execute("SELECT title FROM articles WHERE article_id = ?", (article_id,)).fetchone()
        return None if found is None else str(found[0])

    def article_rows(self, article_ids: Iterable[str]) -> dict[str, int]:
        """Rows of articles by identifier; those of unknown ones are left out. Reads nothing but the index."""
        return dict(
            self._connection.execute(
                "SELECT article_id, row FROM articles WHERE article_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(article_ids)),),
            ).fetchall()
        )

    def article_ids(self, rows: Iterable[int]) -> dict[int, str]:
        """Identifiers of the articles in the given rows. Raises `LibraryDamagedError` if one is gone."""
        wanted = list(rows)
        found = self._connection.execute(
            "SELECT row, article_id FROM articles WHERE row IN (SELECT value FROM json_each(?))", (json.dumps(wanted),)
        ).fetchall()
        if len(found) != len(wanted):
            self._damaged(f"{len(wanted) - len(found)} articles that were stored are gone")
        return dict(found)

    def summaries(self) -> list[ArticleSummary]:
        """All articles without their texts, in the order in which they were added.

        Raises:
            LibraryDamagedError: One of them, or of their number, is not as it was stored.
        """
        found = self._connection.execute(
            f"SELECT (SELECT count(*) FROM passages WHERE article_row = articles.row),"
            " (SELECT json_group_array(origin) FROM origins WHERE article_row = articles.row),"
            f" {self._checksum_of('articles')}, row, {ARTICLE_FIELDS} FROM articles ORDER BY row"
        )
        summaries = []
        for passages, origins, checksum, row, *fields in found:
            self._check(f"article {fields[0]}", checksum, row, *fields)
            known = dict(zip(_FIELDS, fields, strict=True))
            summaries.append(
                ArticleSummary(
                    article_id=known["article_id"],
                    title=known["title"],
                    source=known["source"],
                    published=known["published"],
                    url=known["url"],
                    origins=tuple(sorted(json.loads(origins))),
                    sha256=known["sha256"],
                    characters=known["characters"],
                    passages=passages,
                )
            )
        if len(summaries) != self.count_articles():
            self._damaged(f"it has {self.count_articles()} articles, of which {len(summaries)} are found")
        return summaries

    def count_articles(self) -> int:
        return self._count("articles")

    def _count(self, table: str) -> int:
        """How many rows a table should have: as the manifest says, where it does."""
        found = self._connection.execute("SELECT value FROM manifest WHERE key = ?", (table,)).fetchone()
        if found is None:
            found = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(found[0])

    # Origins

    def origin(self, origin: str) -> StoredOrigin | None:
        found = self._connection.execute(
            f"SELECT {self._checksum_of('origins')}, digest, article_row FROM origins WHERE origin = ?", (origin,)
        ).fetchone()
        if found is None:
            return None
        checksum, digest, article_row = found
        self._check(f"what is known of the origin {origin!r}", checksum, origin, digest, article_row)
        return StoredOrigin(digest, article_row)

    def article_row_of(self, origin: str) -> int | None:
        """The row of the article of an origin, `None` if it is not known."""
        stored = self.origin(origin)
        return None if stored is None else stored.article_row

    def all_origins(self) -> dict[str, str]:
        """Each origin with the identifier of its article."""
        return dict(
            self._connection.execute(
                "SELECT origin, article_id FROM origins JOIN articles ON articles.row = article_row ORDER BY origin"
            )
        )

    def _origins_of(self, row: int) -> list[str]:
        found = self._connection.execute(
            f"SELECT {self._checksum_of('origins')}, origin, digest FROM origins WHERE article_row = ? ORDER BY origin",
            (row,),
        ).fetchall()
        for checksum, origin, digest in found:
            self._check(f"what is known of the origin {origin!r}", checksum, origin, digest, row)
        if not found and not self._is_changing:
            self._damaged(f"the origins of the article in row {row} are gone")
        return [origin for _, origin, _ in found]

    def origins_to_copy(self, row: int, hint: str = "") -> dict[str, str]:
        """The origins of the article in a row that are as they were stored, with the digests of their records. `hint`
        is SQL behind the name of the table."""
        found = self._connection.execute(
            f"SELECT {self._checksum_of('origins')}, origin, digest FROM origins{hint} WHERE article_row = ?", (row,)
        )
        return {
            origin: digest
            for checksum, origin, digest in found
            if not self._is_checked or checksum == row_checksum(origin, digest, row)
        }

    def set_origin(self, origin: str, digest: str, article_row: int) -> None:
        self._leave(origin)
        self._connection.execute(
            "INSERT OR REPLACE INTO origins (origin, digest, article_row, checksum) VALUES (?, ?, ?, ?)",
            (origin, digest, article_row, row_checksum(origin, digest, article_row)),
        )

    def forget_digests_beside(self, origin: str) -> None:
        """Makes the other origins of an origin's article count as changed."""
        stored = self.origin(origin)
        if stored is not None:
            for other in self._origins_of(stored.article_row):
                if other != origin:
                    self.set_origin(other, "", stored.article_row)

    def remove_origin(self, origin: str) -> None:
        self._leave(origin)
        self._connection.execute("DELETE FROM origins WHERE origin = ?", (origin,))

    def _leave(self, origin: str) -> None:
        """Remembers the article that an origin had."""
        found = self._connection.execute("SELECT article_row FROM origins WHERE origin = ?", (origin,)).fetchone()
        if found is not None:
            self._changed.left.add(found[0])

    def remove_orphans(self) -> list[int]:
        """Removes the articles of which the last origin went since the change began, with their passages; returns their
        rows."""
        rows = [
            row
            for row in sorted(self._changed.left)
            if self._connection.execute("SELECT 1 FROM origins WHERE article_row = ?", (row,)).fetchone() is None
        ]
        self._changed.left.clear()
        for row in rows:
            (passages,) = self._connection.execute(
                "SELECT count(*) FROM passages WHERE article_row = ?", (row,)
            ).fetchone()
            self._connection.execute("DELETE FROM articles WHERE row = ?", (row,))
            self._changed.passages -= passages
        self._changed.articles -= len(rows)
        self._changed.rows.update(rows)
        return rows

    def put_article(self, article: Article) -> int:
        """Inserts an article, or updates the metadata of the one with the same text; returns its row."""
        known = self.article_row(article.article_id)
        row = self._next_row("articles") if known is None else known
        days = date_interval(article.published)
        first_day, last_day = (None, None) if days is None else (days[0].isoformat(), days[1].isoformat())
        fields = (
            article.article_id,
            article.sha256,
            article.title,
            article.source,
            article.place,
            article.author,
            article.published,
            article.url,
            first_day,
            last_day,
            len(article.text),
        )
        checksum = row_checksum(row, *fields)
        if known is None:
            marks = ", ".join("?" * (len(fields) + 3))
            self._connection.execute(
                f"INSERT INTO articles (row, text, checksum, {ARTICLE_FIELDS}) VALUES ({marks})",
                (row, article.text, checksum, *fields),
            )
            self._changed.articles += 1
        else:
            columns = ", ".join(f"{name} = ?" for name in ("checksum", *_FIELDS))
            self._connection.execute(f"UPDATE articles SET {columns} WHERE row = ?", (checksum, *fields, row))
        self._changed.rows.add(row)
        return row

    def _next_row(self, table: str) -> int:
        """The row after all that the table ever had."""
        found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 1 if found is None else int(found[0]) + 1

    # For search

    def article_documents(self, article_rows: Iterable[int] | None = None) -> Iterator[KeywordDocument]:
        """The given articles, or all, as the keyword index over whole articles takes them; checked."""
        query = self._select_articles()
        if article_rows is None:
            found = self._connection.execute(f"{query} ORDER BY row")
        else:
            found = self._connection.execute(
                f"{query} WHERE row IN (SELECT value FROM json_each(?)) ORDER BY row", (json.dumps(list(article_rows)),)
            )
        for row, text, checksum, *fields in found:
            self._check(f"article {fields[0]}", checksum, row, *fields)
            self._check_text(fields[0], fields[1], text)
            yield KeywordDocument(row, row, fields[2], text)

    def filter_fields(self, article_rows: Iterable[int] | None = None) -> Iterator[tuple[int, str, str, str]]:
        """Of the given articles, or of all: row, first and last day of publication, and source; empty if not known."""
        query = "SELECT row, ifnull(first_day, ''), ifnull(last_day, ''), ifnull(source, '') FROM articles"
        if article_rows is None:
            yield from self._connection.execute(query)
        else:
            yield from self._connection.execute(
                f"{query} WHERE row IN (SELECT value FROM json_each(?))", (json.dumps(list(article_rows)),)
            )

    def publication_days(self, article_ids: Iterable[str]) -> dict[str, tuple[date, date]]:
        """First and last day on which each article can have been published; those of an unknown year are left out."""
        found = self._connection.execute(
            "SELECT article_id, first_day, last_day FROM articles"
            " WHERE first_day IS NOT NULL AND article_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(article_ids)),),
        )
        return {identifier: (date.fromisoformat(first), date.fromisoformat(last)) for identifier, first, last in found}
