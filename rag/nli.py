"""Models of natural language inference (NLI) as judges of whether cited words support a statement."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from index.encoder import hub_answers, interrupted_afterwards
from index.errors import ModelError
from index.general_encoder import sha256_of_model

ENTAILMENT = "entailment"
"""The label, in any case, by which a classifier says that the premise supports the hypothesis."""

TRUE_PROMPT = "premise: {} hypothesis: {}"
TRUE_YES = "1"
"""Question and answer of TRUE (Honovich et al. 2022), the model that ALCE judges with."""

DEFAULT_TOKENS = 512
"""Tokens read at once by a model that names no limit: what T5 and BERT were trained on."""

PROMPT_TOKENS = 24
"""Tokens kept free for the prompt's own words, separators, and words that a tokenizer splits otherwise when alone."""

MIN_WINDOW_TOKENS = 32
"""Fewest tokens of the premise, about a sentence, that have to fit beside the hypothesis for a judgement."""

OVERLAP = 0.25
"""Share of a window that the next one begins with, so that a sentence at an edge is read whole in one of them."""

CACHED_JUDGEMENTS = 100_000
"""Judgements kept. ALCE's precision asks again what its recall has asked, and baselines share passages."""

_LOADING_ERRORS = (OSError, ValueError, ImportError, RuntimeError, TypeError, IndexError, KeyError)
"""What transformers raises when a model is not there or cannot be loaded."""

_RUNTIME_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, KeyError)
"""What torch and transformers raise when a model cannot be run: out of memory, shapes, missing features."""


@dataclass(frozen=True, slots=True)
class Entailment:
    """What a model says of a premise and a hypothesis: the probability, 0..1, that the one entails the other, which is
    0 or 1 for a model that answers in words, and whether that is its answer."""

    probability: float
    is_answer: bool


NOT_ENTAILED = Entailment(0.0, False)


class NliModel:
    """A model of inference, made by `load_nli`; `name` stands in messages and reports. A checker of citations, too (see
    `eval.citation_support`).

    The premise is the evidence joined by line ends, as in ALCE. One that is too long for the model is read in
    overlapping windows, and supports what one of them does (the maximum over segments of Laban et al. 2022); support
    that needs words of two distant places is then missed. The hypothesis is never cut: a statement that leaves no room
    for a premise is not supported. Judgements are kept, and asked for one at a time, by whatever thread.
    """

    def __init__(
        self,
        name: str,
        tokenizer: Any,
        limit: int,
        read: Callable[[Sequence[str], str], Entailment],
        digest_of: Callable[[], str] = str,
    ) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._limit = limit
        self._read = read
        self._lock = threading.Lock()
        self._judge = lru_cache(maxsize=CACHED_JUDGEMENTS)(self._judge_once)
        self._digest_of = lru_cache(maxsize=1)(digest_of)

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, which takes a second for each gigabyte or so when it is first asked for."""
        return self._digest_of()

    def supports(self, evidence: Sequence[str], statement: str) -> bool:
        """Whether entailment is the model's answer. Raises ModelError if it cannot be run."""
        return self.entailment(evidence, statement).is_answer

    def entailment(self, evidence: Sequence[str], statement: str) -> Entailment:
        """What the model says of the statement. Raises ModelError if it cannot be run."""
        with self._lock:
            return self._judge("\n".join(evidence), statement)

    def _judge_once(self, premise: str, hypothesis: str) -> Entailment:
        try:
            windows = self.windows(premise, hypothesis)
            return self._read(windows, hypothesis) if windows else NOT_ENTAILED
        except _RUNTIME_ERRORS as error:
            raise ModelError(f"{self.name}: the model cannot be run ({_first_line(error)}).") from error

    def windows(self, premise: str, hypothesis: str) -> list[str]:
        """The premise in pieces that fit beside the hypothesis; none if nothing does or there is no premise."""
        room = self._limit - PROMPT_TOKENS - sum(self._count([hypothesis]))
        if room < MIN_WINDOW_TOKENS or not premise.strip():
            return []
        if sum(self._count([premise])) <= room:
            return [premise]
        # Words one by one have about as many tokens as together, whatever the tokenizer; PROMPT_TOKENS is the slack.
        words = premise.split()
        lengths = self._count(words)
        pieces = []
        start = 0
        while True:
            end, used = start, 0
            while end < len(words) and (end == start or used + lengths[end] <= room):
                used += lengths[end]
                end += 1
            pieces.append(" ".join(words[start:end]))
            if end == len(words):
                return pieces
            kept, back = 0, end
            while back - 1 > start and kept + lengths[back - 1] <= OVERLAP * room:
                back -= 1
                kept += lengths[back]
            start = back

    def _count(self, texts: Sequence[str]) -> list[int]:
        encoded = self._tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [len(identifiers) for identifiers in encoded]


