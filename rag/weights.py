"""The fitted numbers of sentence choice and confidence, as shipped in `weights.json`, and those with a reader's part in
them, `weights_reader.json`.

They are written by `eval/benchmarks/fit_evidence.py`, which says what they were fitted on.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Weights:
    """`sentence` maps the names of `rag.features.FEATURES` to their weights in a sentence's score, `confidence` those
    of `rag.confidence.SIGNALS`, with `bias`, to the log-odds that an answer is right; `refuse_below` is the
    confidence under which there is no answer. With a reader, the names are those of `READER_FEATURES` as well, and of
    `rag.confidence.READ_SIGNALS`."""

    sentence: dict[str, float]
    confidence: dict[str, float]
    bias: float
    refuse_below: float


@lru_cache(maxsize=2)
def load_weights(*, read: bool = False) -> Weights:
    """The shipped weights, without a reader or with one."""
    file = Path(__file__).parent / ("weights_reader.json" if read else "weights.json")
    return Weights(**json.loads(file.read_text(encoding="utf-8")))
