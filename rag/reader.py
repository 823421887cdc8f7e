"""The reader that ships with Dateline: the default encoder, trained to read a question and a passage together.

It was trained by `eval/benchmarks/train_reader.py`; `docs/reader.md` says on what, and how good it is. Beside the
layers, which are in `reader.safetensors` in half precision, it has two heads: scores of each word piece as first and
last of the answer, and from the vector of the first word piece the log-odds that the passage answers and its score
beside others. The vectors of the word pieces are those of the encoder, of whose file they are read.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.bert_numpy import NumpyBert
from index.bert_weights import BertWeights, Linear, read_tensors
from index.encoder import default_folder
from index.errors import EncoderError, ModelError
from index.one_core import ONE_CORE
from index.precision import precision_of_processor, precision_set
from index.word_pieces import Pieces, WordPieces
from rag.reading import Reader, Reading, Text, merged, windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OWN = "dateline"
"""Name of the reader that ships."""

NO_READER = "none"
"""Name for reading nothing."""

VARIABLE = "DATELINE_READER"
"""Environment variable that names the reader."""

FILE = Path(__file__).parent / "reader.safetensors"

DIGEST = "c0e8fd115b22a0c2ed9f6b5b498b699dd7035dc8940d4f16522f6c45adcbfd5f"
"""SHA-256 of the file."""

QUESTION_PIECES = 64
"""Most word pieces of a question."""

CONTEXT_PIECES = 24
"""Most word pieces of a passage's context."""

WINDOW = 256
"""Most word pieces of a passage that are read at once: all of one that the default encoder was made for."""

MOST_PIECES = 1 << 20
"""Most word pieces of a text, which are read in windows: more than any passage has."""

KEPT = 200
"""Readings kept, of a few kilobytes each: a question is asked and searched for one behind the other, or once more."""

