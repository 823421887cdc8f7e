"""The parameters of a small BERT encoder (Devlin et al., NAACL 2019, https://arxiv.org/abs/1810.04805) as arrays."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADS = 12
"""Attention heads of all-MiniLM-L6-v2, by its `config.json`."""

EPSILON = 1e-12
"""What its layer norms add to a variance, by the same."""

_NUMBERS = {"F32": "<f4", "F16": "<f2"}
"""NumPy's names of the formats of numbers that are read."""

Linear = tuple["NDArray[np.float32]", "NDArray[np.float32]"]
"""Weights, shape (out, in), and biases, shape (out,), of a linear map; or weights and biases, (n,), of a norm."""


@dataclass(frozen=True, slots=True, eq=False)
class BertLayer:
    """One layer: `attend` gives queries, keys and values, one behind the other; `join` is behind the attention, `widen`
    before and `narrow` behind the GELU."""

    attend: Linear
    join: Linear
    join_norm: Linear
    widen: Linear
    narrow: Linear
    narrow_norm: Linear


@dataclass(frozen=True, slots=True, eq=False)
class BertWeights:
    """All parameters: `words` has a row for each word piece, `places` one for each place in a text, the vector that
    marks a first or only text added to it; `second`, shape (dimension,), is what a second text's word pieces have more.
    """

    words: "NDArray[np.float32]"
    places: "NDArray[np.float32]"
    norm: Linear
    layers: tuple[BertLayer, ...]
    second: "NDArray[np.float32]"

    @classmethod
    def of(cls, tensors: "Mapping[str, NDArray[np.float32]]") -> "BertWeights":
        """The parameters by the names that they have in a `model.safetensors`. Most are used where they lie."""
        import numpy as np

        def linear(name: str) -> Linear:
            return tensors[f"{name}.weight"], tensors[f"{name}.bias"]

        def layer(name: str) -> BertLayer:
            parts = [linear(f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
            return BertLayer(
                attend=(np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])),
                join=linear(f"{name}.attention.output.dense"),
                join_norm=linear(f"{name}.attention.output.LayerNorm"),
                widen=linear(f"{name}.intermediate.dense"),
                narrow=linear(f"{name}.output.dense"),
                narrow_norm=linear(f"{name}.output.LayerNorm"),
            )

        layers: list[BertLayer] = []
        while f"encoder.layer.{len(layers)}.output.dense.weight" in tensors:
            layers.append(layer(f"encoder.layer.{len(layers)}"))
        first, second = tensors["embeddings.token_type_embeddings.weight"]
        return cls(
            words=tensors["embeddings.word_embeddings.weight"],
            places=tensors["embeddings.position_embeddings.weight"] + first,
            norm=linear("embeddings.LayerNorm"),
            layers=tuple(layers),
            second=second - first,
        )

    def embedded(self, texts: "Sequence[NDArray[np.int64]]", seconds: Sequence[int] | None) -> "NDArray[np.float32]":
        """What the first layer is given before its norm, shape (tokens, dimension): of texts by their ids, one behind
        the other. `seconds` has, for each that is two texts in one, the place where the second begins."""
        import numpy as np

        vectors = self.words[np.concatenate(texts)]
        vectors += np.concatenate([self.places[: len(ids)] for ids in texts])
        at = 0
        for ids, second in zip(texts, seconds or (), strict=seconds is not None):
            vectors[at + second : at + len(ids)] += self.second
            at += len(ids)
        return vectors


def read_tensors(file: memoryview) -> "dict[str, NDArray[np.float32]]":
    """The tensors of single and half precision in a safetensors file, in single precision, by name
    (https://github.com/huggingface/safetensors#format). The former are views of the bytes given: of a mapped file no
    more is read than is used."""
    import numpy as np

    begin = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(bytes(file[8:begin]))
    tensors = {}
    for name, about in header.items():
        if about.get("dtype") in _NUMBERS:
            first, end = about["data_offsets"]
            values = np.frombuffer(file[begin + first : begin + end], dtype=_NUMBERS[about["dtype"]])
            tensors[name] = values.reshape(about["shape"]).astype(np.float32, copy=False)
    return tensors
