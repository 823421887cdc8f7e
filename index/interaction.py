"""Late interaction: a question's tokens against each token of a passage, in vectors that are small enough to keep.

The encoder gives every token a vector with its context in it. A projection, fitted once for the default encoder by
`eval/benchmarks/fit_interaction.py`, takes them to 32 numbers, of which a passage keeps one byte each. Each token of a
question looks for its best match among the tokens of a sentence, and the matches add up, each with the weight of its
token: the MaxSim of ColBERT (Khattab and Zaharia, SIGIR 2020, https://arxiv.org/abs/2004.12832) over compressed vectors
of an encoder that is left as it is.

Another encoder has no projection; its vectors are used as they are, every token of a question counts alike, and
nothing is kept of a passage, so that its tokens are encoded when a question needs them.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from index.one_core import ONE_CORE
from index.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index.encoder import TokenVectors

SCALE = 127.0
"""A number of a unit vector, -1..1, times this is the byte that is kept of it."""

EDGE_BYTES = 4
"""Bytes that a kept token takes beside its vector: where it begins and ends in the passage, two each."""

CHECKSUM_BYTES = 4
"""Bytes of the checksum behind the tokens of a passage."""

NO_MATCH = 0.0
"""What stands for the match of words of which no token is known, as behind the end of what an encoder reads."""


@dataclass(frozen=True, slots=True)
class TextMatch:
    """How well the words of a sentence or a passage match a question, each -1..1; higher is better.

    `weighted` is the mean over the question's tokens of the best match of each, by the tokens' weights; `plain` the
    mean in which all count alike; `least` the mean over the worst third of them by weight.
    """

    weighted: float
    plain: float
    least: float


@dataclass(frozen=True, slots=True)
class PassageMatch:
    """The match of a passage as a whole, and of each of the spans of it that were asked for."""

    whole: TextMatch
    spans: tuple[TextMatch, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PassageTokens:
    """The tokens of a passage's text: `vectors`, shape (n, size), each of unit length, and the characters
    `[starts[i], ends[i])` of the passage that token i stands for."""

    vectors: "NDArray[np.float32]"
    starts: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"

    def to_bytes(self) -> bytes:
        """One byte a number, then the edges, then a checksum (CRC-32); `from_bytes` reads it."""
        import numpy as np

        edges = np.stack([self.starts, self.ends]).astype("<u2")
        kept: bytes = np.rint(self.vectors * SCALE).astype(np.int8).tobytes() + edges.tobytes()
        return kept + zlib.crc32(kept).to_bytes(CHECKSUM_BYTES, "little")

    @classmethod
    def from_bytes(cls, kept: bytes, size: int) -> "PassageTokens | None":
        """What `to_bytes` wrote, of vectors of `size` numbers; they are as exact as a byte is. `None` if it is not what
        was written."""
        import numpy as np

        if not is_sound(kept, size):
            return None
        count = (len(kept) - CHECKSUM_BYTES) // (size + EDGE_BYTES)
        vectors = np.frombuffer(kept, dtype=np.int8, count=count * size).reshape(count, size)
        starts, ends = (
            np.frombuffer(kept, dtype="<u2", count=2 * count, offset=count * size).reshape(2, count).astype(np.int64)
        )
        return cls(vectors.astype(np.float32) / SCALE, starts, ends)


def is_sound(kept: bytes, size: int) -> bool:
    """True if the bytes are those that `PassageTokens.to_bytes` writes for vectors of `size` numbers."""
    length = len(kept) - CHECKSUM_BYTES
    if length < 0 or length % (size + EDGE_BYTES):
        return False
    view = memoryview(kept)
    return zlib.crc32(view[:length]) == int.from_bytes(view[length:], "little")


@dataclass(frozen=True, slots=True, eq=False)
class QuestionTokens:
    """A question's tokens: `vectors`, shape (m, size), of unit length, and `weights`, shape (m,), that add up to 1."""

    vectors: "NDArray[np.float32]"
    weights: "NDArray[np.float32]"


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Takes an encoder's token vectors to the ones that are compared.

    `passage` and `question` have shape (size, dimension), their biases (size,); `gate`, shape (dimension,), and its
    bias give the weight of a question's token.
    """

    passage: "NDArray[np.float32]"
    passage_bias: "NDArray[np.float32]"
    question: "NDArray[np.float32]"
    question_bias: "NDArray[np.float32]"
    gate: "NDArray[np.float32]"
    gate_bias: float

    @property
    def size(self) -> int:
        return int(self.passage.shape[0])

    def of_passage(self, read: "TokenVectors", skip: int) -> PassageTokens:
        """The tokens of a passage that was read behind `skip` characters of context, without those of the context."""
        own = read.starts >= skip
        with ONE_CORE:  # the encoder is at work on all of them
            projected = read.tokens[own] @ self.passage.T
        vectors = _unit(projected + self.passage_bias)
        return PassageTokens(vectors, read.starts[own] - skip, read.ends[own] - skip)

    def of_question(self, read: "TokenVectors") -> QuestionTokens:
        """The tokens of a question with their weights."""
        import numpy as np

        weights = np.logaddexp(0.0, read.tokens @ self.gate + self.gate_bias).astype(np.float32)
        return QuestionTokens(
            _unit(read.tokens @ self.question.T + self.question_bias), weights / max(float(weights.sum()), 1e-9)
        )


@lru_cache(maxsize=4)
def projection_of(encoder_digest: str) -> Projection | None:
    """The projection that was fitted for the encoder with weights of that digest, `None` if there is none."""
    import numpy as np

    with np.load(Path(__file__).parent / "interaction.npz", allow_pickle=False) as stored:
        if str(stored["encoder"]) != encoder_digest:
            return None
        arrays = {name: stored[name].astype(np.float32) for name in stored.files if name != "encoder"}
    gate_bias = float(arrays.pop("gate_bias"))
    return Projection(gate_bias=gate_bias, **arrays)


def passage_tokens(read: "TokenVectors", skip: int, projection: Projection | None) -> PassageTokens:
    """A passage's tokens by a projection, or as the encoder gives them where there is none; see `of_passage`."""
    if projection is not None:
        return projection.of_passage(read, skip)
    own = read.starts >= skip
    return PassageTokens(read.tokens[own], read.starts[own] - skip, read.ends[own] - skip)


def question_tokens(read: "TokenVectors", projection: Projection | None) -> QuestionTokens:
    """A question's tokens by a projection, or as the encoder gives them where there is none."""
    import numpy as np

    if projection is not None:
        return projection.of_question(read)
    count = len(read.tokens)
    return QuestionTokens(read.tokens, np.full(count, 1.0 / max(count, 1), dtype=np.float32))


def nearest_tokens(text: "TokenVectors", spans: Sequence[Span], others: "Sequence[TokenVectors]") -> list[float]:
    """For each span of a text the mean over its tokens of the best cosine with a token of the others, -1..1.

    `NO_MATCH` for a span that holds no token, as behind the end of what the encoder reads. This is the recall of
    BERTScore (Zhang et al., ICLR 2020, https://arxiv.org/abs/1904.09675) word by word.
    """
    import numpy as np

    tokens = np.concatenate([other.tokens for other in others])
    if not len(tokens) or not len(text.tokens):
        return [NO_MATCH] * len(spans)
    best = (text.tokens @ tokens.T).max(axis=1)
    found = []
    for span in spans:
        own = best[(text.starts < span.end) & (text.ends > span.start)]
        found.append(float(own.mean()) if len(own) else NO_MATCH)
    return found


def _unit(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit
