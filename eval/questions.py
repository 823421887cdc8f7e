"""Dateline's own question sets: JSON Lines, one question each, validated before anything is asked."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.records import Fields, Source, text_fields
from eval.types import UNTYPED, EvalQuestion, Evidence
from index.errors import QuestionSetError
from rag.types import Turn

FIELDS = (
    "id",
    "question",
    "answers",
    "answers_all",
    "evidence",
    "answerable",
    "history",
    "type",
    "as_of",
    "cluster",
    "review",
    "draft",
)
"""The fields of a question; others are ignored and counted in the report."""

REVIEWS = ("proposed", "accepted", "rejected")
"""What `review` may say of a question that was drafted by a program: nobody has looked at it yet, it is to be asked,
it is to be left out. A question without it was written by a person."""

MAX_LISTED_PROBLEMS = 5
"""Problems that one error message spells out; enough to see a pattern, short enough to read."""


def load_questions(path: Path) -> list[EvalQuestion]:
    """The questions of a JSON Lines file, in its order; blank lines are skipped.

    `id` and `question` are required; an answerable question (the default) needs `answers` or `answers_all`, or
    `evidence` alone, and is then scored by its citations and its search but not by its words. Answers that an
    unanswerable question lists are kept but never scored. Raises QuestionSetError for a file that cannot be
    read or holds no question, and with line and field for what does not follow the format.
    """
    problems: list[str] = []
    questions = read_questions(text_fields(Source().text(path), problems))
    require_sound(path, questions, problems)
    return questions


def read_questions(records: Iterable[Fields]) -> list[EvalQuestion]:
    """The questions of records in Dateline's own format, without those that a reviewer rejected."""
    places: dict[str, str] = {}
    return [_question(record, places) for record in records if record.record.get("review") != "rejected"]


def require_sound(path: Path, questions: Sequence[EvalQuestion], problems: Sequence[str]) -> None:
    """Raises QuestionSetError if something is wrong with what was read at `path`, or no question is left."""
    if problems:
        raise QuestionSetError(f"question set {str(path)!r} does not follow its format: {list_problems(problems)}")
    if not questions:
        raise QuestionSetError(f"question set {str(path)!r} holds no question that can be asked; add one")


def list_problems(problems: Sequence[str]) -> str:
    """The first few problems on one line, and how many more there are."""
    listed = "; ".join(problems[:MAX_LISTED_PROBLEMS])
    more = len(problems) - MAX_LISTED_PROBLEMS
    return listed if more <= 0 else f"{listed}; and {more} more"


def _question(fields: Fields, places: dict[str, str]) -> EvalQuestion:
    review = fields.optional_text("review")
    if review == "proposed":
        fields.problem("review", "is a draft: set 'review' to 'accepted' or 'rejected'")
    elif review is not None and review not in REVIEWS:
        fields.problem("review", f"must be 'accepted' or 'rejected', not {review!r}")
    question = EvalQuestion(
        id=fields.identifier("id", places),
        text=fields.question("question"),
        answers=fields.texts("answers"),
        answers_all=fields.texts("answers_all"),
        evidence=tuple(Evidence(article, quote) for article, quote in fields.pairs("evidence", "article", "quote")),
        answerable=fields.flag("answerable", default=True),
        history=tuple(Turn(asked, answer) for asked, answer in fields.pairs("history", "question", "answer")),
        type=fields.optional_text("type") or UNTYPED,
        as_of=fields.day("as_of"),
        cluster=fields.optional_text("cluster"),
        ignored_fields=fields.unknown(FIELDS),
    )
    if question.answerable and not any(fields.record.get(name) for name in ("answers", "answers_all", "evidence")):
        fields.problem("answers", "an answerable question needs 'answers', 'answers_all' or 'evidence'")
    return question
