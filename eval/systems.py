"""The systems that a question set is put to, by name, and the baselines beside them."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as Pieces
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from eval.types import (
    SearchMode,
)
from index.errors import DatelineError, InputError, ModelError
from index.types import Article, Hit, SearchFilter
from rag.generators import EXTRACTIVE, reply
from rag.types import Answer, Question, Refusal, RefusalReason, Statement, check_question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index.encoder import Encoder, TokenVectors
    from index.library import Library
    from rag.contradictions import Finding
    from rag.generators import Finish, Generator
    from rag.prompts import Message
    from rag.reading import Reader
    from rag.reranking import Reranker
    from rag.statement_check import StatementChecker
    from rag.support import Judgement

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

Ask = Callable[[Question], Answer]
Search = Callable[[str, SearchFilter, SearchMode, int], Sequence[Hit]]
"""A query, a filter, a mode and how many hits at most → hits, best first."""

DATELINE, KEYWORD_ONLY, DENSE_ONLY = "dateline", "keyword-only", "dense-only"
TOP_PASSAGE, ALWAYS_REFUSE = "top-passage", "always-refuse"

SYSTEMS: Mapping[str, SearchMode | None] = {
    DATELINE: "hybrid",
    KEYWORD_ONLY: "keyword",
    DENSE_ONLY: "dense",
    TOP_PASSAGE: "hybrid",
    ALWAYS_REFUSE: None,
}
"""Names of systems → the search that each answers from.

`dateline` is the whole system; `keyword-only` and `dense-only` are the same with one of its two searches.
`top-passage` gives the first passage of the hybrid search word for word, and `always-refuse` never answers.
"""

ANSWER_MODES: Mapping[str, SearchMode] = {
    name: SYSTEMS[name] or "hybrid" for name in (DATELINE, KEYWORD_ONLY, DENSE_ONLY)
}
"""The systems whose answers a language model may write."""

ANSWERING_BASELINES: Mapping[str, SearchMode] = {"keyword_only": "keyword", "dense_only": "dense"}
"""Baselines that answer as the whole system does without a language model, from one of its two searches."""

EXTRACTIVE_BASELINE = "extractive"
"""The baseline that is the whole system without its language model."""

UNREAD_BASELINE = "without_reader"
"""The baseline that is the whole system without its reader, re-ranker and language model."""

PASSAGE_BASELINES: Mapping[str, SearchMode] = {"top_passage": "hybrid", "keyword_top_passage": "keyword"}
"""Baselines that answer with the first passage of a search, word for word, and cite all of it."""

BASELINE_MODES: tuple[SearchMode, ...] = ("keyword", "dense")
"""The searches whose rankings stand beside the system's."""

TOP_PASSAGE_CONFIDENCE = 1.0
"""Of an answer that is the first passage. It estimates nothing and is always sure: its AUROC is that of chance, and its
calibration error the share of answers that are wrong."""

_NOTHING_TO_ASK = frozenset({"empty_library", "no_match", "out_of_range"})
"""Refusals that come before a language model is asked."""


def check_system(name: str) -> str:
    """The name, if there is such a system; else InputError."""
    if name not in SYSTEMS:
        raise InputError(f"There is no system {name!r}; name one of {', '.join(SYSTEMS)} with --system.")
    return name


def uses_model(system: str) -> bool:
    """True if a language model, where one is given, writes the answers of the system."""
    return system in ANSWER_MODES


def answering_baselines(system: str, *, generated: bool, read: bool = False) -> dict[str, SearchMode]:
    """Names and searches of the baselines that answer every question, without the one that is the system itself.

    `generated` says that a language model writes the system's answers, which the baselines never ask, `read` that it
    has a reader.
    """
    found = dict(ANSWERING_BASELINES)
    if read and system == DATELINE:
        found[UNREAD_BASELINE] = "hybrid"
    if generated:
        return {**found, EXTRACTIVE_BASELINE: "hybrid"}
    found.pop(system.replace("-", "_"), None)
    return found


def passage_baselines(system: str) -> dict[str, SearchMode]:
    """Names and searches of the baselines that answer with a passage, without the one that is the system itself."""
    return {name: mode for name, mode in PASSAGE_BASELINES.items() if name != system.replace("-", "_")}


