"""Metrics against numbers worked by hand, brute force, and the definitions they cite."""

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import (
    auroc,
    best_f1,
    calibration_bins,
    contains,
    count_citations,
    expected_calibration_error,
    is_correct,
    matches_gold,
    score_answer,
    squad_tokens,
    token_f1,
    without_marks,
)
from eval.rankings import no_ranking, score_ranking
from eval.types import ArticleSpan, CitationCounts, EvalQuestion, Gold, Scores
from index.errors import ArticleNotFoundError
from index.types import Article, Hit, Metadata, Passage
from rag.types import Answer, Citation, Statement

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0]), max_size=12)


def citation(number, article, start, end, cited_text=None):
    words = article.text[start:end] if cited_text is None else cited_text
    return Citation(
        number, article.article_id, article.origin, article.title, None, None, None, start, end, words, "", ""
    )


def answer_with(text, citations=(), statements=()):
    return Answer("?", "?", text, None, 0.5, tuple(statements), tuple(citations), (), "fake", 1, {})


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("It was “clear and sharp”, she said.", '"Clear and sharp"'),
        ("North Korea’s\n  first ICBM", "north korea's first icbm"),
        ("Cafe\u0301 owners", "café"),
        ("die Straße", "STRASSE"),
        ("two missile tests", "missile test"),
        ("It rose to 15.", "15"),
        ("In 2017, and", "2017"),
        ("about $5", "$5"),
    ],
)
def test_contains_folds_form_case_quotes_and_white_space(text, accepted):
    assert contains(text, accepted)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("It rose to 15.", "5"),
        ("15 members", "1"),
        ("5.2 percent", "5"),
        ("1,500", "500"),
        ("2.5", "5"),
        ("x", "y"),
        ("x", " "),
    ],
)
def test_contains_wants_whole_numbers_and_something_to_look_for(text, accepted):
    assert not contains(text, accepted)


def test_any_of_the_answers_or_all_of_answers_all():
    any_of = EvalQuestion("q", "?", answers=("July 3", "3 July"))
    all_of = EvalQuestion("q", "?", answers_all=("July 3", "November 29"))
    assert is_correct("On 3 July it flew.", any_of)
    assert not is_correct("On 4 July it flew.", any_of)
    assert is_correct("It flew on November 29, after July 3.", all_of)
    assert not is_correct("On July 3 it flew.", all_of)
    assert not is_correct("anything", EvalQuestion("q", "?", answerable=False))


def test_squad_normalisation():
    assert squad_tokens("The U.S.-led  “talks”, an A-team!") == ["usled", "talks", "ateam"]


def test_token_f1_by_hand():
    # "cat sat" against "cat sat down": precision 2/2, recall 2/3, F1 = 2 · 1 · (2/3) / (5/3) = 0.8.
    assert token_f1("The cat sat.", "a cat sat down") == pytest.approx(0.8)
    # Repeated words count as often as both have them: one common "very" of two and one.
    assert token_f1("very very good", "very bad") == pytest.approx(2 * 1 / 5)
    assert token_f1("same", "Same!") == 1.0
    assert token_f1("one", "two") == 0.0
    assert token_f1("", "two") == 0.0
    assert token_f1("the", "a") == 1.0


def test_best_f1_takes_the_best_accepted_answer():
    assert best_f1("cat sat", EvalQuestion("q", "?", answers=("dog", "cat"))) == pytest.approx(2 / 3)
    assert best_f1("b x y", EvalQuestion("q", "?", answers_all=("c b", "x"))) == pytest.approx(2 / 3)


@given(st.text(max_size=30), st.text(max_size=30))
def test_f1_is_symmetric_and_one_on_itself(first, second):
    assert token_f1(first, second) == token_f1(second, first)
    assert token_f1(first, first) == 1.0
    assert 0 <= token_f1(first, second) <= 1


