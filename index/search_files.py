"""The search files of a library, derived from its SQLite store: vectors and keywords, stamped and never trusted.

A file that is older than the articles is brought up to date in memory with the articles that changed since, so that a
commit costs a reader what it changed. A new file is written beside the old one, under another name; the stamp, which
names it, makes it count.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from index.article_filter import ArticleFilter
from index.errors import LibraryWriteError
from index.keywords import KeywordDocument, KeywordIndex, copy_index_files, digest_of
from index.store import Stamp, Store
from index.types import Finding, SearchFilter, VectorKind
from index.vectors import Block, VectorIndex, is_outgrown, kind_for, possible_kind
from index.witness import is_witnessed, write_witness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VECTORS_NAME = "vectors"
"""Beginning of the name of the FAISS file."""
KEYWORDS_NAME = "keywords"
"""Beginning of the name of the folder of the keyword index whose documents are passages."""
ARTICLE_KEYWORDS_NAME = "keywords_articles"
"""Beginning of the name of the folder of the keyword index whose documents are whole articles. Libraries made before it
was lack it."""
NAMES = (VECTORS_NAME, KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME)

WRITING_SHARE = 0.02
"""Largest share of the time in which articles are added that may go into writing search files meanwhile."""

GONE_SHARE = 0.1
"""Share of its documents that may have gone from a keyword index before it is built anew. Until then scores count their
words, too, as Lucene's do."""

SHRUNK_SHARE = 0.9
"""Share of the limit of a kind of vector index that a library must fall to before it gets the smaller kind again, so
that one article that comes and goes at the limit costs no building."""

KINDS_SETTING = "vectors_kind"
"""Key of the manifest under which the kind of vector index is that was chosen for the library, if one was."""


