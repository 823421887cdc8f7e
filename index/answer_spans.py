"""The words of a sentence that are most likely the short answer to a question, from the tokens that a passage keeps.

A small convolutional network reads the tokens of one sentence, each as the 32 numbers that `index.interaction` keeps of
it and what its letters show, together with the question, and gives each token a score as the first and as the last of
the answer. It was fitted by `eval/benchmarks/fit_interaction.py` on the default encoder, which stays as it is. Two
layers over five tokens each see what stands in front of and behind a name or a number, and no more.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from index.interaction import PassageTokens, Projection
from index.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index.encoder import TokenVectors

MAX_ANSWER_TOKENS = 24
"""Longest short answer, in tokens. Of the answers that the network was fitted on, 97% are shorter."""

TOKEN_WEIGHT = 4.0
QUESTION_WEIGHT = 8.0
"""What the numbers of tokens are multiplied by, so that they are about as large as the other features."""

_KINDS = (
    r"\bwho(?:m|se)?\b",
    r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b",
    r"\bwhere\b|\b(?:which|what) (?:city|country|place|state|town|region)\b",
    r"\bhow (?:many|much|long|often|far|high|large|old)\b|\bwhat (?:number|percent|amount|share)",
    r"\bwhy\b|\bwhat (?:caused|reason)|\bpurpose\b",
    r"\bwhich\b",
    r"\bhow\b",
    r"\bwhat\b",
)
KINDS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _KINDS)
"""What a question asks for, by its words; the first that is found counts."""

_MONTH = re.compile(
    "january|february|march|april|may|june|july|august|september|october|november|december", re.IGNORECASE
)
_NUMBER_WORD = re.compile(
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|million|billion|"
    "dozen|half|percent",
    re.IGNORECASE,
)
_PUNCTUATION = frozenset(".,?!;:()'\"“”‘’-–—[]")
_FUNCTION_WORDS = (
    frozenset(
        (
            "the a an of in on at to for by with and or is was were are be been did do does what who when where which "
            "how why many much s"
        ).split()
    )
    | _PUNCTUATION
)

FEATURES = 13 + len(KINDS)
"""Numbers that describe a token besides its vector."""


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A span of the article's text, and how likely it is the answer given that its sentence holds it, 0..1."""

    span: Span
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class SpanModel:
    """The network's arrays by name, as `fit_interaction.py` stores them."""

    arrays: "dict[str, NDArray[np.float32]]"

    def logits(
        self,
        tokens: "NDArray[np.float32]",
        features: "NDArray[np.float32]",
        question: "NDArray[np.float32]",
    ) -> "NDArray[np.float32]":
        """Scores of each token as first and as last of the answer, shape (n, 2).

        `tokens` has shape (n, size), `features` (n, FEATURES), `question` (m, dimension), as the encoder gives it.
        """
        import numpy as np

        arrays = self.arrays
        asked = question * QUESTION_WEIGHT
        attention = asked @ arrays["attention"].T + arrays["attention_bias"]
        attention = np.exp(attention - attention.max(axis=0))
        pooled = ((attention / attention.sum(axis=0)).T @ asked).reshape(-1)
        wanted = pooled @ arrays["question"].T + arrays["question_bias"]
        own = tokens * TOKEN_WEIGHT
        state = np.hstack([own, own * wanted, np.tile(wanted, (len(own), 1)), features])
        state = np.maximum(state @ arrays["input"].T + arrays["input_bias"], 0)
        for name in ("first", "second"):
            state = state + np.maximum(_convolve(state, arrays[name], arrays[f"{name}_bias"]), 0)
        scores: NDArray[np.float32] = state @ arrays["output"].T + arrays["output_bias"]
        return scores


@lru_cache(maxsize=4)
def span_model_of(encoder_digest: str) -> SpanModel | None:
    """The network that was fitted for the encoder with weights of that digest, `None` if there is none."""
    import numpy as np

    with np.load(Path(__file__).parent / "answer_spans.npz", allow_pickle=False) as stored:
        if str(stored["encoder"]) != encoder_digest:
            return None
        return SpanModel({name: stored[name].astype(np.float32) for name in stored.files if name != "encoder"})


