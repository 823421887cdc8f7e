"""The question sets that the page can run: those of the package, those that people brought, and their own feedback."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eval.results import replace_file
from eval.types import QuestionSet
from index.errors import DatelineError, InputError
from ui.backend import Backend

FeedbackLines = Callable[[str], list[str]]
"""The owner of answers → their feedback as lines of a question set."""

SHIPPED: Mapping[str, str] = {"sample-articles": "sample_articles.jsonl"}
"""Sets of the package by name: files of `eval/sets`. The page has a text for each, `evaluate.shipped_…`."""

FEEDBACK = "feedback"
"""The set made of what its owner said about answers."""

MAX_SET_BYTES = 20 * 1024 * 1024
"""Largest file that is taken: SQuAD 2.0's training set has 42 MB, every published development set has less than 10."""

MAX_SETS = 50
"""Sets that one person can keep; each is at most `MAX_SET_BYTES`."""

NAME_CHARACTERS = 80
"""Characters of a file's name that are kept."""

NAMED_ARTICLES = 3
"""Missing articles that a message names."""

_ID = re.compile(r"[0-9a-f]{16}")
_RECORD = "set.json"


@dataclass(frozen=True, slots=True)
class SetInfo:
    """What the page says of a set.

    `kind` is `shipped`, `uploaded` or `feedback`; `types` counts the questions of each type. `brings_articles` is true
    for formats whose files hold the articles; for others `articles` are the names that the evidence gives.
    """

    set_id: str
    kind: str
    name: str
    owner: str
    added: str
    format: str
    questions: int
    answerable: int
    types: Mapping[str, int]
    brings_articles: bool
    articles: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in ("owner", "articles")}


