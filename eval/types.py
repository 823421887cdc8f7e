"""The types that `eval` produces.

A question set, the evidence it names, what one question scored, and the report of a run. Of every score, higher is
better, except where its docstring says otherwise. Offsets are code points of the article's text, end exclusive.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from index.types import Article
from rag.types import Turn

SearchMode = Literal["hybrid", "dense", "keyword"]
SetFormat = Literal["dateline", "squad", "beir", "multihop-rag", "clapnq"]
RankingScores = Mapping[str, Mapping[str, float]]
"""Scores of one ranking: level (`article`, `passage`) → measure (`nDCG@10`) → value in 0..1."""

UNTYPED = "untyped"
"""The label of questions that have no `type`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What answers a question: the article by origin or file name, and the exact words in it.

    `quote` is `None` where a set only says that the article is relevant, to the degree `grade` (1 or more, as in
    qrels). `start` is where the quote begins in the article's text, `None` where every place that holds it counts.
    """

    article: str
    quote: str | None
    grade: int = 1
    start: int | None = None


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question of a set.

    Any one of `answers`, or all of `answers_all`, must be in the answer's text. `reference` is a whole answer of
    sentences, which is compared by overlap and never looked for word for word. `answerable` is false where the right
    answer is a refusal. `as_of` limits the search to articles published on that day or before. Questions of one
    `cluster` (an article, a title) are not independent of each other; `None` is a cluster of its own. `ignored_fields`
    names the fields of the line that the format does not have.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answers_all: tuple[str, ...] = ()
    reference: str | None = None
    evidence: tuple[Evidence, ...] = ()
    answerable: bool = True
    history: tuple[Turn, ...] = ()
    type: str = UNTYPED
    as_of: date | None = None
    cluster: str | None = None
    ignored_fields: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Texts that an answer is compared with: each of `answers`, `answers_all` as one, and the reference."""
        together = (" ".join(self.answers_all),) if self.answers_all else ()
        return (*self.answers, *together, *(() if self.reference is None else (self.reference,)))


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions, and the articles that a set brings along (empty where it asks a collection of its own).

    `path` is as it was given, `sha256` of everything that was read.
    """

    path: str
    format: SetFormat
    sha256: str
    questions: tuple[EvalQuestion, ...]
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class ArticleSpan:
    """The characters `[start, end)` of an article."""

    article_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Gold:
    """A question's evidence found in a library.

    `spans` is where its quotes are, `passage_ids` the passages that overlap one of them; both are empty where the set
    names whole articles. `grades` maps each article with evidence to its grade (1 or more).
    """

    spans: tuple[ArticleSpan, ...]
    passage_ids: frozenset[str]
    grades: Mapping[str, int]

    @property
    def article_ids(self) -> frozenset[str]:
        """The articles with evidence."""
        return frozenset(self.grades)


@dataclass(frozen=True, slots=True)
class Scores:
    """What one answer scored; `None` where the question cannot be scored so.

    `contains`, `exact_match`, `f1` and `rouge_l` are for answerable questions with something to compare with, the first
    two not with a `reference` alone; `gold_article` for answerable ones with evidence, `gold_quote` and `gold_overlap`
    where it has quotes. A refusal and a failure score 0 in all of them. `citation_recall` and `citation_precision` are
    for given answers, to answerable questions or not. `words` is the answer's length, `None` where there is none.
    """

    answerable: bool
    refused: bool
    contains: bool | None = None
    exact_match: bool | None = None
    f1: float | None = None
    rouge_l: float | None = None
    gold_quote: bool | None = None
    gold_overlap: float | None = None
    gold_article: bool | None = None
    citation_recall: float | None = None
    citation_precision: float | None = None
    words: int | None = None


@dataclass(frozen=True, slots=True)
class CitationCounts:
    """Of one answer: citations, those whose words are the article's, statements, and those that have a citation."""

    citations: int = 0
    exact_citations: int = 0
    statements: int = 0
    cited_statements: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a language model thought of one answer, each in 0..1, `None` where it was not asked or not understood.

    An opinion of the model `judge`, not a measurement. `failure` says in one sentence what went wrong.
    """

    judge: str
    faithfulness: float | None = None
    relevancy: float | None = None
    nuggets: float | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """What happened to one question; one line of `results.jsonl` holds all of it.

    `answer` is the document of `dateline ask --json`, `None` where the question ended in an error, which `failure` says
    in one sentence. `rankings` maps search modes to scores, `system` among them for the ranking that the answer was
    made from; it is empty for questions that no ranking can be scored for (unanswerable ones and those without
    evidence). `baselines` maps the names of baselines to their scores. `seconds` is where the time went: `system` (the
    answer), `baselines` (their answers and searches), `judge`, `harness` (everything else).
    """

    question: EvalQuestion
    answer: Mapping[str, Any] | None
    failure: str | None
    scores: Scores
    counts: CitationCounts = field(default_factory=CitationCounts)
    rankings: Mapping[str, RankingScores] = field(default_factory=dict)
    baselines: Mapping[str, Scores] = field(default_factory=dict)
    judgement: Judgement | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """True if there is an answer and it is a refusal."""
        return self.answer is not None and bool(self.answer["refused"])

    @property
    def answered(self) -> bool:
        """True if there is an answer that is not a refusal."""
        return self.answer is not None and not self.answer["refused"]

    @property
    def correct(self) -> bool | None:
        """Whether a given answer is right: the question is answerable, and the answer `contains` what is accepted.

        `None` where there is no answer, or where the set has no short answers to tell it by.
        """
        if not self.answered:
            return None
        return self.scores.contains if self.question.answerable else False

    @property
    def confidence(self) -> float | None:
        """The answer's confidence in 0..1, `None` if there is no answer."""
        return None if self.answer is None else float(self.answer["confidence"])


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


