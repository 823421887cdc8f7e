"""Exact stand-ins: small, deterministic, with the behaviour that the tests need and no other."""

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from index.encoder import TokenVectors
from index.errors import ModelError
from index.precision import Precision
from rag.prompts import Message
from rag.reading import Reading, Text

_WORD = re.compile(r"\w+|[^\w\s]")


class BagOfWordsEncoder:
    """An encoder whose vectors are counts of words: texts are alike as far as they share words.

    Every word has a fixed dimension by its digest; a token is a word or a punctuation mark.
    """

    def __init__(self, name: str = "bag-of-words", dimension: int = 256, max_tokens: int = 64) -> None:
        self.name = name
        self.digest = hashlib.sha256(f"{name}/{dimension}".encode()).hexdigest()
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.precision: Precision = "fp32"
        self.encoded: list[str] = []
        """Every text that was encoded, in order."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded.extend(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text):
                vectors[row, self._dimension_of(word)] += 1
            if not vectors[row].any():
                vectors[row, 0] = 1
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        found = []
        for text, vector in zip(texts, self.encode(texts), strict=True):
            words = list(_WORD.finditer(text))[: self.max_tokens]
            tokens = np.zeros((len(words), self.dimension), dtype=np.float32)
            for row, word in enumerate(words):
                tokens[row, self._dimension_of(word.group())] = 1
            edges = np.array([word.span() for word in words], dtype=np.int64).reshape(-1, 2)
            found.append(TokenVectors(vector, tokens, edges[:, 0], edges[:, 1]))
        return found

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        """The last text first, so that nobody relies on the order."""
        found = self.encode_tokens(texts)
        yield from reversed(list(enumerate(found)))

    def _dimension_of(self, word: str) -> int:
        return int(hashlib.md5(word.lower().encode()).hexdigest(), 16) % self.dimension

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_WORD.findall(text)) for text in texts]


class ScriptedGenerator:
    """A model that gives its pieces, then fails if it is told to; it keeps the messages it was sent."""

    def __init__(self, *pieces: str, fails: bool = False) -> None:
        self.name = "scripted:model"
        self.pieces = pieces
        self.fails = fails
        self.messages: list[Sequence[Message]] = []
        self.max_tokens = 0

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        self.messages.append(messages)
        self.max_tokens = max_tokens
        yield from self.pieces
        if self.fails:
            raise ModelError("scripted:model went away; try again.")


class WordReader:
    """A reader for which one word is the answer to everything: a passage answers as often as it has it."""

    def __init__(self, word: str) -> None:
        self.name = f"finds-{word}"
        self.digest = hashlib.sha256(word.encode()).hexdigest()
        self.word = word
        self.given: list[tuple[str, list[Text]]] = []
        """The question and the texts of each call, in order."""

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        self.given.append((question, list(texts)))
        return [self._reading(text) for text in texts]

    def _reading(self, text: Text) -> Reading:
        words = list(_WORD.finditer(text.text))
        edges = np.array([word.span() for word in words], dtype=np.int64).reshape(-1, 2)
        here = np.array([word.group().lower() == self.word for word in words], dtype=bool)
        count = int(here.sum())
        scores = np.where(here, 0.0, -9.0).astype(np.float32)
        scores -= np.log(np.exp(scores).sum() + np.exp(-4.0))
        none = float(2 * (-4.0 - np.log(np.exp(np.where(here, 0.0, -9.0)).sum() + np.exp(-4.0))))
        return Reading(edges[:, 0], edges[:, 1], scores, scores, none, 3.0 if count else -3.0, float(count))


class WordReranker:
    """A re-ranker whose score is how often a text has one word, whatever the question is."""

    def __init__(self, word: str) -> None:
        self.name = f"counts-{word}"
        self.digest = hashlib.sha256(word.encode()).hexdigest()
        self.word = word
        self.read: list[tuple[str, list[str]]] = []
        """The question and the texts of each call, in order."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.read.append((question, list(texts)))
        return [float(_WORD.findall(text.lower()).count(self.word)) for text in texts]
