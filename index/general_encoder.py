"""Any encoder of the sentence-transformers library, on a GPU where PyTorch sees one."""

import copy
import hashlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from index.encoder import BATCH_SIZE, DEFAULT_ENCODER, LOADING_ERRORS, TokenVectors, first_line, interrupted_afterwards
from index.errors import EncoderError
from index.precision import Precision, precision_set

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS_AT_A_TIME = 64
"""Texts whose token vectors are in memory at once: 25 MB at 256 tokens of 384 numbers."""

GPU_BATCH_SIZE = 256
"""Texts encoded at a time on a GPU, and read at a time there: small batches leave most of it idle."""


class SentenceTransformerEncoder:
    """An encoder of the sentence-transformers library; see `Encoder`. One thread at a time encodes, while another may
    count tokens.

    It runs in `fp32` unless `precision` or `DATELINE_PRECISION` says `bf16`: what a model loses by it is not known
    beforehand.
    """

    def __init__(self, name: str, digest: str, model: Any, precision: Precision | None = None) -> None:
        self.name = name
        self.digest = digest
        self.precision: Precision = precision or precision_set() or "fp32"
        self._model = model.bfloat16() if self.precision == "bf16" else model
        self._tokenizer = model.tokenizer
        # The tokenizer keeps how it cuts texts off, so that counting, which does not, needs one of its own.
        self._counter = copy.deepcopy(model.tokenizer)
        self.dimension = int(model.get_embedding_dimension())
        self._limit = int(model.max_seq_length or self._tokenizer.model_max_length)
        self.max_tokens = self._limit - int(self._tokenizer.num_special_tokens_to_add(pair=False))
        on_processor = str(getattr(model, "device", "cpu")) == "cpu"
        self._batch = BATCH_SIZE if on_processor else GPU_BATCH_SIZE
        self._at_a_time = TEXTS_AT_A_TIME if on_processor else GPU_BATCH_SIZE
        self._encoding, self._counting = threading.Lock(), threading.Lock()

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """See `Encoder.encode`."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._encoding:
            found = self._model.encode(
                list(texts), batch_size=self._batch, show_progress_bar=False, convert_to_tensor=True
            )
        return _unit(found.float().cpu().numpy())

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """See `Encoder.encode_tokens`."""
        return [read for _, read in self.read(texts)]

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        """See `Encoder.read`."""
        for first in range(0, len(texts), self._at_a_time):
            yield from enumerate(self._read(list(texts[first : first + self._at_a_time])), start=first)

    def _read(self, texts: list[str]) -> list[TokenVectors]:
        import numpy as np

        with self._encoding:
            found = self._model.encode(texts, batch_size=self._batch, show_progress_bar=False, output_value=None)
            edges = self._tokenizer(
                texts,
                truncation=True,
                max_length=self._limit,
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
                verbose=False,
            )
        read = []
        for one, offsets, special in zip(found, edges["offset_mapping"], edges["special_tokens_mask"], strict=True):
            kept = np.flatnonzero(np.asarray(special) == 0)
            spans = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)[kept]
            tokens = _unit(one["token_embeddings"].float().cpu().numpy()[kept])
            (vector,) = _unit(one["sentence_embedding"].float().cpu().numpy()[None])
            read.append(TokenVectors(vector, tokens, spans[:, 0], spans[:, 1]))
        return read

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Encoder.count_tokens`."""
        if not texts:
            return []
        with self._counting:
            encoded = self._counter(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def load_model(name_or_folder: str, *, local: bool) -> Any:
    """The sentence-transformers model of a name or in a folder; with `local` no hub is asked. Raises `EncoderError`."""
    try:
        with interrupted_afterwards():
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()
            return SentenceTransformer(name_or_folder, local_files_only=local)
    except LOADING_ERRORS as error:
        raise EncoderError(
            f"The encoder {name_or_folder!r} could not be loaded: {first_line(error)} Give a sentence-transformers "
            f"model name or folder with --encoder, or leave it out for {DEFAULT_ENCODER!r}."
        ) from error


def sha256_of_model(model: Any) -> str:
    """Digest of all parameters by name, which is the same wherever the files lie and however they are split."""
    import torch

    digest = hashlib.sha256()
    for parameter, value in sorted(model.state_dict().items()):
        digest.update(parameter.encode())
        # As bytes, since NumPy has no numbers of 16 bits with an exponent of 8, in which some weights are stored.
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _unit(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The rows at unit length, in single precision whatever they were computed in."""
    import numpy as np

    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
