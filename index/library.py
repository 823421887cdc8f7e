"""A library: one folder on disk that holds a collection and finds passages in it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from index.encoder import DEFAULT_ENCODER, Encoder, load_encoder
from index.errors import (
    ArticleNotFoundError,
    EncoderMismatchError,
    LibraryBusyError,
    LibraryDamagedError,
    LibraryNotFoundError,
    LibraryWriteError,
)
from index.keywords import ARTICLE_TITLE_BOOST
from index.passages import split_article
from index.search_files import NAMES, SearchFiles
from index.sentence_edges import SentenceEdges
from index.sentence_reader import SentenceReader
from index.store import DATABASE_NAME, Store
from index.token_reader import TokenReader
from index.types import Article, ArticleSummary, Finding, Hit, Passage, SearchFilter, Span, VectorKind
from index.witness import WITNESS_NAME, check_witness, require_no_remains, witness_finding

if TYPE_CHECKING:
    from filelock import FileLock

    from index.answer_spans import ShortAnswer
    from index.interaction import PassageMatch
    from index.matching import SentenceMatch

LOCK_NAME = "writer.lock"


CHECKED_AT_OPENING_BYTES = 8 * 2**20
"""A database of at most this size is checked in whole when it is opened, in some milliseconds a megabyte. Of a larger
one every row is checked when it is read, and `dateline doctor` checks all."""


PROBLEMS_NAMED = 3
"""Problems of a damaged database that are told; the first say enough."""

PROBLEM_CHARACTERS = 200
"""Characters of each of them that are told."""

BESIDE_FROM = 5_000
"""Passages from which on the words of a question are looked up while it is encoded and its vector is searched for: a
thread costs .1 ms, what it saves grows with the library."""


@dataclass(frozen=True, slots=True)
class PutResult:
    """What putting articles did: numbers of articles new, changed, and already there under another origin."""

    added: int
    updated: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class SplitArticle:
    """An article with the digest of its record, its passages, and what is kept of its sentences; without passages, if
    those that are stored still serve."""

    article: Article
    digest: str
    passages: tuple[Passage, ...] = ()
    sentences: bytes = b""


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
        self._sentences = SentenceReader(store)
        self._tokens = TokenReader(store, lambda: self.encoder, self._encoder_digest)
        self._articles_found: tuple[object, list[tuple[int, float]]] = (None, [])
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
            require_no_remains(path)
            raise LibraryNotFoundError(
                f"There is no library in {str(path)!r}; make one with: dateline index PATH --library {path}"
            )
        store = Store.open(database, to_read=True)
        try:
            _require_intact(path, store)
            return cls(path, store, encoder, None)
        except BaseException:
            store.close()
            raise

    @classmethod
    def open_for_writing(cls, path: Path, encoder: Encoder | None = None) -> Self:
        """The library in a folder, to change; an empty one is made if there is none.

        Raises:
            LibraryBusyError: Another process has it open for writing.
            LibraryWriteError: The folder cannot be made or written.
            LibraryFormatError, EncoderMismatchError: As `open`.
        """
        lock = writer_lock(path)
        with ExitStack() as opened:
            opened.callback(lock.release)
            database = path / DATABASE_NAME
            if database.is_file():
                store = Store.open(database)
                opened.callback(store.close)
                _require_intact(path, store)
                store.upgrade(lambda text: SentenceEdges.of_text(text).to_bytes())
            else:
                require_no_remains(path)
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
                opened.callback(store.close)
            library = cls(path, store, encoder, lock)
            opened.pop_all()
            return library

    def close(self) -> None:
        """Lets go of the folder; if it was opened for writing, derived files that are behind or damaged are written
        first."""
        try:
            if self._lock is not None and self._files.are_damaged:
                self._files.rebuild()
            elif self._lock is not None and self._files.are_behind:
                self.write_derived()
        finally:
            self._files.close()
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

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything asked inside is of one state of the collection, whatever a writer does meanwhile.

        To be left soon: while it lasts, what writers commit stays in the database's log.
        """
        with self._store.snapshot():
            yield

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
        with self._store.snapshot():
            found = self._store.article(article_id)
        if found is None:
            raise ArticleNotFoundError(
                f"The library holds no article {article_id!r}; list what it holds with: dateline articles"
            )
        return found

    def articles(self) -> list[ArticleSummary]:
        """All articles in the order in which they were added."""
        with self._store.snapshot():
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
        with self._store.snapshot():
            stored = self._store.origin(origin)
            return None if stored is None else self._store.article_ids([stored.article_row])[stored.article_row]

    def publication_days(self, article_ids: Iterable[str]) -> dict[str, tuple[date, date]]:
        """First and last day on which each of the articles can have been published; those of an unknown year are left
        out."""
        return self._store.publication_days(article_ids)

    def sentence_spans(self, article_ids: Iterable[str]) -> dict[str, tuple[Span, ...]]:
        """The sentences of articles (`index.sentences`), by identifier; those of unknown articles are left out."""
        return {name: edges.spans() for name, edges in self._sentences.of(article_ids).items()}

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article in order. Raises `ArticleNotFoundError`."""
        with self._store.snapshot():
            row = self._store.article_row(self.article(article_id).article_id)
            rows = self._store.passage_rows(row) if row is not None else []
            found = self._store.passages(rows)
        return [found[passage_row] for passage_row in rows]

    def split(self, article: Article, digest: str) -> SplitArticle:
        """An article, and the digest of its record, made ready to be put in. May be called from another thread than the
        one that uses the library."""
        sentences = SentenceEdges.of_text(article.text)
        passages = split_article(article, self.encoder.count_tokens, self.encoder.max_tokens, sentences.spans())
        return SplitArticle(article, digest, tuple(passages), sentences.to_bytes())

    def put(self, articles: Sequence[tuple[Article, str]]) -> PutResult:
        """Adds or updates articles, each with the digest of its record; see `put_split`."""
        self._check_writable()
        serve_still = self._serve_still([article for article, _ in articles])
        return self.put_split(
            [
                SplitArticle(article, digest) if article in serve_still else self.split(article, digest)
                for article, digest in articles
            ]
        )

    def put_split(self, articles: Sequence[SplitArticle]) -> PutResult:
        """Adds or updates articles in one commit.

        An article of the same text under another origin is kept once with both origins. The text that an origin had
        before goes, unless another origin still has it.

        Raises:
            LibraryWriteError: The library was opened to read, or the disk is full; nothing was added.
            EncoderError: The encoder cannot be loaded.
        """
        self._check_writable()
        if not articles:
            return PutResult(0, 0, 0)
        serve_still = self._serve_still([one.article for one in articles])
        passages = [() if one.article in serve_still else one.passages for one in articles]
        to_encode = [passage for found in passages for passage in found]
        vectors, tokens = self._tokens.encode(to_encode)
        added = updated = duplicates = done = 0
        with self._store.change():
            for one, found in zip(articles, passages, strict=True):
                article = one.article
                former_row = self._store.article_row_of(article.origin)
                text_row = self._store.article_row(article.article_id)
                if text_row is not None and former_row != text_row:
                    row = text_row
                else:
                    row = self._store.put_article(article)
                    if found:
                        own = slice(done, done + len(found))
                        self._store.put_passages(row, found, vectors[own], tokens[own])
                        self._store.keep_sentences(row, one.sentences)
                done += len(found)
                if former_row is not None and former_row != row:
                    # What is known of the text that it had was perhaps this origin's.
                    self._store.forget_digests_beside(article.origin)
                self._store.set_origin(article.origin, one.digest, row)
                updated += former_row is not None
                duplicates += former_row is None and text_row is not None
                added += former_row is None and text_row is None
            self._store.remove_orphans()
            if to_encode:
                self._store.note_precision(self.encoder.precision)
        self._files.write_when_due()
        return PutResult(added, updated, duplicates)

    def _check_writable(self) -> None:
        if self._lock is None:
            raise LibraryWriteError(
                f"The library {str(self.path)!r} was opened to read; open it for writing to change it."
            )

    def _serve_still(self, articles: Sequence[Article]) -> set[Article]:
        """Those whose stored passages are the ones that they would have; of articles that are put in together, only
        those whose text comes once."""
        times = Counter(article.article_id for article in articles)
        return {
            article
            for article in articles
            if times[article.article_id] == 1
            and (self._store.title_of(article.article_id) == article.title or self._is_duplicate(article))
        }

    def _is_duplicate(self, article: Article) -> bool:
        """True if the text is stored already, but not from this origin."""
        row = self._store.article_row(article.article_id)
        return row is not None and self._store.article_row_of(article.origin) != row

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
        if not any(self._store.article_row_of(origin) for origin in origins):
            return 0
        with self._store.change():
            for origin in origins:
                self._store.forget_digests_beside(origin)
                self._store.remove_origin(origin)
            removed = self._store.remove_orphans()
        self._files.write_when_due()
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
            found = self._files.vectors().search(vector, limit, self._files.matching(search_filter))
            return _dense_hits(found, self._found_passages(row for row, _ in found))

    def keyword(self, query: str, limit: int, search_filter: SearchFilter) -> list[Hit]:
        """The `limit` passages with the highest BM25 score for the query's words, inside the filter."""
        with self._store.snapshot():
            found = self._files.keywords().search(query, limit, self._files.matching(search_filter))
            return _keyword_hits(found, self._found_passages(row for row, _ in found))

    def dense_and_keyword(
        self, query: str, limit: int, search_filter: SearchFilter, article_limit: int
    ) -> tuple[list[Hit], list[Hit]]:
        """What `dense` and `keyword` find, of one state of the collection and, in a large one, at the same time.

        So is what `article_scores` finds for the same query, `article_limit` and filter, if it is asked next.
        """
        with self._store.snapshot():
            files, allowed = self._files, self._files.matching(search_filter)
            passages, articles = files.keywords(), files.article_keywords()

            def by_words() -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
                # In another thread: nothing here may use the database.
                found = passages.search(query, limit, allowed)
                return found, articles.search(query, article_limit, allowed, ARTICLE_TITLE_BOOST)

            def by_vector() -> list[tuple[int, float]]:
                return files.vectors().search(self._tokens.of_question(query).vector, limit, allowed)

            if len(passages) < BESIDE_FROM:
                near, (words, whole) = by_vector(), by_words()
            else:
                with ThreadPoolExecutor(1) as beside:
                    waiting = beside.submit(by_words)
                    near = by_vector()
                words, whole = waiting.result()
            self._articles_found = self._articles_key(query, article_limit, search_filter), whole
            known = self._found_passages({row for row, _ in chain(near, words)})
            return _dense_hits(near, known), _keyword_hits(words, known)

    def _found_passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """The passages in rows that a search found, which are to be matched with the question next.

        Raises:
            LibraryDamagedError: One is gone, or not as it was stored.
        """
        wanted = list(rows)
        found = self._store.passages(wanted)
        if len(found) != len(wanted):
            raise LibraryDamagedError(
                f"The library {str(self.path)!r} is damaged: {len(wanted) - len(found)} passages that were stored are "
                f"gone. Mend it with: dateline doctor --repair --library {self.path}"
            )
        self._tokens.note_rows(found)
        return found

    def keyword_articles(self, query: str, limit: int, search_filter: SearchFilter) -> list[tuple[str, float]]:
        """The `limit` articles with the highest BM25 score of title and whole text for the query's words, inside the
        filter: pairs (article_id, score), best first. The scores are not comparable with those of passages."""
        with self._store.snapshot():
            found = self._keyword_articles(query, limit, search_filter)
            names = self._store.article_ids(row for row, _ in found)
        return [(names[row], score) for row, score in found]

    def article_scores(
        self, query: str, limit: int, search_filter: SearchFilter, article_ids: Iterable[str]
    ) -> dict[str, float]:
        """The scores by identifier of those of some articles that `keyword_articles` finds, in less time."""
        with self._store.snapshot():
            found = dict(self._keyword_articles(query, limit, search_filter))
            rows = self._store.article_rows(article_ids)
        return {name: found[row] for name, row in rows.items() if row in found}

    def _articles_key(self, query: str, limit: int, search_filter: SearchFilter) -> object:
        return query, limit, search_filter, self._store.generation()

    def _keyword_articles(self, query: str, limit: int, search_filter: SearchFilter) -> list[tuple[int, float]]:
        known, found = self._articles_found
        if known == self._articles_key(query, limit, search_filter):
            return found
        allowed = self._files.matching(search_filter)
        return self._files.article_keywords().search(query, limit, allowed, ARTICLE_TITLE_BOOST)

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

    def match_sentences(self, question: str, passages: Sequence[Passage]) -> "list[SentenceMatch]":
        """How well each passage matches a question as a whole, and how well the best of the sentences of its article
        of which a part lies in it; the same numbers as `match` gives, in less time."""
        edges = self._sentences.of({passage.article_id for passage in passages})
        return self._tokens.match_sentences(question, passages, edges)

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

    def choose_vectors(self, kind: VectorKind | None) -> None:
        """Fixes the kind of vector index for this library, or with `None` lets its size decide, as it does at first.

        The next writing of the derived files heeds it.
        """
        self._check_writable()
        self._files.choose_kind(kind)

    def check(self) -> list[Finding]:
        """What is well and what is not: the database, the derived files, the encoder."""
        with self._store.snapshot():
            return self._findings()

    def _findings(self) -> list[Finding]:
        problems = self._store.integrity()
        if problems:
            # The files beside it are derived from the database and say nothing without it.
            advice = f"save what is intact with: dateline doctor --repair --library {self.path}"
            return [Finding("database", False, f"{_told(problems)}; {advice}")]
        if not self._store.is_of_this_format:
            advice = "searches work, but take longer; bring it to this version's with: dateline doctor --repair"
            return [Finding("database", True, self._counted()), Finding("format", False, f"an older one; {advice}")]
        witness = witness_finding(self.path, self._store)
        noted = [] if witness is None else [witness]
        database = Finding("database", True, self._counted())
        return [database, *self._files.check(), *self._check_kept(), *noted]

    def _counted(self) -> str:
        return f"{self.count_articles()} articles, {self.count_passages()} passages, generation {self.generation}"

    def _check_kept(self) -> list[Finding]:
        """Whether every passage has its tokens and every article its sentences. Without them answers are the same and
        take longer."""
        tokens, sentences = self._tokens.count_lacking(), self._sentences.count_lacking()
        passages, articles = f"{self.count_passages()} passages", f"{self.count_articles()} articles"
        return [
            _kept("tokens", tokens, passages, "there for every passage that they are kept of"),
            _kept("sentences", sentences, articles, "kept for every article"),
        ]

    def repair(self) -> list[Finding]:
        """Rebuilds the derived files that are missing, stale or damaged, then checks again. Needs the writer's lock."""
        findings = self.check()
        bad = {finding.check for finding in findings if not finding.ok}
        if findings[0].ok and bad:
            self._tokens.fill()
            self._sentences.fill()
        if findings[0].ok and bad & {*NAMES, WITNESS_NAME}:
            self._files.rebuild()
        return self.check()


