"""Token counts of LLM prompts, never by way of the network.

`tiktoken.get_encoding` downloads its vocabulary on first use, and does so again when the cached file is damaged.
Here the cached file is read and checked, and where there is none an upper estimate is used at once.
"""

import base64
import functools
import hashlib
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A published vocabulary: where tiktoken gets it, the SHA-256 of the file, and how text is cut before merging."""

    name: str
    url: str
    sha256: str
    pattern: str


_BLOBS = "https://openaipublic.blob.core.windows.net/encodings/"

VOCABULARIES = (
    Vocabulary(
        name="o200k_base",
        url=_BLOBS + "o200k_base.tiktoken",
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        pattern="|".join(
            [
                r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"""
                r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
                r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"""
                r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
                r"""\p{N}{1,3}""",
                r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
                r"""\s*[\r\n]+""",
                r"""\s+(?!\S)""",
                r"""\s+""",
            ]
        ),
    ),
    Vocabulary(
        name="cl100k_base",
        url=_BLOBS + "cl100k_base.tiktoken",
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        pattern=(
            r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|"""
            r"""\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
        ),
    ),
)
"""The vocabularies that are looked for in tiktoken's cache, best first: the newer one, then its predecessor."""


def count_tokens(text: str) -> int:
    """Tokens of `text` by the first vocabulary in tiktoken's cache; where there is none, an upper estimate.

    The estimate is the number of UTF-8 bytes plus one. In byte-level BPE (OpenAI, Llama 3, Qwen) each token stands
    for at least one byte; with SentencePiece and byte fallback (Llama 2, Mistral, Gemma) an unknown character costs
    a token a byte and one more stands for the text's beginning. No text has more tokens than that. English news has
    about a quarter as many, so a prompt built on the estimate holds fewer passages and never too many.
    """
    encoding = _encoding(cache_folder())
    if encoding is None:
        return len(text.encode("utf-8", "surrogatepass")) + 1
    return len(encoding.encode_ordinary(text))


def cache_folder() -> Path | None:
    """The folder where tiktoken keeps vocabularies, by tiktoken's own rules; `None` if caching is switched off."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return Path(os.environ[variable]) if os.environ[variable] else None
    return Path(tempfile.gettempdir()) / "data-gym-cache"


@functools.cache
def _encoding(folder: Path | None) -> "tiktoken.Encoding | None":
    """The first vocabulary that the folder holds undamaged. Kept, so that the log says only once if there is none."""
    if folder is not None:
        for vocabulary in VOCABULARIES:
            encoding = _read_vocabulary(vocabulary, folder)
            if encoding is not None:
                return encoding
    logger.warning(
        "No tiktoken vocabulary is cached in %s: prompt tokens are estimated from above, so prompts hold fewer "
        "passages. TIKTOKEN_CACHE_DIR names another folder.",
        "any folder" if folder is None else folder,
    )
    return None


def _read_vocabulary(vocabulary: Vocabulary, folder: Path) -> "tiktoken.Encoding | None":
    """The vocabulary's file, checked against its digest: lines of a token's bytes in base64 and its rank."""
    path = folder / hashlib.sha1(vocabulary.url.encode(), usedforsecurity=False).hexdigest()
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != vocabulary.sha256:
        logger.warning("The tiktoken vocabulary %s is damaged and left unused; delete the file.", path)
        return None
    import tiktoken

    ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, content.splitlines())}
    return tiktoken.Encoding(vocabulary.name, pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={})
