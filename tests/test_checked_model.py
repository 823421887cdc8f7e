"""What is checked of the reply of any model."""

from collections.abc import Iterator, Sequence

import pytest

from index.errors import ModelError
from rag.checked_model import CHARACTERS_PER_TOKEN, REASONING_CHARACTERS, CheckedModel
from rag.prompts import Message


class Model:
    """Gives the pieces and ends as told; `closed` is true once it is let go of."""

    name = "hf:made"

    def __init__(self, pieces: Sequence[str], finish: str = "complete") -> None:
        self.pieces, self.finish, self.closed = pieces, finish, False

    def generate(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[str]:
        try:
            yield from self.pieces
            return self.finish
        finally:
            self.closed = True


def text_of(model: Model, max_tokens: int = 100) -> str:
    return "".join(CheckedModel(model).generate((), max_tokens=max_tokens))


@pytest.mark.parametrize("pieces", [["again "] * 400, ["<think>", *["hm, "] * 600], ["It ended. "] * 5_000])
def test_a_model_of_any_kind_that_repeats_itself_is_ended(pieces):
    model = Model(pieces)
    with pytest.raises(ModelError, match=r"^hf:made: the reply repeats itself"):
        text_of(model)
    assert model.closed


def test_the_length_of_a_reply_is_bounded_by_its_tokens():
    most = CHARACTERS_PER_TOKEN * 100 + REASONING_CHARACTERS
    text = " ".join(map(str, range(10_000)))[:most]
    assert text_of(Model([text])) == text
    with pytest.raises(ModelError, match=f"did not end within {most:,} characters"):
        text_of(Model([text, "."]))


@pytest.mark.parametrize(
    ("finish", "says"),
    [("complete", "the reply holds no text"), ("length", "no text after 100 tokens"), ("filtered", "filter held")],
)
def test_a_reply_without_text_says_why(finish, says):
    with pytest.raises(ModelError, match=says):
        text_of(Model([" "], finish))


def test_a_model_that_is_stopped_before_its_first_word_is_no_error():
    assert text_of(Model([], "stopped")) == ""
