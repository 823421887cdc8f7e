"""Question sets: JSON Lines, one question each, validated before anything is asked."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard

from eval.types import UNTYPED, EvalQuestion, Evidence
from index.errors import QuestionSetError
from rag.types import MAX_QUESTION_CHARACTERS, Turn

FIELDS = ("id", "question", "answers", "answers_all", "evidence", "answerable", "history", "type", "as_of")
"""The fields of a question; others are ignored and counted in the report."""

MAX_LISTED_PROBLEMS = 5
"""Problems that one error message spells out; enough to see a pattern, short enough to read."""


def load_questions(path: Path) -> list[EvalQuestion]:
    """The questions of a JSON Lines file, in its order; blank lines are skipped.

    `id` and `question` are required; an answerable question (the default) needs `answers` or `answers_all`. Answers
    that an unanswerable question lists are kept but never scored. Raises QuestionSetError for a file that cannot be
    read or holds no question, and with line and field for what does not follow the format.
    """
    questions: list[EvalQuestion] = []
    problems: list[str] = []
    lines_of_ids: dict[str, int] = {}
    for number, line in enumerate(_read(path).split("\n"), start=1):
        if not line.strip():
            continue
        question, found = _parse_line(line)
        if question is not None:
            first = lines_of_ids.setdefault(question.id, number)
            if first != number:
                found = [*found, f"field 'id': {question.id!r} is already the id of line {first}"]
            questions.append(question)
        problems += [f"line {number}, {problem}" for problem in found]
    if problems:
        raise QuestionSetError(f"question set {str(path)!r} does not follow its format: {list_problems(problems)}")
    if not questions:
        raise QuestionSetError(f"question set {str(path)!r} holds no question; give one JSON object a line")
    return questions


def list_problems(problems: Sequence[str]) -> str:
    """The first few problems on one line, and how many more there are."""
    listed = "; ".join(problems[:MAX_LISTED_PROBLEMS])
    more = len(problems) - MAX_LISTED_PROBLEMS
    return listed if more <= 0 else f"{listed}; and {more} more"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise QuestionSetError(f"there is no question set at {str(path)!r}; give the path of a .jsonl file") from None
    except UnicodeDecodeError as error:
        raise QuestionSetError(f"question set {str(path)!r} is not UTF-8 at byte {error.start}; save it so") from error
    except OSError as error:
        raise QuestionSetError(f"question set {str(path)!r} cannot be read: {error.strerror or error}") from error


def _parse_line(line: str) -> tuple[EvalQuestion | None, list[str]]:
    """The question of a line, `None` if it has no usable id, and everything that is wrong with it."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return None, [f"column {error.colno}: not JSON ({error.msg})"]
    except (RecursionError, ValueError) as error:
        return None, [f"column 1: cannot be read as JSON ({error})"]
    if not isinstance(record, dict):
        return None, ["column 1: must be a JSON object"]
    fields = _Fields(record)
    question = EvalQuestion(
        id=fields.identifier(),
        text=fields.question(),
        answers=fields.texts("answers"),
        answers_all=fields.texts("answers_all"),
        evidence=tuple(Evidence(article, quote) for article, quote in fields.pairs("evidence", "article", "quote")),
        answerable=fields.answerable(),
        history=tuple(Turn(asked, answer) for asked, answer in fields.pairs("history", "question", "answer")),
        type=fields.label(),
        as_of=fields.day(),
        ignored_fields=tuple(name for name in record if name not in FIELDS),
    )
    if question.answerable and not record.get("answers") and not record.get("answers_all"):
        fields.problem("answers", "an answerable question needs 'answers' or 'answers_all'")
    return (question if question.id else None), fields.problems


class _Fields:
    """Reads the fields of one record; what is wrong is noted in `problems` and replaced by an empty value.

    A field that is `null` is as good as absent.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.problems: list[str] = []

    def problem(self, name: str, message: str) -> None:
        self.problems.append(f"field {name!r}: {message}")

    def identifier(self) -> str:
        value = self.record.get("id")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if _is_text(value):
            return value
        self.problem("id", f"must be a non-empty string, not {_shown(value)}")
        return ""

    def question(self) -> str:
        value = self.record.get("question")
        if not _is_text(value):
            self.problem("question", f"must be a non-empty string, not {_shown(value)}")
            return ""
        if len(value) > MAX_QUESTION_CHARACTERS:
            self.problem("question", f"has {len(value)} characters; at most {MAX_QUESTION_CHARACTERS} are accepted")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.record.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            self.problem(name, f"must be a list of non-empty strings, not {_shown(value)}")
            return ()
        return tuple(value)

    def pairs(self, name: str, first: str, second: str) -> list[tuple[str, str]]:
        value = self.record.get(name)
        if value is None:
            return []
        if isinstance(value, list) and all(
            isinstance(item, dict) and _is_text(item.get(first)) and _is_text(item.get(second)) for item in value
        ):
            return [(item[first], item[second]) for item in value]
        self.problem(name, f"must be a list of objects with the strings {first!r} and {second!r}, not {_shown(value)}")
        return []

    def answerable(self) -> bool:
        value = self.record.get("answerable")
        if value is None or isinstance(value, bool):
            return value is not False
        self.problem("answerable", f"must be true or false, not {_shown(value)}")
        return False

    def label(self) -> str:
        value = self.record.get("type")
        if value is None:
            return UNTYPED
        if not _is_text(value):
            self.problem("type", f"must be a non-empty string, not {_shown(value)}")
            return UNTYPED
        return value

    def day(self) -> date | None:
        value = self.record.get("as_of")
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        self.problem("as_of", f"must be a date such as '2022-05-31', not {_shown(value)}")
        return None


def _is_text(value: object) -> TypeGuard[str]:
    """True for a string with something in it that can be written as UTF-8 (JSON can escape half a character)."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not any("\ud800" <= character <= "\udfff" for character in value)
    )


def _shown(value: object) -> str:
    if value is None:
        return "absent"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"
