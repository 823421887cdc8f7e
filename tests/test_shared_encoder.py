"""Turns of several threads at one encoder."""

import threading

import numpy as np
import pytest
from fakes import BagOfWordsEncoder

from ui.shared_encoder import TEXTS_A_TURN, SharedEncoder

TEXTS = [f"text number {number} of the harbour" for number in range(3 * TEXTS_A_TURN + 1)]


@pytest.mark.parametrize("count", [0, 1, TEXTS_A_TURN, len(TEXTS)])
def test_the_encoder_behind_it_is_what_answers(count: int) -> None:
    plain, shared = BagOfWordsEncoder(), SharedEncoder(BagOfWordsEncoder())
    texts = TEXTS[:count]
    assert (shared.name, shared.digest, shared.dimension, shared.max_tokens) == (
        plain.name,
        plain.digest,
        plain.dimension,
        plain.max_tokens,
    )
    assert np.array_equal(shared.encode(texts), plain.encode(texts))
    assert shared.count_tokens(texts) == plain.count_tokens(texts)
    for one, other in zip(shared.encode_tokens(texts), plain.encode_tokens(texts), strict=True):
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.tokens, other.tokens)


class Watched(BagOfWordsEncoder):
    """Writes down whose texts it encodes, and stands still at the first until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.inside = 0
        self.begun, self.go_on = threading.Event(), threading.Event()

    def encode(self, texts):
        self.inside += 1
        assert self.inside == 1, "two threads at a time"
        self.order.append(texts[0])
        self.begun.set()
        assert self.go_on.wait(20)
        found = super().encode(texts)
        self.inside -= 1
        return found


def test_a_question_comes_next_however_much_is_being_encoded() -> None:
    watched = Watched()
    shared = SharedEncoder(watched)
    adding = threading.Thread(target=shared.encode, args=(TEXTS,))
    asking = threading.Thread(target=shared.encode, args=(["a question"],))
    adding.start()
    assert watched.begun.wait(20)
    asking.start()
    while not shared._next.locked():  # until the question stands in the queue
        threading.Event().wait(0.001)
    watched.go_on.set()
    adding.join(20)
    asking.join(20)
    assert watched.order == [TEXTS[0], "a question", *(TEXTS[n * TEXTS_A_TURN] for n in (1, 2, 3))]


def test_an_error_gives_the_turn_back() -> None:
    class Broken(BagOfWordsEncoder):
        def encode(self, texts):
            raise ValueError("broken")

    shared = SharedEncoder(Broken())
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            shared.encode(["text"])
    assert shared.count_tokens(["one two"]) == [2]