def figures_json(figures: Figures) -> dict[str, Any]:
    """Figures by name, ready for `json.dumps`."""
    return {name: figure.as_json() for name, figure in figures.items()}


def nested_json(groups: Mapping[str, Figures]) -> dict[str, Any]:
    """Figures by group and name, ready for `json.dumps`."""
    return {group: figures_json(figures) for group, figures in groups.items()}


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a risk-coverage curve: answering the surest `coverage` of all questions, the share `risk` is wrong.

    Both are in 0..1; `threshold` is the lowest confidence that is still answered.
    """

    coverage: float
    risk: float
    threshold: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Given answers with a confidence in `(low, high]`: their number, mean confidence, and the share that is right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run was made with, so that it can be made again. `as_json` is `manifest.json`.

    `identity` is the part that decides the results: two runs with the same identity may be continued into each other.
    """

    version: str
    commit: str | None
    command: str
    set_path: str
    set_format: SetFormat
    set_sha256: str
    questions: int
    library_path: str
    library_generation: int
    library_sha256: str
    articles: int
    passages: int
    encoder: str
    encoder_digest: str
    model: str
    system: str
    settings: Mapping[str, Any]
    seed: int
    started: str
    machine: Mapping[str, Any]
    packages: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def identity(self) -> dict[str, Any]:
        """Set, articles, encoder, model, system, settings, and the code; not where, when or on which machine."""
        names = ("version", "commit", "set_sha256", "library_sha256", "encoder_digest", "model", "system", "settings")
        document = self.as_json()
        return {name: document[name] for name in (*names, "seed")}


@dataclass(frozen=True, slots=True)
class EvalReport:
    """The figures of a run, and every question's result in the order of the set.

    `retrieval` is by level and measure, for the search that answers use. `by_type` holds the headline figures of each
    type, `type_sizes` its questions. `baselines` holds answers by name, `baseline_retrieval` rankings by name, level
    and measure. `timings_ms` is by stage and quantile (`p50`, `p95`), in milliseconds, lower is better. `judge` holds
    the opinions of a language model and their agreement with the other figures, empty without one. `seconds` adds up
    where the time of the run went. `clusters` is how many clusters the questions fall into, `None` where each stands
    alone.
    """

    manifest: Manifest
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
    judge: Figures
    risk_coverage: tuple[CurvePoint, ...]
    reliability: tuple[ReliabilityBin, ...]
    seconds: Mapping[str, float]
    clusters: int | None
    results: tuple[QuestionResult, ...]

    @property
    def failures(self) -> tuple[QuestionResult, ...]:
        """The questions that ended in an error."""
        return tuple(result for result in self.results if result.failure is not None)