def _dense_hits(found: Sequence[tuple[int, float]], passages: Mapping[int, Passage]) -> list[Hit]:
    return [Hit(passages[row], rank, score, dense_rank=rank) for rank, (row, score) in enumerate(found, start=1)]


def _keyword_hits(found: Sequence[tuple[int, float]], passages: Mapping[int, Passage]) -> list[Hit]:
    return [Hit(passages[row], rank, score, keyword_rank=rank) for rank, (row, score) in enumerate(found, start=1)]


def _told(problems: Sequence[str]) -> str:
    """The problems of a damaged database, in a line that can be read."""
    return "; ".join(problem[:PROBLEM_CHARACTERS] for problem in problems[:PROBLEMS_NAMED])


def _kept(check: str, lacking: int, of_all: str, well: str) -> Finding:
    """Whether what is kept beside passages or articles is lacking nowhere."""
    bad = f"missing or damaged for {lacking} of {of_all}; questions take longer until: dateline doctor --repair"
    return Finding(check, not lacking, bad if lacking else well)


def writer_lock(path: Path) -> "FileLock":
    """The lock of a folder's only writer, acquired; the folder is made if there is none. Released at the end of a
    `with` or by `release`.

    Raises:
        LibraryBusyError: Another process has it.
        LibraryWriteError: The folder cannot be made or written.
    """
    from filelock import FileLock, Timeout  # it imports asyncio, which a question does without

    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / LOCK_NAME, timeout=0, thread_local=False)
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
    return lock


def _require_intact(path: Path, store: Store) -> None:
    """Raises `LibraryDamagedError` if the database was set back, or is small and not as it was stored."""
    check_witness(path, store)
    if (path / DATABASE_NAME).stat().st_size > CHECKED_AT_OPENING_BYTES:
        return
    problems = store.integrity()
    if problems:
        raise LibraryDamagedError(
            f"The library {str(path)!r} is damaged: {_told(problems)}. Mend it with: dateline doctor --repair "
            f"--library {path}"
        )
