"""What the check of a statement says, in words for people."""

from typing import get_args

import pytest

from rag.types import Problem, ProblemKind, Statement, Support
from ui.support_words import DETAIL_CHARACTERS, is_weak, problem_words, support_words

SAID = {
    "number": "number 12",
    "date": "date 12",
    "name": "name 12",
    "negation": "a negation differs: 12",
    "quotation": "these words are not in the article: “12”",
    "speaker": "not the speaker that the article gives: 12",
    "hedge": "a hedge of the article is missing: 12",
    "stance": "opposite in the article: 12",
    "words": "words that the article lacks: 12",
}


def test_every_kind_of_problem_has_its_words():
    assert set(SAID) == set(get_args(ProblemKind))
    for kind, words in SAID.items():
        assert problem_words([Problem(kind, "12")]) == words


def test_problems_stand_in_their_order_and_each_once():
    problems = [Problem("number", "12"), Problem("name", "Okafor"), Problem("number", "12")]
    assert problem_words(problems) == "number 12; name Okafor"
    assert problem_words([]) == ""


def test_a_long_quotation_is_shown_by_its_beginning_and_braces_mean_nothing():
    words = problem_words([Problem("quotation", "{0} we will rebuild it " * 20)])
    assert words.startswith("these words are not in the article: “{0} we will rebuild it")
    assert len(words) < DETAIL_CHARACTERS + 50


@pytest.mark.parametrize(
    ("support", "quoted", "words", "weak"),
    [
        ("verbatim", "exact", "word for word", False),
        ("verbatim", "normalised", "word for word but for quotation marks, dashes and case", False),
        ("supported", "normalised", "supported by the cited words", False),
        ("partial", None, "partly supported by the cited words", True),
        ("unsupported", None, "not supported by the cited words", True),
    ],
)
def test_every_label_has_its_words(support: Support, quoted, words, weak):
    statement = Statement("x", (1,), support, quoted=quoted)
    assert support_words(statement) == words
    assert is_weak(statement) is weak