def load_nli(name: str) -> NliModel:
    """An NLI model: a name on the Hugging Face hub, or a folder.

    A classifier has to have a label `entailment`, which is its answer if it is the most probable one. An
    encoder-decoder without labels is asked as TRUE is, and says so by answering 1. Files on this machine come first;
    what is not here is downloaded. Raises ModelError if there is no such model, or if it is not one of these.
    """
    if not name.strip():
        raise ModelError("No NLI model is named; give a name on the Hugging Face hub or the folder of a model.")
    config, tokenizer, model = _load(name)
    limit = _limit(config, tokenizer)
    label = _entailment_label(config)
    read: Callable[[Sequence[str], str], Entailment]
    if label is not None:
        read = partial(_read_by_label, tokenizer, model, limit, label)
    elif config.is_encoder_decoder:
        read = partial(_read_by_words, tokenizer, model)
    else:
        labels = ", ".join(repr(str(known)) for known in config.id2label.values())
        raise ModelError(
            f"{name!r} is no NLI model: none of its labels ({labels}) is {ENTAILMENT!r}. "
            "Name one that was trained on natural language inference."
        )
    return NliModel(f"nli:{name}", tokenizer, limit, read, partial(sha256_of_model, model))


def _load(name: str) -> tuple[Any, Any, Any]:
    """Configuration, tokenizer and model. The hub is asked for nothing that is on this machine."""
    try:
        return _read(name, local_files_only=True)
    except _LOADING_ERRORS as error:
        if Path(name).is_dir():
            if not Path(name, "config.json").is_file():
                raise ModelError(
                    f"The folder {name!r} holds no config.json; give the folder of a transformers model."
                ) from error
            raise ModelError(f"The NLI model {name!r} cannot be loaded: {_first_line(error)}.") from error
    try:
        return _read(name, local_files_only=not hub_answers())
    except _LOADING_ERRORS as error:
        raise ModelError(
            f"The NLI model {name!r} is not on this machine and cannot be downloaded. Give the folder of a model, or "
            f"get it where there is a network: hf download {name}"
        ) from error


def _read(name: str, *, local_files_only: bool) -> tuple[Any, Any, Any]:
    with interrupted_afterwards():
        import torch
        from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging

    logging.disable_progress_bar()
    config = AutoConfig.from_pretrained(name, local_files_only=local_files_only)
    tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local_files_only)
    writes = config.is_encoder_decoder and _entailment_label(config) is None
    kind = AutoModelForSeq2SeqLM if writes else AutoModelForSequenceClassification
    model = kind.from_pretrained(name, dtype="auto", local_files_only=local_files_only)
    return config, tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _limit(config: Any, tokenizer: Any) -> int:
    """The most tokens that the model reads at once; tokenizers without a limit state an astronomic number."""
    stated = [
        getattr(tokenizer, "model_max_length", None),
        getattr(config, "max_position_embeddings", None),
    ]
    return min([value for value in stated if isinstance(value, int) and 0 < value < 1_000_000], default=DEFAULT_TOKENS)


def _entailment_label(config: Any) -> int | None:
    """The number of the label `entailment`, `None` if the model has none."""
    numbers = [int(number) for number, label in config.id2label.items() if str(label).casefold() == ENTAILMENT]
    return numbers[0] if numbers else None


def _read_by_label(
    tokenizer: Any, model: Any, limit: int, label: int, windows: Sequence[str], statement: str
) -> Entailment:
    import torch

    inputs = tokenizer(
        list(windows),
        [statement] * len(windows),
        truncation="only_first",
        max_length=limit,
        padding=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        logits = model(**inputs.to(model.device)).logits.float()
    probabilities = logits.softmax(dim=-1)[:, label]
    return Entailment(float(probabilities.max()), bool((logits.argmax(dim=-1) == label).any()))


def _read_by_words(tokenizer: Any, model: Any, windows: Sequence[str], statement: str) -> Entailment:
    import torch

    for window in windows:
        inputs = tokenizer(TRUE_PROMPT.format(window, statement), return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            written = model.generate(**inputs.to(model.device), max_new_tokens=10, do_sample=False, num_beams=1)
        if tokenizer.decode(written[0], skip_special_tokens=True).strip() == TRUE_YES:
            return Entailment(1.0, True)
    return NOT_ENTAILED


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
