"""A question's tokens against those of many passages at once; see `index.interaction` for what is compared.

One matrix product has every pair of a token of the question and one of a passage; the best of each span is the maximum
over neighbouring columns. A loop over passages and spans gives the same numbers at ten times the price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from index.interaction import (
    CHECKSUM_BYTES,
    EDGE_BYTES,
    NO_MATCH,
    SCALE,
    PassageMatch,
    PassageTokens,
    QuestionTokens,
    TextMatch,
    is_sound,
)
from index.one_core import ONE_CORE
from index.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SentenceMatch:
    """`TextMatch.weighted` of a passage as a whole, and of that of its sentences that has the highest, `NO_MATCH` if it
    has none."""

    whole: float
    best: float


_PASSAGE_STEP = 1 << 40
"""What is added to a token's place for each passage before its own, so that the places of all are in one order."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenBlock:
    """The tokens of some passages, one passage behind the other.

    `vectors` has shape (n, size). `places`, shape (n,), ascends: the character of its passage that a token begins at,
    plus `_PASSAGE_STEP` for each passage before. `edges`, one more than there are passages, are where each begins.
    """

    vectors: "NDArray[np.float32]"
    places: "NDArray[np.int64]"
    edges: "NDArray[np.int64]"

    @classmethod
    def of(cls, passages: Sequence[PassageTokens]) -> "TokenBlock":
        """The tokens of one or more passages."""
        import numpy as np

        return cls._ordered(
            np.concatenate([tokens.vectors for tokens in passages]),
            np.concatenate([tokens.starts for tokens in passages]),
            [len(tokens.starts) for tokens in passages],
        )

    @classmethod
    def from_kept(cls, passages: Sequence[bytes], size: int) -> "TokenBlock | None":
        """What `PassageTokens.to_bytes` wrote of each passage, as `PassageTokens.from_bytes` reads it; `None` if that
        of any passage is damaged."""
        import numpy as np

        counts, vectors, starts = [], [], []
        for kept in passages:
            if not is_sound(kept, size):
                return None
            count = (len(kept) - CHECKSUM_BYTES) // (size + EDGE_BYTES)
            view, edges = memoryview(kept), count * size
            counts.append(count)
            vectors.append(view[:edges])
            starts.append(view[edges : edges + count * EDGE_BYTES // 2])
        numbers = np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(-1, size).astype(np.float32)
        numbers /= SCALE
        return cls._ordered(numbers, np.frombuffer(b"".join(starts), dtype="<u2"), counts)

    @classmethod
    def _ordered(
        cls, vectors: "NDArray[np.float32]", starts: "NDArray[np.integer]", counts: Sequence[int]
    ) -> "TokenBlock":
        import numpy as np

        edges = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        places = starts.astype(np.int64) + np.repeat(np.arange(len(counts), dtype=np.int64) * _PASSAGE_STEP, counts)
        if (np.diff(places) < 0).any():
            order = np.argsort(places, kind="stable")
            vectors, places = vectors[order], places[order]
        return cls(vectors, places, edges)

    def ranges(
        self, owners: "NDArray[np.int64]", starts: "NDArray[np.int64]", ends: "NDArray[np.int64]"
    ) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
        """The first token and the one behind the last of spans `[starts[i], ends[i])` of the passages `owners[i]`; a
        token belongs to the span that it begins in."""
        import numpy as np

        before = owners * _PASSAGE_STEP
        first, last = (
            np.searchsorted(self.places, before + np.clip(edge, 0, _PASSAGE_STEP - 1)) for edge in (starts, ends)
        )
        return first, last


def match_passages(question: QuestionTokens, tokens: TokenBlock, spans: Sequence[Sequence[Span]]) -> list[PassageMatch]:
    """How well each passage and the `spans` of it match. Spans count from the beginning of their passage."""
    import numpy as np

    similar = _similarities(question, tokens)
    counts = [len(some) for some in spans]
    edges = np.array([(span.start, span.end) for some in spans for span in some], dtype=np.int64).reshape(-1, 2)
    ranges = tokens.ranges(np.repeat(np.arange(len(counts)), counts), edges[:, 0], edges[:, 1])
    whole = _text_matches(question, similar, tokens.edges[:-1], tokens.edges[1:])
    parts = iter(_text_matches(question, similar, *ranges))
    return [PassageMatch(match, tuple(next(parts) for _ in some)) for match, some in zip(whole, spans, strict=True)]


def match_passage(question: QuestionTokens, tokens: PassageTokens, spans: Sequence[Span]) -> PassageMatch:
    """`match_passages` for one."""
    (match,) = match_passages(question, TokenBlock.of([tokens]), [spans])
    return match


def best_sentences(
    question: QuestionTokens,
    tokens: TokenBlock,
    sentences: Sequence[tuple[Sequence[int], Sequence[int]]],
    offsets: Sequence[int],
) -> list[SentenceMatch]:
    """How well each passage and the best sentence of it match; `sentences` are the starts and ends of those of each
    passage, in characters of the article, in which the passage begins at its number of `offsets`."""
    import numpy as np

    similar = _similarities(question, tokens)
    counts = [len(starts) for starts, _ in sentences]
    owners = np.repeat(np.arange(len(counts)), counts)
    before = np.repeat(np.asarray(offsets, dtype=np.int64), counts)
    starts, ends = (
        np.fromiter(chain.from_iterable(edges), dtype=np.int64, count=len(owners)) - before
        for edges in zip(*sentences, strict=True)
    )
    whole = _weighted(question, _best(similar, tokens.edges[:-1], tokens.edges[1:])).tolist()
    parts = iter(_weighted(question, _best(similar, *tokens.ranges(owners, starts, ends))).tolist())
    return [
        SentenceMatch(match, max(islice(parts, count), default=NO_MATCH))
        for match, count in zip(whole, counts, strict=True)
    ]


def _similarities(question: QuestionTokens, tokens: TokenBlock) -> "NDArray[np.float32]":
    """The cosine of each token of the question with each of the passages, shape (m, n + 1): behind them `NO_MATCH`."""
    import numpy as np

    similar = np.empty((len(question.vectors), len(tokens.vectors) + 1), dtype=np.float32)
    with ONE_CORE:
        np.matmul(question.vectors, tokens.vectors.T, out=similar[:, :-1])
    similar[:, -1] = NO_MATCH
    return similar


def _best(
    similar: "NDArray[np.float32]", first: "NDArray[np.int64]", last: "NDArray[np.int64]"
) -> "NDArray[np.float32]":
    """Of each range of tokens the best match of each token of the question, shape (m, ranges); `NO_MATCH` where a range
    is empty, as its weighted sum is then."""
    import numpy as np

    # Maxima are taken from each edge to the next one: every second is that of a range, the others lie between two.
    edges = np.stack([first, last], axis=1).ravel()
    best: NDArray[np.float32] = np.maximum.reduceat(similar, edges, axis=1)[:, ::2] if len(edges) else similar[:, :0]
    return np.where(first < last, best, np.float32(NO_MATCH))


def _weighted(question: QuestionTokens, best: "NDArray[np.float32]") -> "NDArray[np.float32]":
    weighted: NDArray[np.float32] = question.weights @ best
    return weighted


def _text_matches(
    question: QuestionTokens,
    similar: "NDArray[np.float32]",
    first: "NDArray[np.int64]",
    last: "NDArray[np.int64]",
) -> list[TextMatch]:
    if not len(question.weights):
        return [TextMatch(NO_MATCH, NO_MATCH, NO_MATCH)] * len(first)
    best = _best(similar, first, last)
    found = (_weighted(question, best), best.mean(axis=0), _least(best, question.weights))
    return [TextMatch(*values) for values in zip(*(one.tolist() for one in found), strict=True)]


def _least(best: "NDArray[np.float32]", weights: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Weighted mean, in each column, of the worst matches that together have a third of the weight."""
    import numpy as np

    order = np.argsort(best, axis=0, kind="stable")
    sorted_weights = weights[order]
    before = np.cumsum(sorted_weights, axis=0) - sorted_weights
    share = np.clip(1 / 3 - before, 0.0, sorted_weights)
    total = share.sum(axis=0)
    worst = (np.take_along_axis(best, order, axis=0) * share).sum(axis=0)
    least: NDArray[np.float32] = np.where(total > 0, worst / np.where(total > 0, total, 1), best.mean(axis=0))
    return least
