"""What a reader says of a question and passages: where the answer is, if it is there, and which passage answers best.

A reader is a model that reads the question and a passage together. `rag.reader` has the one that ships with Dateline,
`rag.span_models` those of the transformers library.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from index.passages import context_length, encoder_input
from index.types import Hit, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_ANSWER_TOKENS = 30
"""Most tokens of a short answer; a longer one is a sentence, which is cited in any case."""

PER_TOKEN = 0.05
"""What each further token of a span takes from its score where the best is chosen: first and last are told one by one,
which makes spans from one candidate to the next too likely. F1 on XQuAD is .696, .691 without it and .682 at .1."""


@dataclass(frozen=True, slots=True)
class Text:
    """A passage as a reader is given it: `context`, its title and headings, which no answer is taken from, and `text`.

    `context` may be empty."""

    context: str
    text: str

    @classmethod
    def of(cls, hit: Hit) -> "Text":
        """The text of a hit's passage."""
        before = context_length(hit.passage)
        return cls(encoder_input(hit.passage)[:before].strip(), hit.passage.text)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a reader says of one passage.

    Token i is the characters `[starts[i], ends[i])` of the passage's text; `first[i]` and `last[i]` are the logarithms
    of the probabilities that the answer begins and ends with it, all of shape (n,). `none` is the sum of those of the
    passage not holding it. `answered` are the log-odds that the passage answers the question, `relevance` is its
    score beside the other passages of the same question: higher is better, of no certain range.
    """

    starts: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"
    first: "NDArray[np.float32]"
    last: "NDArray[np.float32]"
    none: float
    answered: float
    relevance: float

    @property
    def probability(self) -> float:
        """That the passage answers the question, 0..1."""
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.answered))))

    def best(self, within: Span) -> "FoundSpan | None":
        """The likeliest answer of at most `MAX_ANSWER_TOKENS` whose tokens begin in those characters of the passage's
        text; `None` if no token does."""
        import numpy as np

        own = np.flatnonzero((self.starts >= within.start) & (self.starts < within.end))
        if not len(own):
            return None
        scores = self.first[own][:, None] + self.last[own][None, :]
        length = np.arange(len(own))[None, :] - np.arange(len(own))[:, None]
        chosen = np.where((length >= 0) & (length < MAX_ANSWER_TOKENS), scores - PER_TOKEN * length, -np.inf)
        first, last = divmod(int(chosen.argmax()), len(own))
        begin, end = int(self.starts[own[first]]), min(int(self.ends[own[last]]), within.end)
        return FoundSpan(Span(begin, end), float(scores[first, last]))

    def share(self, within: Span) -> float:
        """Probability, 0..1, that the answer begins within those characters of the passage's text."""
        import numpy as np

        own = (self.starts >= within.start) & (self.starts < within.end)
        return float(np.exp(self.first[own]).sum())


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """Characters of a passage's text, and the logarithm of the probability that they are the answer."""

    span: Span
    score: float


class Reader(Protocol):
    """Reads a question together with passages. `name` and `digest` identify it in the manifest of a run."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """What it says of each text; that of one does not depend on the others. Raises `ModelError` if it cannot be
        run. Several threads may call it."""
        ...


class Readings:
    """What a reader says of passages for one question, each read once."""

    def __init__(self, reader: Reader, question: str) -> None:
        self._reader = reader
        self._question = question
        self._known: dict[str, Reading] = {}

    def of(self, hits: Sequence[Hit]) -> dict[str, Reading]:
        """The reading of each hit's passage, by `passage_id`. Raises `ModelError` if the reader cannot be run."""
        wanted = {hit.passage.passage_id: hit for hit in hits}
        new = {name: hit for name, hit in wanted.items() if name not in self._known}
        if new:
            read = self._reader.read(self._question, [Text.of(hit) for hit in new.values()])
            self._known.update(zip(new, read, strict=True))
        return {name: self._known[name] for name in wanted}


def merged(
    parts: Sequence[tuple[int, "NDArray[np.float32]", "NDArray[np.float32]"]], count: int
) -> "tuple[NDArray[np.float32], NDArray[np.float32], float]":
    """Logarithms of the probabilities of a text's `count` tokens as first and last of the answer, and of there being
    none, from what a model says of the windows of it that it read.

    A window is the number of its first token in the text, its tokens' scores as first and last, shape (n, 2), and those
    of there being no answer, shape (2,). A token that several windows have gets the best of its scores; that there is
    none counts as in the window where it is least likely (Devlin et al., NAACL 2019, of SQuAD 2.0).
    """
    import numpy as np

    scores = np.full((count + 1, 2), -np.inf, dtype=np.float64)
    scores[count] = np.inf
    for begin, tokens, none in parts:
        own = scores[begin : begin + len(tokens)]
        np.maximum(own, tokens, out=own)
        if none.sum() < scores[count].sum():
            scores[count] = none
    highest = scores.max(axis=0)
    scores -= highest + np.log(np.exp(scores - highest).sum(axis=0))
    found = scores.astype(np.float32)
    return found[:count, 0], found[:count, 1], float(found[count].sum())


def windows(count: int, most: int) -> list[tuple[int, int]]:
    """First and end of the windows of at most `most` of `count` tokens, each beginning in the middle of the last."""
    found = [(0, min(count, most))]
    while found[-1][1] < count:
        begin = found[-1][0] + max(1, most // 2)
        found.append((begin, min(count, begin + most)))
    return found
