"""What a judging model wrote, read without guessing: either all that was asked for is there, or nothing is taken.

Models put JSON between fences and prose around it, or write it twice. Everything in the reply that has the wanted shape
counts, and all of it must say the same: a reply that also repeats a verdict from the text that it was to judge is no
verdict at all.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

MAX_REPLY_CHARACTERS = 20_000
"""A reply longer than this is not read: the verdicts on a hundred statements take 3,000 characters."""

MAX_DIGITS = 6
"""A longer number names nothing that could be asked about."""


class UnreadReplyError(Exception):
    """A reply that is not what was asked for; the text says in a few words why."""


def read_verdicts(reply: str, count: int, worth: Mapping[str, float]) -> list[float]:
    """What the verdicts 1 to `count` are worth, in their order.

    Looked for is `{"verdicts": {"1": "support", …}}`, or the inner object alone, or a list of objects with `number` and
    `verdict` in its place. Raises UnreadReplyError if a number is missing, unknown or there twice, or if a verdict is
    not in `worth`.
    """
    found = [verdicts for document in _objects(reply) if (verdicts := _by_number(document)) is not None]
    said = _the_only(found, "verdicts")
    if sorted(said) != list(range(1, count + 1)):
        raise UnreadReplyError(f"it has verdicts on {len(said)} numbers, not on 1 to {count}")
    known = [worth.get(_word(said[number])) for number in range(1, count + 1)]
    values = [value for value in known if value is not None]
    if len(values) < count:
        raise UnreadReplyError("it has an unknown verdict")
    return values


def read_questions(reply: str, count: int) -> list[str]:
    """The questions of `{"questions": [...]}`. Raises UnreadReplyError unless there are exactly `count`."""
    lists = [document["questions"] for document in _objects(reply) if "questions" in document]
    questions = _the_only(lists, "questions")
    if not isinstance(questions, list) or not all(isinstance(text, str) and text.strip() for text in questions):
        raise UnreadReplyError("its questions are not texts")
    if len(questions) != count:
        raise UnreadReplyError(f"it has {len(questions)} questions, not {count}")
    return questions


def _the_only(found: list[Any], what: str) -> Any:
    if not found:
        raise UnreadReplyError(f"it has no {what}")
    if any(other != found[0] for other in found):
        raise UnreadReplyError("it contradicts itself")
    return found[0]


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a reply that do not lie within another, in their order."""
    if len(reply) > MAX_REPLY_CHARACTERS:
        raise UnreadReplyError(f"it has more than {MAX_REPLY_CHARACTERS:,} characters")
    decoder = json.JSONDecoder(object_pairs_hook=_without_duplicates)
    position = reply.find("{")
    while position >= 0:
        try:
            document, end = decoder.raw_decode(reply, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            yield document
        position = reply.find("{", end)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise UnreadReplyError("it contradicts itself")
    return document


def _by_number(document: dict[str, Any]) -> dict[int, Any] | None:
    """The verdicts of an object by number, `None` if it holds none."""
    verdicts = document.get("verdicts", document)
    if isinstance(verdicts, list):
        pairs = [(entry.get("number"), entry.get("verdict")) for entry in verdicts if isinstance(entry, dict)]
        if len(pairs) < len(verdicts):
            return None
    elif isinstance(verdicts, dict):
        pairs = list(verdicts.items())
    else:
        return None
    numbered = [(number, verdict) for key, verdict in pairs if (number := _number(key)) is not None]
    if len(numbered) < len(pairs) or not numbered:
        return None
    if len(dict(numbered)) < len(numbered):
        raise UnreadReplyError("it contradicts itself")
    return dict(numbered)


def _number(key: object) -> int | None:
    if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) <= MAX_DIGITS:
        return int(key)
    return key if type(key) is int else None


def _word(verdict: object) -> str:
    """A verdict as it is looked up: `Not supported` is `not_supported`. What is no text is no verdict."""
    return "_".join(verdict.replace("-", " ").replace("_", " ").lower().split()) if isinstance(verdict, str) else ""
