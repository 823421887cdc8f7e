"""JSON Lines and CSV files: many articles in one file, a record each, with named fields.

The text is in `text`, `body` or `content`; `title`, `source`, `published` or `date`, `url`, `author` and `place` state
the metadata, and `id` names the record. Field names compare without regard to case.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from index.encodings import clean_text, decode_text
from index.errors import EmptyArticleError, UnsupportedFormatError
from index.files import CSV_SUFFIXES
from index.formats import require_text
from index.metadata import clean_field, combine, metadata_from_fields, read_metadata
from index.types import Metadata

TEXT_FIELDS = ("text", "body", "content")
"""Fields that may hold the text of an article; the first that is filled counts."""

ID_FIELDS = ("id", "_id")
"""Fields that may name a record; `_id` is that of corpora in the BEIR format."""

_QUESTION_FIELDS = frozenset({"answerable", "evidence", "answers", "answers_all"})
"""Fields of which a question set has one besides `question`."""

MAX_LINE_BYTES = 64 * 2**20
"""Bytes of one line of JSON, as much as any other article may have. A JSON Lines file itself may be of any size."""

MAX_CSV_BYTES = 64 * 2**20
"""Bytes of a CSV file, which is read at once for its encoding to be found."""

MAX_BAD_RECORDS = 1_000
"""Records of one file whose faults are told. Where there are more, it is another kind of file."""

MAX_BAD_FIRST = 10
"""Lines at the beginning of a JSON Lines file that may be no objects. Where there are more, it is another kind of
file."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it was found: its key within the file, the SHA-256 of what decides it, and its fields.

    `position` is where reading may begin to find it again: the byte of its line in JSON Lines, the number of its first
    line in CSV. Names of fields are in lower case.
    """

    position: int
    key: str
    digest: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be used: its key (the id, else the line counted from 1) and why, in one sentence."""

    key: str
    reason: str


def read_records(file: BinaryIO, suffix: str, start: int = 0) -> Iterator[RawRecord | BadRecord]:
    """The records of a JSON Lines or CSV file, in its order.

    With `start`, the position of a record, they begin with that one; a JSON Lines file must then be able to seek, and
    of the keys, those that are only line numbers count from there.

    Raises:
        UnsupportedFormatError: It is not of its format, or the first record has no field for a text.
        EmptyArticleError: It holds no record.
        OSError: It cannot be read.
    """
    keys: set[str] = set()
    bad = 0
    for line, position, record in _read_lines(file, suffix, start):
        fields, digest = ({}, "") if isinstance(record, str) else record
        if isinstance(record, str):
            fault: str | None = record
            key = str(line)
        else:
            if not keys:
                _require_text_field(fields)
            key = next((found for name in ID_FIELDS if (found := _key(fields.get(name)))), str(line))
            fault = _fault(fields, key, keys)
            keys.add(key)
        if fault is None:
            yield RawRecord(position, key, digest, fields)
            continue
        bad += 1
        if bad > MAX_BAD_RECORDS:
            raise UnsupportedFormatError(f"More than {MAX_BAD_RECORDS:,} of its records cannot be read; correct it.")
        yield BadRecord(key, f"Line {line}: {fault}")
    if not keys:
        raise EmptyArticleError("It holds no record.")


def is_question_set(file: BinaryIO, suffix: str) -> bool:
    """Whether the first record is a question with its answers or evidence instead of an article.

    Raises:
        UnsupportedFormatError: It is not of its format.
        OSError: It cannot be read.
    """
    for _, _, found in _read_lines(file, suffix, 0):
        if not isinstance(found, str):
            return _is_question(found[0])
    return False


def read_fields(fields: Mapping[str, object]) -> tuple[str, Metadata]:
    """Text of a record as it is stored, and what the record states. Raises `EmptyArticleError` if it has no text."""
    stated = next((text for name in TEXT_FIELDS if isinstance(text := fields.get(name), str) and text.strip()), "")
    text = require_text(clean_text(stated))
    _, own = read_metadata(text, navigation=False)
    return text, combine(metadata_from_fields(fields), own)


