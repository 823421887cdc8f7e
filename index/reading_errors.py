"""Errors of reading, carried from the process that reads to the one that asked."""

import re

from index import errors
from index.errors import ReadError, UnreadableOriginError

MAX_REASON_CHARACTERS = 500
"""Characters of a reason; it is one sentence, and a longer one holds a piece of the file."""

_KINDS: dict[str, type[ReadError]] = {
    kind.__name__: kind
    for kind in (
        errors.MissingOriginError,
        errors.UnreadableOriginError,
        errors.UnsupportedFormatError,
        errors.EmptyArticleError,
    )
}


def header_of(error: ReadError) -> dict[str, object]:
    """The header of the frame that says so."""
    return {"kind": "error", "error": type(error).__name__, "reason": str(error)}


def error_of(header: dict[str, object]) -> ReadError:
    """The error that a frame says."""
    return _KINDS.get(str(header.get("error")), UnreadableOriginError)(reason_of(header))


def reason_of(header: dict[str, object]) -> str:
    """The reason in a header, on one line and not too long."""
    said = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+", " ", str(header.get("reason")))
    return said if len(said) <= MAX_REASON_CHARACTERS else said[: MAX_REASON_CHARACTERS - 1] + "…"
