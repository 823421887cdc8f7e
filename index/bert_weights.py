"""The parameters of a small BERT encoder (Devlin et al., NAACL 2019, https://arxiv.org/abs/1810.04805) as arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADS = 12
"""Attention heads of all-MiniLM-L6-v2, by its `config.json`."""

EPSILON = 1e-12
"""What its layer norms add to a variance, by the same."""

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
    marks a single text added to it."""

    words: "NDArray[np.float32]"
    places: "NDArray[np.float32]"
    norm: Linear
    layers: tuple[BertLayer, ...]

    @classmethod
    def load(cls, path: Path) -> "BertWeights":
        """The parameters in a `model.safetensors`, in single precision. The file is not checked."""
        import numpy as np
        from safetensors import safe_open

        with safe_open(path, framework="np") as file:
            names = set(file.keys())

            def read(name: str) -> "NDArray[np.float32]":
                found: NDArray[np.float32] = file.get_tensor(name)
                return found

            def linear(name: str) -> Linear:
                return read(f"{name}.weight"), read(f"{name}.bias")

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
            while f"encoder.layer.{len(layers)}.output.dense.weight" in names:
                layers.append(layer(f"encoder.layer.{len(layers)}"))
            return cls(
                words=read("embeddings.word_embeddings.weight"),
                places=read("embeddings.position_embeddings.weight")
                + read("embeddings.token_type_embeddings.weight")[0],
                norm=linear("embeddings.LayerNorm"),
                layers=tuple(layers),
            )
