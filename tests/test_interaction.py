"""Late interaction: worked numbers, and the kept form of a passage's tokens."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.encoder import DEFAULT_ENCODER_SHA256, TokenVectors, load_encoder
from index.interaction import (
    CHECKSUM_BYTES,
    EDGE_BYTES,
    NO_MATCH,
    PassageTokens,
    Projection,
    QuestionTokens,
    passage_tokens,
    projection_of,
    question_tokens,
)
from index.library import Library
from index.matching import match_passage
from index.types import Article, Metadata, Span
from tests.fakes import BagOfWordsEncoder


def unit(*rows: list[float]) -> np.ndarray:
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def edges(*spans: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    found = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


TOKENS = PassageTokens(unit([1, 0], [0, 1], [3, 4]), *edges((0, 3), (4, 7), (8, 12)))
QUESTION = QuestionTokens(unit([1, 0], [0, 1]), np.array([0.75, 0.25], dtype=np.float32))


def test_each_token_of_the_question_counts_with_its_best_match_and_its_weight():
    found = match_passage(QUESTION, TOKENS, [Span(0, 4), Span(4, 8), Span(8, 12), Span(20, 30)])
    assert found.whole.weighted == pytest.approx(1.0)
    first, second, third, outside = found.spans
    # The first token matches "1 0" wholly, the second not at all.
    assert (first.weighted, first.plain, first.least) == pytest.approx((0.75, 0.5, 0.25))
    assert (second.weighted, second.plain) == pytest.approx((0.25, 0.5))
    assert second.least == pytest.approx(0.0)
    assert (third.weighted, third.plain) == pytest.approx((0.75 * 0.6 + 0.25 * 0.8, 0.7))
    assert (outside.weighted, outside.plain, outside.least) == (NO_MATCH, NO_MATCH, NO_MATCH)


def test_the_least_third_is_of_the_weights_and_not_of_the_tokens():
    question = QuestionTokens(unit([1, 0], [0, 1], [1, 0]), np.array([0.1, 0.2, 0.7], dtype=np.float32))
    tokens = PassageTokens(unit([1, 0]), *edges((0, 1)))
    # The worst third: all .2 that match at 0, and .1333 of those that match at 1.
    assert match_passage(question, tokens, []).whole.least == pytest.approx((1 / 3 - 0.2) / (1 / 3))


def test_a_question_without_tokens_matches_nothing():
    empty = QuestionTokens(np.zeros((0, 2), np.float32), np.zeros(0, np.float32))
    assert match_passage(empty, TOKENS, []).whole.weighted == NO_MATCH


@given(st.integers(0, 40), st.integers(1, 48), st.integers(0, 2**32 - 1))
def test_the_kept_form_is_as_exact_as_a_byte(count: int, size: int, seed: int):
    source = np.random.default_rng(seed)
    vectors = source.normal(size=(count, size)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    starts = np.sort(source.integers(0, 4_000, count))
    tokens = PassageTokens(vectors, starts, starts + 1)
    kept = tokens.to_bytes()
    assert len(kept) == count * (size + EDGE_BYTES) + CHECKSUM_BYTES
    read = PassageTokens.from_bytes(kept, size)
    assert read is not None
    assert np.abs(read.vectors - vectors).max(initial=0.0) <= 0.5 / 127 + 1e-6
    assert read.starts.tolist() == starts.tolist()
    assert read.ends.tolist() == (starts + 1).tolist()


@pytest.mark.parametrize("damage", [b"", b"abc", "cut", "changed", "longer"])
def test_kept_tokens_that_are_damaged_count_as_missing(damage):
    kept = TOKENS.to_bytes()
    damaged = {"cut": kept[:-7], "changed": bytes([kept[0] ^ 1]) + kept[1:], "longer": kept + b"\0" * 6}.get(
        damage, damage
    )
    assert PassageTokens.from_bytes(kept, 2) is not None
    assert PassageTokens.from_bytes(damaged, 2) is None


def test_the_tokens_of_the_context_are_left_out():
    read = TokenVectors(unit([1, 0])[0], unit([1, 0], [0, 1], [1, 1]), *edges((0, 5), (6, 9), (10, 12)))
    kept = passage_tokens(read, 6, None)
    assert (kept.starts.tolist(), kept.ends.tolist()) == ([0, 4], [3, 6])
    identity = np.eye(2, dtype=np.float32)
    nothing = np.zeros(2, dtype=np.float32)
    projected = passage_tokens(read, 6, Projection(identity[::-1], nothing, identity, nothing, nothing, 0.0))
    assert projected.vectors == pytest.approx(kept.vectors[:, ::-1])


def test_weights_of_a_question_add_up_to_one_with_and_without_a_projection():
    read = TokenVectors(unit([1, 0])[0], unit([1, 0], [0, 1]), *edges((0, 1), (2, 3)))
    assert question_tokens(read, None).weights.tolist() == [0.5, 0.5]
    identity, nothing = np.eye(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    gate = np.array([1.0, -1.0], dtype=np.float32)
    weights = question_tokens(read, Projection(identity, nothing, identity, nothing, gate, 0.0)).weights
    # softplus(1) and softplus(-1)
    assert weights == pytest.approx(np.array([1.3132617, 0.3132617]) / 1.6265234, abs=1e-6)


def test_there_is_a_projection_for_the_default_encoder_only():
    found = projection_of(DEFAULT_ENCODER_SHA256)
    assert found is not None
    assert found.passage.shape == found.question.shape == (found.size, 384)
    assert projection_of("0" * 64) is None


def test_token_vectors_are_those_of_the_text_and_their_mean_is_its_vector():
    encoder = load_encoder()
    text = "The ferry to Kronstadt was cancelled, said Olga Brandt."
    (read,) = encoder.encode_tokens([text])
    assert read.vector == pytest.approx(encoder.encode([text])[0], abs=1e-5)
    assert len(read.tokens) == encoder.count_tokens([text])[0] == len(read.starts)
    assert np.linalg.norm(read.tokens, axis=1) == pytest.approx(np.ones(len(read.tokens)), abs=1e-5)
    assert "".join(text[s:e] for s, e in zip(read.starts, read.ends, strict=True)) == text.replace(" ", "")


TEXT = "The council met on Monday. The ferry was repaired in March. Nobody came to the opening of the pier."


@pytest.mark.parametrize("keeps", [True, False])
def test_a_library_finds_the_sentence_that_matches_whether_it_keeps_tokens_or_not(tmp_path, keeps):
    encoder = load_encoder() if keeps else BagOfWordsEncoder()
    article = Article.from_text(TEXT, Metadata(title="Pier news"), "/pier.txt")
    with Library.open_for_writing(tmp_path / "library", encoder) as library:
        library.put([(article, "digest")])
        passages = library.passages(article.article_id)
        assert bool(library._store.passage_tokens(passages)) is keeps
        starts = [0, TEXT.index("The ferry"), TEXT.index("Nobody"), len(TEXT)]
        spans = [Span(start, end) for start, end in pairwise(starts)]
        (found,) = library.match("When was the ferry repaired?", passages, [spans])
    scores = [span.weighted for span in found.spans]
    assert scores.index(max(scores)) == 1
    assert found.whole.weighted >= max(scores) - 1e-6


def test_tokens_that_were_not_kept_are_read_when_they_are_needed(tmp_path):
    encoder = load_encoder()
    article = Article.from_text(TEXT, Metadata(title="Pier news"), "/pier.txt")
    with Library.open_for_writing(tmp_path / "library", encoder) as library:
        library.put([(article, "digest")])
        passages = library.passages(article.article_id)
        spans = [[Span(0, len(TEXT))]]
        (kept,) = library.match("When was the ferry repaired?", passages, spans)
        library._store._connection.execute("DELETE FROM passage_tokens")
        (read,) = library.match("When was the ferry repaired?", passages, spans)
        assert read.whole.weighted == pytest.approx(kept.whole.weighted, abs=0.02)
        other = Article.from_text("Another text. It is short.", Metadata(), "/other.txt")
        library.put([(other, "digest")])
        assert library._store.passage_tokens(library.passages(other.article_id))


@pytest.mark.parametrize(
    "damage", ["DELETE FROM passage_tokens", "UPDATE passage_tokens SET tokens = substr(tokens, 1, 7)"]
)
def test_tokens_that_are_missing_or_damaged_are_named_and_mended(tmp_path, damage):
    article = Article.from_text(TEXT, Metadata(title="Pier news"), "/pier.txt")
    with Library.open_for_writing(tmp_path / "library", load_encoder()) as library:
        library.put([(article, "digest")])
        library.write_derived()
        assert all(finding.ok for finding in library.check())
        passages, spans = library.passages(article.article_id), [[Span(0, len(TEXT))]]
        sound = library.match("When was the ferry repaired?", passages, spans)
        generation = library.generation
        library._store._connection.execute(damage)
        (found,) = [finding for finding in library.check() if finding.check == "tokens"]
        assert not found.ok
        assert "1 of 1 passages" in found.message
        assert "doctor --repair" in found.message
        read = library.match("When was the ferry repaired?", passages, spans)
        assert read[0].whole.weighted == pytest.approx(sound[0].whole.weighted, abs=0.02)
        assert all(finding.ok for finding in library.repair())
        assert library.generation == generation
        assert library.match("When was the ferry repaired?", passages, spans) == sound


def test_the_tokens_go_with_their_article(tmp_path):
    article = Article.from_text(TEXT, Metadata(), "/pier.txt")
    with Library.open_for_writing(tmp_path / "library", load_encoder()) as library:
        library.put([(article, "digest")])
        library.remove([article.article_id])
        assert library._store._connection.execute("SELECT count(*) FROM passage_tokens").fetchone() == (0,)
