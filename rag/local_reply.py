"""A reply of a language model that runs in this process: its thread, its pieces and its end."""

import queue
import threading
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from index.errors import ModelError
from rag.prompts import Message

if TYPE_CHECKING:
    from rag.generators import Finish
    from rag.local_model import LocalModel

STOP_WAIT_SECONDS = 0.5
"""Longest wait, when a reply is given up, for the computation of the token that is under way. One that takes longer is
waited for by the next reply, not by whoever stopped this one."""

POLL_SECONDS = 0.05
"""How often a waiting reply looks whether it is to stop."""

RUNTIME_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, KeyError)
"""What torch and transformers raise when a model cannot be run: out of memory, shapes, missing features."""


def end_tokens(tokenizer: Any, model: Any) -> list[int]:
    """The tokens that end a reply: the model's, the tokenizer's, and what its chat template puts after a message."""
    of_model = model.generation_config.eos_token_id
    ends = [*(of_model if isinstance(of_model, list) else [of_model]), tokenizer.eos_token_id, _end_of_turn(tokenizer)]
    return list(dict.fromkeys(token for token in ends if isinstance(token, int)))


def _end_of_turn(tokenizer: Any) -> int | None:
    """The special token behind a message of the assistant in the chat template, if there is one."""
    if not tokenizer.chat_template:
        return None
    from jinja2 import TemplateError

    said = "words"
    chat = [{"role": "user", "content": "question"}, {"role": "assistant", "content": said}]
    try:
        behind = tokenizer.apply_chat_template(chat, tokenize=False).rpartition(said)[2].strip()
    except (TemplateError, *RUNTIME_ERRORS):
        return None
    tokens = tokenizer(behind, add_special_tokens=False)["input_ids"] if behind else []
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return tokens[0] if tokens and tokens[0] in special else None


class LocalReply:
    """A reply in the making, in a thread of its own: the model is loaded if need be, reads the prompt and writes."""

    def __init__(
        self, model: "LocalModel", messages: Sequence[Message], max_tokens: int, stop: threading.Event
    ) -> None:
        self.finish: Finish = "complete"
        self._model = model
        self._messages = messages
        self._max_tokens = max_tokens
        self._stop = stop
        self._ended = threading.Event()
        self._began: float | None = None
        self._pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="dateline-local-model", daemon=True)
        self._thread.start()

    def pieces(self, silence: float) -> Generator[str, None, None]:
        """What the model writes. Raises `ModelError` if it fails, or if nothing comes for `silence` seconds."""
        heard = 0.0
        while not self._stop.is_set():
            try:
                piece = self._pieces.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if self._began is not None and time.monotonic() - max(heard, self._began) > silence:
                    sentence = f"no word for {silence:g} seconds. DATELINE_LLM_TIMEOUT allows more."
                    raise ModelError(f"{self._model.name}: {sentence}") from None
                continue
            if piece is None:
                if self._failure is not None:
                    raise self._failure
                return
            heard = time.monotonic()
            if piece:
                yield piece
        self.finish = "stopped"

    def end(self) -> None:
        """Stops the computation."""
        self._ended.set()
        self._thread.join(STOP_WAIT_SECONDS)

    def _work(self) -> None:
        name = self._model.name
        try:
            self._write()
        except ModelError as error:
            self._failure = error
        except RUNTIME_ERRORS as error:
            self._failure = ModelError(f"{name}: the model cannot be run ({first_line(error)}).")
            self._failure.__cause__ = error
        finally:
            self._pieces.put(None)

    def _write(self) -> None:
        from transformers import StoppingCriteriaList

        tokenizer, model = self._model.load()
        inputs = self._model.encode(tokenizer, self._messages).to(model.device)
        prompt_tokens = inputs["input_ids"].shape[1]
        new_tokens = self._model.room(model, prompt_tokens, self._max_tokens)
        ends = end_tokens(tokenizer, model)
        with self._model.turn:
            if self._is_over():
                return
            self._began = time.monotonic()
            output = model.generate(
                **inputs,
                streamer=_streamer(tokenizer, self._pieces),
                stopping_criteria=StoppingCriteriaList([self._criterion]),
                max_new_tokens=new_tokens,
                do_sample=False,
                num_beams=1,
                eos_token_id=ends or None,
            )
        written = output[0][prompt_tokens:].tolist()
        if len(written) >= new_tokens and written[-1] not in ends:
            self.finish = "length"

    def _is_over(self) -> bool:
        return self._ended.is_set() or self._stop.is_set()

    def _criterion(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """The stopping criterion of transformers that ends the reply."""
        import torch

        return torch.full((input_ids.shape[0],), self._is_over(), dtype=torch.bool, device=input_ids.device)


def _streamer(tokenizer: Any, pieces: "queue.SimpleQueue[str | None]") -> Any:
    """A streamer of transformers that puts the text of the new tokens into the queue."""
    from transformers import TextStreamer

    class Streamer(TextStreamer):  # type: ignore[misc]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            pieces.put(text)

    return Streamer(tokenizer, skip_prompt=True, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
