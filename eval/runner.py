"""Asks a library every question of a set and scores what comes back."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.gold import locate_evidence
from eval.metrics import count_citations, score_answer, without_marks
from eval.questions import load_questions
from eval.rankings import RANKING_DEPTH, no_ranking, score_ranking
from eval.report import report_json
from eval.summary import summarise
from eval.types import (
    ArticleSpan,
    CitationCounts,
    EvalQuestion,
    EvalReport,
    Gold,
    QuestionResult,
    RankingScores,
    Scores,
    SearchMode,
)
from index.errors import DatelineError, InputError
from index.types import Article, Hit, SearchFilter
from rag.types import Answer, Question

if TYPE_CHECKING:
    from index.library import Library
    from rag.answering import AnswerSettings
    from rag.generators import Generator

Ask = Callable[[Question], Answer]
Search = Callable[[str, SearchFilter, SearchMode], Sequence[Hit]]
"""A query, a filter and a mode → hits, best first."""

SEARCH_MODES: tuple[SearchMode, ...] = ("hybrid", "keyword", "dense")

ANSWERING_BASELINES: Mapping[str, SearchMode] = {"top_passage": "hybrid", "keyword_top_passage": "keyword"}
"""Baselines that answer every question with the first passage of a search, word for word, and cite all of it."""

ARTICLE_CACHE_SIZE = 256
"""Articles kept while citations are checked: an answer's citations are mostly in articles just cited."""

_log = logging.getLogger(__name__)


def run_set(
    set_path: Path,
    library: "Library",
    *,
    out: Path | None = None,
    generator: "Generator | None" = None,
    settings: "AnswerSettings | None" = None,
    system: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    ask: Ask | None = None,
    search: Search | None = None,
) -> EvalReport:
    """Asks every question of the set and returns the report.

    `generator` writes the answers, `None` for extractive ones; `system` is the model's name in the report (by default
    the generator's). With `out`, a folder that is made if need be, each question's result is appended to
    `results.jsonl` as soon as it is there, and the report is written to `report.json`; earlier ones are replaced.
    `on_progress` is given the questions done and the questions in all. `ask` and `search` stand in for the library's
    own answering and retrieval.

    The set and its evidence are checked before anything is asked: QuestionSetError. A question that ends in an error
    is recorded as a failure and scores 0. Raises InputError if `out` cannot be written.
    """
    questions = load_questions(set_path)
    set_sha256 = hashlib.sha256(set_path.read_bytes()).hexdigest()
    gold = locate_evidence(questions, library, set_path)
    ask = ask or _library_ask(library, generator, settings)
    search = search or _library_search(library)
    find_article = lru_cache(maxsize=ARTICLE_CACHE_SIZE)(library.article)
    results = []
    with _results_file(out) as write:
        for done, question in enumerate(questions, start=1):
            result = run_question(question, gold.get(question.id), ask, search, find_article)
            results.append(result)
            write(result.as_json())
            if on_progress is not None:
                on_progress(done, len(questions))
    report = summarise(
        results,
        set_path=str(set_path),
        set_sha256=set_sha256,
        model=system or ("extractive" if generator is None else generator.name),
        library_generation=library.generation,
    )
    if out is not None:
        with _writing(out):
            (out / "report.json").write_text(json.dumps(report_json(report), indent=2) + "\n", encoding="utf-8")
    return report


def run_question(
    question: EvalQuestion, gold: Gold | None, ask: Ask, search: Search, find_article: Callable[[str], Article]
) -> QuestionResult:
    """Asks one question and scores the answer, the rankings and the baselines.

    Rankings are of the question as the system understood it (a follow-up made to stand alone), baselines too. Only
    answerable questions are searched: nothing that a baseline finds for the others is right.
    """
    limits = SearchFilter(date_to=question.as_of)
    answer, failure = _attempt(question, partial(ask, Question(question.text, question.history, limits)))
    query = question.text if answer is None else answer.standalone_question
    hits: dict[SearchMode, Sequence[Hit]] = {}
    if question.answerable:
        for mode in SEARCH_MODES:
            found, search_failure = _attempt(question, partial(search, query, limits, mode))
            hits[mode] = found or ()
            failure = failure or search_failure
    return QuestionResult(
        question=question,
        answer=answer,
        failure=failure,
        scores=_score(question, gold, answer),
        counts=CitationCounts() if answer is None else count_citations(answer, find_article),
        rankings=_rankings(hits, gold, failed=answer is None),
        baselines={
            name: _score_top_passage(question, gold, hits.get(mode, ())) for name, mode in ANSWERING_BASELINES.items()
        },
    )


def _attempt(question: EvalQuestion, action: Callable[[], Any]) -> tuple[Any, str | None]:
    """What the action returns, or the sentence that says why it failed.

    Every exception counts: one question must not cost the answers to all others, and the run names what failed.
    """
    try:
        return action(), None
    except DatelineError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001
        _log.warning("question %r ended in an unexpected error", question.id, exc_info=True)
        return None, f"{type(error).__name__}: {error}"


def _score(question: EvalQuestion, gold: Gold | None, answer: Answer | None) -> Scores:
    if answer is None or answer.refused:
        return score_answer(question, gold, None, (), refused=answer is not None)
    cited = [ArticleSpan(citation.article_id, citation.start, citation.end) for citation in answer.citations]
    return score_answer(question, gold, without_marks(answer), cited)


def _rankings(
    hits: Mapping[SearchMode, Sequence[Hit]], gold: Gold | None, *, failed: bool
) -> dict[SearchMode, RankingScores]:
    """Scores by mode. Where the system gave no answer it had no result either, while the other searches did."""
    if gold is None:
        return {}
    scores = {mode: score_ranking(found, gold) for mode, found in hits.items()}
    if failed and scores:
        scores["hybrid"] = no_ranking()
    return scores


def _score_top_passage(question: EvalQuestion, gold: Gold | None, hits: Sequence[Hit]) -> Scores:
    if not hits:
        return score_answer(question, gold, None, ())
    passage = hits[0].passage
    return score_answer(question, gold, passage.text, [ArticleSpan(passage.article_id, passage.start, passage.end)])


def _library_ask(library: "Library", generator: "Generator | None", settings: "AnswerSettings | None") -> Ask:
    from rag.answering import AnswerSettings, ask

    chosen = AnswerSettings() if settings is None else settings
    return lambda question: ask(question, library, generator=generator, settings=chosen)


def _library_search(library: "Library") -> Search:
    from rag.retrieval import retrieve

    return lambda query, limits, mode: retrieve(library, query, k=RANKING_DEPTH, search_filter=limits, mode=mode)


@contextmanager
def _results_file(out: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that writes one line to `results.jsonl`, or nowhere if no folder is given."""
    if out is None:
        yield lambda record: None
        return
    # What a model writes may hold half a surrogate pair; as a backslash escape it is still the same JSON string.
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        file = (out / "results.jsonl").open("w", encoding="utf-8", errors="backslashreplace", newline="\n")

    def write(record: dict[str, Any]) -> None:
        with _writing(out):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()

    with file:
        yield write


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"results cannot be written to {str(out)!r}: {reason}; name a folder with --out") from error
