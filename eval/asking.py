"""Puts the questions of a set to a system and its baselines, and scores what comes back."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from eval.citation_support import Checker, score_support
from eval.metrics import answer_text, cited_spans, count_citations, score_answer, short_answer
from eval.rankings import DEPTHS, no_ranking, score_ranking
from eval.systems import BASELINE_MODES, SYSTEMS, Ask, Search, passage_baselines, stand_alone, top_passage_answer
from eval.types import (
    CitationCounts,
    EvalQuestion,
    Gold,
    Judgement,
    QuestionResult,
    RankingScores,
    Scores,
    SearchMode,
)
from index.errors import DatelineError
from index.types import Hit, SearchFilter
from rag.types import Answer, Question

if TYPE_CHECKING:
    from eval.judge import Judge
    from index.library import Library

ARTICLE_CACHE_SIZE = 256
"""Articles kept while citations are checked: an answer's citations are mostly in articles just cited."""

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Asker:
    """Puts questions to a system and its baselines, and scores what comes back. Used by one thread at a time.

    `search` is that of the baselines; `system_search` that of the system, where it is another.
    """

    def __init__(
        self,
        library: "Library",
        system: str,
        ask: Ask,
        baselines: Mapping[str, Ask],
        search: Search,
        *,
        system_search: Search | None = None,
        k: int,
        with_baselines: bool,
        checker: Checker,
        judge: "Judge | None",
    ) -> None:
        self._library = library
        self._mode = SYSTEMS[system]
        self._ask = ask
        self._baselines = baselines
        self._passage_baselines = passage_baselines(system) if with_baselines else {}
        self._baseline_modes = [mode for mode in BASELINE_MODES if mode != self._mode] if with_baselines else []
        self._search = search
        self._system_search = system_search or search
        self._k = k
        self._checker = checker
        self._judge = judge
        self._find_article = lru_cache(maxsize=ARTICLE_CACHE_SIZE)(library.article)

    def close(self) -> None:
        """Closes the library."""
        self._library.close()

    def run(self, question: EvalQuestion, gold: Gold | None) -> QuestionResult:
        """The result of one question, whatever goes wrong with it.

        Rankings are of the question as the system understood it, and only of answerable questions with evidence. The
        first ten are the passages that the answer was made from, where it was made from ten. A further search for them
        is made to measure, and is booked as the harness's.
        """
        work = _Work(question, gold)
        try:
            result = self._result(work)
        except Exception as error:  # noqa: BLE001  -- one question must not cost the answers to all others
            work.note(error)
            result = QuestionResult(question, None, work.failure, score_answer(question, gold, None, ()))
        return replace(result, seconds=work.booked_seconds())

    def _result(self, work: "_Work") -> QuestionResult:
        asked = Question(work.question.text, work.question.history, SearchFilter(as_of=work.question.as_of))
        answer = work.attempt("system", partial(self._ask, asked))
        document = None if answer is None else answer.as_json()
        query = stand_alone(asked) if answer is None else answer.standalone_question
        plain = _Found(self._search, query, asked.filter)
        found = plain if self._system_search is self._search else _Found(self._system_search, query, asked.filter)
        if self._k == DEPTHS[0]:
            # For a question of several parts these are not what one search finds, so baselines have their own.
            found = _Found(self._system_search, query, asked.filter)
            found.take(self._mode, answer)
        scores = self._score(work, document)
        rankings: dict[str, RankingScores] = {}
        if work.is_ranked and self._mode is not None and answer is not None:
            rankings["system"] = self._rank(work, None, found, self._mode)
        elif work.is_ranked and work.gold is not None:
            rankings["system"] = no_ranking(work.gold)
        baselines = self._run_baselines(work, asked, plain)
        if work.is_ranked:
            rankings.update({mode: self._rank(work, "baselines", plain, mode) for mode in self._baseline_modes})
        return QuestionResult(
            question=work.question,
            answer=document,
            failure=work.failure,
            scores=scores,
            counts=CitationCounts() if document is None else count_citations(document, self._find_article),
            rankings=rankings,
            baselines=baselines,
            judgement=None if document is None else self._judge_answer(work, document),
        )

    def _score(self, work: "_Work", document: Mapping[str, Any] | None, name: str = "") -> Scores:
        if document is None or document["refused"]:
            return score_answer(work.question, work.gold, None, (), refused=document is not None)
        support = work.attempt(None, partial(score_support, document, self._checker), f"{name}citations not checked: ")
        return score_answer(
            work.question,
            work.gold,
            answer_text(document),
            cited_spans(document),
            support=support,
            short_answer=short_answer(document),
        )

    def _rank(self, work: "_Work", book: str | None, found: "_Found", mode: SearchMode) -> RankingScores:
        """The scores of a search. One that fails has no result."""
        assert work.gold is not None
        lists = [work.attempt(book, partial(found.hits, mode, depth), f"{mode} search: ") or () for depth in DEPTHS]
        return score_ranking(lists[0], lists[1], work.gold)

    def _run_baselines(self, work: "_Work", asked: Question, found: "_Found") -> dict[str, Scores]:
        scores: dict[str, Scores] = {}
        for name, ask in self._baselines.items():
            answer = work.attempt("baselines", partial(ask, asked), f"baseline {name}: ")
            scores[name] = self._score(work, None if answer is None else answer.as_json(), f"baseline {name}: ")
        for name, mode in self._passage_baselines.items():
            hits = work.attempt("baselines", partial(found.hits, mode, DEPTHS[0]), f"baseline {name}: ")
            if not hits:
                scores[name] = score_answer(work.question, work.gold, None, (), refused=hits is not None)
                continue
            answer = top_passage_answer(asked, asked.text, hits[:1], self._find_article, 0)
            scores[name] = self._score(work, answer.as_json(), f"baseline {name}: ")
        return scores

    def _judge_answer(self, work: "_Work", document: Mapping[str, Any]) -> Judgement | None:
        if self._judge is None:
            return None
        try:
            with work.booked("judge"):
                return self._judge.judge(work.question, document)
        except Exception as error:  # noqa: BLE001  -- an opinion that cannot be had is not a failure of the question
            return Judgement(self._judge.name, failure=_sentence(work.question, error))