_ADVICE = "reinstall Dateline, or leave the reader out with --reader none."


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question and a window of a text as they are read: `ids`, where the second text begins in them (`second`) and
    where the window does (`passage`), and the number of its first word piece in the text (`begin`)."""

    ids: "NDArray[np.int64]"
    second: int
    passage: int
    begin: int


@dataclass(frozen=True, slots=True, eq=False)
class ReaderWeights:
    """The encoder's weights, and those of the heads: `span` and `judge` give two numbers each, `pool` is before the
    hyperbolic tangent before `judge`."""

    bert: BertWeights
    span: Linear
    pool: Linear
    judge: Linear

    @classmethod
    def of(cls, tensors: "dict[str, NDArray[np.float32]]") -> "ReaderWeights":
        """From the tensors of the reader's file and the word vectors of the encoder's, by name."""
        heads = [(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in ("span", "pool", "judge")]
        return cls(BertWeights.of(tensors), *heads)


class OwnReader:
    """The reader that ships; see `Reader`. Its weights are read when it is first used.

    In a process that has PyTorch, PyTorch does the work, in `bf16` where the processor gains from it; else NumPy, which
    a command that asks once does not wait for. Their scores differ by some millionths in `fp32`. In `bf16` each window
    is read by itself, since oneDNN rounds products otherwise for another number of rows: log-probabilities would differ
    by some hundredths with what is read beside.
    """

    name = OWN

    def __init__(self, file: Path = FILE, digest: str = DIGEST) -> None:
        self._file = file
        self.digest = digest
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._weights: ReaderWeights | None = None
        self._words: WordPieces | None = None
        self._torch: Any = None
        self._known: dict[tuple[str, Text], Reading] = {}

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """See `Reader.read`. Raises `ModelError` if the weights are damaged or cannot be read."""
        with self._lock:
            known = {text: self._known[question, text] for text in texts if (question, text) in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, self._read(question, new), strict=True))
            with self._lock:
                self._known.update({(question, text): known[text] for text in new})
                while len(self._known) > KEPT:
                    del self._known[next(iter(self._known))]
        return [known[text] for text in texts]

    def _read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        import numpy as np

        weights, words = self._load()
        first, last = words.first, words.last
        asked = words.read([question])[0].ids[1:-1][:QUESTION_PIECES]
        # Longest first, so that what is worked on at once is alike in length.
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at].text))
        contexts = words.read([texts[at].context for at in order])
        pieces = words.read([texts[at].text for at in order])
        pairs, owners = [], []
        for row, (context, own) in enumerate(zip(contexts, pieces, strict=True)):
            named = context.ids[1:-1][:CONTEXT_PIECES]
            for begin, end in windows(len(own.starts), WINDOW):
                ids = np.concatenate([[first], asked, [last], named, own.ids[1:-1][begin:end], [last]])
                second = len(asked) + 2
                pairs.append(_Pair(ids.astype(np.int64), second, second + len(named), begin))
                owners.append(row)
        scored = self._scores(weights, pairs)
        found: list[Any] = [None] * len(texts)
        for row, own in enumerate(pieces):
            parts = [scored[at] for at, owner in enumerate(owners) if owner == row]
            begins = [pair.begin for pair, owner in zip(pairs, owners, strict=True) if owner == row]
            found[order[row]] = _reading(own, begins, parts)
        return found

    def _load(self) -> "tuple[ReaderWeights, WordPieces]":
        with self._lock:
            if self._weights is None or self._words is None:
                self._weights, self._words = _load(self._file, self.digest)
            return self._weights, self._words

    def _scores(
        self, weights: ReaderWeights, pairs: Sequence[_Pair]
    ) -> "list[tuple[NDArray[np.float32], NDArray[np.float32]]]":
        """For each pair the scores of the window's word pieces, and of there being no answer first, shape (n + 1, 2);
        and the two judgements."""
        if "torch" in sys.modules:
            with self._turn:
                if self._torch is None:
                    self._torch = _torch_forward(weights.bert)
                together = [pairs] if self._torch.precision == "fp32" else [[pair] for pair in pairs]
                return [scores for own in together for scores in _run(weights, self._torch, own)]
        forward = NumpyBert(weights.bert).forward
        parts = _shares(pairs, os.cpu_count() or 1)
        with ONE_CORE, ThreadPoolExecutor(len(parts)) as threads:
            done = threads.map(lambda own: _run(weights, forward, own), parts)
            return [scores for part in done for scores in part]


def load_reader(name: str | None) -> Reader | None:
    """The reader of that name: `dateline` for the one that ships, `none` for no reader, else any model of the
    transformers library that marks answers in passages, on the model hub or in a folder. Where none is named, it is the
    one that `DATELINE_READER` names, or else the one that ships.

    Raises:
        ModelError: The weights cannot be loaded, or are not those of such a model.
    """
    name = name or os.environ.get(VARIABLE) or OWN
    if name == NO_READER:
        return None
    if name == OWN:
        return own_reader()
    from rag.span_models import load_span_model

    return load_span_model(name)


@lru_cache(maxsize=1)
def own_reader() -> OwnReader:
    """The reader that ships, the same one each time."""
    return OwnReader()


def _load(file: Path, digest: str) -> tuple[ReaderWeights, WordPieces]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"The reader's weights cannot be read ({error}); {_ADVICE}") from error
    if sha256(content).hexdigest() != digest:
        raise ModelError(f"The reader's weights at {str(file)!r} are damaged or others; {_ADVICE}")
    try:
        folder = default_folder()
        with (folder / "model.safetensors").open("rb") as encoder:
            words = read_tensors(memoryview(mmap(encoder.fileno(), 0, access=ACCESS_COPY)))
        name = "embeddings.word_embeddings.weight"
        tensors = {**read_tensors(memoryview(content)), name: words[name]}
        return ReaderWeights.of(tensors), WordPieces(folder, MOST_PIECES)
    except (OSError, EncoderError, KeyError, ValueError) as error:
        raise ModelError(f"The reader cannot be loaded: {error}; {_ADVICE}") from error


def _torch_forward(weights: BertWeights) -> Any:
    from index.bert_torch import TorchBert

    return TorchBert(weights, precision_set() or precision_of_processor())


def _run(
    weights: ReaderWeights, forward: "Callable[..., NDArray[np.float32]]", pairs: Sequence[_Pair]
) -> "list[tuple[NDArray[np.float32], NDArray[np.float32]]]":
    import numpy as np

    vectors = forward([pair.ids for pair in pairs], [pair.second for pair in pairs])
    ends = np.cumsum([len(pair.ids) for pair in pairs])
    firsts = ends - [len(pair.ids) for pair in pairs]
    spans = vectors @ weights.span[0].T + weights.span[1]
    pooled = np.tanh(vectors[firsts] @ weights.pool[0].T + weights.pool[1])
    judged = pooled @ weights.judge[0].T + weights.judge[1]
    return [
        (np.concatenate([spans[first : first + 1], spans[first + pair.passage : end - 1]]), one)
        for pair, first, end, one in zip(pairs, firsts, ends, judged, strict=True)
    ]


def _shares(pairs: Sequence[_Pair], count: int) -> list[list[_Pair]]:
    """The pairs, in their order, in at most `count` parts of about as many word pieces."""
    total = sum(len(pair.ids) for pair in pairs)
    parts: list[list[_Pair]] = [[]]
    done = 0
    for pair in pairs:
        if parts[-1] and done >= total * len(parts) / count:
            parts.append([])
        parts[-1].append(pair)
        done += len(pair.ids)
    return parts


def _reading(
    pieces: Pieces, begins: Sequence[int], parts: "Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]"
) -> Reading:
    scored = [(begin, scores[1:], scores[0]) for begin, (scores, _) in zip(begins, parts, strict=True)]
    first, last, none = merged(scored, len(pieces.starts))
    answered = max(float(judged[0]) for _, judged in parts)
    relevance = max(float(judged[1]) for _, judged in parts)
    return Reading(pieces.starts, pieces.ends, first, last, none, answered, relevance)
