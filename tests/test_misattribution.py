"""Words of one person that a statement gives to another."""

import pytest

from index.types import Span
from rag.evidence import sentences_of
from rag.misattribution import wrong_speaker

ARTICLE = (
    "Mayor Ana Reyes said the bridge was safe. Engineer Boris Keller said the pillars had cracked. "
    '"We saw it coming for years," said Nadia Ferrow, head of the agency. The bridge opened in 1931.'
)


def wrong(statement, quotes=()):
    return wrong_speaker(statement, quotes, [Span(0, len(ARTICLE))], ARTICLE, sentences_of("bridge", ARTICLE))


@pytest.mark.parametrize(
    ("statement", "quotes"),
    [
        ("Ana Reyes said the pillars had cracked.", ()),
        ("According to Ana Reyes, the pillars had cracked.", ()),
        ('Boris Keller said "We saw it coming for years".', ("We saw it coming for years",)),
        ('"We saw it coming for years," said chief engineer Boris Keller.', ("We saw it coming for years,",)),
    ],
)
def test_another_person_said_it(statement, quotes):
    assert wrong(statement, quotes) is not None
    assert wrong(statement, quotes)[1], "the article gives the words to somebody else"


@pytest.mark.parametrize(
    "statement",
    [
        "Ana Reyes said the bridge was safe.",
        "Mayor Reyes said that the bridge was safe.",
        "According to Boris Keller, the pillars had cracked.",
        "The pillars had cracked.",
        "Officials said that the pillars had cracked.",
    ],
)
def test_nothing_is_against_it(statement):
    assert wrong(statement) is None


def test_words_of_nobody_that_a_statement_gives_to_somebody_are_in_doubt():
    assert wrong("Ana Reyes said the bridge opened in 1931.") == ("Ana Reyes", False)