class _Found:
    """The searches for one question, each made once."""

    def __init__(self, search: Search, query: str, limits: SearchFilter) -> None:
        self._search = search
        self._query = query
        self._limits = limits
        self._hits: dict[tuple[SearchMode, int], Sequence[Hit]] = {}

    def take(self, mode: SearchMode | None, answer: Answer | None) -> None:
        """Keeps the passages that an answer was made from as those of its search, which is then not made again."""
        if mode is not None and answer is not None and answer.hits:
            self._hits.setdefault((mode, DEPTHS[0]), answer.hits)

    def hits(self, mode: SearchMode, depth: int) -> Sequence[Hit]:
        key = (mode, depth)
        if key not in self._hits:
            self._hits[key] = self._search(self._query, self._limits, mode, depth)
        return self._hits[key]


class _Work:
    """A question in the making: what went wrong first, and where the time went."""

    def __init__(self, question: EvalQuestion, gold: Gold | None) -> None:
        self.question = question
        self.gold = gold
        self.is_ranked = gold is not None and question.answerable
        self.failure: str | None = None
        self._seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def booked(self, book: str) -> Iterator[None]:
        """Books the time inside."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[book] = self._seconds.get(book, 0.0) + time.perf_counter() - started

    def attempt(self, book: str | None, action: Callable[[], _T], place: str = "") -> _T | None:
        """What the action returns, or `None` if it fails, which is noted. Its time is booked, unless `book` is `None`.

        Every exception counts: one question must not cost the answers to all others, and the run names what failed.
        """
        try:
            with nullcontext() if book is None else self.booked(book):
                return action()
        except Exception as error:  # noqa: BLE001  -- see above
            self.note(error, place)
            return None

    def note(self, error: Exception, place: str = "") -> None:
        """Keeps the first error as the failure of the question."""
        self.failure = self.failure or place + _sentence(self.question, error)

    def booked_seconds(self) -> dict[str, float]:
        """Seconds by book; what no book has is `harness`."""
        total = time.perf_counter() - self._started
        seconds = {**self._seconds, "harness": max(0.0, total - sum(self._seconds.values()))}
        return {name: round(value, 6) for name, value in seconds.items()}


def _sentence(question: EvalQuestion, error: Exception) -> str:
    if isinstance(error, DatelineError):
        return str(error)
    _log.warning("question %r ended in an unexpected error", question.id, exc_info=error)
    return f"{type(error).__name__}: {error}"
