"""`metadata.csv`: what a person states about the articles of a folder. It wins over what the articles say.

The columns are `file`, `title`, `source`, `published` and `url`, in any order; only `file` is required, and an empty
cell says nothing. `place` and `author` are understood as well, further columns are passed over.
"""

import csv
import io
import json
import unicodedata
from dataclasses import dataclass, fields
from pathlib import Path

from index.dates import parse_date
from index.metadata import clean_field, clean_url
from index.types import Failure, Metadata

SIDECAR_NAME = "metadata.csv"

MAX_SIDECAR_BYTES = 64 * 2**20
"""Bytes; at 150 bytes a row this is 400,000 articles in one folder."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The rows of a `metadata.csv` by file name, and what is wrong with it, each with its line."""

    rows: dict[str, Metadata]
    failures: tuple[Failure, ...] = ()

    def row(self, file_name: str) -> Metadata:
        """What is stated about a file of the folder; an empty `Metadata` if nothing is."""
        return self.rows.get(unicodedata.normalize("NFC", file_name), Metadata())


def read_sidecar(folder: Path) -> Sidecar:
    """The sidecar of a folder; an empty one if there is none. Never raises: what is wrong is in `failures`."""
    path = folder / SIDECAR_NAME
    if not path.is_file():
        return Sidecar({})
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SIDECAR_BYTES + 1)
    except OSError as error:
        return Sidecar({}, (Failure(str(path), f"It cannot be read: {error.strerror}."),))
    if len(raw) > MAX_SIDECAR_BYTES:
        return Sidecar({}, (Failure(str(path), f"It is larger than {MAX_SIDECAR_BYTES >> 20} MB; split the folder."),))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Sidecar({}, (_failure(path, line, "the text is not UTF-8; save it as CSV UTF-8"),))
    return _parsed(path, text)


_FIELDS = sorted(field.name for field in fields(Metadata))


def row_text(row: Metadata) -> str:
    """A text that is the same for the same statements and another for others."""
    # Not by `asdict`, which copies each value and takes a sixth of the time of looking through a folder.
    return json.dumps({name: getattr(row, name) for name in _FIELDS})


def _parsed(path: Path, text: str) -> Sidecar:
    rows: dict[str, Metadata] = {}
    failures: list[Failure] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        columns = [name.strip().casefold() for name in next(reader, [])]
        if "file" not in columns:
            reason = "there is no column 'file'; begin the file with: file,title,source,published,url"
            return Sidecar({}, (_failure(path, 1, reason),))
        line = reader.line_num + 1
        for cells in reader:
            reasons = _add_row(rows, path.parent, columns, cells) if any(map(str.strip, cells)) else []
            failures += [_failure(path, line, reason) for reason in reasons]
            line = reader.line_num + 1
    except csv.Error as error:
        failures.append(_failure(path, line, f"it is not CSV ({error}); only the rows above count"))
    return Sidecar(rows, tuple(failures))


def _failure(path: Path, line: int, reason: str) -> Failure:
    return Failure(str(path), f"Line {line}: {reason}.")


def _add_row(rows: dict[str, Metadata], folder: Path, columns: list[str], cells: list[str]) -> list[str]:
    """Adds a row to `rows` and returns what is wrong with it; of a wrong date or address, the rest still counts."""
    if len(cells) > len(columns):
        return [f"there are {len(cells)} cells under {len(columns)} columns; put texts that hold a comma in quotes"]
    stated = dict(zip(columns, map(str.strip, cells), strict=False))
    name = unicodedata.normalize("NFC", stated.get("file", ""))
    if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
        return [f"{name!r} is not the name of a file in this folder"]
    if name in rows:
        return [f"{name!r} already has a row above; keep one of them"]
    published, url = stated.get("published"), stated.get("url")
    rows[name] = Metadata(
        title=clean_field(stated.get("title")),
        source=clean_field(stated.get("source")),
        place=clean_field(stated.get("place")),
        author=clean_field(stated.get("author")),
        published=parse_date(published) if published else None,
        url=clean_url(url),
    )
    reasons = []
    if published and rows[name].published is None:
        reasons.append(f"{published!r} is not a date such as 2017-06-03, 2017-06, 2017 or --12-25")
    if url and rows[name].url is None:
        reasons.append(f"{url!r} is not an http or https address")
    if not (folder / name).exists() and not (folder / stated["file"]).exists():
        reasons.append(f"there is no file {name!r} in this folder; correct the name or remove the row")
    return reasons
