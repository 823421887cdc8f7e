"""Matching of many passages at once, compared with the formula worked out passage by passage and span by span."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.interaction import NO_MATCH, PassageTokens, QuestionTokens
from index.matching import TokenBlock, best_sentences, match_passages
from index.types import Span

SIZE = 8


def unit(source: np.random.Generator, count: int) -> np.ndarray:
    vectors = source.normal(size=(count, SIZE)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def made_tokens(source: np.random.Generator, count: int, *, sort: bool) -> PassageTokens:
    starts = source.integers(0, 60, count)
    return PassageTokens(unit(source, count), np.sort(starts) if sort else starts, starts + 1)


def made_question(source: np.random.Generator, count: int) -> QuestionTokens:
    weights = source.random(count).astype(np.float32)
    return QuestionTokens(unit(source, count), weights / max(float(weights.sum()), 1e-9))


def by_hand(question: QuestionTokens, tokens: PassageTokens, start: int, end: int) -> tuple[float, float, float]:
    """Weighted, plain and least of the tokens that begin in a span, one by one."""
    own = [vector for vector, place in zip(tokens.vectors, tokens.starts, strict=True) if start <= place < end]
    if not own or not len(question.weights):
        return NO_MATCH, NO_MATCH, NO_MATCH
    best = [max(float(asked @ one) for one in own) for asked in question.vectors]
    weights = [float(weight) for weight in question.weights]
    left, taken, total = 1 / 3, 0.0, 0.0
    for value, weight in sorted(zip(best, weights, strict=True)):
        share = min(weight, max(0.0, left))
        left -= weight
        taken += share * value
        total += share
    weighted = sum(value * weight for value, weight in zip(best, weights, strict=True))
    return weighted, sum(best) / len(best), taken / total


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 9),
    st.lists(st.integers(0, 30), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 90)), max_size=9),
    st.booleans(),
)
def test_all_at_once_is_what_each_span_is_by_itself(seed, asked, counts, edges, sort):
    source = np.random.default_rng(seed)
    question = made_question(source, asked)
    passages = [made_tokens(source, count, sort=sort) for count in counts]
    spans = [[Span(*edge) for edge in edges[number % 3 :]] for number in range(len(passages))]
    found = match_passages(question, TokenBlock.of(passages), spans)
    for tokens, wanted, match in zip(passages, spans, found, strict=True):
        for span, one in zip([Span(0, 100), *wanted], [match.whole, *match.spans], strict=True):
            expected = by_hand(question, tokens, span.start, span.end)
            assert (one.weighted, one.plain, one.least) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_the_best_sentence_is_the_best_of_those_matched_one_by_one(seed, counts):
    source = np.random.default_rng(seed)
    question = made_question(source, 5)
    block = TokenBlock.of([made_tokens(source, count, sort=True) for count in counts])
    offsets = source.integers(0, 1_000, len(counts)).tolist()
    sentences, spans = [], []
    for offset in offsets:
        # The first sentence may begin before the passage.
        cuts = np.sort(source.integers(-5, 70, source.integers(0, 6))).tolist()
        sentences.append(([offset + cut for cut in cuts[:-1]], [offset + cut for cut in cuts[1:]]))
        spans.append([Span(max(0, start), max(0, end)) for start, end in pairwise(cuts)])
    one_by_one = match_passages(question, block, spans)
    for match, expected in zip(best_sentences(question, block, sentences, offsets), one_by_one, strict=True):
        assert match.whole == pytest.approx(expected.whole.weighted, abs=1e-6)
        best = max((span.weighted for span in expected.spans), default=NO_MATCH)
        assert match.best == pytest.approx(best, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 30), min_size=1, max_size=8), st.booleans())
def test_the_kept_tokens_of_many_passages_are_those_of_each(seed, counts, sort):
    source = np.random.default_rng(seed)
    kept = [made_tokens(source, count, sort=sort).to_bytes() for count in counts]
    one_by_one = TokenBlock.of([tokens for one in kept if (tokens := PassageTokens.from_bytes(one, SIZE)) is not None])
    block = TokenBlock.from_kept(kept, SIZE)
    assert block is not None
    assert (block.vectors == one_by_one.vectors).all()
    assert (block.places == one_by_one.places).all()
    assert (block.edges == one_by_one.edges).all()


def test_one_damaged_passage_is_noticed_among_others():
    source = np.random.default_rng(1)
    kept = [made_tokens(source, 5, sort=True).to_bytes() for _ in range(3)]
    assert TokenBlock.from_kept(kept, SIZE) is not None
    for damaged in (b"", kept[1][:-1], bytes([kept[1][0] ^ 1]) + kept[1][1:]):
        assert TokenBlock.from_kept([kept[0], damaged, kept[2]], SIZE) is None
