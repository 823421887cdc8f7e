"""The files of question sets, read once and digested, and the fields of their JSON objects, checked one by one."""

import hashlib
import json
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard

from index.errors import QuestionSetError
from rag.types import MAX_QUESTION_CHARACTERS


class Source:
    """Reads files and keeps the SHA-256 of all that was read, in that order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest so far, 64 hexadecimal digits."""
        return self._digest.hexdigest()

    def text(self, path: Path) -> str:
        """A whole file in UTF-8, with line ends as `\\n` and no byte order mark. Raises QuestionSetError."""
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        self._digest.update(raw)
        return _decoded(path, raw, 0).replace("\r\n", "\n").replace("\r", "\n")

    def lines(self, path: Path) -> Iterator[tuple[int, str]]:
        """The lines of a file of any size in UTF-8, counted from 1, without their ends; blank ones are left out.

        Raises QuestionSetError.
        """
        try:
            with path.open("rb") as file:
                offset = 0
                for number, raw in enumerate(file, start=1):
                    self._digest.update(raw)
                    line = _decoded(path, raw, offset).rstrip("\r\n")
                    offset += len(raw)
                    if line.strip():
                        yield number, line
        except OSError as error:
            raise unreadable(path, error) from error


def _decoded(path: Path, raw: bytes, offset: int) -> str:
    """The text of bytes that begin at `offset` of a file, without a byte order mark at the file's beginning."""
    try:
        return raw.decode("utf-8" if offset else "utf-8-sig")
    except UnicodeDecodeError as error:
        byte = offset + error.start
        raise QuestionSetError(f"question set {str(path)!r} is not UTF-8 at byte {byte}; save it so") from error


def unreadable(path: Path, error: OSError) -> QuestionSetError:
    """The error for a question set that the system does not let read."""
    if isinstance(error, FileNotFoundError):
        return QuestionSetError(f"there is no question set at {str(path)!r}; give the path of one")
    return QuestionSetError(f"question set {str(path)!r} cannot be read: {error.strerror or error}")


class Fields:
    """Reads the fields of one JSON object; what is wrong is noted in `problems` and replaced by an empty value.

    `line` and `path` say where the object is: `line 3` of a file of lines, `data[3].paragraphs[0]` within a document.
    A field that is `null` is as good as absent.
    """

    def __init__(self, record: dict[str, Any], problems: list[str], *, line: str = "", path: str = "") -> None:
        self.record = record
        self.problems = problems
        self.line = line
        self.path = path

    @property
    def place(self) -> str:
        """`line 3, passages[0]`; empty for the outermost object of a document."""
        return ", ".join(part for part in (self.line, self.path) if part)

    def problem(self, name: str, message: str) -> None:
        self.problems.append(", ".join([*filter(None, [self.place]), f"field {name!r}: {message}"]))

    def _must_be(self, name: str, expected: str) -> None:
        self.problem(name, f"must be {expected}, not {_shown(self.record.get(name))}")

    def unknown(self, known: Collection[str]) -> tuple[str, ...]:
        """The names of the fields that are not known ones."""
        return tuple(name for name in self.record if name not in known)

    def identifier(self, name: str, places: dict[str, str], default: str | None = None) -> str:
        """A text or a whole number; `places` maps the identifiers so far to their places, and none may come twice.

        `default` is the identifier of an object without one.
        """
        value = self.record.get(name)
        if value is None:
            value = default
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not is_text(value):
            self._must_be(name, "a non-empty string")
            return ""
        first = places.setdefault(value, self.place)
        if first != self.place:
            self.problem(name, f"{value!r} is already the id of {first}")
        return value

    def question(self, name: str) -> str:
        """A text that can be asked."""
        value = self.text(name)
        if len(value) > MAX_QUESTION_CHARACTERS:
            self.problem(name, f"has {len(value)} characters; at most {MAX_QUESTION_CHARACTERS} are accepted")
        return value

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.record.get(name)
        if is_text(value):
            return value
        self._must_be(name, "a non-empty string")
        return ""

    def optional_text(self, name: str) -> str | None:
        """A text, or `None` if the field is absent."""
        return None if self.record.get(name) is None else self.text(name) or None

    def string(self, name: str) -> str:
        """A string that may be empty or absent, half characters and all."""
        value = self.record.get(name)
        if value is None or isinstance(value, str):
            return value or ""
        self._must_be(name, "a string")
        return ""

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; an absent one is empty."""
        value = self.record.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(is_text(item) for item in value):
            self._must_be(name, "a list of non-empty strings")
            return ()
        return tuple(value)

    def pairs(self, name: str, first: str, second: str) -> list[tuple[str, str]]:
        """A list of objects with two texts each; an absent one is empty."""
        value = self.record.get(name)
        if value is None:
            return []
        if isinstance(value, list) and all(
            isinstance(item, dict) and is_text(item.get(first)) and is_text(item.get(second)) for item in value
        ):
            return [(item[first], item[second]) for item in value]
        self._must_be(name, f"a list of objects with the strings {first!r} and {second!r}")
        return []

    def objects(self, name: str) -> "list[Fields]":
        """A list of objects that must be there; it may be empty."""
        value = self.record.get(name)
        if not isinstance(value, list):
            self._must_be(name, "a list of objects")
            return []
        found = []
        for position, item in enumerate(value):
            path = f"{self.path}{'.' if self.path else ''}{name}[{position}]"
            if isinstance(item, dict):
                found.append(Fields(item, self.problems, line=self.line, path=path))
            else:
                self.problem(f"{name}[{position}]", f"must be an object, not {_shown(item)}")
        return found

    def optional_object(self, name: str) -> "Fields":
        """An object; an absent one is empty."""
        value = self.record.get(name)
        if value is not None and not isinstance(value, dict):
            self._must_be(name, "an object")
            value = None
        path = f"{self.path}{'.' if self.path else ''}{name}"
        return Fields(value or {}, self.problems, line=self.line, path=path)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.record.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self._must_be(name, "true or false")
        return False

    def offset(self, name: str) -> int:
        """A whole number of 0 or more."""
        value = self.record.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._must_be(name, "a whole number of 0 or more")
        return 0

    def day(self, name: str) -> date | None:
        """A date in ISO 8601, or `None` if the field is absent."""
        value = self.record.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        self._must_be(name, "a date such as '2022-05-31'")
        return None


def line_fields(line: str, place: str, problems: list[str]) -> Fields | None:
    """The JSON object that a line is; `None` if it is not one, which is noted in `problems`."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        problems.append(f"{place}, column {error.colno}: not JSON ({error.msg})")
    except (RecursionError, ValueError) as error:
        problems.append(f"{place}, column 1: cannot be read as JSON ({error})")
    else:
        if isinstance(record, dict):
            return Fields(record, problems, line=place)
        problems.append(f"{place}, column 1: must be a JSON object")
    return None


def text_fields(text: str, problems: list[str]) -> list[Fields]:
    """The JSON objects of a text in JSON Lines, blank lines left out."""
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    found = (line_fields(line, f"line {number}", problems) for number, line in numbered)
    return [fields for fields in found if fields is not None]


def is_text(value: object) -> TypeGuard[str]:
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
