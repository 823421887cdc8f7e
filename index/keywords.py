"""BM25 keyword search by tantivy. Like the vector file, the index is derived from SQLite, stamped and checked."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TITLE_BOOST = 0.5
"""Weight of a match in the title against one in the text. The title stands with each passage of its article, so a full
weight would rank all passages of one article before the best passage of another."""

ARTICLE_TITLE_BOOST = 0.75
"""As `TITLE_BOOST`, where the documents are whole articles.

On Cranfield (225 queries, 1,400 abstracts that begin with their title) nDCG@10 is .358 without titles, .375 to .377 for
0.25 to 1, .354 for 2; with the title taken out of the text .306, .342 (0.25), .362 to .365 (0.5 to 1.5) and .354. It is
among the best in both forms. The differences between 0.5 and 1 are too small to choose by.
"""

SIFTED = 10
"""Where a search is of some articles only, so many times as many documents of all as it may find are looked through
for these before tantivy is asked for them alone, unless fewer than one document in so many is likely among them.

Of 100,000 made-up articles of 2,500 characters, 50 of the half that a filter lets through are found in 2 ms instead of
25 (questions of 14 words, median); for one in 20, where too few of the first 500 are let through, it would take 9
instead of 7.
"""

COMMON_SHARE = 0.5
"""In a large index, a term that more than this share of the documents have is left out of a query that has rarer ones,
as Lucene's CommonTermsQuery does it: it weighs at most ln 2 in BM25, and costs the most. Of a million made-up passages
the best 50 are found in 4.4 ms instead of 16 (questions of 14 words, median)."""

COMMON_FROM = 20_000
"""Documents from which on an index is large. In a smaller one a query takes a millisecond or two with all its terms."""

WRITER_HEAP_BYTES = 64_000_000
"""Memory that tantivy collects documents in before it writes a segment."""

_SEGMENT = re.compile(r"[0-9a-f]{32}\.")
"""Names of tantivy's files that hold documents, which are written once."""

_PRIVATE = (".managed.json", "meta.json")
"""Tantivy's list of its files, and the description of the index."""

ANALYZER = "dateline_en"
"""Name under which the analyzer of this module is registered with an index."""


@dataclass(frozen=True, slots=True)
class KeywordDocument:
    """A passage, or a whole article, as the keyword index takes it: its row and its article's row in SQLite (the same
    for an article), title and text."""

    row: int
    article_row: int
    title: str
    text: str


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(64))
        .filter(Filter.lowercase())
        .filter(Filter.ascii_fold())
        .filter(Filter.stemmer("english"))
        .build()
    )


def analyze(text: str) -> list[str]:
    """The terms of a text as they are indexed: words in lower case, without accents, stemmed for English."""
    terms: list[str] = _analyzer().analyze(text)
    return terms


