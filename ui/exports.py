"""What can be carried away of answers: Markdown, an evidence pack, and lines that `dateline verify` takes."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from index.errors import InputError
from index.types import first_words
from ui.backend import Backend
from ui.exchanges import Exchange, filter_as_json
from ui.export_markdown import markdown_of
from ui.kept_page import evidence_pack
from ui.render import json_line
from ui.texts import Texts

FORMATS = ("md", "html", "json")

NAME_CHARACTERS = 60
"""Longest name of a file, without its ending; whole words of the question."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file to save."""

    name: str
    media_type: str
    content: str


def export(exchanges: Sequence[Exchange], title: str, format: str, backend: Backend, texts: Texts) -> Export:  # noqa: A002 - the name of the parameter in the address
    """The exchanges as a file. `title` names it: the question, or the conversation's name.

    - `md`: Markdown with the sources as footnotes (`ui.export_markdown`).
    - `html`: the evidence pack, one file that needs nothing else (`ui.kept_page.evidence_pack`).
    - `json`: JSON Lines, an exchange on each (`exchange_line`).

    Raises `InputError` on another format.
    """
    if format == "md":
        return Export(safe_name(title, "md"), "text/markdown", markdown_of(exchanges, title, backend, texts))
    if format == "html":
        now = datetime.now(UTC)
        return Export(safe_name(title, "html"), "text/html", evidence_pack(exchanges, title, backend, texts, now))
    if format == "json":
        lines = "".join(f"{json_line(exchange_line(exchange))}\n" for exchange in exchanges)
        return Export(safe_name(title, "jsonl"), "application/x-ndjson", lines)
    raise InputError(f"There is no format {format[:20]!r}; choose one of {', '.join(FORMATS)}.")


def exchange_line(exchange: Exchange) -> dict[str, Any]:
    """An exchange as `dateline verify` reads it: the document of `dateline ask --json` as `answer`, `null` if none."""
    return {
        "id": exchange.exchange_id,
        "question": exchange.question,
        "asked": exchange.asked,
        "model": exchange.model,
        "filter": filter_as_json(exchange.filter),
        "state": exchange.state,
        "note": exchange.note,
        "answer": None if exchange.answer is None else exchange.answer.as_json(),
    }


def safe_name(title: str, ending: str) -> str:
    """A name for a file on any system: the first words in ASCII letters, `dateline-answer` where there are none."""
    letters = unicodedata.normalize("NFKD", first_words(title, NAME_CHARACTERS)).lower()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:NAME_CHARACTERS].strip("-")
    return f"dateline-{words or 'answer'}.{ending}"
