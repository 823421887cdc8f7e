"""The search files of a library, derived from its SQLite store: vectors and keywords, stamped and never trusted."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from index.errors import LibraryWriteError
from index.keywords import KeywordIndex
from index.store import Stamp, Store
from index.types import Finding
from index.vectors import VectorIndex

VECTORS_NAME = "vectors.faiss"
KEYWORDS_NAME = "keywords"


class SearchFiles:
    """Both indexes of one state of the collection, from the files where these agree with it, else built from SQLite.

    A file counts only if the store has its stamp: the generation it was built from and the digest of its content.
    """

    def __init__(self, folder: Path, store: Store, dimension: int) -> None:
        self._folder = folder
        self._store = store
        self._dimension = dimension
        self._vectors: tuple[int, VectorIndex] | None = None
        self._keywords: tuple[int, KeywordIndex] | None = None
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
        """The keyword index of the store's present generation."""
        generation = self._store.generation()
        if self._keywords is None or self._keywords[0] != generation:
            stamp = self._store.stamp(KEYWORDS_NAME)
            index = None
            if stamp is not None and stamp.generation == generation:
                index = self._load_keywords(stamp)
            if index is None:
                index = KeywordIndex.create(None)
                index.change((), self._store.keyword_documents())
            self._keywords = generation, index
        return self._keywords[1]

    def note_change(self, article_rows: Iterable[int]) -> None:
        """Remembers the articles that a commit of this process added, changed or removed."""
        self._changed_rows.update(article_rows)
        self._changes += 1

    @property
    def are_behind(self) -> bool:
        """True if this process has changed the collection since it last wrote the files."""
        return self._changes > 0

    def write(self) -> None:
        """Brings both files to the newest commit; of the keyword index only changed articles where possible.

        Raises:
            LibraryWriteError: The disk is full. Nothing is lost: readers build what is missing from SQLite.
        """
        generation = self._store.generation()
        try:
            self._write_vectors(generation)
            self._write_keywords(generation)
        except (OSError, ValueError) as error:
            raise LibraryWriteError(
                f"The search files of the library {str(self._folder)!r} could not be written ({error}); free some "
                "space, then run: dateline doctor --repair. The articles themselves are stored."
            ) from error
        self._changed_rows.clear()
        self._changes = 0

    def check(self) -> list[Finding]:
        """Of each file, whether it agrees with the store, and what to do if not."""
        return [self._check(name) for name in (VECTORS_NAME, KEYWORDS_NAME)]

    def rebuild(self) -> None:
        """Writes both files anew, whatever is there. Raises as `write`."""
        with suppress(sqlite3.Error):
            self._store.forget_stamps()
        self.write()

    def _load_vectors(self, stamp: Stamp) -> VectorIndex | None:
        return VectorIndex.load(self._folder / VECTORS_NAME, stamp.sha256)

    def _load_keywords(self, stamp: Stamp) -> KeywordIndex | None:
        return KeywordIndex.load(self._folder / KEYWORDS_NAME, stamp.sha256)

    def _write_vectors(self, generation: int) -> None:
        index = VectorIndex.build(*self._store.embeddings(self._dimension))
        sha256 = index.save(self._folder / VECTORS_NAME)
        self._store.set_stamp(VECTORS_NAME, Stamp(generation, sha256))
        self._vectors = generation, index

    def _write_keywords(self, generation: int) -> None:
        stamp = self._store.stamp(KEYWORDS_NAME)
        # Only if this process made every change since the stamp does it know all the changed rows.
        is_known = stamp is not None and generation - stamp.generation == self._changes
        index = self._load_keywords(stamp) if stamp is not None and is_known else None
        if index is not None:
            index.change(sorted(self._changed_rows), self._store.keyword_documents(self._changed_rows))
        else:
            index = KeywordIndex.create(self._folder / KEYWORDS_NAME)
            index.change((), self._store.keyword_documents())
        self._store.set_stamp(KEYWORDS_NAME, Stamp(generation, index.digest()))
        self._keywords = generation, index

    def _check(self, name: str) -> Finding:
        stamp = self._store.stamp(name)
        mend = "mend it with: dateline doctor --repair (searches work meanwhile, from SQLite)"
        if stamp is None:
            return Finding(name, self._store.count_articles() == 0, f"not written yet; {mend}")
        if stamp.generation != self._store.generation():
            return Finding(name, False, f"of generation {stamp.generation}, older than the articles; {mend}")
        loaded = self._load_vectors(stamp) if name == VECTORS_NAME else self._load_keywords(stamp)
        if loaded is None:
            return Finding(name, False, f"missing or damaged; {mend}")
        return Finding(name, True, f"agrees with generation {stamp.generation}")
