"""JSON Lines and CSV files: many articles in one file, a record each, with named fields.

The text is in `text`, `body` or `content`; `title`, `source`, `published` or `date`, `url`, `author` and `place` state
the metadata, and `id` names the record. Field names compare without regard to case.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.encodings import decode_text
from index.errors import EmptyArticleError, UnreadableOriginError, UnsupportedFormatError
from index.metadata import clean_field

TEXT_FIELDS = ("text", "body", "content")
"""Fields that may hold the text of an article; the first that is filled counts."""

ID_FIELDS = ("id", "_id")
"""Fields that may name a record; `_id` is that of corpora in the BEIR format."""

_QUESTION_FIELDS = frozenset({"answerable", "evidence", "answers", "answers_all"})
"""Fields of which a question set has one besides `question`."""

JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
CSV_SUFFIXES = frozenset({".csv", ".tsv"})
RECORD_SUFFIXES = JSON_SUFFIXES | CSV_SUFFIXES

MAX_LINE_BYTES = 64 * 2**20
"""Bytes of one line of JSON, as much as any other article may have. A JSON Lines file itself may be of any size."""

MAX_CSV_BYTES = 64 * 2**20
"""Bytes of a CSV file, which is read at once for its encoding to be found."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it was found: its key within the file, the SHA-256 of what decides it, and access to its fields.

    `read_fields` gives the fields, names in lower case. It raises `UnreadableOriginError` if the file has changed.
    """

    key: str
    digest: str
    read_fields: Callable[[], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be used: its key (the id, else the line counted from 1) and why, in one sentence."""

    key: str
    reason: str


def read_records(path: Path) -> Iterator[RawRecord | BadRecord]:
    """The records of a JSON Lines or CSV file, in its order.

    Raises:
        UnsupportedFormatError: It is not of its format, or the first record has no field for a text.
        EmptyArticleError: It holds no record.
        OSError: It cannot be read.
    """
    keys: set[str] = set()
    for line, found in _read_lines(path):
        if isinstance(found, str):
            yield BadRecord(str(line), f"Line {line}: {found}")
            continue
        fields, digest, read_fields = found
        if not keys:
            _require_text_field(fields)
        key = next((key for name in ID_FIELDS if (key := _key(fields.get(name)))), str(line))
        if key in keys:
            yield BadRecord(key, f"Line {line}: a record above already has the id {key!r}; give each its own.")
        elif not any(isinstance(fields.get(name), str) for name in TEXT_FIELDS):
            yield BadRecord(key, f"Line {line}: no text in any of the fields {', '.join(TEXT_FIELDS)}.")
        else:
            yield RawRecord(key, digest, read_fields)
        keys.add(key)
    if not keys:
        raise EmptyArticleError("It holds no record.")


def is_question_set(path: Path) -> bool:
    """Whether the first record is a question with its answers or evidence instead of an article.

    Raises:
        UnsupportedFormatError: It is not of its format.
        OSError: It cannot be read.
    """
    for _, found in _read_lines(path):
        return not isinstance(found, str) and _is_question(found[0])
    return False


def text_of(fields: Mapping[str, object]) -> str:
    """The text of a record as it is stated; empty if there is none."""
    return next((text for name in TEXT_FIELDS if isinstance(text := fields.get(name), str) and text.strip()), "")


_Found = tuple[Mapping[str, object], str, Callable[[], Mapping[str, object]]]


def _read_lines(path: Path) -> Iterator[tuple[int, _Found | str]]:
    """Line number with fields, digest and later access to the fields, or with what is wrong with the line."""
    return _read_csv(path) if path.suffix.lower() in CSV_SUFFIXES else _read_json(path)


def _read_json(path: Path) -> Iterator[tuple[int, _Found | str]]:
    with path.open("rb") as file:
        offset = number = 0
        is_first = True
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise UnsupportedFormatError(f"Line {number} is longer than {MAX_LINE_BYTES >> 20} MB.")
            if line.strip():
                fields = _json_fields(line)
                if fields is not None:
                    digest = hashlib.sha256(line).hexdigest()
                    yield number, (fields, digest, partial(_reread, path, offset, len(line), digest))
                elif is_first:
                    raise UnsupportedFormatError(
                        f"It is not JSON Lines: line {number} is not a JSON object; write one object a line, in UTF-8."
                    )
                else:
                    yield number, "not a JSON object in UTF-8."
                is_first = False
            offset += len(line)


def _json_fields(line: bytes) -> Mapping[str, object] | None:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return _lower(found) if isinstance(found, dict) else None


def _reread(path: Path, offset: int, length: int, digest: str) -> Mapping[str, object]:
    with path.open("rb") as file:
        file.seek(offset)
        line = file.read(length)
    fields = _json_fields(line) if hashlib.sha256(line).hexdigest() == digest else None
    if fields is None:
        raise UnreadableOriginError("The file changed while it was read; run the command again.")
    return fields


def _read_csv(path: Path) -> Iterator[tuple[int, _Found | str]]:
    with path.open("rb") as file:
        raw = file.read(MAX_CSV_BYTES + 1)
    if len(raw) > MAX_CSV_BYTES:
        raise UnsupportedFormatError(f"It is larger than {MAX_CSV_BYTES >> 20} MB; split it or write JSON Lines.")
    if not raw.strip():
        return
    text = decode_text(raw)
    header = text.partition("\n")[0]
    # Where the comma is the decimal mark, spreadsheets write semicolons.
    separator = "\t" if path.suffix.lower() == ".tsv" else ";" if header.count(";") > header.count(",") else ","
    # The default of 131,072 characters is less than a long article has.
    csv.field_size_limit(MAX_CSV_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        columns = [name.strip() for name in next(reader)]
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(columns):
                yield line, f"{len(cells)} cells under {len(columns)} columns; put texts that hold a comma in quotes."
            elif any(cell.strip() for cell in cells):
                fields = _lower(dict(zip(columns, cells, strict=False)))
                digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
                yield line, (fields, digest, partial(dict, fields))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnsupportedFormatError(f"It is not CSV from line {line} on ({error}).") from error


def _lower(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {name.strip().casefold(): value for name, value in fields.items()}


def _key(value: object) -> str | None:
    return clean_field(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _is_question(fields: Mapping[str, object]) -> bool:
    return "question" in fields and not _QUESTION_FIELDS.isdisjoint(fields) and _is_textless(fields)


def _is_textless(fields: Mapping[str, object]) -> bool:
    return not any(name in fields for name in TEXT_FIELDS)


def _require_text_field(fields: Mapping[str, object]) -> None:
    if _is_textless(fields):
        if _is_question(fields):
            raise UnsupportedFormatError("It is a question set, not articles; run it with: dateline eval run FILE")
        named = ", ".join(repr(clean_field(name)) for name in list(fields)[:8]) or "no fields"
        raise UnsupportedFormatError(
            f"The text of its records must be in a field named text, body or content; found {named}."
        )
