"""Texts to the word pieces of an encoder, with the characters that each stands for, in one call of its tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """A text as an encoder is given it: `ids`, shape (n + 2,), of its n word pieces between a first and a last special
    one, and the characters `[starts[i], ends[i])` that word piece i stands for, shape (n,)."""

    ids: "NDArray[np.int64]"
    starts: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"


class WordPieces:
    """The tokenizer of a BERT model, from the `tokenizer.json` in its folder.

    Nothing about it changes after it was loaded, so that several threads may use it at once. Texts with lone
    surrogates, which are no Unicode text, raise `TypeError`.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._tokenizer = _tokenizer(folder / "tokenizer.json")
        self._most = most
        self.first = int(self._tokenizer.token_to_id("[CLS]") or 0)
        self.last = int(self._tokenizer.token_to_id("[SEP]") or 0)
        """The special word pieces around a text."""

    def read(self, texts: Sequence[str]) -> list[Pieces]:
        """The first word pieces of each text, at most as many as the model reads."""
        import numpy as np

        read = []
        for found in self._tokenizer.encode_batch(list(texts), add_special_tokens=False):
            found.truncate(self._most)
            edges = np.array(found.offsets, dtype=np.int64).reshape(-1, 2)
            ids = np.array([self.first, *found.ids, self.last], dtype=np.int64)
            read.append(Pieces(ids, edges[:, 0], edges[:, 1]))
        return read

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special ones left out, nothing truncated."""
        return [len(found) for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


@lru_cache(maxsize=2)
def _tokenizer(file: Path) -> "Tokenizer":
    """The tokenizer in a file, one for all that use it: reading it takes some hundredths of a second."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
