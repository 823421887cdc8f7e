"""The types that `rag` produces. An answer renders to the JSON document of `dateline ask --json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from index.errors import QuestionError
from index.types import Hit, SearchFilter

Support = Literal["verbatim", "supported", "partial", "unsupported"]
RefusalReason = Literal["no_match", "low_confidence", "out_of_range", "empty_library", "model_declined"]
ProblemKind = Literal["number", "date", "name", "negation", "quotation", "speaker", "hedge", "stance", "words"]
"""What a check of a statement can object to; see `rag.support`."""

MAX_QUESTION_CHARACTERS = 4_000
"""Longest question that is accepted, in characters: several times the longest that people type."""


def check_question(text: str) -> str:
    """The question without the space around it.

    Raises:
        QuestionError: It is empty, longer than `MAX_QUESTION_CHARACTERS` or not valid Unicode.
    """
    question = text.strip()
    if not question:
        raise QuestionError("The question is empty; write what you want to know.")
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question has {len(question):,} characters; shorten it to {MAX_QUESTION_CHARACTERS:,}."
        )
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise QuestionError("The question is not valid Unicode. Write it in UTF-8.")
    return question


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation and the answer it got."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the text, the turns before it (oldest first) and the filter on the articles searched."""

    text: str
    history: tuple[Turn, ...] = ()
    filter: SearchFilter = field(default_factory=SearchFilter)


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact words of an article: `cited_text == article.text[start:end]`, always.

    `prefix` and `suffix` are the characters before and after (at most 60 each), by which the words can be found again
    when the article changes.
    """

    number: int
    article_id: str
    origin: str
    title: str
    source: str | None
    published: str | None
    url: str | None
    start: int
    end: int
    cited_text: str
    prefix: str
    suffix: str

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "article_id": self.article_id,
            "origin": self.origin,
            "title": self.title,
            "source": self.source,
            "published": self.published,
            "url": self.url,
            "start_char_index": self.start,
            "end_char_index": self.end,
            "cited_text": self.cited_text,
            "prefix": self.prefix,
            "suffix": self.suffix,
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a statement that its cited words do not bear out: the kind and the words at fault."""

    kind: ProblemKind
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an answer, the numbers of its citations, and how well the cited words support it.

    `problems` say what the cited words do not bear out. `quoted` is for a statement that quotes, or is, words of the
    article: `exact` if they stand there character by character, `normalised` if only after quotation marks, dashes,
    case and white space are unified; `None` for one that quotes nothing or something that does not stand there.
    """

    text: str
    citations: tuple[int, ...]
    support: Support
    problems: tuple[Problem, ...] = ()
    quoted: Literal["exact", "normalised"] | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "citations": list(self.citations),
            "support": self.support,
            "problems": [problem.as_json() for problem in self.problems],
            "quoted": self.quoted,
        }


@dataclass(frozen=True, slots=True)
class PromptUse:
    """What a language model was asked with, and what was taken out of its reply.

    `template_sha256` is the digest of the prompt templates, `tokens` the size of the prompt by
    `rag.tokens.count_tokens`, `passages` how many passages it held, `passages_dropped` how many were left out for want
    of room, weakest first. `marks_removed` counts numbers in the reply that named no passage.
    """

    template_sha256: str
    tokens: int
    passages: int
    passages_dropped: int
    marks_removed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "template_sha256": self.template_sha256,
            "tokens": self.tokens,
            "passages": self.passages,
            "passages_dropped": self.passages_dropped,
            "marks_removed": self.marks_removed,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer: a reason, the sentence that says it, and the passages that came closest."""

    reason: RefusalReason
    message: str
    closest: tuple[Hit, ...]

    def as_json(self) -> dict[str, Any]:
        return {"reason": self.reason, "message": self.message, "closest": [hit_as_json(hit) for hit in self.closest]}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its statements and citations, or a refusal.

    `text` has `[n]` after each statement, and is the refusal's sentence if refused. `confidence`, in 0..1, is the
    estimated probability that the answer is right; of a language model's answer, the probability that the articles hold
    one times the share of its statements that their cited words bear out. `timings_ms` maps stages to milliseconds.
    `incomplete` is true where a language model was stopped or cut short: such an answer is no whole one and is never
    scored or kept as one. `notices` are sentences on what happened on the way, such as a model that failed. `prompt` is
    `None` where no language model answered.
    """

    question: str
    standalone_question: str
    text: str
    refusal: Refusal | None
    confidence: float
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    model: str
    library_generation: int
    timings_ms: Mapping[str, float]
    incomplete: bool = False
    notices: tuple[str, ...] = ()
    prompt: PromptUse | None = None

    @property
    def refused(self) -> bool:
        """True if the answer is a refusal."""
        return self.refusal is not None

    def as_json(self) -> dict[str, Any]:
        """The document of `dateline ask --json`, ready for `json.dumps`."""
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "answer": self.text,
            "refused": self.refused,
            "refusal": None if self.refusal is None else self.refusal.as_json(),
            "confidence": round(self.confidence, 4),
            "statements": [statement.as_json() for statement in self.statements],
            "citations": [citation.as_json() for citation in self.citations],
            "passages": [hit_as_json(hit) for hit in self.hits],
            "model": self.model,
            "library_generation": self.library_generation,
            "timings_ms": {stage: round(value, 2) for stage, value in self.timings_ms.items()},
            "incomplete": self.incomplete,
            "notices": list(self.notices),
            "prompt": None if self.prompt is None else self.prompt.as_json(),
        }


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """A hit with the field names of the contract, as in `passages` and `dateline search --json`."""
    return {
        "rank": hit.rank,
        "passage_id": hit.passage.passage_id,
        "article_id": hit.passage.article_id,
        "score": round(hit.score, 6),
        "dense_rank": hit.dense_rank,
        "keyword_rank": hit.keyword_rank,
        "start_char_index": hit.passage.start,
        "end_char_index": hit.passage.end,
        "text": hit.passage.text,
    }
