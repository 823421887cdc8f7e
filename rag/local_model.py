"""Language models of the transformers library, run in this process."""

import threading
from collections.abc import Generator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import ModelError
from rag.local_reply import RUNTIME_ERRORS, LocalReply, first_line
from rag.prompts import Message

if TYPE_CHECKING:
    from rag.generators import Finish


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
        self.turn = threading.Lock()
        """Held while the model writes: one reply at a time."""

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

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: threading.Event | None = None
    ) -> "Generator[str, None, Finish]":
        """The reply in pieces, always the most probable next token. Closing the iterator stops the computation.

        Once `stop` is set, the reply ends, also while the model is loaded or reads the prompt; what is under way then
        is finished in the background. Raises `ModelError` if the model cannot be loaded or run, or if the messages are
        longer than it can read.
        """
        run = LocalReply(self, messages, max_tokens, stop or threading.Event())
        try:
            yield from run.pieces(self._silence)
        finally:
            run.end()
        return run.finish

    def load(self) -> tuple[Any, Any]:
        """Tokenizer and model. Files on this machine come first, so that the hub is asked for nothing that is here."""
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = self._read(local_files_only=True)
                except (OSError, ValueError, ImportError, *RUNTIME_ERRORS) as error:
                    if self._is_here():
                        raise ModelError(f"{self.name} cannot be loaded: {self._reason(error)}") from error
                    self._loaded = self._download()
            return self._loaded

    def _download(self) -> tuple[Any, Any]:
        if Path(self._source).exists():
            raise ModelError(f"{self.name}: {self.check()[1]}")
        try:
            return self._read(local_files_only=False)
        except (OSError, ValueError, ImportError, *RUNTIME_ERRORS) as error:
            if self._is_here():
                raise ModelError(f"{self.name} cannot be loaded: {self._reason(error)}") from error
            raise ModelError(
                f"{self.name} is not on this machine and cannot be downloaded. Give the folder of a model, or get it "
                f"where there is a network: hf download {self._source}"
            ) from error

    def _read(self, *, local_files_only: bool) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        # Code that comes with a model is never run, and weights are read from safetensors only: pickles are code.
        where: dict[str, Any] = {"local_files_only": local_files_only, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(self._source, **where)
        model = AutoModelForCausalLM.from_pretrained(self._source, dtype="auto", use_safetensors=True, **where)
        if torch.cuda.is_available():
            return tokenizer, model.to("cuda").eval()
        if model.dtype in (torch.bfloat16, torch.float16):
            model = model.to(torch.bfloat16 if bfloat16_is_fast() else torch.float32)
        return tokenizer, model.eval()

    def _reason(self, error: Exception) -> str:
        folder = Path(self._source)
        pickled = folder.is_dir() and not any(folder.glob("*.safetensors")) and any(folder.glob("*.bin"))
        if pickled or "safetensors" in str(error):
            return (
                "its weights are not in safetensors files, and files of any other kind can run code when they are "
                "read. Take a model that has them."
            )
        return first_line(error)

    def encode(self, tokenizer: Any, messages: Sequence[Message]) -> Any:
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

    def room(self, model: Any, prompt_tokens: int, max_tokens: int) -> int:
        """How many tokens the reply may have, so that prompt and reply fit into what the model reads."""
        limit = getattr(model.config, "max_position_embeddings", None)
        if not isinstance(limit, int):
            return max_tokens
        if prompt_tokens >= limit:
            raise ModelError(
                f"{self.name} reads {limit} tokens and the question with its passages has {prompt_tokens}. "
                "Ask with fewer passages (-k), set DATELINE_PROMPT_TOKENS lower, or take another model."
            )
        return min(max_tokens, limit - prompt_tokens)


def plain_rendering(messages: Sequence[Message]) -> str:
    """The messages as text for a model without a chat template: their contents, then the beginning of the answer."""
    return "\n\n".join(message.content for message in messages) + "\n\nAnswer:"


@cache
def bfloat16_is_fast() -> bool:
    """Whether the processor has instructions for bfloat16 (AMX or AVX512-BF16), with which it is faster than float32.

    With them, products of matrices took 0.33 to 0.4 of the time of float32; without, 3 to 8 times as long.
    """
    import torch

    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(check() for name in checks if (check := getattr(torch.cpu, name, None)) is not None)
