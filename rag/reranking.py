"""A second look at the passages found: a cross-encoder reads the question together with each. Optional."""

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from index.encoder import LOADING_ERRORS, first_line, hub_answers, interrupted_afterwards
from index.errors import ModelError
from index.general_encoder import sha256_of_model
from index.passages import encoder_input
from index.types import Hit

DEPTH = 50
"""Passages that are read again: as many as each search gives. Fifty of 126 words took 2.6 seconds of one core with a
cross-encoder of the size of the default encoder (six layers of 384), its weights made up."""

RERANKER_WEIGHT = 2.0
"""Weight of the re-ranker's score against 1 for that of the search, both scaled to 0..1 over the passages read again.

Not measured: no weights of a trained cross-encoder could be had where the project was built. It says that a model which
reads both texts together counts for more than the search, without overturning it where the model sees no difference.
"""

BATCH_SIZE = 8
"""Pairs read at a time; as for the encoder on two cores."""

_TRAINED_HEADS = ("ForSequenceClassification", "ForCausalLM")
"""Ends of the names of architectures that give a score; for another one a head is made up, which scores at random."""


class Reranker(Protocol):
    """Says how well texts answer a question. `name` and `digest` identify it in the manifest of a run."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score of each text, of any range; higher is better. Raises `ModelError` if the model cannot be run."""
        ...


class CrossEncoderReranker:
    """A re-ranker of the sentence-transformers library. Several threads may use it, one at a time does."""

    def __init__(self, name: str, digest: str, model: Any) -> None:
        self.name = name
        self.digest = digest
        self._model = model
        self._lock = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker.scores`: the model's logits, since a sigmoid would make all good ones equal."""
        from torch.nn import Identity

        if not texts:
            return []
        pairs = [(question, text) for text in texts]
        try:
            with self._lock:
                found = self._model.predict(
                    pairs, batch_size=BATCH_SIZE, activation_fn=Identity(), show_progress_bar=False
                )
        except (RuntimeError, ValueError, IndexError) as error:
            raise ModelError(f"The re-ranker {self.name!r} cannot be run: {first_line(error)}") from error
        return [float(score) for score in found]


def load_reranker(name: str | None) -> Reranker | None:
    """The re-ranker of that name, any cross-encoder of sentence-transformers on the model hub or in a folder.

    `None` for no name. A name is fetched from the hub, or taken from its cache where the hub cannot be reached.

    Raises:
        ModelError: The weights cannot be loaded, or are not those of a model with one score for a pair of texts.
    """
    if name is None:
        return None
    local = Path(name).is_dir()
    if not local and (Path(name).is_absolute() or name.startswith((".", "~"))):
        raise ModelError(
            f"There is no folder {name!r} with a re-ranker. Name one that is there, or a cross-encoder on the hub, "
            "with --reranker."
        )
    model, architectures = _load_model(name, local=local or not hub_answers())
    # More than one module: the head is one of its own, as in newer models, and was loaded with its weights.
    trained = len(model) > 1 or any(known.endswith(_TRAINED_HEADS) for known in architectures)
    if not trained or model.num_labels != 1:
        what = f"gives {model.num_labels} scores for a pair of texts" if trained else "was trained to give no scores"
        raise ModelError(
            f"{name!r} is no re-ranker: it {what}. Name a cross-encoder for ranking with --reranker, or leave it out."
        )
    return CrossEncoderReranker(str(Path(name).resolve()) if local else name, sha256_of_model(model), model)


def _load_model(name_or_folder: str, *, local: bool) -> tuple[Any, Sequence[str]]:
    """The model and the names of the architectures that its weights are stated to be of."""
    try:
        with interrupted_afterwards():
            from sentence_transformers import CrossEncoder
            from transformers import AutoConfig
            from transformers.utils import logging

            logging.disable_progress_bar()
            config = AutoConfig.from_pretrained(name_or_folder, local_files_only=local)
            return CrossEncoder(name_or_folder, local_files_only=local), config.architectures or ()
    except LOADING_ERRORS as error:
        raise ModelError(
            f"The re-ranker {name_or_folder!r} could not be loaded: {first_line(error)} Give the name or folder of a "
            "cross-encoder of sentence-transformers with --reranker, or leave it out."
        ) from error


def rerank(hits: Sequence[Hit], question: str, reranker: Reranker, depth: int = DEPTH) -> list[Hit]:
    """The hits, given best first, with the first `depth` in a new order and the others behind them, ranks from 1.

    The re-ranker reads title and text of a passage. The new score, in 0..1, is the weighted mean of its score and that
    of the search, each scaled from its lowest to its highest among the first `depth` to 0..1, so that the weight means
    the same after every kind of search; ties keep their order. The scores of the others, scaled in the same way, are
    put below, in -1..0.

    Raises:
        ModelError: The re-ranker cannot be run, or does not give each text a finite score.
    """
    first, rest = list(hits[:depth]), hits[depth:]
    scores = reranker.scores(question, [encoder_input(hit.passage) for hit in first])
    if len(scores) != len(first) or not all(math.isfinite(score) for score in scores):
        raise ModelError(f"The re-ranker {reranker.name!r} gave {len(first)} passages no usable scores; leave it out.")
    new = scaled(scores)
    found = scaled([hit.score for hit in first])
    weighed = [
        replace(hit, score=(before + RERANKER_WEIGHT * now) / (1 + RERANKER_WEIGHT))
        for hit, before, now in zip(first, found, new, strict=True)
    ]
    weighed.sort(key=lambda hit: -hit.score)
    below = [
        replace(hit, score=score - 1) for hit, score in zip(rest, scaled([hit.score for hit in rest]), strict=True)
    ]
    return [replace(hit, rank=rank) for rank, hit in enumerate([*weighed, *below], start=1)]


def scaled(scores: Sequence[float]) -> list[float]:
    """The scores from 0, the lowest, to 1, the highest; 1 for all if they are equal."""
    lowest, highest = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - lowest) / (highest - lowest) if highest > lowest else 1.0 for score in scores]