class KeywordIndex:
    """BM25 (k1 1.2, b 0.75, tantivy's own) over the texts and titles of passages or articles; higher is better."""

    def __init__(self, index: Any, folder: Path | None) -> None:
        index.register_tokenizer(ANALYZER, _analyzer())
        self._index = index
        self._folder = folder
        self._digests: dict[str, str] = {}
        self._searcher = index.searcher()

    @classmethod
    def create(cls, folder: Path | None) -> "KeywordIndex":
        """An empty index in `folder`, replacing what is there, or in memory if it is `None`."""
        from tantivy import Index

        if folder is None:
            return cls(Index(_schema()), None)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return cls(Index(_schema(), path=str(folder)), folder)

    def copy_to(self, folder: Path) -> "KeywordIndex":
        """The same index in another folder, which is replaced; its files are shared with this one where the file system
        can, since a file that holds documents never changes.

        Raises:
            ValueError: This index is in memory.
            OSError: The folder cannot be written.
        """
        from tantivy import Index

        if self._folder is None:
            raise ValueError("An index in memory has no files.")
        copy_index_files(self._folder, folder)
        copy = KeywordIndex(Index.open(str(folder)), folder)
        copy._digests = dict(self._digests)
        return copy

    @classmethod
    def load(cls, folder: Path, sha256: str, former: "KeywordIndex | None" = None) -> "KeywordIndex | None":
        """The index of a folder, or `None` if it is missing, is not the one that the digest was taken of, or has other
        fields than this version of Dateline writes. Files that it shares with a former one are not read again."""
        from tantivy import Index

        digests = {} if former is None else dict(former._digests)
        try:
            if _digest(folder, digests) != sha256:
                return None
            index = Index.open(str(folder))
        except (OSError, ValueError):
            return None
        if index.schema != _schema():
            return None
        loaded = cls(index, folder)
        loaded._digests = digests
        return loaded

    def change(self, remove_articles: Iterable[int], add: Iterable[KeywordDocument]) -> int:
        """Takes out the documents of the given articles, then puts in new ones, in one commit; returns how many went.

        The scores go on counting the words of what went until tantivy merges the files that it was in.
        """
        from tantivy import Document, Query

        writer, before, added = self._index.writer(WRITER_HEAP_BYTES, 1), len(self), 0
        removed = list(remove_articles)
        if removed:
            # Not by term: tantivy's Python layer takes a number for a signed one, and this field has unsigned ones.
            writer.delete_documents_by_query(Query.term_set_query(self._index.schema, "article_row", removed))
        for entry in add:
            document = Document()
            document.add_unsigned("row", entry.row)
            document.add_unsigned("article_row", entry.article_row)
            document.add_text("title", entry.title)
            document.add_text("text", entry.text)
            writer.add_document(document)
            added += 1
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()
        return before + added - len(self)

    def let_others_read(self) -> None:
        """Gives the two files that tantivy lets only their owner read the permissions that the folder has."""
        if self._folder is not None:
            with suppress(OSError):
                for name in _PRIVATE:
                    (self._folder / name).chmod(self._folder.stat().st_mode & 0o666)

    @property
    def folder(self) -> Path | None:
        """Where its files are, `None` if it is in memory."""
        return self._folder

    def digest(self) -> str:
        """SHA-256 over the names and contents of the index's files.

        Raises:
            ValueError: The index is in memory.
        """
        if self._folder is None:
            raise ValueError("An index in memory has no files.")
        return _digest(self._folder, self._digests)

    def search(
        self,
        query: str,
        limit: int,
        allowed_articles: "NDArray[np.bool_] | None" = None,
        title_boost: float = TITLE_BOOST,
    ) -> list[tuple[int, float]]:
        """At most `limit` pairs (row, BM25 score), best first, only of articles whose row is true in
        `allowed_articles` unless it is `None`.

        `title_boost` is the weight of a match in the title against one in the text.
        """
        from tantivy import Occur, Query

        schema = self._index.schema
        terms = self._telling(sorted(set(analyze(query))))
        if not terms or limit <= 0 or (allowed_articles is not None and not allowed_articles.any()):
            return []
        words: list[tuple[Any, Any]] = []
        for term in terms:
            words.append((Occur.Should, Query.term_query(schema, "text", term)))
            words.append((Occur.Should, Query.boost_query(Query.term_query(schema, "title", term), title_boost)))
        matching = Query.boolean_query(words)
        if allowed_articles is None:
            found = self._best(matching, limit)
        else:
            sifted = self._sifted(matching, limit, allowed_articles)
            found = self._best_within(matching, limit, allowed_articles) if sifted is None else sifted
        rows = self._searcher.fast_field_values("row", [address for _, address in found])
        pairs = sorted(zip(rows, (score for score, _ in found), strict=True), key=lambda pair: (-pair[1], pair[0]))
        return [(int(row), float(score)) for row, score in pairs[:limit]]

    def _telling(self, terms: list[str]) -> list[str]:
        """The terms of a query without those that are too common to be worth looking for; all, if all are."""
        if len(self) < COMMON_FROM:
            return terms
        most = COMMON_SHARE * len(self)
        return [term for term in terms if self._searcher.doc_freq("text", term) <= most] or terms

    def _best(self, query: Any, limit: int) -> list[tuple[float, Any]]:
        """The best `limit` documents and all that have the score of the last of them.

        Equal scores come in the order of segments, which differs between builds; the caller cuts by rows instead.
        """
        wanted = limit + 1
        while True:
            found: list[tuple[float, Any]] = self._searcher.search(query, wanted, count=False).hits
            if len(found) < wanted or found[-1][0] < found[limit - 1][0]:
                return found
            wanted *= 4

    def _best_within(self, matching: Any, limit: int, allowed_articles: "NDArray[np.bool_]") -> list[tuple[float, Any]]:
        """As `_best`, of the given articles; slow where they are many."""
        import numpy as np
        from tantivy import Occur, Query

        rows = np.flatnonzero(allowed_articles).tolist()
        within = Query.term_set_query(self._index.schema, "article_row", rows)
        clauses = [(Occur.Must, matching), (Occur.Must, Query.const_score_query(within, 0.0))]
        return self._best(Query.boolean_query(clauses), limit)

    def _sifted(
        self, matching: Any, limit: int, allowed_articles: "NDArray[np.bool_]"
    ) -> list[tuple[float, Any]] | None:
        """At least the best `limit` documents of the given articles, or `None` if too few of the best of all are."""
        import numpy as np

        if np.count_nonzero(allowed_articles) * SIFTED < len(self):
            return None
        depth = SIFTED * limit
        found = self._best(matching, depth)
        is_all = len(found) <= depth
        if not is_all:
            # Not all that have the last score need be there.
            found = [hit for hit in found if hit[0] > found[-1][0]]
        articles = self._searcher.fast_field_values("article_row", [address for _, address in found])
        kept = [hit for hit, article in zip(found, articles, strict=True) if allowed_articles[article]]
        return kept if is_all or len(kept) >= limit else None

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many documents each term occurs, in the text or the title; terms as `analyze` gives them."""
        from tantivy import Query

        def count(field: str, term: str) -> int:
            # Not by `doc_freq`, which counts what was removed as well.
            query = Query.term_query(self._index.schema, field, term)
            return int(self._searcher.search(query, 1, count=True).count)

        return {term: max(count("text", term), count("title", term)) for term in terms}

    def __len__(self) -> int:
        return int(self._searcher.num_docs)


@lru_cache(maxsize=1)
def _schema() -> Any:
    """The fields of an index; a folder with others is not loaded.

    Without the positions of words, which phrases would need: they make the index 57% larger for 10,000 made-up passages
    of 1,000 characters (3.5 to 5.4 MB) and 93% for Cranfield, and take no longer to write.
    """
    from tantivy import SchemaBuilder

    builder = SchemaBuilder()
    builder.add_unsigned_field("row", fast=True)
    builder.add_unsigned_field("article_row", indexed=True, fast=True)
    builder.add_text_field("title", tokenizer_name=ANALYZER, index_option="freq")
    builder.add_text_field("text", tokenizer_name=ANALYZER, index_option="freq")
    return builder.build()


def _files(folder: Path) -> list[Path]:
    """The files that make up an index, by name; tantivy's locks are none."""
    return [
        path for path in sorted(folder.iterdir()) if path.suffix != ".lock" and not path.name.startswith(".tantivy")
    ]


def copy_index_files(folder: Path, target: Path) -> None:
    """Copies the files of an index into a folder, which is replaced; those that never change are shared where the file
    system can. Raises `OSError`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in _files(folder):
        if _SEGMENT.match(path.name):
            with suppress(OSError):
                os.link(path, target / path.name)
                continue
        shutil.copyfile(path, target / path.name)


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and contents of the files of an index. Raises `OSError`."""
    return _digest(folder, {})


def _digest(folder: Path, known: dict[str, str]) -> str:
    """SHA-256 over the names and contents of the index's files. `known` are digests of files that never change, by
    name, and takes in the others of that kind."""
    total = hashlib.sha256()
    for path in _files(folder):
        sha256 = known.get(path.name)
        if sha256 is None:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if _SEGMENT.match(path.name):
                known[path.name] = sha256
        total.update(f"{path.name}\0{sha256}\n".encode())
    return total.hexdigest()
