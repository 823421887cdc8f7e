"""What people hand to the commands: questions, earlier turns and batches, checked before anything expensive begins."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from index.errors import InputError, QuestionError
from index.types import SearchFilter
from rag.types import Question, Turn, check_question


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One question of a batch and the `id` that its line gave it, if any."""

    question_id: str | int | None
    question: Question


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for `-`. Raises `InputError` if it cannot be read or is not UTF-8."""
    name = "Standard input" if str(path) == "-" else f"The file {str(path)!r}"
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text (byte {error.start}).") from error


def read_stdin() -> str:
    """All of standard input. Raises `InputError` if it is not UTF-8."""
    return read_text(Path("-"))


def json_lines(text: str) -> list[str]:
    """The lines of a JSON Lines text, ended by line feeds only: JSON may hold the other line separators."""
    return text.split("\n")


def read_history(text: str, where: str) -> tuple[Turn, ...]:
    """Turns, oldest first, from a JSON list of `{"question", "answer"}` or from such objects as JSON Lines.

    Other fields are passed over, so that the output of `dateline ask --json` is a history. Raises `InputError`.
    """
    if text.lstrip().startswith("["):
        return _turns(_parsed(text, f"The history {where!r}"), f"The history {where!r}")
    turns: list[Turn] = []
    for number, line in enumerate(json_lines(text), start=1):
        if line.strip():
            place = f"Line {number} of the history {where!r}"
            turns.extend(_turns([_parsed(line, place)], place))
    return tuple(turns)


def read_batch(text: str, where: str, search_filter: SearchFilter) -> list[BatchLine]:
    """The questions of a batch in JSON Lines, each with the same filter.

    Raises `InputError` or `QuestionError`, naming the line, before the first question is answered.
    """
    lines = []
    for number, line in enumerate(json_lines(text), start=1):
        if not line.strip():
            continue
        place = f"Line {number} of {where!r}"
        record = _parsed(line, place)
        if not isinstance(record, dict) or not isinstance(record.get("question"), str):
            raise InputError(f'{place} has no question; it must be like {{"question": "Who …?"}}.')
        try:
            question = check_question(record["question"])
        except QuestionError as error:
            raise QuestionError(f"{place}: {error}") from error
        question_id = record.get("id")
        if question_id is not None and (isinstance(question_id, bool) or not isinstance(question_id, str | int)):
            raise InputError(f"{place} has an 'id' that is neither a text nor a whole number.")
        history = record.get("history")
        turns = _turns([] if history is None else history, place)
        lines.append(BatchLine(question_id, Question(question, turns, search_filter)))
    if not lines:
        raise InputError(f"{where!r} holds no question.")
    return lines


def _parsed(text: str, place: str) -> object:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise InputError(f"{place} is not valid JSON: {reason}.") from error


def _turns(records: object, place: str) -> tuple[Turn, ...]:
    if not isinstance(records, list):
        raise InputError(f"{place} has a history that is not a list.")
    turns = []
    for record in records:
        question, answer = (record.get("question"), record.get("answer")) if isinstance(record, dict) else (None, None)
        if not isinstance(question, str) or not isinstance(answer, str):
            raise InputError(f'{place} has a turn that is not like {{"question": "…", "answer": "…"}}.')
        turns.append(Turn(question, answer))
    return tuple(turns)
