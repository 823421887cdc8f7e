"""What is checked of every reply, whatever model it comes from."""

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from index.errors import ModelError
from rag.generators import Ending, Finish, reply
from rag.loops import LoopWatch

if TYPE_CHECKING:
    from rag.chat_clients import ChatClient
    from rag.local_model import LocalModel
    from rag.prompts import Message

CHARACTERS_PER_TOKEN = 20
"""Most characters that a token of a reply is taken to have on average. In English it has some four, in German five;
only rules of dashes and runs of spaces come to more."""

REASONING_CHARACTERS = 40_000
"""Characters that a reply may have beyond its tokens, for reasoning within the text: some 10,000 tokens, which servers
do not always count. With those of the answer, the most that is taken from a server that ignores `max_tokens`."""

NO_TEXT: dict[Finish, str] = {
    "complete": "the reply holds no text. Try again, or another model.",
    "length": "the reply holds no text after {tokens} tokens, which went into something else, such as reasoning. Try "
    "another model.",
    "filtered": "the server's filter held the reply back. Ask in other words, or try another model.",
}
"""What is said of a reply without text, by how it ended."""

_THINKING_BEGINS, _THINKING_ENDS = "<think>", "</think>"


class CheckedModel:
    """A model whose reply is bounded, holds text, does not go round in circles, and comes without its reasoning."""

    def __init__(self, model: "ChatClient | LocalModel") -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The model's name with its prefix."""
        return self._model.name

    def generate(
        self, messages: "Sequence[Message]", *, max_tokens: int, stop: threading.Event | None = None
    ) -> Generator[str, None, Finish]:
        """See `rag.generators.Generator.generate`."""
        has_text = False
        pieces = reply(self._model, messages, max_tokens=max_tokens, stop=stop)
        ending = Ending(pieces)
        with closing(pieces):
            for piece in without_reasoning(self._bounded(ending, max_tokens)):
                has_text = has_text or not piece.isspace()
                yield piece
        if not has_text and ending.finish in NO_TEXT:
            raise ModelError(f"{self.name}: {NO_TEXT[ending.finish].format(tokens=max_tokens)}")
        return ending.finish

    def _bounded(self, pieces: Iterable[str], max_tokens: int) -> Iterator[str]:
        limit = CHARACTERS_PER_TOKEN * max_tokens + REASONING_CHARACTERS
        total = 0
        loops = LoopWatch()
        for piece in pieces:
            total += len(piece)
            if total > limit:
                raise ModelError(f"{self.name}: the reply did not end within {limit:,} characters.")
            if loops.repeats(piece):
                raise ModelError(f"{self.name}: the reply repeats itself over and over. Try another model.")
            yield piece


def without_reasoning(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces without a part between `<think>` and `</think>` at the beginning. No piece is empty."""
    held = ""
    state = "beginning"
    for piece in pieces:
        held += piece
        if state == "beginning":
            begin = held.lstrip()
            if begin.startswith(_THINKING_BEGINS):
                state, held = "reasoning", begin[len(_THINKING_BEGINS) :]
            elif not _THINKING_BEGINS.startswith(begin):
                state = "text"
        if state == "reasoning":
            _, ended, held = held.rpartition(_THINKING_ENDS) if _THINKING_ENDS in held else ("", "", held)
            state = "after" if ended else state
            held = held if ended else held[1 - len(_THINKING_ENDS) :]
        if state == "after":
            held = held.lstrip()
            state = "text" if held else state
        if state == "text" and held:
            yield held
            held = ""
    if state == "beginning" and held:
        yield held
