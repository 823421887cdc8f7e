"""The passages of a library with their vectors and tokens, in its SQLite file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from index.checksums import row_checksum
from index.keywords import KeywordDocument
from index.schema import ARTICLE_FIELDS, PASSAGE_FIELDS
from index.sentence_rows import SentenceRows
from index.types import Article, Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_ROWS = 20_000
"""Vectors that are in memory at once while all are read: 30 MB at 384 numbers."""

_OWN = ", ".join(f"passages.{name.strip()}" for name in PASSAGE_FIELDS.split(","))


class PassageRows(SentenceRows):
    """Reads and writes passages. What is read is checked; see `index.row_tables`."""

    def put_passages(
        self,
        article_row: int,
        passages: Sequence[Passage],
        embeddings: "NDArray[np.float32] | Sequence[NDArray[np.float32]]",
        tokens: Sequence[bytes | None] = (),
    ) -> list[int]:
        """Replaces the passages of an article; `embeddings` has shape (len(passages), dimension). Returns the rows.

        `tokens` are what `index.interaction` keeps of each passage's tokens, if it keeps anything.
        """
        replaced = self._connection.execute("DELETE FROM passages WHERE article_row = ?", (article_row,)).rowcount
        first = self._next_row("passages")
        rows = list(range(first, first + len(passages)))
        for row, passage, embedding, kept in zip(
            rows, passages, embeddings, tokens or [None] * len(passages), strict=True
        ):
            fields = (article_row, passage.start, passage.end, passage.context, embedding.astype("<f4").tobytes())
            self._connection.execute(
                f"INSERT INTO passages (row, {PASSAGE_FIELDS}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (row, *fields, row_checksum(row, *fields)),
            )
            if kept is not None:
                self._put_tokens(row, kept)
        self._changed.passages += len(rows) - replaced
        self._changed.rows.add(article_row)
        return rows

    def _put_tokens(self, row: int, kept: bytes) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO passage_tokens (passage_row, tokens, checksum) VALUES (?, ?, ?)",
            (row, kept, row_checksum(row, kept)),
        )

    def passage_tokens(self, passages: Sequence[Passage]) -> dict[str, bytes]:
        """What is kept of the tokens of passages, by `passage_id`; nothing of those that it was not kept of, or not
        as it was."""
        if not self._keeps_tokens():
            return {}
        wanted = json.dumps([[one.passage_id, one.article_id, one.start, one.end] for one in passages])
        found = self._connection.execute(
            f"SELECT json_extract(value, '$[0]'), passage_row, tokens, {self._checksum_of('passage_tokens')}"
            " FROM json_each(?) JOIN articles ON article_id = json_extract(value, '$[1]')"
            " JOIN passages ON article_row = articles.row AND start = json_extract(value, '$[2]')"
            " AND end = json_extract(value, '$[3]') JOIN passage_tokens ON passage_row = passages.row",
            (wanted,),
        )
        return {name: kept for name, row, kept, checksum in found if self._are_intact(row, kept, checksum)}

    def tokens_in_rows(self, rows: Iterable[int]) -> dict[int, bytes]:
        """What is kept of the tokens of the passages in the given rows; nothing of those that it was not kept of, or
        not as it was."""
        if not self._keeps_tokens():
            return {}
        found = self._connection.execute(
            f"SELECT passage_row, tokens, {self._checksum_of('passage_tokens')} FROM passage_tokens"
            " WHERE passage_row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        )
        return {row: kept for row, kept, checksum in found if self._are_intact(row, kept, checksum)}

    def _are_intact(self, row: int, kept: bytes | None, checksum: int | None) -> bool:
        return kept is not None and (not self._is_checked or checksum == row_checksum(row, kept))

    def all_tokens(self) -> Iterator[tuple[int, bytes | None]]:
        """Each passage's row with what is kept of its tokens, `None` where nothing is, or not as it was; in the order
        of rows."""
        if not self._keeps_tokens():
            yield from ((row, None) for (row,) in self._connection.execute("SELECT row FROM passages ORDER BY row"))
            return
        found = self._connection.execute(
            f"SELECT row, tokens, {self._checksum_of('passage_tokens')} FROM passages"
            " LEFT JOIN passage_tokens ON passage_row = row ORDER BY row"
        )
        for row, kept, checksum in found:
            yield row, kept if self._are_intact(row, kept, checksum) else None

    def _keeps_tokens(self) -> bool:
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'passage_tokens'").fetchone()
        return found is not None

    def passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """The passages in the given rows; rows that hold none are left out."""
        # Cut here and not by SQLite's substr, which counts otherwise where a text holds a NUL.
        return {row: passage for row, _, _, passage in self._passages_in_articles(rows)}

    def _passages_in_articles(self, rows: Iterable[int] | None) -> Iterator[tuple[int, int, str, Passage]]:
        """Row, row and title of the article, and passage of each of the given rows, or of all, in the order of rows."""
        named = ", ".join(f"articles.{name.strip()}" for name in ARTICLE_FIELDS.split(","))
        query = (
            f"SELECT passages.row, {self._checksum_of('passages')}, {_OWN}, articles.row, text,"
            f" {self._checksum_of('articles')}, {named} FROM passages JOIN articles ON articles.row = article_row"
        )
        if rows is None:
            found = self._connection.execute(f"{query} ORDER BY passages.row")
        else:
            found = self._connection.execute(
                f"{query} WHERE passages.row IN (SELECT value FROM json_each(?)) ORDER BY passages.row",
                (json.dumps(list(rows)),),
            )
        checked: set[int] = set()
        for (
            row,
            checksum,
            article_row,
            start,
            end,
            context,
            embedding,
            own_row,
            text,
            article_checksum,
            *fields,
        ) in found:
            self._check(f"the passage in row {row}", checksum, row, article_row, start, end, context, embedding)
            identifier, sha256, title = fields[:3]
            if own_row not in checked:
                self._check(f"article {identifier}", article_checksum, own_row, *fields)
                self._check_text(identifier, sha256, text)
                checked.add(own_row)
            found_passage = Passage(f"{identifier}:{start}-{end}", identifier, start, end, text[start:end], context)
            yield row, article_row, title, found_passage

    def all_passages(self) -> Iterator[tuple[int, int]]:
        """Rows of all passages, checked, and of their articles, in the order of rows."""
        query = f"SELECT row, {self._checksum_of('passages')}, {PASSAGE_FIELDS} FROM passages ORDER BY row"
        for row, checksum, *fields in self._connection.execute(query):
            self._check(f"the passage in row {row}", checksum, row, *fields)
            yield row, fields[0]

    def passages_to_copy(
        self, article: Article, article_row: int, dimension: int
    ) -> "Iterator[tuple[Passage, NDArray[np.float32], bytes | None]]":
        """The passages of an article, checked, each with its vector and its tokens if these are intact."""
        import numpy as np

        query = f"SELECT row, {self._checksum_of('passages')}, {PASSAGE_FIELDS} FROM passages WHERE article_row = ?"
        for row, checksum, _, start, end, context, embedding in self._connection.execute(query, (article_row,)):
            self._check(f"the passage in row {row}", checksum, row, article_row, start, end, context, embedding)
            name, text = f"{article.article_id}:{start}-{end}", article.text[start:end]
            vector = np.frombuffer(embedding, dtype="<f4").reshape(dimension)
            tokens = self._connection.execute(
                f"SELECT tokens, {self._checksum_of('passage_tokens')} FROM passage_tokens WHERE passage_row = ?",
                (row,),
            ).fetchone()
            kept = tokens[0] if tokens is not None and self._are_intact(row, *tokens) else None
            yield Passage(name, article.article_id, start, end, text, context), vector, kept

    def passage_rows(self, article_row: int) -> list[int]:
        found = self._connection.execute("SELECT row FROM passages WHERE article_row = ? ORDER BY row", (article_row,))
        return [row for (row,) in found]

    def count_passages(self) -> int:
        return self._count("passages")

    # For search

    def embedding_blocks(
        self, dimension: int, article_rows: Iterable[int] | None = None
    ) -> "Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]":
        """The vectors of all passages, or of those of some articles, in blocks: rows, rows of their articles, and
        vectors, shapes (n,), (n,) and (n, dimension), in the order of rows.

        Raises:
            LibraryDamagedError: A passage is not as it was stored, or one of all is missing.
        """
        query = f"SELECT row, {self._checksum_of('passages')}, {PASSAGE_FIELDS} FROM passages"
        if article_rows is None:
            cursor = self._connection.execute(f"{query} ORDER BY row")
        else:
            cursor = self._connection.execute(
                f"{query} WHERE article_row IN (SELECT value FROM json_each(?)) ORDER BY row",
                (json.dumps([int(row) for row in article_rows]),),
            )
        total = 0
        while found := cursor.fetchmany(BLOCK_ROWS):
            total += len(found)
            yield self._vectors_of(found, dimension)
        if article_rows is None and total != self.count_passages():
            self._damaged(f"it has {self.count_passages()} passages, of which {total} are found")

    def embeddings(
        self, rows: "NDArray[np.int64]", dimension: int
    ) -> "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]":
        """As one of `embedding_blocks`, of the passages in the given rows.

        Raises:
            LibraryDamagedError: One of them is not as it was stored, or missing.
        """
        found = self._connection.execute(
            f"SELECT row, {self._checksum_of('passages')}, {PASSAGE_FIELDS} FROM passages"
            " WHERE row IN (SELECT value FROM json_each(?)) ORDER BY row",
            (json.dumps(rows.tolist()),),
        ).fetchall()
        if len(found) != len(rows):
            self._damaged(f"{len(rows) - len(found)} passages that the vector file has are gone")
        return self._vectors_of(found, dimension)

    def _vectors_of(
        self, found: Sequence[Sequence[Any]], dimension: int
    ) -> "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]":
        import numpy as np

        for row, checksum, *fields in found:
            self._check(f"the passage in row {row}", checksum, row, *fields)
        rows = np.fromiter((one[0] for one in found), dtype=np.int64, count=len(found))
        articles = np.fromiter((one[2] for one in found), dtype=np.int64, count=len(found))
        vectors = np.frombuffer(b"".join(one[6] for one in found), dtype="<f4").reshape(len(found), dimension)
        return rows, articles, vectors

    def keyword_documents(self, article_rows: Iterable[int] | None = None) -> Iterator[KeywordDocument]:
        """The passages of the given articles, or of all, as the keyword index takes them."""
        rows = None if article_rows is None else self.passages_of_articles(article_rows)
        for row, article_row, title, passage in self._passages_in_articles(rows):
            yield KeywordDocument(row, article_row, title, passage.text)

    def passages_of_articles(self, article_rows: Iterable[int]) -> list[int]:
        found = self._connection.execute(
            "SELECT row FROM passages WHERE article_row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(article_rows)),),
        )
        return [row for (row,) in found]