def system_ask(
    system: str,
    library: "Library",
    generator: "Generator | None",
    k: int,
    stopped: threading.Event | None = None,
    reranker: "Reranker | None" = None,
    reader: "Reader | None" = None,
    checker: "StatementChecker | None" = None,
) -> Ask:
    """The system of that name: a function that answers a question with `k` passages, by the re-ranker and the reader
    where there are any. `checker` checks the statements of a language model.

    Where a language model fails, `rag.answering.ask` gives the extractive answer instead; here that is an error, so
    that the figures of a model are not those of another system in part. So is a checker that fails, and an answer that
    was cut short. Once
    `stopped` is set, no model is listened to any longer, and its connection is closed. Raises InputError if there is no
    such system.
    """
    mode = ANSWER_MODES.get(check_system(system))
    if mode is not None:
        if generator is None:
            return _extractive_ask(library, mode, k, reranker, reader)
        return _model_ask(library, mode, k, generator, stopped, reranker, reader, checker)
    return _top_passage_ask(library, k, reranker, reader) if system == TOP_PASSAGE else _refusal_ask(library)


def baseline_asks(
    system: str,
    library: "Library",
    k: int,
    *,
    generated: bool,
    reranker: "Reranker | None" = None,
    reader: "Reader | None" = None,
) -> dict[str, Ask]:
    """The baselines of `answering_baselines` by name, and how each is asked.

    The system without its language model keeps its re-ranker and its reader; the plain searches have none.
    """
    asks = {}
    for name, mode in answering_baselines(system, generated=generated, read=reader is not None).items():
        models = (reranker, reader) if name == EXTRACTIVE_BASELINE else (None, None)
        asks[name] = _extractive_ask(library, mode, k, *models)
    return asks


def library_search(library: "Library", reranker: "Reranker | None" = None, reader: "Reader | None" = None) -> Search:
    """The search that `rag` answers from."""
    from rag.retrieval import retrieve

    return lambda query, limits, mode, k: retrieve(
        library, query, k=k, search_filter=limits, mode=mode, reranker=reranker, reader=reader
    )


def top_passage_answer(
    question: Question, standalone: str, hits: Sequence[Hit], find_article: Callable[[str], Article], generation: int
) -> Answer:
    """The first hit as an answer: its words, one citation of all of them, confidence `TOP_PASSAGE_CONFIDENCE`.

    `hits` must not be empty. Raises `ArticleNotFoundError`.
    """
    from rag.citations import make_citation
    from rag.marks import disarm_marks

    passage = hits[0].passage
    citation = make_citation(1, find_article(passage.article_id), passage.start, passage.end)
    # A "[1]" of the article itself must not look like a mark of the answer.
    statement = Statement(disarm_marks(passage.text), (1,), "verbatim")
    return Answer(
        question=question.text,
        standalone_question=standalone,
        text=f"{statement.text} [1]",
        refusal=None,
        confidence=TOP_PASSAGE_CONFIDENCE,
        statements=(statement,),
        citations=(citation,),
        hits=tuple(hits),
        model=TOP_PASSAGE,
        library_generation=generation,
        timings_ms={},
    )


def _extractive_ask(
    library: "Library", mode: SearchMode, k: int, reranker: "Reranker | None", reader: "Reader | None"
) -> Ask:
    from rag.answering import AnswerSettings, ask

    settings = AnswerSettings(k=k, mode=mode, reranker=reranker, reader=reader)
    return lambda question: ask(question, library, settings=settings)


def _model_ask(
    library: "Library",
    mode: SearchMode,
    k: int,
    generator: "Generator",
    stopped: threading.Event | None,
    reranker: "Reranker | None",
    reader: "Reader | None",
    checker: "StatementChecker | None",
) -> Ask:
    from rag.answering import AnswerSettings, ask

    strict = None if checker is None else _StrictChecker(checker)
    settings = AnswerSettings(k=k, mode=mode, reranker=reranker, reader=reader, checker=strict)
    model = _StrictModel(generator, stopped or threading.Event())

    def ask_model(question: Question) -> Answer:
        answer = ask(question, library, generator=model, settings=settings)
        asked = answer.refusal is None or answer.refusal.reason not in _NOTHING_TO_ASK
        if asked and answer.model == EXTRACTIVE:
            raise ModelError(f"The model {generator.name!r} answered without a word.")
        if answer.incomplete:
            raise ModelError(f"The answer of {generator.name!r} is not complete. {' '.join(answer.notices)}")
        return answer

    return ask_model


