"""One encoder for those who ask and those who add articles at the same time."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from index.encoder import BATCH_SIZE, Encoder, TokenVectors
from index.errors import StoppedError
from index.precision import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS_A_TURN = BATCH_SIZE
"""Texts encoded before another thread gets its turn: some tenths of a second of passages on two cores, which is what
each step of a question waits longer while articles are added."""


class SharedEncoder:
    """An encoder that several threads may use; each call, or part of a long one, waits for its turn.

    The tokenizers of the model libraries keep the settings of their last call, so two calls at a time disturb each
    other. Who waits comes next: a thread that goes on encoding cannot take every turn.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._next = threading.Lock()
        self._turn = threading.Lock()
        self._is_stopped = threading.Event()

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def digest(self) -> str:
        return self._encoder.digest

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def max_tokens(self) -> int:
        return self._encoder.max_tokens

    @property
    def precision(self) -> Precision:
        return self._encoder.precision

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        parts = []
        for part in _parts(texts):
            with self._one_turn():
                parts.append(self._encoder.encode(part))
        return np.concatenate(parts)

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        found: list[TokenVectors] = []
        for part in _parts(texts):
            with self._one_turn():
                found += self._encoder.encode_tokens(part)
        return found

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        first = 0
        for part in _parts(texts):
            with self._one_turn():
                found = list(self._encoder.read(part))
            yield from ((first + position, one) for position, one in found)
            first += len(part)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._one_turn():
            return self._encoder.count_tokens(texts)

    def stop(self) -> None:
        """Lets nobody encode any more: what is being done ends with `StoppedError` at its next turn."""
        self._is_stopped.set()

    @contextmanager
    def _one_turn(self) -> Iterator[None]:
        with self._next:
            self._turn.acquire()
        try:
            if self._is_stopped.is_set():
                raise StoppedError("The server was stopped; add it again when it runs.")
            yield
        finally:
            self._turn.release()


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in parts of a turn each; one empty part where there are none."""
    for start in range(0, max(len(texts), 1), TEXTS_A_TURN):
        yield texts[start : start + TEXTS_A_TURN]
