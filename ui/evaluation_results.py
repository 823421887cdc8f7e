"""The questions of a finished run for the page: a table that can be filtered, and each answer beside its gold."""

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from eval.results import RESULTS_NAME, result_from_json
from eval.types import Evidence, QuestionResult
from index.errors import DatelineError, InputError
from ui.backend import Backend

if TYPE_CHECKING:
    from index.library import Library

RUNS_REMEMBERED = 4
"""Runs whose table stays in memory: of 10,000 questions each takes some 10 MB."""

QUESTIONS_LISTED = 50
MAX_QUESTIONS_LISTED = 200
"""Rows of one page of the table, and the most that may be asked for."""

SCORES = ("contains", "f1", "gold_quote", "citation_recall", "citation_precision")
"""Scores in the table; never one of citations without one of answers. All of them are beside the answer."""

Outcome = Literal["right", "wrong", "should_refuse", "refused_right", "refused_wrong", "untold", "failed"]
"""How a question came out. `should_refuse`: answered, and the articles do not say; `untold`: cannot be told."""

_FAULTS: dict[str | None, Outcome] = {
    "failed": "failed",
    "answered, should be refused": "should_refuse",
    "wrong answer": "wrong",
    "refused, is answerable": "refused_wrong",
    "cannot be told": "untold",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One question in the table, and where its line is in the file, in bytes."""

    number: int
    id: str
    type: str
    question: str
    outcome: Outcome
    confidence: float | None
    scores: dict[str, float | bool | None]
    start: int
    sought: str


class Results:
    """The results of runs, each read once. Every method may be called from any thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tables: OrderedDict[tuple[str, int, int], list[Row]] = OrderedDict()
        self._lock = threading.Lock()

    def page(
        self, run: Path, *, offset: int, limit: int, outcomes: Sequence[str] = (), kind: str = "", words: str = ""
    ) -> dict[str, Any]:
        """Rows of the table that have one of the outcomes, the type and all of the words; empty ones let all through.

        With it how many rows there are of each outcome and type in all, whatever is filtered.
        """
        rows = self._table(run)
        sought = words.casefold().split()
        found = [
            row
            for row in rows
            if (not outcomes or row.outcome in outcomes)
            and (not kind or row.type == kind)
            and all(word in row.sought for word in sought)
        ]
        names = ("number", "id", "type", "question", "outcome", "confidence", "scores")
        return {
            "total": len(found),
            "all": len(rows),
            "outcomes": Counter(row.outcome for row in rows),
            "types": Counter(row.type for row in rows),
            "questions": [{name: getattr(row, name) for name in names} for row in found[offset : offset + limit]],
        }

    def question(self, run: Path, number: int) -> dict[str, Any]:
        """One question with its answer, its gold and its scores. Raises `InputError` if there is no such number."""
        from eval.worst_questions import describe_fault

        rows = self._table(run)
        if not 0 <= number < len(rows):
            raise InputError(f"There is no question {number} in this evaluation.")
        with (run / RESULTS_NAME).open("rb") as file:
            file.seek(rows[number].start)
            document = json.loads(file.readline())
        result = result_from_json(document)
        answer = document["answer"]
        names = ("id", "type", "question", "answerable", "answers", "answers_all", "reference", "history", "as_of")
        return {
            "number": number,
            **{name: document[name] for name in names},
            "outcome": rows[number].outcome,
            "evidence": [self._evidence(found) for found in result.question.evidence],
            "answer": answer and {**answer, "passages": []},
            "failure": result.failure,
            "faults": describe_fault(result) if result.failure is None and rows[number].outcome != "right" else [],
            "scores": {name: value for name, value in asdict(result.scores).items() if value is not None},
            "judgement": document["judgement"],
        }

    def _evidence(self, evidence: Evidence) -> dict[str, Any]:
        """Evidence with its place in the library, `null` where the library does not hold it."""
        from eval.gold import locate_evidence
        from eval.types import EvalQuestion, QuestionSet

        place: dict[str, Any] = {"article_id": None, "title": None, "start": 0, "end": 0}
        asked = QuestionSet("evidence", "dateline", "", (EvalQuestion("evidence", "?", evidence=(evidence,)),))
        try:
            gold = locate_evidence(asked, cast("Library", _Articles(self._backend)))["evidence"]
            place["article_id"] = next(iter(gold.article_ids))
            place["title"] = self._backend.article(place["article_id"]).title
            if gold.spans:
                place |= {"start": gold.spans[0].start, "end": gold.spans[0].end}
        except (DatelineError, KeyError, StopIteration):
            place["article_id"] = None
        return {"article": evidence.article.rsplit("/", 1)[-1], "quote": evidence.quote, **place}

    def _table(self, run: Path) -> list[Row]:
        path = run / RESULTS_NAME
        try:
            known = path.stat()
        except OSError as error:
            raise InputError("The results of this evaluation are gone; delete it and run the set again.") from error
        key = (str(path), known.st_mtime_ns, known.st_size)
        with self._lock:  # of several who open a large run at once, one reads it
            if key not in self._tables:
                self._tables[key] = _read_table(path)
                while len(self._tables) > RUNS_REMEMBERED:
                    self._tables.popitem(last=False)
            self._tables.move_to_end(key)
            return self._tables[key]


class _Articles:
    """What the search for evidence asks of a library, from the backend of the page."""

    def __init__(self, backend: Backend) -> None:
        self.article = lru_cache(maxsize=8)(backend.article)
        self.passages = backend.passages
        self.articles = backend.summaries

    def origins(self) -> dict[str, str]:
        return {origin: summary.article_id for summary in self.articles() for origin in summary.origins}


def outcome_of(result: QuestionResult) -> Outcome:
    """How a question came out, by what `eval` says went wrong with it."""
    from eval.worst_questions import find_fault

    fault = find_fault(result)
    if fault is not None:
        return _FAULTS[fault]
    if result.refused:
        return "refused_right"
    return "right" if result.correct else "untold"


def _read_table(path: Path) -> list[Row]:
    rows: list[Row] = []
    start = 0
    with path.open("rb") as file:
        for line in file:
            try:
                result = result_from_json(json.loads(line))
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                raise InputError(
                    "The results of this evaluation are of another version of Dateline; run the set again."
                ) from error
            question = result.question
            rows.append(
                Row(
                    number=len(rows),
                    id=question.id,
                    type=question.type,
                    question=question.text,
                    outcome=outcome_of(result),
                    confidence=result.confidence,
                    scores={name: getattr(result.scores, name) for name in SCORES},
                    start=start,
                    sought="\n".join((question.id, question.text, *question.accepted)).casefold(),
                )
            )
            start += len(line)
    return rows