class _StrictModel:
    """A language model whose errors are those of the question: `ask` falls back on another answer for `ModelError`."""

    def __init__(self, model: "Generator", stopped: threading.Event) -> None:
        self._model = model
        self._stopped = stopped

    @property
    def name(self) -> str:
        return self._model.name

    def generate(self, messages: "Sequence[Message]", *, max_tokens: int) -> "Pieces[str, None, Finish]":
        try:
            finish = yield from reply(self._model, messages, max_tokens=max_tokens, stop=self._stopped)
        except ModelError as error:
            raise DatelineError(str(error)) from error
        if finish == "stopped":
            raise DatelineError("The run was interrupted.")
        return finish


class _StrictChecker:
    """A checker whose errors are those of the question: `ask` falls back on another one for `ModelError`."""

    def __init__(self, checker: "StatementChecker") -> None:
        self._checker = checker

    @property
    def name(self) -> str:
        return self._checker.name

    def judge(
        self,
        statement: str,
        evidence: "Sequence[str]",
        *,
        found: "Sequence[Finding]" = (),
        known: frozenset[str] = frozenset(),
        sources: "Sequence[str]" = (),
    ) -> "Judgement":
        try:
            return self._checker.judge(statement, evidence, found=found, known=known, sources=sources)
        except ModelError as error:
            raise DatelineError(str(error)) from error


def _top_passage_ask(library: "Library", k: int, reranker: "Reranker | None", reader: "Reader | None") -> Ask:
    from rag.refusals import refuse

    search = library_search(library, reranker, reader)

    def answer_with_passage(question: Question) -> Answer:
        started = time.perf_counter()
        standalone = stand_alone(question)
        hits = search(standalone, question.filter, "hybrid", k)
        searched = time.perf_counter()
        if hits:
            answer = top_passage_answer(question, standalone, hits, library.article, library.generation)
        else:
            reason: RefusalReason = "no_match" if question.filter.is_empty else "out_of_range"
            reason = reason if library.count_articles() else "empty_library"
            refusal = refuse(reason, question, (), (), library)
            answer = _refused(question, standalone, refusal, TOP_PASSAGE, library.generation)
        return _timed(answer, {"retrieval": searched - started, "answer": time.perf_counter() - searched})

    return answer_with_passage


def _refusal_ask(library: "Library") -> Ask:
    def refuse_question(question: Question) -> Answer:
        started = time.perf_counter()
        refusal = Refusal("low_confidence", "This system refuses every question.", ())
        answer = _refused(question, stand_alone(question), refusal, ALWAYS_REFUSE, library.generation)
        return _timed(answer, {"answer": time.perf_counter() - started})

    return refuse_question


def stand_alone(question: Question) -> str:
    """The question as it is searched for: a follow-up that stands alone. Raises `QuestionError`."""
    from rag.followups import make_standalone

    return make_standalone(check_question(question.text), question.history).text


def _refused(question: Question, standalone: str, refusal: Refusal, model: str, generation: int) -> Answer:
    return Answer(question.text, standalone, refusal.message, refusal, 0.0, (), (), (), model, generation, {})


def _timed(answer: Answer, seconds: Mapping[str, float]) -> Answer:
    stages = {stage: value * 1000 for stage, value in seconds.items()}
    return replace(answer, timings_ms={**stages, "total": sum(stages.values())})


TEXTS_A_TURN = 64
"""Texts that are read token by token before another thread gets its turn: 25 MB of their vectors."""


class SharedEncoder:
    """An encoder for several threads, one of which uses it at a time: tokenizers cannot be used by two at once."""

    def __init__(self, encoder: "Encoder") -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self.name = encoder.name
        self.digest = encoder.digest
        self.dimension = encoder.dimension
        self.max_tokens = encoder.max_tokens
        self.precision = encoder.precision

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """See `Encoder.encode`."""
        with self._lock:
            return self._encoder.encode(texts)

    def encode_tokens(self, texts: Sequence[str]) -> "list[TokenVectors]":
        """See `Encoder.encode_tokens`."""
        with self._lock:
            return self._encoder.encode_tokens(texts)

    def read(self, texts: Sequence[str]) -> "Iterator[tuple[int, TokenVectors]]":
        """See `Encoder.read`."""
        for first in range(0, len(texts), TEXTS_A_TURN):
            with self._lock:
                found = list(self._encoder.read(texts[first : first + TEXTS_A_TURN]))
            yield from ((first + position, one) for position, one in found)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Encoder.count_tokens`."""
        with self._lock:
            return self._encoder.count_tokens(texts)


def share(encoder: "Encoder") -> SharedEncoder:
    """The encoder for several threads; one that is already shared is returned as it is, with its lock."""
    return encoder if isinstance(encoder, SharedEncoder) else SharedEncoder(encoder)