class SearchFiles:
    """The indexes of one state of the collection, from the files where these agree with it, else built from SQLite.

    A file counts only if the store has its stamp: its name, the generation it was built from and the digest of its
    content.
    """

    def __init__(self, folder: Path, store: Store, dimension: int) -> None:
        self._folder = folder
        self._store = store
        self._dimension = dimension
        self._vectors: tuple[int, VectorIndex] | None = None
        self._base_sha256 = ""
        self._keywords: dict[str, tuple[int, KeywordIndex]] = {}
        self._filter: tuple[int, ArticleFilter] | None = None
        self._private = _PrivateFolder()
        self._next_writing = 0.0

    def close(self) -> None:
        """Removes what is kept beside the library's own files."""
        self._keywords.clear()
        self._private.close()

    # Reading

    def vectors(self) -> VectorIndex:
        """The vector index of the store's present generation."""
        generation = self._store.generation()
        known = self._vectors
        if known is not None and known[0] == generation:
            return known[1]
        changed = None if known is None else self._store.changed_since(known[0])
        stamp = self._store.stamp(VECTORS_NAME)
        is_other = stamp is not None and stamp.sha256 != self._base_sha256
        if stamp is not None and is_other and (known is None or changed is None or known[1].is_outgrown):
            # The first time, or a writer has built the base anew.
            loaded = self._load_vectors(stamp)
            if loaded is not None:
                known, self._base_sha256 = (stamp.generation, loaded), stamp.sha256
                changed = self._store.changed_since(stamp.generation)
        if known is not None and changed is not None:
            known[1].update(changed, self._blocks(changed))
            self._vectors = generation, known[1]
        else:
            self._vectors, self._base_sha256 = (generation, self._build_vectors()), ""
        return self._vectors[1]

    def keywords(self) -> KeywordIndex:
        """The keyword index over passages of the store's present generation."""
        return self._keyword_index(KEYWORDS_NAME)

    def article_keywords(self) -> KeywordIndex:
        """The keyword index over whole articles of the store's present generation."""
        return self._keyword_index(ARTICLE_KEYWORDS_NAME)

    def matching(self, search_filter: SearchFilter) -> "NDArray[np.bool_] | None":
        """By row of an article, whether the filter lets it through; `None` if it lets all through."""
        if search_filter.is_empty:
            return None
        generation = self._store.generation()
        if self._filter is None or self._filter[0] != generation:
            changed = None if self._filter is None else self._store.changed_since(self._filter[0])
            known = ArticleFilter() if self._filter is None or changed is None else self._filter[1]
            known.remove(changed or ())
            known.put(self._store.filter_fields(changed))
            self._filter = generation, known
        return self._filter[1].matching(search_filter)

    def _keyword_index(self, name: str) -> KeywordIndex:
        generation = self._store.generation()
        known = self._keywords.get(name)
        if known is None or known[0] != generation:
            former = None if known is None else known[1]
            index = self._loaded_keywords(name, generation, former) or self._changed_keywords(name, known)
            if index is None:
                index = KeywordIndex.create(None)
                index.change((), self._documents(name))
            self._keywords[name] = generation, index
        return self._keywords[name][1]

    def _loaded_keywords(self, name: str, generation: int, former: KeywordIndex | None) -> KeywordIndex | None:
        """The index in the library, if it is of a generation."""
        stamp = self._store.stamp(name)
        if stamp is None or stamp.generation != generation:
            return None
        return self._load_keywords(name, stamp, former)

    def _changed_keywords(self, name: str, known: tuple[int, KeywordIndex] | None) -> KeywordIndex | None:
        """An index of a former generation, changed by what changed since; not the files of the library, but a copy."""
        changed = None if known is None else self._store.changed_since(known[0])
        if known is None or changed is None or not self._can_be_changed(known[1]):
            stamp = self._store.stamp(name)
            changed = None if stamp is None else self._store.changed_since(stamp.generation)
            former = None if stamp is None or changed is None else self._load_keywords(name, stamp)
            if stamp is None or changed is None or former is None:
                return None
            try:
                known = stamp.generation, former.copy_to(self._private.path / name)
            except (OSError, ValueError):
                return None  # a writer has just removed it
        known[1].change(changed, self._documents(name, changed))
        return known[1]

    def _can_be_changed(self, index: KeywordIndex) -> bool:
        """True if an index is in memory or a copy that was made to be changed."""
        return index.folder is None or index.folder.parent == self._private.path

    def _documents(self, name: str, article_rows: Iterable[int] | None = None) -> Iterator[KeywordDocument]:
        """What the keyword index of that name holds of the given articles, or of all."""
        if name == ARTICLE_KEYWORDS_NAME:
            return self._store.article_documents(article_rows)
        return self._store.keyword_documents(article_rows)

    def _blocks(self, article_rows: Iterable[int] | None = None) -> Iterator[Block]:
        return self._store.embedding_blocks(self._dimension, article_rows)

    def _read(self, rows: "NDArray[np.int64]") -> "NDArray[np.float32]":
        return self._store.embeddings(rows, self._dimension)[2]

    def _build_vectors(self) -> VectorIndex:
        return VectorIndex.build(
            self._store.count_passages(), self._dimension, self._blocks, self._read, self._chosen_kind()
        )

    def _chosen_kind(self) -> VectorKind | None:
        chosen = self._store.manifest().get(KINDS_SETTING)
        return chosen if chosen in ("exact", "compressed", "partitioned") else None  # type: ignore[return-value]

    def _load_vectors(self, stamp: Stamp) -> VectorIndex | None:
        return VectorIndex.load(self._path(VECTORS_NAME, stamp), stamp.sha256, self._read, stamp.details)

    def _load_keywords(self, name: str, stamp: Stamp, former: KeywordIndex | None = None) -> KeywordIndex | None:
        folder = self._path(name, stamp)
        if folder.is_dir() and not os.access(folder, os.W_OK):
            # Tantivy makes a lock file even to read.
            copy = self._private.path / "read" / folder.name
            try:
                copy_index_files(folder, copy)
            except OSError:
                return None
            folder = copy
        return KeywordIndex.load(folder, stamp.sha256, former)

    def _path(self, name: str, stamp: Stamp) -> Path:
        """Where a derived file is. Only names that `_new_path` gives are ever looked for."""
        number = int(stamp.details.get("number", 0))
        return self._folder / _file_name(name, number)

    # Writing

    @property
    def are_behind(self) -> bool:
        """True if a file should be written, because there were commits since, because it is not there, or because it
        has outgrown its kind."""
        if self._store.generation() == 0:
            return False
        are_there = all(map(self._has_keywords, (KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME)))
        return self._needs_vectors() or not are_there or not is_witnessed(self._folder, self._store)

    @property
    def are_damaged(self) -> bool:
        """True if a file is there that is not as it was written. Those that were read or written here are known."""
        return any(self._is_damaged(name) for name in NAMES)

    def _is_damaged(self, name: str) -> bool:
        stamp = self._store.stamp(name)
        path = None if stamp is None else self._path(name, stamp)
        if stamp is None or path is None or not path.exists() or self._is_known(name, stamp):
            return False
        try:
            if name != VECTORS_NAME:
                return digest_of(path) != stamp.sha256
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() != stamp.sha256
        except OSError:
            return True

    def _is_known(self, name: str, stamp: Stamp) -> bool:
        """True if the file of a stamp is the one that is in use here, whose digest was taken when that was opened."""
        if name == VECTORS_NAME:
            return stamp.sha256 == self._base_sha256
        known = self._keywords.get(name)
        return known is not None and known[0] == stamp.generation and known[1].folder == self._path(name, stamp)

    def _has_keywords(self, name: str) -> bool:
        """True if the folder of a keyword index is there and of the present generation."""
        stamp = self._store.stamp(name)
        return stamp is not None and stamp.generation == self._store.generation() and self._path(name, stamp).is_dir()

    def _needs_vectors(self) -> bool:
        """True if the vector file is not there, does not have the kind that it should, or is too far behind."""
        stamp = self._store.stamp(VECTORS_NAME)
        if stamp is None or not self._path(VECTORS_NAME, stamp).is_file():
            return True
        changed = self._store.changed_since(stamp.generation)
        if changed is None or stamp.details.get("kind") not in self._suitable_kinds():
            return True
        base, came = int(stamp.details["passages"]), len(self._store.passages_of_articles(changed))
        stayed = self._store.count_passages() - came
        return is_outgrown(base, came, base - stayed)

    def _suitable_kinds(self) -> set[VectorKind]:
        """The kinds that the vector index may have as it is; a new one gets the first of them."""
        counts = (self._store.count_passages(), int(self._store.count_passages() / SHRUNK_SHARE))
        return {possible_kind(self._chosen_kind() or kind_for(count), count, self._dimension) for count in counts}

    def choose_kind(self, kind: VectorKind | None) -> None:
        """Keeps the kind of vector index that the library is to have; `None` for the one that suits its size."""
        if (kind or "") != self._store.manifest().get(KINDS_SETTING, ""):
            self._store.set_manifest(KINDS_SETTING, kind or "")

    def write_when_due(self) -> None:
        """Brings the files to the newest commit if little of the time goes into that, for the readers' sake. Raises as
        `write`."""
        if time.monotonic() >= self._next_writing:
            began = time.monotonic()
            self.write()
            ended = time.monotonic()
            self._next_writing = ended + (ended - began) / WRITING_SHARE

    def write(self) -> None:
        """Brings the files to the newest commit, as far as they are behind it; of the keyword indexes only changed
        articles where possible, of vectors nothing as long as little changed.

        Raises:
            LibraryWriteError: The disk is full. Nothing is lost: readers build what is missing from SQLite.
        """
        generation = self._store.generation()
        try:
            if self._needs_vectors():
                self._write_vectors(generation)
            for name in (KEYWORDS_NAME, ARTICLE_KEYWORDS_NAME):
                self._write_keywords(name, generation)
            write_witness(self._folder, self._store)
        except (OSError, ValueError) as error:
            raise LibraryWriteError(
                f"The search files of the library {str(self._folder)!r} could not be written ({error}); free some "
                "space, then run: dateline doctor --repair. The articles themselves are stored."
            ) from error
        stamps = [self._store.stamp(name) for name in NAMES]
        self._store.forget_changes(min(0 if stamp is None else stamp.generation for stamp in stamps))
        self._clear()

    def rebuild(self) -> None:
        """Writes all files anew, whatever is there. Raises as `write`."""
        with suppress(sqlite3.Error):
            self._store.forget_stamps()
        self._vectors = None
        self._keywords.clear()
        self.write()

    def _write_vectors(self, generation: int) -> None:
        index = self._build_vectors()
        path, number = self._new_path(VECTORS_NAME)
        sha256 = index.save(path)
        self._store.set_stamp(VECTORS_NAME, Stamp(generation, sha256, {**index.details, "number": number}))
        self._vectors, self._base_sha256 = (generation, index), sha256

    def _write_keywords(self, name: str, generation: int) -> None:
        if self._has_keywords(name):
            return
        stamp = self._store.stamp(name)
        former = None if stamp is None else self._former_keywords(name, stamp)
        changed = None if stamp is None else self._store.changed_since(stamp.generation)
        path, number = self._new_path(name)
        index, gone = None, 0 if stamp is None else int(stamp.details.get("gone", 0))
        if former is not None and changed is not None:
            index = former.copy_to(path)
            gone += index.change(changed, self._documents(name, changed))
        if index is None or gone > GONE_SHARE * len(index):
            index, gone = KeywordIndex.create(path), 0
            index.change((), self._documents(name))
        index.let_others_read()
        self._store.set_stamp(name, Stamp(generation, index.digest(), {"number": number, "gone": gone}))
        self._keywords[name] = generation, index

    def _former_keywords(self, name: str, stamp: Stamp) -> KeywordIndex | None:
        """The index of a stamp: the one that is open, whose files were checked, or else the one on disk."""
        return self._keywords[name][1] if self._is_known(name, stamp) else self._load_keywords(name, stamp)

    def _new_path(self, name: str) -> tuple[Path, int]:
        """A path that no file has, and the number in its name."""
        numbers = [number for number, _ in self._there(name)]
        number = max(numbers, default=0) + 1
        return self._folder / _file_name(name, number), number

    def _there(self, name: str) -> list[tuple[int, Path]]:
        """The files of a name that are there, whether they count or not, with their numbers."""
        found = []
        for path in self._folder.glob(f"{name}*"):
            number = path.name.removesuffix(".part").removesuffix(".faiss").removeprefix(name).lstrip("-") or "0"
            if number.isdigit():
                found.append((int(number), path))
        return found

    def _clear(self) -> None:
        """Removes files that no stamp names: older ones, and what an interruption left."""
        for name in NAMES:
            stamp = self._store.stamp(name)
            for _, path in self._there(name):
                if stamp is None or path != self._path(name, stamp):
                    if path.is_dir():
                        shutil.rmtree(path, ignore_errors=True)
                    else:
                        with suppress(OSError):
                            path.unlink()

    # Checks

    def check(self) -> list[Finding]:
        """Of each file, whether it agrees with the store, and what to do if not."""
        return [self._check(name) for name in NAMES]

    def _check(self, name: str) -> Finding:
        stamp = self._store.stamp(name)
        mend = "mend it with: dateline doctor --repair (searches work meanwhile, from SQLite)"
        if stamp is None:
            return Finding(name, self._store.count_articles() == 0, f"not written yet; {mend}")
        generation = self._store.generation()
        changed = self._store.changed_since(stamp.generation)
        if changed is None or (stamp.generation != generation and name != VECTORS_NAME):
            return Finding(name, False, f"of generation {stamp.generation}, older than the articles; {mend}")
        loaded = self._load_vectors(stamp) if name == VECTORS_NAME else self._load_keywords(name, stamp)
        if loaded is None:
            return Finding(name, False, f"missing or damaged, or of another version of Dateline; {mend}")
        agrees = f"agrees with generation {stamp.generation}"
        if stamp.generation != generation:
            agrees += f"; the {len(changed)} articles that came or changed since are compared one by one"
        return Finding(name, True, agrees + _described(stamp.details))


def _described(details: Mapping[str, str | int | float]) -> str:
    """What a vector index is, in words."""
    if "kind" not in details:
        return ""
    described = f"; {details['kind']} search of {details['passages']} passages"
    if "recall_at_10" not in details:
        return described
    return (
        f"{described}, recall@10 against exact search {details['recall_at_10']:.3f} for {details['queries']} stored "
        "passages as queries"
    )


def _file_name(name: str, number: int) -> str:
    return f"{name}-{number}{'.faiss' if name == VECTORS_NAME else ''}"


class _PrivateFolder:
    """A folder for copies of indexes, made when it is needed, and removed at the end in any case."""

    def __init__(self) -> None:
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix="dateline-"))
            weakref.finalize(self, shutil.rmtree, self._path, ignore_errors=True)
        return self._path

    def close(self) -> None:
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None