_NO_OBJECT = "not a JSON object in UTF-8."

_Found = tuple[Mapping[str, object], str]


def _read_lines(file: BinaryIO, suffix: str, start: int) -> Iterator[tuple[int, int, _Found | str]]:
    """Line number and position with fields and digest, or with what is wrong with the line."""
    return _read_csv(file, suffix, start) if suffix in CSV_SUFFIXES else _read_json(file, start)


def _read_json(file: BinaryIO, start: int) -> Iterator[tuple[int, int, _Found | str]]:
    number = 0
    position = file.seek(start)
    bad_first: list[tuple[int, int]] | None = []  # until there is an object, it may be another kind of file
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise UnsupportedFormatError(f"Line {number} is longer than {MAX_LINE_BYTES >> 20} MB.")
        if line.strip():
            fields = _json_fields(line)
            if fields is not None:
                yield from ((*place, _NO_OBJECT) for place in bad_first or ())
                bad_first = None
                yield number, position, (fields, hashlib.sha256(line).hexdigest())
            elif bad_first is None:
                yield number, position, _NO_OBJECT
            else:
                bad_first.append((number, position))
                if len(bad_first) > MAX_BAD_FIRST:
                    break
        position += len(line)
    if bad_first:
        raise UnsupportedFormatError(
            f"It is not JSON Lines: line {bad_first[0][0]} is not a JSON object; write one object a line, in UTF-8."
        )


def _json_fields(line: bytes) -> Mapping[str, object] | None:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return _lower(found) if isinstance(found, dict) else None


def _read_csv(file: BinaryIO, suffix: str, start: int) -> Iterator[tuple[int, int, _Found | str]]:
    raw = file.read(MAX_CSV_BYTES + 1)
    if len(raw) > MAX_CSV_BYTES:
        raise UnsupportedFormatError(f"It is larger than {MAX_CSV_BYTES >> 20} MB; split it or write JSON Lines.")
    if not raw.strip():
        return
    text = decode_text(raw)
    header = text.partition("\n")[0]
    # Where the comma is the decimal mark, spreadsheets write semicolons.
    separator = "\t" if suffix == ".tsv" else ";" if header.count(";") > header.count(",") else ","
    # The default of 131,072 characters is less than a long article has.
    csv.field_size_limit(MAX_CSV_BYTES)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    line, has_short_row = 1, False
    try:
        columns = [name.strip() for name in next(reader)]
        line = reader.line_num + 1
        for cells in reader:
            if line < start:
                pass
            elif len(cells) > len(columns):
                fault = f"{len(cells)} cells under {len(columns)} columns; put texts that hold a comma in quotes."
                yield line, line, fault
            elif 0 < len(cells) < len(columns) and not has_short_row and _ends_within_line(lines, text):
                fault = f"{len(cells)} cells under {len(columns)} columns, and no line end; the file is cut off."
                yield line, line, fault
            elif any(cell.strip() for cell in cells):
                fields = _lower(dict(zip(columns, cells, strict=False)))
                digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
                yield line, line, (fields, digest)
            has_short_row = has_short_row or len(cells) < len(columns)
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnsupportedFormatError(f"It is not CSV from line {line} on ({error}).") from error


def _ends_within_line(lines: io.StringIO, text: str) -> bool:
    """True if the text was read to its end, and that is not the end of a line."""
    return lines.tell() == len(text) and not text.endswith(("\n", "\r"))


def _lower(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {name.strip().casefold(): value for name, value in fields.items()}


def _fault(fields: Mapping[str, object], key: str, keys: set[str]) -> str | None:
    if key in keys:
        return f"a record above already has the id {key!r}; give each its own."
    if not any(isinstance(fields.get(name), str) for name in TEXT_FIELDS):
        return f"no text in any of the fields {', '.join(TEXT_FIELDS)}."
    return None


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
        named = ", ".join(repr((clean_field(name) or "")[:40]) for name in list(fields)[:8]) or "no fields"
        raise UnsupportedFormatError(
            f"The text of its records must be in a field named text, body or content; found {named}."
        )
