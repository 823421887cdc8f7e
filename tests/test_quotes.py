"""Quoted words in a text: offsets of the original carried over to the text as it is stored."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval.quotes import NormalisedText, occurrences, occurrences_by_word
from index.types import Span, normalise_text

PIECES = st.lists(
    st.sampled_from(["a", "b", " ", "\r\n", "\n", "é", "e\u0301", "n\u0303", "\u212b", "\u0301", "漢", "😀"]),
    max_size=8,
).map("".join)


@given(st.sampled_from(["", "\ufeff"]), PIECES, PIECES, PIECES)
def test_offsets_survive_normalisation(mark, before, words, after):
    # Words that begin or end within one written character are not words of the text.
    assume(words and not any(unicodedata.combining(text[0]) for text in (words, after) if text))
    context = NormalisedText(mark + before + words + after)
    span = context.find(words, len(mark + before))
    assert context.text == normalise_text(mark + before + words + after)
    assert span == Span(len(normalise_text(before)), len(normalise_text(before + words)))
    assert context.text[span.start : span.end] == normalise_text(words)


def test_words_elsewhere_are_found_at_the_nearest_place():
    context = NormalisedText("one two one two one")
    assert context.find("one", 7) == Span(8, 11)
    assert context.find("one", 5) == Span(8, 11)
    assert context.find("one", 3) == Span(0, 3)
    assert context.find("one", 900) == Span(16, 19)
    assert context.find("one", 17) == Span(16, 19)
    assert context.find("three", 0) is None


def test_half_characters_are_stored_as_replacement_characters():
    context = NormalisedText("a\ud83d b")
    assert context.text == "a\ufffd b"
    assert context.find("b", 3) == Span(3, 4)


def test_occurrences_are_exact_and_do_not_overlap():
    assert occurrences("aXaa aX", "aX") == [Span(0, 2), Span(5, 7)]
    assert occurrences("aaaa", "aa") == [Span(0, 2), Span(2, 4)]
    assert occurrences("café", "cafe\u0301") == [Span(0, 4)]
    assert occurrences("a  b", "a b") == []


def test_occurrences_by_word_allow_any_white_space_and_nothing_else():
    assert occurrences_by_word("She\n said (no). she said (no).", "She said (no).") == [Span(0, 15)]
    assert occurrences_by_word("a  b a\tb", " a b\n") == [Span(0, 4), Span(5, 8)]


@pytest.mark.parametrize("words", ["", " "])
def test_no_words_are_nowhere(words):
    assert occurrences_by_word("a b", words) == []
    assert occurrences("a", "") == []