def test_marks_are_removed_and_other_brackets_stay():
    article = Article.from_text("Simms spoke.", Metadata(), "a.txt")
    answer = answer_with("He spoke [1]. See law [12] [2].", [citation(1, article, 0, 5), citation(2, article, 6, 11)])
    assert without_marks(answer) == "He spoke. See law [12]."
    assert without_marks(answer_with("Law [1]")) == "Law [1]"


@pytest.mark.parametrize(
    ("start", "end", "matches"),
    [
        (100, 120, True),
        (110, 130, True),
        (111, 131, False),
        (105, 108, True),
        (0, 500, True),
        (118, 122, True),
        (120, 140, False),
    ],
)
def test_a_gold_quote_is_matched_by_half_of_the_shorter(start, end, matches):
    gold = ArticleSpan("a", 100, 120)
    assert matches_gold(ArticleSpan("a", start, end), gold) is matches
    assert matches_gold(gold, ArticleSpan("a", start, end)) is matches
    assert not matches_gold(ArticleSpan("b", start, end), gold)


def test_an_empty_span_matches_nothing():
    assert not matches_gold(ArticleSpan("a", 5, 5), ArticleSpan("a", 0, 10))


def test_scores_of_a_right_answer_a_wrong_one_a_refusal_and_a_failure():
    question = EvalQuestion("q", "?", answers=("Simms",))
    gold = Gold((ArticleSpan("a", 0, 10),), frozenset({"p"}))
    right = score_answer(question, gold, "Simms", [ArticleSpan("a", 0, 10)])
    assert right == Scores(refused=False, contains=True, f1=1.0, gold_quote=True, gold_article=True, words=1)
    wrong = score_answer(question, gold, "Brandt did", [ArticleSpan("a", 50, 60), ArticleSpan("b", 0, 10)])
    assert wrong == Scores(refused=False, contains=False, f1=0.0, gold_quote=False, gold_article=True, words=2)
    refusal = score_answer(question, gold, None, [], refused=True)
    assert refusal == Scores(refused=True, contains=False, f1=0.0, gold_quote=False, gold_article=False, words=None)
    failure = score_answer(question, gold, None, [])
    assert failure == Scores(refused=False, contains=False, f1=0.0, gold_quote=False, gold_article=False, words=None)


def test_what_a_question_does_not_have_is_not_scored():
    unanswerable = EvalQuestion("q", "?", answers=("x",), answerable=False)
    gold = Gold((ArticleSpan("a", 0, 10),), frozenset({"p"}))
    assert score_answer(unanswerable, gold, "x", []) == Scores(False, None, None, None, None, 1)
    assert score_answer(EvalQuestion("q", "?", answers=("x",)), None, "x", []) == Scores(
        False, True, 1.0, None, None, 1
    )


def test_citations_are_counted_exact_only_where_the_article_has_those_words():
    article = Article.from_text("Simms spoke on Tuesday.", Metadata(), "a.txt")
    gone = Article.from_text("Gone.", Metadata(), "b.txt")

    def find_article(article_id):
        if article_id != article.article_id:
            raise ArticleNotFoundError(f"no article {article_id!r}")
        return article

    citations = [
        citation(1, article, 0, 5),
        citation(2, article, 0, 5, "Simm"),
        citation(3, article, -8, -1),
        citation(4, article, 5, 5),
        citation(5, article, 15, 99),
        citation(6, gone, 0, 4),
    ]
    statements = [Statement("a", (1, 2), "verbatim"), Statement("b", (), "unsupported")]
    counts = count_citations(answer_with("x", citations, statements), find_article)
    assert counts == CitationCounts(citations=6, exact_citations=1, statements=2, cited_statements=1)


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_in_order(positive, negative):
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative]
    if not pairs:
        assert auroc(positive, negative) is None
    else:
        assert auroc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_calibration_bins_are_closed_on_the_right():
    tenths = [0.0, 0.05, 0.1, 0.3, 0.300001, 0.7, 0.9, 0.95, 1.0]
    assert calibration_bins(tenths).tolist() == [0, 0, 0, 2, 3, 6, 8, 9, 9]


