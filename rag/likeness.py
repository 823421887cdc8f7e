"""How near the words of a statement come to the words cited for it, by the vectors of an encoder."""

import re
from collections.abc import Callable, Sequence

from index.encoder import Encoder
from index.types import Span
from rag.analysis import STOP_WORDS

Likeness = Callable[[str, Sequence[Span], Sequence[str]], Sequence[float]]
"""A text, spans of it and other texts → for each span its nearest words in the others, -1..1; see `Library.nearest`."""

_WORD = re.compile(r"\w+(?:[.,]\d+)*")


def encoder_likeness(encoder: Encoder) -> Likeness:
    """How near words are by an encoder that is at hand without a library."""
    from index.interaction import nearest_tokens

    def nearest(text: str, spans: Sequence[Span], others: Sequence[str]) -> Sequence[float]:
        read = encoder.encode_tokens([text, *others])
        return nearest_tokens(read[0], spans, read[1:])

    return nearest


def closeness(likeness: Likeness, statement: str, evidence: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The content words of a statement, each with how near the nearest words of the evidence are, -1..1."""
    words = [match for match in _WORD.finditer(statement) if match[0].lower() not in STOP_WORDS]
    if not words or not evidence:
        return ()
    values = likeness(statement, [Span(*match.span()) for match in words], evidence)
    return tuple((match[0], value) for match, value in zip(words, values, strict=True))
