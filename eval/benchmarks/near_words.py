"""Words and names that are of a kind: what a question can be altered with so that it stays one that people would ask.

How alike two are is the cosine of the encoder's own vectors of their word pieces, without their context. By it `France`
is nearer to `Germany` (0.45) than `founded` is to `built` (0.30); what is nearer than `MOST` is often the same thing
said otherwise.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.bert_weights import read_tensors
from index.word_pieces import WordPieces

LEAST, MOST = 0.22, 0.46
"""Range of the cosine of a word that stands in for another."""

LEAST_NAMES, MOST_NAMES = 0.12, 0.6
"""The same of names, which are seldom two of one thing."""

ENDINGS = ("ing", "ed", "ly", "s", "er", "est")
"""A word that stands in for another has its ending, so that it mostly is of its part of speech."""

SAME_STEM = 4
"""Letters that a word must not begin with if another begins with them."""

KEPT = 60
"""Candidates of a word or name, the nearest ones."""


class NearWords:
    """What is near, among words and among names, to a word or name that need not be one of them."""

    def __init__(self, folder: Path, words: Iterable[str], names: Iterable[str]) -> None:
        tensors = read_tensors(memoryview((folder / "model.safetensors").read_bytes()))
        vectors = tensors["embeddings.word_embeddings.weight"]
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self._pieces = WordPieces(folder, 32)
        self._words, self._names = sorted(set(words)), sorted(set(names))
        self._of_words, self._of_names = self._read(self._words), self._read(self._names)
        self.words = lru_cache(maxsize=50_000)(self._near_words)
        self.names = lru_cache(maxsize=50_000)(self._near_names)

    def _near_words(self, word: str) -> list[str]:
        """Words of a kind with it, the nearest first."""
        found = self._among(word, self._words, self._of_words, (LEAST, MOST))
        return [one for one in found if _ending(one) == _ending(word) and one[:SAME_STEM] != word[:SAME_STEM]]

    def _near_names(self, name: str) -> list[str]:
        """Names of a kind with it, the nearest first."""
        return self._among(name, self._names, self._of_names, (LEAST_NAMES, MOST_NAMES))

    def of(self, name: str, others: Sequence[str]) -> list[str]:
        """Those of other names that are of a kind with it, the nearest first."""
        return self._among(name, others, self._read(others), (LEAST_NAMES, MOST_NAMES))

    def _among(
        self, text: str, others: Sequence[str], vectors: "NDArray[np.float32]", within: tuple[float, float]
    ) -> list[str]:
        alike = vectors @ self._read([text])[0]
        near = np.argsort(-np.where(alike <= within[1], alike, -1.0), kind="stable")[:KEPT]
        return [others[at] for at in near if within[0] <= alike[at] <= within[1]]

    def _read(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The mean of the vectors of each text's word pieces, of length 1, shape (n, dimension)."""
        means = [self._vectors[found.ids[1:-1]].mean(0) for found in self._pieces.read(texts)]
        vectors = np.array(means, np.float32).reshape(len(texts), self._vectors.shape[1])
        found: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return found


def _ending(word: str) -> str:
    return next((ending for ending in ENDINGS if word.endswith(ending)), "")
