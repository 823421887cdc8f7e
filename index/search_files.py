"""The search files of a library, derived from its SQLite store: vectors and keywords, stamped and never trusted."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from index.errors import LibraryWriteError
from index.keywords import KeywordDocument, KeywordIndex
from index.store import Stamp, Store
from index.types import Finding
from index.vectors import VectorIndex

VECTORS_NAME = "vectors.faiss"
KEYWORDS_NAME = "keywords"
"""Folder of the keyword index whose documents are passages."""
ARTICLE_KEYWORDS_NAME = "keywords_articles"
"""Folder of the keyword index whose documents are whole articles. Libraries made before it was lack it."""
NAMES = (VECTORS_NAME, KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME)


class SearchFiles:
    """The indexes of one state of the collection, from the files where these agree with it, else built from SQLite.

    A file counts only if the store has its stamp: the generation it was built from and the digest of its content.
    """

    def __init__(self, folder: Path, store: Store, dimension: int) -> None:
        self._folder = folder
        self._store = store
        self._dimension = dimension
        self._vectors: tuple[int, VectorIndex] | None = None
        self._keywords: dict[str, tuple[int, KeywordIndex]] = {}
        self._changed_rows: set[int] = set()
        self._changes = 0

    def vectors(self) -> VectorIndex:
        """The vector index of the store's present generation."""
        generation = self._store.generation()
        if self._vectors is None or self._vectors[0] != generation:
            stamp = self._store.stamp(VECTORS_NAME)
            index = None
            if stamp is not None and stamp.generation == generation:
                index = self._load_vectors(stamp)
            self._vectors = generation, index or VectorIndex.build(*self._store.embeddings(self._dimension))
        return self._vectors[1]

    def keywords(self) -> KeywordIndex:
        """The keyword index over passages of the store's present generation."""
        return self._keyword_index(KEYWORDS_NAME)

    def article_keywords(self) -> KeywordIndex:
        """The keyword index over whole articles of the store's present generation."""
        return self._keyword_index(ARTICLE_KEYWORDS_NAME)

    def note_change(self, article_rows: Iterable[int]) -> None:
        """Remembers the articles that a commit of this process added, changed or removed."""
        self._changed_rows.update(article_rows)
        self._changes += 1

    @property
    def are_behind(self) -> bool:
        """True if a file was not written since the newest commit, whether by this process, by one that did not end in
        order, or by a version of Dateline that did not have it."""
        generation = self._store.generation()
        stamps = [self._store.stamp(name) for name in NAMES]
        return generation > 0 and any(stamp is None or stamp.generation != generation for stamp in stamps)

    def write(self) -> None:
        """Brings the files to the newest commit; of the keyword indexes only changed articles where possible.

        Raises:
            LibraryWriteError: The disk is full. Nothing is lost: readers build what is missing from SQLite.
        """
        generation = self._store.generation()
        try:
            self._write_vectors(generation)
            self._write_keywords(KEYWORDS_NAME, generation)
            self._write_keywords(ARTICLE_KEYWORDS_NAME, generation)
        except (OSError, ValueError) as error:
            raise LibraryWriteError(
                f"The search files of the library {str(self._folder)!r} could not be written ({error}); free some "
                "space, then run: dateline doctor --repair. The articles themselves are stored."
            ) from error
        self._changed_rows.clear()
        self._changes = 0

    def check(self) -> list[Finding]:
        """Of each file, whether it agrees with the store, and what to do if not."""
        return [self._check(name) for name in NAMES]

    def rebuild(self) -> None:
        """Writes all files anew, whatever is there. Raises as `write`."""
        with suppress(sqlite3.Error):
            self._store.forget_stamps()
        self.write()

    def _keyword_index(self, name: str) -> KeywordIndex:
        generation = self._store.generation()
        if name not in self._keywords or self._keywords[name][0] != generation:
            stamp = self._store.stamp(name)
            index = None
            if stamp is not None and stamp.generation == generation:
                index = self._load_keywords(name, stamp)
            if index is None:
                index = KeywordIndex.create(None)
                index.change((), self._documents(name))
            self._keywords[name] = generation, index
        return self._keywords[name][1]

    def _documents(self, name: str, article_rows: Iterable[int] | None = None) -> Iterator[KeywordDocument]:
        """What the keyword index of that name holds of the given articles, or of all."""
        if name == ARTICLE_KEYWORDS_NAME:
            return self._store.article_documents(article_rows)
        return self._store.keyword_documents(article_rows)

    def _load_vectors(self, stamp: Stamp) -> VectorIndex | None:
        return VectorIndex.load(self._folder / VECTORS_NAME, stamp.sha256)

    def _load_keywords(self, name: str, stamp: Stamp) -> KeywordIndex | None:
        return KeywordIndex.load(self._folder / name, stamp.sha256)

    def _write_vectors(self, generation: int) -> None:
        index = VectorIndex.build(*self._store.embeddings(self._dimension))
        sha256 = index.save(self._folder / VECTORS_NAME)
        self._store.set_stamp(VECTORS_NAME, Stamp(generation, sha256))
        self._vectors = generation, index

    def _write_keywords(self, name: str, generation: int) -> None:
        stamp = self._store.stamp(name)
        # Only if this process made every change since the stamp does it know all the changed rows.
        is_known = stamp is not None and generation - stamp.generation == self._changes
        index = self._load_keywords(name, stamp) if stamp is not None and is_known else None
        if index is not None:
            index.change(sorted(self._changed_rows), self._documents(name, self._changed_rows))
        else:
            index = KeywordIndex.create(self._folder / name)
            index.change((), self._documents(name))
        self._store.set_stamp(name, Stamp(generation, index.digest()))
        self._keywords[name] = generation, index

    def _check(self, name: str) -> Finding:
        stamp = self._store.stamp(name)
        mend = "mend it with: dateline doctor --repair (searches work meanwhile, from SQLite)"
        if stamp is None:
            return Finding(name, self._store.count_articles() == 0, f"not written yet; {mend}")
        if stamp.generation != self._store.generation():
            return Finding(name, False, f"of generation {stamp.generation}, older than the articles; {mend}")
        loaded = self._load_vectors(stamp) if name == VECTORS_NAME else self._load_keywords(name, stamp)
        if loaded is None:
            return Finding(name, False, f"missing or damaged, or of another version of Dateline; {mend}")
        return Finding(name, True, f"agrees with generation {stamp.generation}")
