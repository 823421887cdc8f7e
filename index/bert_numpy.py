"""The forward pass of a small BERT encoder in NumPy, for a question or a few passages.

It is there before PyTorch is imported, which takes from one to three seconds. A long run is faster in PyTorch
(`index.bert_torch`), whose GELU, softmax and norms take a third of the time that they take here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from index.bert_weights import EPSILON, HEADS, BertWeights, Linear
from index.one_core import ONE_CORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GELU_TERMS = (
    1.59576854,
    0.0726682983,
    -6.60534859e-05,
    -0.000110546748,
    7.94813808e-06,
    -2.67566184e-07,
    3.62784973e-09,
)
"""Polynomial in x^2 that log(p / (1 - p)) / x is near to, p being the share of the normal distribution below x, up to
`GELU_LARGEST`. By least squares, weighted until the largest error of the GELU was least: 6.6e-8, 6e-7 in single
precision."""

GELU_LARGEST = 5.6
"""Beyond it p and 1 - p count as what they are there, 1e-8 from 0 and 1."""

ROWS_AT_A_TIME = 32
"""Rows of a GELU worked on at once, so that what lies between its steps (2 x 200 kB) stays in the processor's cache."""


FEW_TOKENS = 32
"""Tokens of a question up to which a product with a layer's weights is taken in parts of `PART_NUMBERS`."""

PART_NUMBERS = 32 * 384
"""Numbers of the weights in one such part: small enough for OpenBLAS to multiply them as they lie. It copies larger
ones first, which for a few tokens costs more than the product: 18 tokens took 4.1 instead of 8.7 ms for all layers, 30
tokens 6.9 instead of 12.9, 60 tokens 17.3 instead of 14.2 (one core with AVX-512)."""


class NumpyBert:
    """The encoder in NumPy, on one core. Calls from several threads take turns.

    NumPy's matrix products wait for each other by turning in circles, those of one call on several cores as those of
    several calls. On a machine that others use at the same time, a question took ten times as long on two cores as on
    one, and two batches at once five times as much of the processor as one behind the other.
    """

    workers = 1
    """Batches that it is best given at once."""

    def __init__(self, weights: BertWeights) -> None:
        self._weights = weights

    def __call__(
        self, texts: "Sequence[NDArray[np.int64]]", seconds: Sequence[int] | None = None
    ) -> "NDArray[np.float32]":
        """The last layer's vectors of all tokens of texts that are given by their ids, one text behind the other:
        shape (tokens, dimension). Nothing is padded, so no text has a part in what another gets. `seconds`: see
        `BertWeights.embedded`."""
        with ONE_CORE:
            return self.forward(texts, seconds)

    def forward(
        self, texts: "Sequence[NDArray[np.int64]]", seconds: Sequence[int] | None = None
    ) -> "NDArray[np.float32]":
        """The same for callers that are inside `ONE_CORE`, where several threads may call it at a time."""
        weights = self._weights
        lengths = [len(ids) for ids in texts]
        linear = _linear_in_parts if ONE_CORE.has_small_products and sum(lengths) <= FEW_TOKENS else _linear
        vectors = weights.embedded(texts, seconds)
        _normalise(vectors, weights.norm)
        for layer in weights.layers:
            attended = linear(_attention(linear(vectors, layer.attend), lengths), layer.join)
            attended += vectors
            _normalise(attended, layer.join_norm)
            wide = linear(attended, layer.widen)
            gelu(wide)
            vectors = linear(wide, layer.narrow)
            vectors += attended
            _normalise(vectors, layer.narrow_norm)
        return vectors


def _linear(vectors: "NDArray[np.float32]", by: Linear) -> "NDArray[np.float32]":
    mapped: NDArray[np.float32] = vectors @ by[0].T
    mapped += by[1]
    return mapped


def _linear_in_parts(vectors: "NDArray[np.float32]", by: Linear) -> "NDArray[np.float32]":
    """`_linear`, some outputs after the others."""
    outputs, inputs = by[0].shape
    parts = by[0].reshape(-1, PART_NUMBERS // inputs, inputs)
    mapped: NDArray[np.float32] = (vectors @ parts.transpose(0, 2, 1)).transpose(1, 0, 2).reshape(-1, outputs)
    mapped += by[1]
    return mapped


def _attention(mapped: "NDArray[np.float32]", lengths: Sequence[int]) -> "NDArray[np.float32]":
    """What every token takes from the tokens of its own text; `mapped` has queries, keys and values side by side."""
    import numpy as np

    dimension = mapped.shape[1] // 3
    size = dimension // HEADS
    taken = np.empty((len(mapped), dimension), dtype=np.float32)
    mapped[:, :dimension] *= size**-0.5
    at = 0
    for length in lengths:
        own = mapped[at : at + length].reshape(length, 3, HEADS, size).transpose(1, 2, 0, 3)
        shares = own[0] @ own[1].transpose(0, 2, 1)
        shares -= shares.max(axis=2, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=2, keepdims=True)
        taken[at : at + length].reshape(length, HEADS, size)[...] = (shares @ own[2]).transpose(1, 0, 2)
        at += length
    return taken


def _normalise(vectors: "NDArray[np.float32]", by: Linear) -> None:
    """Layer norm (Ba et al. 2016, https://arxiv.org/abs/1607.06450) of each row, in place."""
    import numpy as np

    vectors -= vectors.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", vectors, vectors) / vectors.shape[1]
    vectors /= np.sqrt(variance + EPSILON)[:, None]
    vectors *= by[0]
    vectors += by[1]


def gelu(vectors: "NDArray[np.float32]") -> None:
    """GELU (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415), in place and with an error below 1e-6.

    x times the normal distribution's share below x, which is taken as 1 / (1 + exp(-x P(x^2))), as `GELU_TERMS` has P.
    """
    import numpy as np

    with np.errstate(over="ignore"):  # where exp gives infinity, the result is 0, as it should be
        for first in range(0, len(vectors), ROWS_AT_A_TIME):
            own = vectors[first : first + ROWS_AT_A_TIME]
            square = np.minimum(own * own, GELU_LARGEST**2)
            power = square * GELU_TERMS[-1]
            for term in GELU_TERMS[-2:0:-1]:
                power += term
                power *= square
            power += GELU_TERMS[0]
            power *= own
            np.negative(power, out=power)
            np.exp(power, out=power)
            power += 1
            own /= power
