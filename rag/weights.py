"""The fitted numbers of sentence choice and confidence, as shipped in `weights.json`, and those of sentence choice with
a reader's part in it, `weights_reader.json`.

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
    confidence under which there is no answer. `sentence_read` has the weights of `FEATURES` and `READER_FEATURES`."""

    sentence: dict[str, float]
    confidence: dict[str, float]
    bias: float
    refuse_below: float
    sentence_read: dict[str, float]


@lru_cache(maxsize=1)
def load_weights() -> Weights:
    """The shipped weights."""
    folder = Path(__file__).parent
    stored = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
    read = json.loads((folder / "weights_reader.json").read_text(encoding="utf-8"))
    return Weights(stored["sentence"], stored["confidence"], stored["bias"], stored["refuse_below"], read["sentence"])
