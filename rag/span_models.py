"""Question-answering models of the transformers library as readers: those that mark the answer in a passage."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.encoder import LOADING_ERRORS, first_line, hub_answers, interrupted_afterwards
from index.errors import ModelError
from index.general_encoder import sha256_of_model
from index.types import Span
from rag.reading import Reader, Reading, Text, merged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH_SIZE = 8
"""Windows read at a time; as for the encoder on two cores."""

QUESTION_TOKENS = 64
"""Most tokens of a question."""

STRIDE = 128
"""Tokens that two windows of a long passage have in common, as in BERT's own code for SQuAD; at most a quarter of what
the model reads."""

DEFAULT_LIMIT = 512
"""Tokens read at once by a model that names no limit."""

_ENDS_OF_NAMES = "ForQuestionAnswering"
"""End of the names of architectures with trained heads; for another one they are made up, and mark at random."""


class SpanModel:
    """A model of transformers with a head for the first and last token of an answer; see `Reader`.

    Such a model has no judgement of its own on whether a passage answers: it is how much likelier its best span is than
    that there is none, which for models that were trained on answered questions alone means little.
    """

    def __init__(self, name: str, tokenizer: Any, model: Any, limit: int) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._model = model
        self._limit = limit
        self._lock = threading.Lock()

    @property
    def digest(self) -> str:
        """SHA-256 of the weights."""
        return _digest_of(self._model)

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """See `Reader.read`. The context of a passage is not read: such models take any words for the answer."""
        try:
            with self._lock:
                return self._read(question, [text.text for text in texts]) if texts else []
        except (RuntimeError, ValueError, TypeError, IndexError, KeyError) as error:
            raise ModelError(f"The reader {self.name!r} cannot be run: {first_line(error)}") from error

    def _read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        import numpy as np

        asked = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(asked) > QUESTION_TOKENS:
            question = question[: asked[QUESTION_TOKENS - 1][1]]
        whole = self._tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        tokens = [np.array(edges, dtype=np.int64).reshape(-1, 2) for edges in whole["offset_mapping"]]
        read: list[list[tuple[int, NDArray[np.float32], NDArray[np.float32]]]] = [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda at: -len(tokens[at]))
        for first in range(0, len(order), BATCH_SIZE):
            some = order[first : first + BATCH_SIZE]
            for row, edges, scores, none in self._windows(question, [texts[at] for at in some]):
                own = tokens[some[row]]
                begin = int(np.flatnonzero((own == edges[0]).all(axis=1))[0]) if len(edges) else 0
                read[some[row]].append((begin, scores, none))
        found = []
        for text, edges, parts in zip(texts, tokens, read, strict=True):
            reading = Reading(edges[:, 0], edges[:, 1], *merged(parts, len(edges)), 0.0, 0.0)
            best = reading.best(Span(0, len(text)))
            answered = 0.0 if best is None else best.score - reading.none
            found.append(replace(reading, answered=answered, relevance=answered))
        return found

    def _windows(
        self, question: str, texts: Sequence[str]
    ) -> "Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]]":
        """Of each window: the number of its text, the characters of its tokens, shape (n, 2), their scores as first and
        last, (n, 2), and those of there being no answer, (2,)."""
        import numpy as np
        import torch

        encoded = self._tokenizer(
            [question] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=self._limit,
            stride=min(STRIDE, self._limit // 4),
            padding=True,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        owners, offsets = encoded.pop("overflow_to_sample_mapping").tolist(), encoded.pop("offset_mapping").numpy()
        with torch.inference_mode():
            output = self._model(**encoded.to(self._model.device))
        both = torch.stack([output.start_logits, output.end_logits], dim=-1).float().cpu().numpy()
        special = self._tokenizer.cls_token_id
        for row, (owner, scores) in enumerate(zip(owners, both, strict=True)):
            places = [at for at, part in enumerate(encoded.sequence_ids(row)) if part == 1]
            ids = encoded["input_ids"][row].tolist()
            none = ids.index(special) if special in ids else 0
            yield owner, np.asarray(offsets[row][places], dtype=np.int64), scores[places], scores[none]


@lru_cache(maxsize=2)
def _digest_of(model: Any) -> str:
    return sha256_of_model(model)


def load_span_model(name: str) -> Reader:
    """A question-answering model by its name on the model hub or its folder. Weights are read from safetensors only.

    Raises:
        ModelError: It cannot be loaded, or is no model that marks answers in passages.
    """
    local = Path(name).is_dir()
    if not local and (not name.strip() or Path(name).is_absolute() or name.startswith((".", "~"))):
        raise ModelError(
            f"There is no folder {name!r} with a reader. Name one that is there, a question-answering model on the "
            "hub, dateline or none with --reader."
        )
    try:
        with interrupted_afterwards():
            import torch
            from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer
            from transformers.utils import logging

            logging.disable_progress_bar()
            where: dict[str, Any] = {
                "local_files_only": local or not hub_answers(),
                "trust_remote_code": False,
            }
            config = AutoConfig.from_pretrained(name, **where)
            trained = [str(known) for known in config.architectures or ()]
            tokenizer = AutoTokenizer.from_pretrained(name, **where)
            if not any(known.endswith(_ENDS_OF_NAMES) for known in trained) or not tokenizer.is_fast:
                raise ModelError(
                    f"{name!r} is no reader: it was not trained to mark answers in passages. Name a question-answering "
                    "model of transformers with --reader, dateline or none."
                )
            model = AutoModelForQuestionAnswering.from_pretrained(name, use_safetensors=True, **where)
    except LOADING_ERRORS as error:
        raise ModelError(
            f"The reader {name!r} could not be loaded: {first_line(error)} Give the name or folder of a "
            "question-answering model of transformers with --reader, dateline or none."
        ) from error
    stated = [getattr(tokenizer, "model_max_length", None), getattr(config, "max_position_embeddings", None)]
    limit = min((one for one in stated if isinstance(one, int) and 0 < one < 1_000_000), default=DEFAULT_LIMIT)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return SpanModel(str(Path(name).resolve()) if local else name, tokenizer, model.to(device).eval(), limit)
