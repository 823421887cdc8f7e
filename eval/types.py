"""The types that `eval` produces.

A question of a set, the evidence it names, what one question scored, and the report of a run. Of every score, higher
is better, except where its docstring says otherwise. Offsets are code points of the article's text, end exclusive.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from rag.types import Answer, Turn

SearchMode = Literal["hybrid", "dense", "keyword"]
RankingScores = Mapping[str, Mapping[str, float]]
"""Scores of one ranking: level (`article`, `passage`) → measure (`nDCG@10`) → value in 0..1."""

UNTYPED = "untyped"
"""The label of questions that have no `type`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that answer a question: the article by origin or file name, and the exact quote."""

    article: str
    quote: str


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question of a set.

    Any one of `answers`, or all of `answers_all`, must be in the answer's text. `answerable` is false where the right
    answer is a refusal. `as_of` limits the search to articles published on that day or before. `ignored_fields` names
    the fields of the line that the format does not have.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answers_all: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answerable: bool = True
    history: tuple[Turn, ...] = ()
    type: str = UNTYPED
    as_of: date | None = None
    ignored_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArticleSpan:
    """The characters `[start, end)` of an article."""

    article_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Gold:
    """A question's evidence found in a library: where its quotes are, and the passages that overlap one of them."""

    spans: tuple[ArticleSpan, ...]
    passage_ids: frozenset[str]

    @property
    def article_ids(self) -> frozenset[str]:
        """The articles that hold a quote."""
        return frozenset(span.article_id for span in self.spans)


@dataclass(frozen=True, slots=True)
class Scores:
    """What one answer scored; `None` where the question cannot be scored so.

    `contains` and `f1` are for answerable questions, `gold_quote` and `gold_article` for answerable ones with evidence;
    a refusal scores 0 in all of them. `words` is the answer's length, `None` where there is no answer.
    """

    refused: bool
    contains: bool | None
    f1: float | None
    gold_quote: bool | None
    gold_article: bool | None
    words: int | None


@dataclass(frozen=True, slots=True)
class CitationCounts:
    """Of one answer: citations, those whose words are the article's, statements, and those that have a citation."""

    citations: int = 0
    exact_citations: int = 0
    statements: int = 0
    cited_statements: int = 0


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """What happened to one question: an answer, or the failure in one sentence, and the scores.

    `rankings` maps search modes to scores and is empty for questions that no ranking can be scored for (unanswerable
    ones and those without evidence). `baselines` maps the names of baselines that answer to their scores.
    """

    question: EvalQuestion
    answer: Answer | None
    failure: str | None
    scores: Scores
    counts: CitationCounts
    rankings: Mapping[SearchMode, RankingScores]
    baselines: Mapping[str, Scores]

    @property
    def answered(self) -> bool:
        """True if there is an answer that is not a refusal."""
        return self.answer is not None and not self.answer.refused

    def as_json(self) -> dict[str, Any]:
        """One line of `results.jsonl`."""
        return {
            "id": self.question.id,
            "type": self.question.type,
            "question": self.question.text,
            "answerable": self.question.answerable,
            "answer": None if self.answer is None else self.answer.as_json(),
            "failure": self.failure,
            "scores": {
                **asdict(self.scores),
                **asdict(self.counts),
                "rankings": self.rankings,
                "baselines": {name: asdict(scores) for name, scores in self.baselines.items()},
            },
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, its 95% interval and the number of things it was measured on; `None` and n=0 if undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def as_json(self) -> dict[str, float | int | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


UNDEFINED = Figure(None, None, None, 0)
"""The figure of something that was never measured."""

Figures = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class EvalReport:
    """The figures of a run, and every question's result in the order of the set.

    `retrieval` is by level and measure, for the search that answers use. `by_type` holds the headline figures of each
    type, `type_sizes` its questions. `baselines` holds answers by name, `baseline_retrieval` rankings by name, level
    and measure. `timings_ms` is by stage and quantile (`p50`, `p95`), in milliseconds, lower is better.
    """

    set_path: str
    set_sha256: str
    model: str
    library_generation: int
    ignored_fields: Mapping[str, int]
    retrieval: Mapping[str, Figures]
    answers: Figures
    citations: Figures
    refusals: Figures
    by_type: Mapping[str, Figures]
    type_sizes: Mapping[str, int]
    baselines: Mapping[str, Figures]
    baseline_retrieval: Mapping[str, Mapping[str, Figures]]
    timings_ms: Mapping[str, Figures]
    results: tuple[QuestionResult, ...]

    @property
    def failures(self) -> tuple[QuestionResult, ...]:
        """The questions that ended in an error."""
        return tuple(result for result in self.results if result.failure is not None)
