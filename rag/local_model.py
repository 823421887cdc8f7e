"""Language models of the transformers library, run in this process."""

import queue
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from index.errors import ModelError
from rag.prompts import Message

STOP_WAIT_SECONDS = 5.0
"""Longest wait, when a reply is given up, for the computation of the token that is under way."""

_RUNTIME_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, KeyError)
"""What torch and transformers raise when a model cannot be run: out of memory, shapes, missing features."""


class LocalModel:
    """A causal language model by its name on the hub or its folder. It is loaded at the first reply and then kept.

    `silence` is the longest wait for the next piece, in seconds; loading does not count.
    """

    def __init__(self, model: str, silence: float) -> None:
        self.name = f"hf:{model}"
        self._source = model
        self._silence = silence
        self._loaded: tuple[Any, Any] | None = None
        self._lock = threading.Lock()

    def check(self) -> tuple[bool, str]:
        """Whether the model's files are on this machine, and a sentence that says so or what to do."""
        if self._is_here():
            return True, f"The files of {self._source!r} are on this machine."
        if Path(self._source).is_dir():
            return False, f"The folder {self._source!r} holds no config.json; give the folder of a transformers model."
        return (
            False,
            f"{self._source!r} is not on this machine. Its first use downloads it, or: hf download {self._source}",
        )

    def _is_here(self) -> bool:
        """Whether there is a folder that holds the model, or the hub's cache does."""
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        if Path(self._source).is_dir():
            return Path(self._source, "config.json").is_file()
        try:
            return isinstance(try_to_load_from_cache(self._source, "config.json"), str)
        except HFValidationError:
            return False

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Generator[str, None, None]:
        """The reply in pieces, always the most probable next token. Closing the iterator stops the computation.

        Raises `ModelError` if the model cannot be loaded or run, or if the messages are longer than it can read.
        """
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        tokenizer, model = self._load()
        inputs = self._encode(tokenizer, messages).to(model.device)
        new_tokens = self._room(model, inputs["input_ids"].shape[1], max_tokens)
        stopped = threading.Event()
        failures: list[Exception] = []
        streamer = TextIteratorStreamer(
            tokenizer,
            skip_prompt=True,
            timeout=self._silence,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )

        def run() -> None:
            try:
                with self._lock:
                    model.generate(
                        **inputs,
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([_stop_when(stopped)]),
                        max_new_tokens=new_tokens,
                        do_sample=False,
                        num_beams=1,
                    )
            except _RUNTIME_ERRORS as error:
                failures.append(error)
            finally:
                streamer.text_queue.put(streamer.stop_signal)

        thread = threading.Thread(target=run, name="dateline-local-model", daemon=True)
        thread.start()
        try:
            for piece in streamer:
                if piece:
                    yield piece
        except queue.Empty:
            raise ModelError(
                f"{self.name}: no word for {self._silence:g} seconds. DATELINE_LLM_TIMEOUT allows more."
            ) from None
        finally:
            stopped.set()
            thread.join(STOP_WAIT_SECONDS)
        if failures:
            raise ModelError(f"{self.name}: the model cannot be run ({_first_line(failures[0])}).") from failures[0]

    def _load(self) -> tuple[Any, Any]:
        """Tokenizer and model. Files on this machine come first, so that the hub is asked for nothing that is here."""
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = self._read(local_files_only=True)
                except (OSError, ValueError, ImportError, *_RUNTIME_ERRORS) as error:
                    if self._is_here():
                        raise ModelError(f"{self.name} cannot be loaded: {_first_line(error)}") from error
                    self._loaded = self._download()
            return self._loaded

    def _download(self) -> tuple[Any, Any]:
        if Path(self._source).exists():
            raise ModelError(f"{self.name}: {self.check()[1]}")
        try:
            return self._read(local_files_only=False)
        except (OSError, ValueError, ImportError, *_RUNTIME_ERRORS) as error:
            raise ModelError(
                f"{self.name} is not on this machine and cannot be downloaded. Give the folder of a model, or get it "
                f"where there is a network: hf download {self._source}"
            ) from error

    def _read(self, *, local_files_only: bool) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self._source, local_files_only=local_files_only)
        model = AutoModelForCausalLM.from_pretrained(self._source, dtype="auto", local_files_only=local_files_only)
        return tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    def _encode(self, tokenizer: Any, messages: Sequence[Message]) -> Any:
        """The messages by the model's chat template, or as plain text if it has none.

        Some templates know no system message; for them its text goes in front of the first message of the user.
        """
        if not tokenizer.chat_template:
            return tokenizer(plain_rendering(messages), return_tensors="pt", return_token_type_ids=False)
        from jinja2 import TemplateError

        chat = [{"role": message.role, "content": message.content} for message in messages]
        try:
            return tokenizer.apply_chat_template(
                chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        except TemplateError:
            system = "\n\n".join(message["content"] for message in chat if message["role"] == "system")
            rest = [dict(message) for message in chat if message["role"] != "system"]
            rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
            return tokenizer.apply_chat_template(
                rest, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )

    def _room(self, model: Any, prompt_tokens: int, max_tokens: int) -> int:
        """How many tokens the reply may have, so that prompt and reply fit into what the model reads."""
        limit = getattr(model.config, "max_position_embeddings", None)
        if not isinstance(limit, int):
            return max_tokens
        if prompt_tokens >= limit:
            raise ModelError(
                f"{self.name} reads {limit} tokens and the question with its passages has {prompt_tokens}. "
                "Ask with fewer passages (-k), or take another model."
            )
        return min(max_tokens, limit - prompt_tokens)


def plain_rendering(messages: Sequence[Message]) -> str:
    """The messages as text for a model without a chat template: their contents, then the beginning of the answer."""
    return "\n\n".join(message.content for message in messages) + "\n\nAnswer:"


def _stop_when(stopped: threading.Event) -> Any:
    """A stopping criterion of transformers that ends the reply once the event is set."""
    import torch

    def criterion(input_ids: Any, scores: Any, **_: Any) -> Any:
        return torch.full((input_ids.shape[0],), stopped.is_set(), dtype=torch.bool, device=input_ids.device)

    return criterion


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
