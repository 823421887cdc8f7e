"""Kept sentences: what is written is what is read, damage and other rules count as missing."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentence_edges import SentenceEdges
from index.sentences import RULES_VERSION, split_sentences
from tests.test_sentences import NEWS, SEEDS, SPLITS

RULES_DIGEST = "3a0d087d5dd8b7647941ff35b65ca3e80300553f2650a96d578ac99e8d25f7dd"
"""Of what the rules of `RULES_VERSION` find in the sample articles and in the sentences of `tests.test_sentences`."""


@given(NEWS)
def test_the_kept_form_has_the_sentences_of_the_text(text):
    edges = SentenceEdges.of_text(text)
    assert list(edges.spans()) == split_sentences(text)
    assert SentenceEdges.from_bytes(edges.to_bytes()) == edges


@given(NEWS, st.integers(0, 200), st.integers(1, 100))
def test_the_sentences_inside_are_those_that_overlap(text, start, length):
    starts, ends = SentenceEdges.of_text(text).inside(start, start + length)
    expected = [span for span in split_sentences(text) if span.start < start + length and span.end > start]
    assert starts == tuple(span.start for span in expected)
    assert ends == tuple(span.end for span in expected)


def test_damaged_sentences_count_as_missing():
    kept = SentenceEdges.of_text("The ship left. It was late.").to_bytes()
    assert SentenceEdges.from_bytes(kept) is not None
    changed = [bytes([*kept[:place], kept[place] ^ 1, *kept[place + 1 :]]) for place in range(len(kept))]
    for damaged in (b"", kept[:3], kept[:-1], kept + b"\0", *changed):
        assert SentenceEdges.from_bytes(damaged) is None


def test_sentences_of_other_rules_count_as_missing(monkeypatch: pytest.MonkeyPatch):
    edges = SentenceEdges.of_text("The ship left. It was late.")
    monkeypatch.setattr("index.sentence_edges.RULES_VERSION", RULES_VERSION + 1)
    other = edges.to_bytes()
    assert SentenceEdges.from_bytes(other) == edges
    monkeypatch.undo()
    assert SentenceEdges.from_bytes(other) is None


def test_other_rules_have_another_version():
    """Where this fails, the rules find other sentences than those that libraries keep: raise `RULES_VERSION`, then
    take the new digest."""
    digest = hashlib.sha256()
    for text in [*(path.read_text("utf-8") for path in SEEDS), *(marked.replace("|", "") for marked in SPLITS)]:
        digest.update(SentenceEdges.of_text(text).to_bytes())
    assert digest.hexdigest() == RULES_DIGEST
