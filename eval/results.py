"""`results.jsonl`: one line for every question that is done, so that a run can be continued and reported again."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import IO, Any, TypeVar

from eval.types import CitationCounts, EvalQuestion, Evidence, Judgement, QuestionResult, Scores
from index.errors import InputError
from rag.types import Turn

RESULTS_NAME = "results.jsonl"

_T = TypeVar("_T", Scores, CitationCounts, Judgement)


def result_as_json(result: QuestionResult) -> dict[str, Any]:
    """The line of a result: the question with its gold, the document of `ask --json`, scores, judgement, seconds."""
    question = result.question
    return {
        "id": question.id,
        "type": question.type,
        "question": question.text,
        "answerable": question.answerable,
        "answers": list(question.answers),
        "answers_all": list(question.answers_all),
        "reference": question.reference,
        "evidence": [asdict(evidence) for evidence in question.evidence],
        "history": [asdict(turn) for turn in question.history],
        "as_of": None if question.as_of is None else question.as_of.isoformat(),
        "cluster": question.cluster,
        "ignored_fields": list(question.ignored_fields),
        "answer": None if result.answer is None else dict(result.answer),
        "failure": result.failure,
        "scores": {
            **asdict(result.scores),
            **asdict(result.counts),
            "rankings": {
                name: {level: dict(scores) for level, scores in levels.items()}
                for name, levels in result.rankings.items()
            },
            "baselines": {name: asdict(scores) for name, scores in result.baselines.items()},
        },
        "judgement": None if result.judgement is None else asdict(result.judgement),
        "seconds": dict(result.seconds),
    }


def result_from_json(document: Mapping[str, Any]) -> QuestionResult:
    """The result whose line this is, equal to the one that was written.

    Raises `KeyError`, `TypeError` or `ValueError` if it is not such a line.
    """
    scores = document["scores"]
    answer = document["answer"]
    if answer is not None and not {"answer", "refused", "confidence"} <= answer.keys():
        raise ValueError("'answer' is not a document of ask --json")
    judgement = document["judgement"]
    return QuestionResult(
        question=_question(document),
        answer=answer,
        failure=document["failure"],
        scores=_read(Scores, scores),
        counts=_read(CitationCounts, scores),
        rankings={name: dict(levels) for name, levels in scores["rankings"].items()},
        baselines={name: _read(Scores, found) for name, found in scores["baselines"].items()},
        judgement=None if judgement is None else _read(Judgement, judgement),
        seconds=dict(document["seconds"]),
    )


def _question(document: Mapping[str, Any]) -> EvalQuestion:
    as_of = document["as_of"]
    return EvalQuestion(
        id=document["id"],
        text=document["question"],
        answers=tuple(document["answers"]),
        answers_all=tuple(document["answers_all"]),
        reference=document["reference"],
        evidence=tuple(Evidence(**evidence) for evidence in document["evidence"]),
        answerable=document["answerable"],
        history=tuple(Turn(**turn) for turn in document["history"]),
        type=document["type"],
        as_of=None if as_of is None else date.fromisoformat(as_of),
        cluster=document["cluster"],
        ignored_fields=tuple(document["ignored_fields"]),
    )


def _read(kind: type[_T], document: Mapping[str, Any]) -> _T:
    return kind(**{field.name: document[field.name] for field in fields(kind)})


def read_results(path: Path) -> list[QuestionResult]:
    """The results in a run's folder or in its `results.jsonl`, in the order of the file.

    A last line that was torn, because the process was killed while it wrote it, is left out. Raises `InputError`,
    naming the line, if the file cannot be read or a line is not a result.
    """
    file = path / RESULTS_NAME if path.is_dir() else path
    return [result for result, _ in _read_lines(file)]


def _read_lines(path: Path) -> Iterator[tuple[QuestionResult, int]]:
    """Each result, and where its line ends in the file, in bytes."""
    end = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                end += len(line)
                if line.endswith(b"\n"):
                    yield _parse(line, f"Line {number} of {str(path)!r}"), end
    except FileNotFoundError:
        raise InputError(
            f"There are no results at {str(path)!r}; name the folder that eval run wrote with --out."
        ) from None
    except OSError as error:
        raise InputError(f"The results {str(path)!r} cannot be read: {error.strerror or error}.") from error


def _parse(line: bytes, place: str) -> QuestionResult:
    try:
        return result_from_json(json.loads(line.decode("utf-8")))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        what = f"without {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{place} is not a result that this version of eval run writes ({what}); restore the file, or make the "
            "run again into another folder."
        ) from error


class ResultsFile:
    """The `results.jsonl` of a run that is under way. Only one process may have it."""

    def __init__(self, folder: Path, finished: list[QuestionResult]) -> None:
        self.folder = folder
        self.finished = finished
        """Every result that is in the file."""
        self._file: IO[str] | None = None

    @classmethod
    def open(cls, folder: Path) -> "ResultsFile":
        """The file with what is in it; a torn last line is cut off, a file that is not there is made.

        Raises `InputError` if it cannot be read or written, or holds something else.
        """
        path = folder / RESULTS_NAME
        finished, end = [], 0
        with writing(folder):
            path.touch()
            for result, end in _read_lines(path):  # noqa: B007
                finished.append(result)
            if end < path.stat().st_size:
                os.truncate(path, end)
        return cls(folder, finished)

    def append(self, result: QuestionResult) -> None:
        """Writes one more line, which is with the operating system when this returns."""
        with writing(self.folder):
            if self._file is None:
                self._file = (self.folder / RESULTS_NAME).open("a", **_TEXT)
            self._file.write(_line(result))
            self._file.flush()
        self.finished.append(result)

    def replace(self, results: Iterable[QuestionResult]) -> None:
        """Makes these the lines of the file, all at once."""
        self.close()
        self.finished = list(results)
        with writing(self.folder):
            replace_file(self.folder / RESULTS_NAME, map(_line, self.finished))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


# What a model writes may hold half a surrogate pair; as a backslash escape it is still the same JSON string.
_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "newline": "\n"}


def _line(result: QuestionResult) -> str:
    return json.dumps(result_as_json(result), ensure_ascii=False) + "\n"


def replace_file(path: Path, pieces: Iterable[str]) -> None:
    """Writes a text beside the file and renames it into place, so that the file is never there in part."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", **_TEXT) as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns a full disk and the like into one plain sentence, an `InputError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"results cannot be written to {str(folder)!r}: {reason}; name a folder with --out") from error
