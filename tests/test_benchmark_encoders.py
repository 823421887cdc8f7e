"""The encoders of the benchmarks: borrowed vectors are the same for the same text, and work is timed once."""

import time

import numpy as np
import pytest

from eval.benchmarks.encoders import BorrowingEncoder, WatchedEncoder
from tests.fakes import BagOfWordsEncoder

TEXTS = [f"word{number} and other{number % 7} words here" for number in range(30)]


def borrowing(**options):
    return BorrowingEncoder(BagOfWordsEncoder(), encoded=8, **options)


def test_only_the_first_texts_are_really_encoded():
    encoder = borrowing(noise=0.5)
    vectors = np.concatenate([encoder.encode(TEXTS[:5]), encoder.encode(TEXTS[5:])])
    real = BagOfWordsEncoder().encode(TEXTS)
    same = np.isclose(vectors, real, atol=1e-6).all(axis=1)
    assert list(same) == [True] * 8 + [False] * 22
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_noise_keeps_a_vector_near_the_one_that_was_borrowed():
    encoder = borrowing(noise=0.5)
    vectors = encoder.encode(TEXTS)
    nearest = (vectors[8:] @ vectors[:8].T).max(axis=1)
    assert 0.75 < nearest.min() < nearest.max() < 1
    without = borrowing().encode(TEXTS)
    assert (without[8:] @ without[:8].T).max(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_same_text_has_the_same_vector_in_any_order_and_the_next_time(tmp_path):
    first = borrowing(noise=0.5, cache=tmp_path / "encoded.npz")
    vectors = first.encode(TEXTS)
    assert np.allclose(first.encode(TEXTS[::-1])[::-1], vectors, atol=1e-6)
    inner = BagOfWordsEncoder()
    again = BorrowingEncoder(inner, encoded=8, noise=0.5, cache=tmp_path / "encoded.npz")
    assert np.allclose(again.encode(TEXTS), vectors, atol=1e-3)
    assert inner.encoded == []
    other = BagOfWordsEncoder("other")
    BorrowingEncoder(other, encoded=8, cache=tmp_path / "encoded.npz").encode(TEXTS)
    assert other.encoded == TEXTS[:8]


def test_borrowed_tokens_lie_inside_their_text():
    short = "a b"
    encoder = borrowing()
    encoder.encode(TEXTS)
    (read,) = encoder.encode_tokens([short])
    assert len(read.tokens) == len(read.starts) > 0
    assert read.starts.min() >= 0
    assert read.ends.max() <= len(short)


def test_tokens_are_counted_word_by_word_as_the_encoder_counts_them():
    texts = ["one two, two", "", "three-four five"]
    assert borrowing().count_tokens(texts) == BagOfWordsEncoder().count_tokens(texts)


def test_every_vector_is_told_with_its_text():
    told = []
    encoder = borrowing()
    encoder.on_vector = lambda text, vector: told.append((text, vector))
    vectors = encoder.encode(TEXTS)
    assert [text for text, _ in told] == TEXTS
    assert np.array_equal(np.stack([vector for _, vector in told]), vectors)


def test_time_in_which_two_threads_encode_counts_once(monkeypatch):
    clock = iter([0.0, 4.0, 1.0, 3.0, 10.0, 11.0, 20.0, 20.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    watched = WatchedEncoder(BagOfWordsEncoder())
    assert (watched.name, watched.dimension) == ("bag-of-words", 256)
    for _ in range(3):
        watched.encode(["a"])
    watched.count_tokens(["a"])
    assert watched.busy_seconds() == 5.0
    assert watched.busy_seconds("counting") == 0.5


def test_only_the_time_inside_an_iterator_counts(monkeypatch):
    class Streaming(BagOfWordsEncoder):
        def read(self, texts):
            yield from enumerate(self.encode_tokens(texts))

    now = [0.0]

    def clock():
        now[0] += 1.0
        return now[0]

    watched = WatchedEncoder(Streaming())
    monkeypatch.setattr(time, "perf_counter", clock)
    for _ in watched.read(["a", "b"]):
        now[0] += 100.0
    assert watched.busy_seconds() == 4.0
