"""The forward pass of a small BERT encoder in PyTorch, for long runs on a processor without a GPU.

sentence-transformers pads the texts of a batch and lets all cores work at each step of it together, so that they wait
for each other some hundred times a batch. Here nothing is padded, and each core takes a batch of its own.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from index.bert_weights import EPSILON, HEADS, BertWeights, Linear

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

MOST_WORKERS = 16
"""Batches worked on at once: the steps of more would wait for Python's lock, of which each takes a few thousandths."""


ROWS = 32
"""In `bf16`, tokens are filled up to a multiple of this: oneDNN prepares itself for every number of rows that it has
not seen, which took a sixth of the time of batches of all sizes, and 5 MB each."""


class TorchBert:
    """The encoder in PyTorch, in `fp32` or `bf16` numbers; what it gives is in single precision either way.

    Calls from several threads are independent of each other; each works with the threads that PyTorch gives it there.
    """

    def __init__(self, weights: BertWeights, precision: str) -> None:
        import torch

        kind = torch.bfloat16 if precision == "bf16" else torch.float32

        def linear(pair: Linear) -> "tuple[torch.Tensor, torch.Tensor]":
            return torch.from_numpy(pair[0]).to(kind), torch.from_numpy(pair[1]).to(kind)

        self.precision = precision
        self._weights = weights
        self._kind = kind
        self._rows = ROWS if precision == "bf16" else 1
        self._norm = linear(weights.norm)
        self._layers = [
            [linear(pair) for pair in (one.attend, one.join, one.join_norm, one.widen, one.narrow, one.narrow_norm)]
            for one in weights.layers
        ]
        self.workers = min(torch.get_num_threads(), MOST_WORKERS)
        """Batches that it is best given at once, each in a thread that has called `work_alone`."""

    def __call__(
        self, texts: "Sequence[NDArray[np.int64]]", seconds: Sequence[int] | None = None
    ) -> "NDArray[np.float32]":
        """The same as `NumpyBert` gives: the last layer's vectors of all tokens, shape (tokens, dimension)."""
        import torch
        from torch.nn.functional import gelu, linear, pad

        lengths = [len(ids) for ids in texts]
        count = sum(lengths)
        with torch.inference_mode():
            embedded = torch.from_numpy(self._weights.embedded(texts, seconds))
            filled = pad(embedded.to(self._kind), (0, 0, 0, -count % self._rows))
            vectors = _normalised(filled, self._norm)
            for attend, join, join_norm, widen, narrow, narrow_norm in self._layers:
                taken = _attention(linear(vectors, *attend), lengths)
                vectors = _normalised(linear(taken, *join) + vectors, join_norm)
                vectors = _normalised(linear(gelu(linear(vectors, *widen)), *narrow) + vectors, narrow_norm)
            found: NDArray[np.float32] = vectors[:count].float().numpy()
        return found


def _attention(mapped: "torch.Tensor", lengths: Sequence[int]) -> "torch.Tensor":
    """What every token takes from those of its own text; texts of equal length that follow each other go together.
    Rows behind the last text take nothing."""
    from torch.nn.functional import scaled_dot_product_attention

    dimension = mapped.shape[1] // 3
    taken, at = mapped.new_zeros(len(mapped), dimension), 0
    for length, same in groupby(lengths):
        end = at + length * sum(1 for _ in same)
        own = mapped[at:end].view(-1, length, 3, HEADS, dimension // HEADS)
        query, key, value = own.permute(2, 0, 3, 1, 4)
        found = scaled_dot_product_attention(query, key, value)
        taken[at:end].view(-1, length, HEADS, dimension // HEADS).copy_(found.transpose(1, 2))
        at = end
    return taken


def _normalised(vectors: "torch.Tensor", by: "tuple[Any, Any]") -> "torch.Tensor":
    from torch.nn.functional import layer_norm

    return layer_norm(vectors, (vectors.shape[1],), *by, eps=EPSILON)


def work_alone(threads: int) -> None:
    """Lets PyTorch use so many threads for what the calling thread asks of it. What other threads ask is unaffected,
    if one of them calls `torch.set_num_threads` with the number from before afterwards."""
    import torch

    torch.get_num_threads()  # at its first use in a thread PyTorch sets the number that all have
    torch.set_num_threads(threads)
