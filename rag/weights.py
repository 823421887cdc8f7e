"""The fitted numbers of sentence choice and confidence, as shipped in `weights.json` and, for answers that a reader has
a part in, `weights_reader.json`.

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
    confidence under which there is no answer. With a reader, `READER_FEATURES` and `READER_SIGNALS` are among them."""

    sentence: dict[str, float]
    confidence: dict[str, float]
    bias: float
    refuse_below: float


@lru_cache(maxsize=2)
def load_weights(*, with_reader: bool = False) -> Weights:
    """The shipped weights."""
    name = "weights_reader.json" if with_reader else "weights.json"
    stored = json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return Weights(stored["sentence"], stored["confidence"], stored["bias"], stored["refuse_below"])
