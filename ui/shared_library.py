"""A library on disk and its models, shared by the threads of the server."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Pieces
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from index.encoder import Encoder, load_encoder
from index.errors import DatelineError
from index.library import Library
from index.store import DATABASE_NAME
from index.types import Article, ArticleSummary, Passage
from rag.answering import AnswerSettings, stream
from rag.generators import EXTRACTIVE, Generator, check_endpoint, load_generator
from rag.nli_check import load_checker
from rag.reader import load_reader
from rag.reading import Text
from rag.reranking import load_reranker
from rag.templates import load_templates
from rag.types import Answer, Citation, Question
from rag.verification import Verification, verify_citation
from ui.backend import check_model
from ui.settings import new_library_encoder
from ui.shared_encoder import SharedEncoder

LOG = logging.getLogger("dateline")

SECONDS_TO_STOP = 15.0
"""How long the end of the process waits for a change of the library to end; mostly it takes less than one."""

FIRST_TEXT = "The first text takes longer than the others."
"""Encoded and read at the start, so that no question waits for it."""


class SharedLibrary:
    """The backend of the page: the library of a folder, opened for reading when it is first needed, and its models.

    A library that does not exist yet is looked for again at every call, so that a page started before the first
    `dateline index` finds it afterwards. Only models that were named at the start can be asked for; each of them is
    made once, when it is first asked.
    """

    def __init__(self, path: Path, models: Sequence[str], settings: AnswerSettings, encoder: Encoder | None) -> None:
        self.models = tuple(models)
        self._path = path
        self._generators: dict[str, Generator | None] = {}
        self._settings = settings
        self._lock = threading.RLock()
        self._loading = threading.Lock()
        self._naming = threading.Lock()
        self._writing = threading.Lock()
        self._library: Library | None = None
        self._file: tuple[int, int] | None = None
        self._inside = 0
        self._encoder = encoder

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        model: str,
        k: int,
        reranker: str | None = None,
        reader: str | None = None,
        checker: str | None = None,
        encoder: Encoder | None = None,
        offered: Sequence[str] = (),
    ) -> "SharedLibrary":
        """The library in `path`, which need not exist yet. Without an encoder, the library's own is loaded when needed.

        `model` answers unless a question asks for extractive answers or for one of the `offered` models. Where no
        language model can be asked, no checker is loaded. Raises `ModelError` if the model, the re-ranker, the reader
        or the checker cannot be used, `InputError` if a prompt or setting cannot.
        """
        names = dict.fromkeys(name.strip() for name in (model, EXTRACTIVE, *offered))
        checks = load_checker(checker if len(names) > 1 else None)
        settings = AnswerSettings(k=k, reranker=load_reranker(reranker), reader=load_reader(reader), checker=checks)
        library = cls(path, list(names), settings, encoder)
        library._generator(None)
        if len(names) > 1:
            load_templates()
        return library

    def stream(
        self,
        question: Question,
        *,
        k: int | None = None,
        model: str | None = None,
        stop: threading.Event | None = None,
    ) -> Pieces[str | Answer, None, None]:
        settings = replace(self._settings, k=k or self._settings.k)
        generator = self._generator(model)
        items = stream(question, self._for_answers(), generator=generator, settings=settings, stop=stop)
        with closing(items):
            for item in items:
                if isinstance(item, Answer) and generator is not None and item.model == EXTRACTIVE:
                    for notice in item.notices:
                        LOG.warning("%s", notice)
                yield item

    def ask(
        self,
        question: Question,
        *,
        k: int | None = None,
        model: str | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        *_, answer = self.stream(question, k=k, model=model, stop=stop)
        assert isinstance(answer, Answer), "an answer comes last"
        return answer

    def _generator(self, model: str | None) -> Generator | None:
        name = check_model(model, self.models)
        with self._naming:
            if name not in self._generators:
                self._generators[name] = load_generator(name)
            return self._generators[name]

    def ready(self, model: str) -> bool:
        return check_endpoint(check_model(model, self.models)).ok

    def article(self, article_id: str) -> Article:
        return self._shared().article(article_id)

    def passages(self, article_id: str) -> list[Passage]:
        return self._shared().passages(article_id)

    def summaries(self) -> list[ArticleSummary]:
        return self._shared().articles()

    def generation(self) -> int:
        return self._shared().generation

    def verify(self, citation: Citation) -> Verification:
        return verify_citation(citation, self._shared())

    def warm_up(self) -> None:
        """Loads the encoder and the reader, which takes seconds; questions wait for them, everything else does not.

        What goes wrong here goes wrong again at the first question, where somebody reads it.
        """
        with suppress(DatelineError):
            if (self._path / DATABASE_NAME).is_file():
                self._shared_encoder().encode([FIRST_TEXT])
        if self._settings.reader is not None:
            with suppress(DatelineError):
                self._settings.reader.read("What takes longer?", [Text("", FIRST_TEXT)])

    @contextmanager
    def writing(self) -> Iterator[Library]:
        encoder = self._shared_encoder()
        with self._writing, Library.open_for_writing(self._path, encoder) as library:
            yield library

    def stop(self) -> None:
        """Ends what is being added, before the process ends: a thread that is inside the encoder then would abort it.

        What was reported as added is there.
        """
        with self._lock:
            encoder = self._encoder
        if isinstance(encoder, SharedEncoder):
            encoder.stop()
        if self._writing.acquire(timeout=SECONDS_TO_STOP):
            self._writing.release()

    def _shared_encoder(self) -> Encoder:
        """The one encoder of those who read and those who write, loaded if it is not there yet.

        A library that does not exist yet will be made with the encoder that the settings name. Raises `EncoderError`,
        and the errors of `Library.open`.
        """
        with self._loading:
            encoder = self._encoder
            if isinstance(encoder, SharedEncoder):
                return encoder
            with self._lock:
                if encoder is None and self._library is not None and self._library.has_loaded_encoder:
                    encoder = self._library.encoder
            if encoder is None and (self._path / DATABASE_NAME).is_file():
                with Library.open(self._path) as library:
                    encoder = library.encoder
            shared = SharedEncoder(encoder or load_encoder(new_library_encoder()))
            with self._lock:
                self.close()
                self._encoder = shared
            return shared

    def close(self) -> None:
        """Closes the library; the next call opens it again."""
        with self._lock:
            if self._library is not None:
                self._library.close()
                self._library = None

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Calls a method of the library, or reads a property, while nobody else does."""
        with self._lock:
            value = getattr(self._opened(), name)
            return value(*arguments, **options) if callable(value) else value

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All calls inside are of one state of the library; other threads wait until it is left.

        They wait at the lock that every call takes first: one that had it, and waited inside the library for this state
        to be left, would wait for ever.
        """
        with self._lock, self._opened().snapshot():
            self._inside += 1
            try:
                yield
            finally:
                self._inside -= 1

    def _opened(self) -> Library:
        """The library, opened again where its database is another file by now, as after a repair or where the folder
        was replaced. To be called with the lock."""
        if self._library is not None and not self._inside and self._file != self._file_now():
            self.close()
        if self._library is None:
            self._file = self._file_now()
            self._library = Library.open(self._path, self._encoder)
        return self._library

    def _file_now(self) -> tuple[int, int] | None:
        """What the system knows the database by, `None` if it is not there."""
        try:
            found = (self._path / DATABASE_NAME).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _for_answers(self) -> Library:
        with self._loading:  # not to load the encoder a second time while it is being loaded
            return self._shared()

    def _shared(self) -> Library:
        return cast(Library, _OneAtATime(self))


class _OneAtATime:
    """Looks like a `Library`; each of its calls waits for its turn.

    The turn lasts for one call or one state of the library, not for one answer, so that a slow model keeps nobody
    waiting.
    """

    _PROPERTIES = frozenset({"generation", "path", "encoder", "encoder_name", "dimension"})

    def __init__(self, owner: SharedLibrary) -> None:
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        if name in self._PROPERTIES:
            return self._owner.call(name)
        return self._bound(name)

    def snapshot(self) -> AbstractContextManager[None]:
        return self._owner.snapshot()

    def _bound(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            return self._owner.call(name, *arguments, **options)

        return call