def token_features(
    text: str,
    tokens: PassageTokens,
    question: str,
    read: "TokenVectors",
    projection: Projection,
) -> "NDArray[np.float32]":
    """What describes the tokens of one sentence besides their vectors, shape (n, FEATURES).

    `tokens` are those of the sentence, with places in `text`; `read` is the question as the encoder reads it.
    """
    import numpy as np

    asked = {question[start:end].lower() for start, end in zip(read.starts, read.ends, strict=True)} - _FUNCTION_WORDS
    kind = next((number for number, pattern in enumerate(KINDS) if pattern.search(question)), None)
    words = [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    found = np.zeros((len(words), FEATURES), dtype=np.float32)
    if not len(words):
        return found
    similar = tokens.vectors @ projection.of_question(read).vectors.T
    found[:, 0] = 2 * similar.max(axis=1) if similar.shape[1] else 0
    matched = np.array([word.lower() in asked for word in words])
    found[:, 1] = matched
    found[:, 2] = [word in _PUNCTUATION for word in words]
    found[:, 3] = [word.lower() in _FUNCTION_WORDS for word in words]
    if matched.any():
        places = np.flatnonzero(matched)
        found[:, 4] = 1 / (1 + np.abs(np.arange(len(words))[:, None] - places[None]).min(axis=1))
    found[:, 5] = matched.sum() / max(1, len(asked))
    for row, (word, start) in enumerate(zip(words, tokens.starts.tolist(), strict=True)):
        before = text[max(0, start - 2) : start]
        found[row, 6:13] = (
            word[:1].isupper(),
            word[:1].isdigit(),
            _MONTH.fullmatch(word) is not None,
            _NUMBER_WORD.fullmatch(word) is not None,
            not before[-1:].isalnum(),
            before[-1:] == " " and before[:1] in ",;:(",
            before[-1:] in ("“", '"', "("),
        )
    if kind is not None:
        found[:, 13 + kind] = 1
    return found


def best_span(logits: "NDArray[np.float32]") -> tuple[int, int, float]:
    """First and last token of the best answer of at most `MAX_ANSWER_TOKENS`, and its probability among all."""
    import numpy as np

    count = len(logits)
    scores = logits[:, 0][:, None] + logits[:, 1][None, :]
    places = np.arange(count)
    length = places[None, :] - places[:, None]
    scores = np.where((length >= 0) & (length < MAX_ANSWER_TOKENS), scores, -np.inf)
    best = int(scores.argmax())
    share = 1 / float(np.exp(scores - scores.max()).sum())
    return best // count, best % count, share


def find_answer(
    model: SpanModel,
    projection: Projection,
    question: str,
    read: "TokenVectors",
    text: str,
    tokens: PassageTokens,
    sentence: Span,
) -> ShortAnswer | None:
    """The short answer in a sentence of a passage's `text`, places as in it; `None` if no token of it is known."""
    import numpy as np

    own = np.flatnonzero((tokens.starts >= sentence.start) & (tokens.starts < sentence.end))
    if not len(own) or not len(read.tokens):
        return None
    inside = PassageTokens(tokens.vectors[own], tokens.starts[own], tokens.ends[own])
    features = token_features(text, inside, question, read, projection)
    first, last, probability = best_span(model.logits(inside.vectors, features, read.tokens))
    return ShortAnswer(Span(int(inside.starts[first]), int(inside.ends[last])), probability)


def _convolve(
    state: "NDArray[np.float32]", weights: "NDArray[np.float32]", bias: "NDArray[np.float32]"
) -> "NDArray[np.float32]":
    """A convolution along the tokens, as wide as the last axis of `weights`, shape (out, in, width), zeros around."""
    import numpy as np

    width = weights.shape[2]
    padded = np.pad(state, ((width // 2, width // 2), (0, 0)))
    total: NDArray[np.float32] = sum(
        (padded[shift : shift + len(state)] @ weights[:, :, shift].T for shift in range(width)),
        start=np.zeros((len(state), weights.shape[0]), dtype=np.float32),
    )
    return total + bias
