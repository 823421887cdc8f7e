"""A library: one folder on disk that holds a collection and finds passages in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from index.encoder import DEFAULT_ENCODER, Encoder, load_encoder
from index.errors import (
    ArticleNotFoundError,
    EncoderMismatchError,
    LibraryBusyError,
    LibraryNotFoundError,
    LibraryWriteError,
)
from index.keywords import ARTICLE_TITLE_BOOST
from index.passages import split_article
from index.search_files import NAMES, SearchFiles
from index.store import DATABASE_NAME, Store
from index.token_reader import TokenReader
from index.types import Article, ArticleSummary, Finding, Hit, Passage, SearchFilter, Span

if TYPE_CHECKING:
    from filelock import FileLock

    from index.answer_spans import ShortAnswer
    from index.interaction import PassageMatch

LOCK_NAME = "writer.lock"


@dataclass(frozen=True, slots=True)
class PutResult:
    """What putting articles did: numbers of articles new, changed, and already there under another origin."""

    added: int
    updated: int
    duplicates: int


class Library:
    """A collection of articles that can be searched; changed only by the one process that opened it for writing.

    Every search sees one state of the collection, the newest commit at its beginning. Not safe for calls from several
    threads at a time.
    """

    def __init__(self, path: Path, store: Store, encoder: Encoder | None, lock: "FileLock | None") -> None:
        self.path = path
        self._store = store
        self._encoder = encoder
        self._lock = lock
        manifest = store.manifest()
        self.encoder_name = manifest["encoder_name"]
        self._encoder_digest = manifest["encoder_digest"]
        self.dimension = int(manifest["dimension"])
        self._files = SearchFiles(path, store, self.dimension)
        self._tokens = TokenReader(store, lambda: self.encoder, self._encoder_digest)
        if encoder is not None:
            self._check_encoder(encoder)

    @classmethod
    def open(cls, path: Path, encoder: Encoder | None = None) -> Self:
        """The library in an existing folder, to read. Without an encoder, its own is loaded when one is needed.

        Raises:
            LibraryNotFoundError: There is no library in the folder.
            LibraryFormatError: It is damaged or has another format version.
            EncoderMismatchError: It was made with another encoder than the one given.
        """
        database = path / DATABASE_NAME
        if not database.is_file():
            raise LibraryNotFoundError(
                f"There is no library in {str(path)!r}; make one with: dateline index PATH --library {path}"
            )
        return cls(path, Store.open(database), encoder, None)

    @classmethod
    def open_for_writing(cls, path: Path, encoder: Encoder | None = None) -> Self:
        """The library in a folder, to change; an empty one is made if there is none.

        Raises:
            LibraryBusyError: Another process has it open for writing.
            LibraryWriteError: The folder cannot be made or written.
            LibraryFormatError, EncoderMismatchError: As `open`.
        """
        from filelock import FileLock, Timeout  # it imports asyncio, which a question does without

        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path / LOCK_NAME, timeout=0)
            lock.acquire()
        except Timeout as error:
            raise LibraryBusyError(
                f"Another process is changing the library {str(path)!r}; wait until it is done, then run this again."
            ) from error
        except OSError as error:
            raise LibraryWriteError(
                f"The library folder {str(path)!r} cannot be written ({error.strerror or error}); check its "
                "permissions and the free space, or name another folder with --library."
            ) from error
        try:
            database = path / DATABASE_NAME
            if database.is_file():
                store = Store.open(database)
            else:
                encoder = encoder or load_encoder(DEFAULT_ENCODER)
                store = Store.create(
                    database,
                    {
                        "encoder_name": encoder.name,
                        "encoder_digest": encoder.digest,
                        "dimension": str(encoder.dimension),
                        "max_tokens": str(encoder.max_tokens),
                    },
                )
            return cls(path, store, encoder, lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Lets go of the folder; if it was opened for writing, derived files that are behind are written first."""
        try:
            if self._lock is not None and self._files.are_behind:
                self.write_derived()
        finally:
            self._store.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def generation(self) -> int:
        """Number of the newest commit."""
        return self._store.generation()

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded at the first use.

        Raises:
            EncoderMismatchError: The one of that name is not the one that the library was made with.
        """
        if self._encoder is None:
            encoder = load_encoder(self.encoder_name)
            self._check_encoder(encoder)
            self._encoder = encoder
        return self._encoder

    @property
    def has_loaded_encoder(self) -> bool:
        """True if the encoder is there already and need not be loaded first."""
        return self._encoder is not None

    def _check_encoder(self, encoder: Encoder) -> None:
        if (encoder.name, encoder.digest) != (self.encoder_name, self._encoder_digest):
            given = f"{encoder.name!r} (weights {encoder.digest[:12]})"
            made = f"{self.encoder_name!r} (weights {self._encoder_digest[:12]})"
            raise EncoderMismatchError(
                f"The library {str(self.path)!r} was made with the encoder {made}, not with {given}. Leave --encoder "
                "out to use its own, or index the articles with the new one into another folder: dateline index PATH "
                f"--encoder {encoder.name} --library NEW_FOLDER"
            )

    # Articles

    def article(self, article_id: str) -> Article:
        """The article of an identifier. Raises `ArticleNotFoundError`."""
        found = self._store.article(article_id)
        if found is None:
            raise ArticleNotFoundError(
                f"The library holds no article {article_id!r}; list what it holds with: dateline articles"
            )
        return found

    def articles(self) -> list[ArticleSummary]:
        """All articles in the order in which they were added."""
        return self._store.summaries()

    def count_articles(self) -> int:
        return self._store.count_articles()

    def count_passages(self) -> int:
        return self._store.count_passages()

    def origins(self) -> dict[str, str]:
        """Each origin with the identifier of its article."""
        return self._store.all_origins()

    def find_article(self, origin_or_name: str) -> str | None:
        """Identifier of the article of an origin, or else of the only origin whose last part is that file name."""
        known = self.article_of_origin(origin_or_name)
        if known is not None:
            return known
        name = origin_or_name.rsplit("/", 1)[-1]
        found = {
            identifier
            for origin, identifier in self._store.all_origins().items()
            if origin == origin_or_name or origin.endswith("/" + origin_or_name) or origin.rsplit("/", 1)[-1] == name
        }
        return found.pop() if len(found) == 1 else None

    def article_of_origin(self, origin: str) -> str | None:
        """Identifier of the article of an origin, `None` if there is none."""
        stored = self._store.origin(origin)
        return None if stored is None else self._store.article_of_row(stored.article_row)[0]

    def publication_days(self, article_ids: Iterable[str]) -> dict[str, tuple[date, date]]:
        """First and last day on which each of the articles can have been published; those of an unknown year are left
        out."""
        return self._store.publication_days(article_ids)

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article in order. Raises `ArticleNotFoundError`."""
        row = self._store.article_row(self.article(article_id).article_id)
        rows = self._store.passage_rows(row) if row is not None else []
        found = self._store.passages(rows)
        return [found[passage_row] for passage_row in rows]

    def put(self, articles: Sequence[tuple[Article, str]]) -> PutResult:
        """Adds or updates articles, each with the digest of its record, in one commit.

        An article of the same text under another origin is kept once with both origins. The text that an origin had
        before goes, unless another origin still has it. Raises `LibraryWriteError` if the library was opened to read.
        """
        self._check_writable()
        passages = [self._new_passages(article) for article, _ in articles]
        vectors, tokens = self._tokens.encode([passage for found in passages for passage in found])
        added = updated = duplicates = done = 0
        changed: set[int] = set()
        with self._store.change():
            for (article, digest), found in zip(articles, passages, strict=True):
                known_origin = self._store.origin(article.origin) is not None
                known_text = self._store.article_row(article.article_id)
                if known_text is not None and self._is_duplicate(article):
                    row = known_text
                else:
                    row = self._store.put_article(article)
                    if found:
                        own = slice(done, done + len(found))
                        self._store.put_passages(row, found, vectors[own], tokens[own])
                    changed.add(row)
                done += len(found)
                self._store.set_origin(article.origin, digest, row)
                updated += known_origin
                duplicates += not known_origin and known_text is not None
                added += not known_origin and known_text is None
            changed.update(self._store.remove_orphans())
        self._files.note_change(changed)
        return PutResult(added, updated, duplicates)

    def _check_writable(self) -> None:
        if self._lock is None:
            raise LibraryWriteError(
                f"The library {str(self.path)!r} was opened to read; open it for writing to change it."
            )

    def _new_passages(self, article: Article) -> list[Passage]:
        """The passages to store for an article; none if those that are stored still serve."""
        stored = self._store.article(article.article_id)
        if stored is not None and (stored.title == article.title or self._is_duplicate(article)):
            return []
        return split_article(article, self.encoder.count_tokens, self.encoder.max_tokens)

    def _is_duplicate(self, article: Article) -> bool:
        """True if the text is stored already, but not from this origin."""
        stored = self._store.article(article.article_id)
        return stored is not None and article.origin not in stored.origins

    def origin_digest(self, origin: str) -> str | None:
        """Digest of the record that an origin had when it was indexed, `None` if it never was."""
        stored = self._store.origin(origin)
        return None if stored is None else stored.digest

    def remove_origins(self, origins: Sequence[str]) -> int:
        """Forgets origins; articles that have no other go. Returns how many articles went.

        The other origins of an article that stays count as unread, so that the next indexing takes what is known of
        it from them.
        """
        self._check_writable()
        with self._store.change():
            for origin in origins:
                self._store.forget_digests_beside(origin)
                self._store.remove_origin(origin)
            removed = self._store.remove_orphans()
        self._files.note_change(removed)
        return len(removed)

    def remove(self, article_ids: Sequence[str]) -> int:
        """Removes articles with all their origins, all or none. Returns how many. Raises `ArticleNotFoundError`."""
        origins = [origin for identifier in article_ids for origin in self.article(identifier).origins]
        return self.remove_origins(origins)

    # Search

    def dense(self, query: str, limit: int, search_filter: SearchFilter) -> list[Hit]:
        """The `limit` passages nearest to the query by cosine of the encoder's vectors, inside the filter."""
        vector = self._tokens.of_question(query).vector
        with self._store.snapshot():
            index = self._files.vectors()
            allowed = None
            if not search_filter.is_empty:
                allowed = self._store.passages_of_articles(self._store.articles_matching(search_filter))
            found = index.search(vector, limit, allowed)
            passages = self._store.passages(row for row, _ in found)
        return [Hit(passages[row], rank, score, dense_rank=rank) for rank, (row, score) in enumerate(found, start=1)]

    def keyword(self, query: str, limit: int, search_filter: SearchFilter) -> list[Hit]:
        """The `limit` passages with the highest BM25 score for the query's words, inside the filter."""
        with self._store.snapshot():
            index = self._files.keywords()
            allowed = None if search_filter.is_empty else self._store.articles_matching(search_filter)
            found = index.search(query, limit, allowed)
            passages = self._store.passages(row for row, _ in found)
        return [Hit(passages[row], rank, score, keyword_rank=rank) for rank, (row, score) in enumerate(found, start=1)]

    def keyword_articles(self, query: str, limit: int, search_filter: SearchFilter) -> list[tuple[str, float]]:
        """The `limit` articles with the highest BM25 score of title and whole text for the query's words, inside the
        filter: pairs (article_id, score), best first. The scores are not comparable with those of passages."""
        with self._store.snapshot():
            index = self._files.article_keywords()
            allowed = None if search_filter.is_empty else self._store.articles_matching(search_filter)
            found = index.search(query, limit, allowed, ARTICLE_TITLE_BOOST)
            return [(self._store.article_of_row(row)[0], score) for row, score in found]

    def prepare(self, question: str) -> None:
        """Encodes a question, so that the searches for it need not."""
        self._tokens.of_question(question)

    def match(
        self, question: str, passages: Sequence[Passage], spans: Sequence[Sequence[Span]]
    ) -> "list[PassageMatch]":
        """How well each passage matches a question, and each of the `spans` of it, token by token.

        Spans count the characters of the article, as the passage's own do; what of them lies outside the passage is
        not looked at. See `index.interaction`.
        """
        return self._tokens.match(question, passages, spans)

    def short_answer(self, question: str, passage: Passage, sentence: Span) -> "ShortAnswer | None":
        """The words of a sentence that are most likely the answer, places as in the article, as `sentence` has them.

        `None` where there is no model for the encoder (`index.answer_spans`), or the sentence is not in the passage.
        """
        return self._tokens.short_answer(question, passage, sentence)

    def nearest(self, text: str, spans: Sequence[Span], others: Sequence[str]) -> list[float]:
        """For each of the `spans` of a text how near the nearest words of other texts are, by the encoder: -1..1,
        higher is nearer, 0 for a span of which the encoder reads nothing. See `index.interaction.nearest_tokens`."""
        return self._tokens.nearest(text, spans, others)

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages each term (as `index.keywords.analyze` gives them) occurs, in text or title."""
        with self._store.snapshot():
            return self._files.keywords().document_frequency(terms)

    # Derived files and checks

    def write_derived(self) -> None:
        """Brings the vector file and the keyword indexes to the newest commit. Raises `LibraryWriteError`."""
        self._files.write()

    def check(self) -> list[Finding]:
        """What is well and what is not: the database, the derived files, the encoder."""
        problems = self._store.integrity()
        if problems:
            # The files beside it are derived from the database and say nothing without it.
            advice = "restore the folder from a copy, or index the articles again: dateline index PATH --library FOLDER"
            return [Finding("database", False, f"{'; '.join(problems)}; {advice}")]
        counted = f"{self.count_articles()} articles, {self.count_passages()} passages, generation {self.generation}"
        return [Finding("database", True, counted), *self._files.check(), self._check_tokens()]

    def _check_tokens(self) -> Finding:
        """Whether every passage has its tokens. Without them answers are the same and take longer."""
        lacking = self._tokens.count_lacking()
        if not lacking:
            return Finding("tokens", True, "there for every passage that they are kept of")
        return Finding(
            "tokens",
            False,
            f"missing or damaged for {lacking} of {self.count_passages()} passages; questions take longer until: "
            "dateline doctor --repair",
        )

    def repair(self) -> list[Finding]:
        """Rebuilds the derived files that are missing, stale or damaged, then checks again. Needs the writer's lock."""
        findings = self.check()
        bad = {finding.check for finding in findings if not finding.ok}
        if findings[0].ok and bad:
            self._tokens.fill()
        if findings[0].ok and bad & set(NAMES):
            self._files.rebuild()
        return self.check()