def test_calibration_error_by_hand():
    # Bin (0.8, 0.9]: confidences 0.85 and 0.9, one of two right: |0.5 - 0.875| = 0.375, weight 2/4.
    # Bin (0.1, 0.2]: 0.2 and wrong: 0.2, weight 1/4. Bin (0.5, 0.6]: 0.6 and right: 0.4, weight 1/4.
    error = expected_calibration_error([0.85, 0.9, 0.2, 0.6], [True, False, False, True])
    assert error == pytest.approx(0.375 / 2 + 0.2 / 4 + 0.4 / 4)
    # Within a bin, over- and underconfidence cancel: that is what makes it a measure of calibration.
    assert expected_calibration_error([0.5, 0.5], [True, False]) == pytest.approx(0.0)
    assert expected_calibration_error([], []) is None


def hits_of(*names):
    """Hits from names such as `a1`: passage 1 of article `a`."""
    return [Hit(Passage(name, name[0], 0, 1, "x", ""), rank, 1.0 / rank) for rank, name in enumerate(names, start=1)]


def test_ranking_scores_by_hand():
    # Passages: relevant at ranks 2 and 4 of 5, and a third one is not found.
    # Articles in order: b, a, c; relevant a and d.
    gold = Gold((ArticleSpan("a", 0, 9), ArticleSpan("d", 0, 9)), frozenset({"a1", "a2", "d1"}))
    scores = score_ranking(hits_of("b1", "a1", "b2", "a2", "c1"), gold)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert scores["passage"] == pytest.approx(
        {
            "nDCG@10": (1 / math.log2(3) + 1 / math.log2(5)) / ideal,
            "RR@10": 1 / 2,
            "R@5": 2 / 3,
            "R@10": 2 / 3,
            "Success@1": 0.0,
            "Success@5": 1.0,
        }
    )
    assert scores["article"] == pytest.approx(
        {
            "nDCG@10": (1 / math.log2(3)) / (1 + 1 / math.log2(3)),
            "RR@10": 1 / 2,
            "R@5": 1 / 2,
            "R@10": 1 / 2,
            "Success@1": 0.0,
            "Success@5": 1.0,
        }
    )


def test_measures_look_no_further_than_their_depth():
    gold = Gold((ArticleSpan("z", 0, 9),), frozenset({"z1"}))
    scores = score_ranking(hits_of(*"abcdefg", "z1"), gold)["article"]
    assert (scores["R@5"], scores["R@10"], scores["Success@5"], scores["RR@10"]) == (0.0, 1.0, 0.0, 1 / 8)
    beyond = score_ranking(hits_of(*"abcdefghij", "z1"), gold)["passage"]
    assert set(beyond.values()) == {0.0}


def test_a_perfect_ranking_scores_one_and_an_empty_one_zero():
    gold = Gold((ArticleSpan("a", 0, 9),), frozenset({"a1", "a2"}))
    perfect = score_ranking(hits_of("a1", "a2", "b1"), gold)
    assert all(value == pytest.approx(1.0) for level in perfect.values() for value in level.values())
    assert score_ranking([], gold) == no_ranking()


def test_a_quote_that_no_passage_holds_scores_zero_instead_of_vanishing():
    gold = Gold((ArticleSpan("a", 0, 9),), frozenset())
    scores = score_ranking(hits_of("a1"), gold)
    assert set(scores["passage"].values()) == {0.0}
    assert scores["article"]["Success@1"] == 1.0


def test_ir_measures_warns_of_nothing_and_opens_no_connection():
    script = """
import socket
def refuse(*arguments, **named):
    raise AssertionError("a connection was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from eval.rankings import score_ranking
from eval.types import ArticleSpan, Gold
from index.types import Hit, Passage
hits = [Hit(Passage("p", "a", 0, 1, "x", ""), 1, 1.0)]
print(score_ranking(hits, Gold((ArticleSpan("a", 0, 1),), frozenset({"p"})))["passage"]["nDCG@10"])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1.0\n", "")
