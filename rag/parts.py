"""Questions that ask for several things are taken apart, so that each part finds its own evidence."""

import re
from dataclasses import dataclass

from rag.analysis import analyse_question
from rag.followups import Standalone, make_standalone
from rag.types import Turn

MAX_PARTS = 3
"""Most parts of one question; what follows stays with the last."""

MIN_TERMS = 2
"""Fewest content terms of a part; with fewer it is not a question of its own."""

ENOUGH_TERMS = 3
"""Content terms from which on a part with a name in it can do without the rest of the question."""

_ASKS = (
    r"what|which|who|whom|whose|when|where|why|how(?: (?:many|much|long|often|far|high|large|big))?|"
    r"(?:in|on|at|by|for|from|to) (?:what|which|whom)"
)
_PREPOSITION = r"about|after|before|during|under|on|in|at"
_SEAM = re.compile(
    rf"(?:,|;|\?)?\s+(?:and|but)\s+(?={_ASKS}\b)|[;?]\s+(?=(?:{_ASKS})\b)|,\s+(?=(?:{_ASKS})\b)|"
    rf",\s+and\s+(?=(?:{_PREPOSITION})\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a question asks: `text` is what is asked, `topic` what it is about, empty if `text` says it."""

    text: str
    topic: str


def split_question(question: Standalone) -> list[Part]:
    """The parts of a question, in order; one if it asks for one thing.

    "What did A propose, and how did B react?" has two. "He" in a later part is the person of the one before; a part
    that says little itself ("and what at the July meeting?") has the whole question as its topic.
    """
    pieces = _pieces(question.core)
    if len(pieces) < 2:
        return [Part(question.core, question.topic)]
    parts = [pieces[0]]
    for piece in pieces[1:]:
        parts.append(make_standalone(_with_head(piece, parts[-1]), [Turn(parts[-1], "")]).core)
    return [Part(part, question.topic if _says_enough(part) else question.text) for part in parts]


_OPENING = re.compile(rf"\W*(?:{_ASKS}|did|does|do|is|are|was|were|has|have|can|could|will|would)\b", re.I)


def _pieces(question: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for seam in _SEAM.finditer(question):
        piece, rest = question[start : seam.start()].strip(), question[seam.end() :]
        if len(pieces) == MAX_PARTS - 1:
            break
        # A comma before "which" or "who" mostly begins a relative clause, not a question.
        if seam.group().strip() == "," and not question[start:].lower().startswith(("when", "where", "who", "what")):
            continue
        if len(analyse_question(piece).terms) >= MIN_TERMS and _is_question(piece) and _has_content(rest):
            pieces.append(piece)
            start = seam.end()
    pieces.append(question[start:].strip())
    return pieces


def _is_question(piece: str) -> bool:
    return _OPENING.match(piece) is not None


def _with_head(piece: str, before: str) -> str:
    """A part that begins with a preposition, behind what the part before it has in front of the same one.

    "What did A say about B, and about C?": the second part is "What did A say about C?".
    """
    preposition = re.match(_PREPOSITION, piece, re.IGNORECASE)
    if preposition is None:
        return piece
    same = re.search(rf"\s{preposition.group()}\s", before, re.IGNORECASE)
    return piece if same is None else f"{before[: same.start()]} {piece}"


def _says_enough(part: str) -> bool:
    profile = analyse_question(part)
    return len(profile.terms) >= ENOUGH_TERMS and bool(profile.names)


def _has_content(rest: str) -> bool:
    return bool(analyse_question(rest).terms)
