"""What is kept of how the articles of a library are split into sentences, in its SQLite file."""

import json
from collections.abc import Iterable, Iterator, Mapping

from index.article_rows import ArticleRows
from index.checksums import row_checksum


class SentenceRows(ArticleRows):
    """Reads and writes what `index.sentence_edges` keeps of each article. Libraries of format 1 have nothing of it."""

    def texts(self, article_ids: Iterable[str]) -> dict[str, str]:
        """The texts of articles by identifier, checked; those of unknown ones are left out."""
        found = self._connection.execute(
            "SELECT article_id, sha256, text FROM articles WHERE article_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(article_ids)),),
        )
        texts = {}
        for name, sha256, text in found:
            self._check_text(name, sha256, text)
            texts[name] = text
        return texts

    def sentences(self, article_ids: Iterable[str]) -> dict[str, bytes]:
        """What is kept of the sentences of articles, by identifier; nothing of those that it was not kept of, or not as
        it was."""
        if not self._is_checked:
            return {}
        found = self._connection.execute(
            "SELECT article_id, article_row, sentences, article_sentences.checksum"
            " FROM articles JOIN article_sentences ON article_row = row"
            " WHERE article_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(article_ids)),),
        )
        return {name: kept for name, row, kept, checksum in found if checksum == row_checksum(row, kept)}

    def all_sentences(self) -> Iterator[tuple[str, bytes | None]]:
        """Each article's identifier with what is kept of its sentences, `None` where nothing is, or not as it was."""
        if not self._is_checked:
            yield from ((name, None) for (name,) in self._connection.execute("SELECT article_id FROM articles"))
            return
        found = self._connection.execute(
            "SELECT article_id, article_row, sentences, article_sentences.checksum"
            " FROM articles LEFT JOIN article_sentences ON article_row = row"
        )
        for name, row, kept, checksum in found:
            yield name, kept if checksum == row_checksum(row, kept) else None

    def put_sentences(self, sentences: Mapping[str, bytes]) -> None:
        """Keeps the sentences of articles, by identifier, of those that are there, in one commit. They are derived: the
        collection does not change. Raises `LibraryWriteError`."""
        with self._transaction():
            for name, kept in sentences.items():
                row = self.article_row(name)
                if row is not None:
                    self.keep_sentences(row, kept)

    def keep_sentences(self, article_row: int, kept: bytes) -> None:
        """Keeps what `index.sentence_edges` writes of an article, inside `change`."""
        self._connection.execute(
            "INSERT OR REPLACE INTO article_sentences (article_row, sentences, checksum) VALUES (?, ?, ?)",
            (article_row, kept, row_checksum(article_row, kept)),
        )