class QuestionSets:
    """The sets, the brought ones in a folder. Every method may be called from any thread."""

    def __init__(self, folder: Path, backend: Backend, feedback_lines: FeedbackLines) -> None:
        self._folder = folder
        self._backend = backend
        self._feedback_lines = feedback_lines
        self._shipped: dict[str, SetInfo] = {}

    def listed(self, owner: str) -> list[SetInfo]:
        """The sets that this person can run: the shipped ones, their feedback if there is any, theirs, latest first."""
        found = [self._shipped_info(name) for name in SHIPPED]
        if self._feedback_lines(owner):
            with suppress(InputError):  # nobody wrote these lines; a set that cannot be run is not offered
                found.append(self.find(FEEDBACK, owner))
        return [*found, *sorted(self._uploaded(owner), key=lambda info: info.added, reverse=True)]

    def find(self, set_id: str, owner: str) -> SetInfo:
        """The set of that name. Raises `InputError` if there is none that this person may run."""
        if set_id in SHIPPED:
            return self._shipped_info(set_id)
        if set_id == FEEDBACK and (lines := self._feedback_lines(owner)):
            return self._feedback_info(owner, lines)
        info = self._record(self._folder / set_id) if _ID.fullmatch(set_id) else None
        if info is None or info.owner != owner:
            raise InputError("There is no such question set; choose one of the list.")
        return info

    def add(self, owner: str, name: str, content: bytes) -> SetInfo:
        """Checks a file as `dateline eval run` reads it, and keeps it.

        Raises `QuestionSetError` with its line and field if something is wrong with it, `InputError` if the owner has
        too many sets or nothing can be written.
        """
        if not content.strip():
            raise InputError("The file is empty; choose a question set.")
        if len(self._uploaded(owner)) >= MAX_SETS:
            raise InputError(f"There are {MAX_SETS} question sets already; delete one first.")
        set_id = secrets.token_hex(8)
        folder = self._folder / set_id
        path = folder / safe_name(name, content)
        try:
            folder.mkdir(parents=True)
            path.write_bytes(content)
            info = self._described(set_id, "uploaded", shown_name(name), owner, path)
            replace_file(folder / _RECORD, [json.dumps(asdict(info))])
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(f"The question set cannot be kept: {error.strerror or error}.") from error
        except DatelineError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return info

    def delete(self, set_id: str, owner: str) -> None:
        """Forgets a set that was brought; runs of it keep their copy. Raises `InputError` if there is none."""
        info = self.find(set_id, owner)
        if info.kind != "uploaded":
            raise InputError("This set is not a file that somebody brought; it cannot be deleted.")
        shutil.rmtree(self._folder / set_id, ignore_errors=True)

    def copy_into(self, folder: Path, set_id: str, owner: str) -> Path:
        """Writes the set into a folder and returns the file. Raises `InputError` if there is no such set."""
        info = self.find(set_id, owner)
        if info.kind == "feedback":
            path = folder / "feedback.jsonl"
            path.write_text(
                "".join(f"{line}\n" for line in self._feedback_lines(owner)), encoding="utf-8", newline="\n"
            )
            return path
        if info.kind == "shipped":
            path = folder / SHIPPED[set_id]
            path.write_bytes(_shipped_file(set_id))
            return path
        (source,) = (entry for entry in (self._folder / set_id).iterdir() if entry.name != _RECORD)
        return Path(shutil.copy(source, folder / source.name))

    def missing(self, info: SetInfo) -> list[str]:
        """The articles that the set's evidence names and the library does not hold, in the order of the set."""
        if info.brings_articles:
            return []
        origins: set[str] = set()
        with suppress(DatelineError):  # where there is no library yet, nothing is held
            for summary in self._backend.summaries():
                origins.update(summary.origins)
        held = origins | {origin.rsplit("/", 1)[-1] for origin in origins}
        return [name for name in info.articles if name not in held and name.rsplit("/", 1)[-1] not in held]

    def check_held(self, info: SetInfo) -> None:
        """Raises `InputError` if the library lacks articles that the set asks about: every figure would be of that."""
        missing = self.missing(info)
        if missing:
            named = ", ".join(repr(name) for name in missing[:NAMED_ARTICLES])
            more = " …" if len(missing) > NAMED_ARTICLES else ""
            raise InputError(
                f"The library does not hold {len(missing)} of the {len(info.articles)} articles that this set asks "
                f"about: {named}{more}. Add them to the library, or choose another set."
            )

    def _shipped_info(self, name: str) -> SetInfo:
        if name not in self._shipped:
            with as_file(files("eval").joinpath("sets", SHIPPED[name])) as path:
                self._shipped[name] = self._described(name, "shipped", SHIPPED[name], "", path)
        return self._shipped[name]

    def _feedback_info(self, owner: str, lines: Sequence[str]) -> SetInfo:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "feedback.jsonl"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
            return self._described(FEEDBACK, "feedback", "feedback.jsonl", owner, path)

    def _uploaded(self, owner: str) -> list[SetInfo]:
        if not self._folder.is_dir():
            return []
        found = [self._record(entry) for entry in self._folder.iterdir() if _ID.fullmatch(entry.name)]
        return [info for info in found if info is not None and info.owner == owner]

    def _described(self, set_id: str, kind: str, name: str, owner: str, path: Path) -> SetInfo:
        loaded = read_set(path, name)
        types: dict[str, int] = {}
        for question in loaded.questions:
            types[question.type] = types.get(question.type, 0) + 1
        named = dict.fromkeys(evidence.article for question in loaded.questions for evidence in question.evidence)
        return SetInfo(
            set_id=set_id,
            kind=kind,
            name=name,
            owner=owner,
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            format=loaded.format,
            questions=len(loaded.questions),
            answerable=sum(question.answerable for question in loaded.questions),
            types=types,
            brings_articles=bool(loaded.articles),
            articles=() if loaded.articles else tuple(named),
        )

    @staticmethod
    def _record(folder: Path) -> SetInfo | None:
        """What was written down of a set; `None` of one that is not there whole."""
        try:
            return SetInfo(**json.loads((folder / _RECORD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def read_set(path: Path, name: str) -> QuestionSet:
    """The set in a file, with the file's own name in place of its path where something is wrong with it."""
    from eval.question_sets import load_set

    try:
        return load_set([path])
    except InputError as error:
        raise type(error)(
            str(error).replace(repr(str(path)), repr(name)).replace(f"{path.parent}{os.sep}", "")
        ) from error


def shown_name(name: str) -> str:
    """The name of a file as the page shows it: without folders and control characters, shortened."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(sign for sign in last if sign.isprintable()).strip()[:NAME_CHARACTERS] or "questions"


def safe_name(name: str, content: bytes) -> str:
    """A file name of letters, digits and hyphens for a set: what the reader of sets sees is the content only."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", shown_name(name).rsplit(".", 1)[0]).strip("-_")[:NAME_CHARACTERS]
    return (stem or "questions") + (".json" if _is_one_document(content) else ".jsonl")


def _is_one_document(content: bytes) -> bool:
    first = content.lstrip().split(b"\n", 1)[0].strip()
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return b"\n" not in content.strip()


def _shipped_file(name: str) -> bytes:
    return files("eval").joinpath("sets", SHIPPED[name]).read_bytes()
