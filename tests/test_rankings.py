"""Scores of rankings, against values worked out by hand from the definitions."""

import math
import random

import pytest

from eval.rankings import DEEP_MEASURES, MEASURES, RATE_MEASURES, no_ranking, rank_articles, score_ranking
from eval.types import ArticleSpan, Gold
from index.types import Hit, Passage

SPANS = (ArticleSpan("a", 0, 5),)


def hits(*names):
    """Hits in order; `a2` is the passage 2 of the article a."""
    return [
        Hit(Passage(name, name.rstrip("0123456789"), 0, 1, "x", ""), rank, 1.0) for rank, name in enumerate(names, 1)
    ]


def gold(passages=(), **grades):
    return Gold(SPANS if passages else (), frozenset(passages), grades)


def test_every_measure_against_its_definition():
    """Relevant: b (2), d (1) and z (4, never found). The articles rank a, b, c, d: b's best passage is the second."""
    found = hits("a1", "b1", "a2", "c1", "b2", "d1")
    scores = score_ranking(found, found, gold(b=2, d=1, z=4))
    assert list(scores) == ["article"]
    dcg = 2 / math.log2(3) + 1 / math.log2(5)
    ideal = 4 + 2 / math.log2(3) + 1 / math.log2(4)
    assert scores["article"] == pytest.approx(
        {"nDCG@10": dcg / ideal, "RR@10": 1 / 2, "R@5": 2 / 3, "R@10": 2 / 3, "R@50": 2 / 3}
        | {"Success@1": 0, "Success@5": 1, "Success@10": 1, "AP": (1 / 2 + 2 / 4) / 3}
    )


def test_passages_are_scored_apart_and_without_grades():
    found = hits("a1", "a2", "b1")
    scores = score_ranking(found, found, gold(["a2", "a3"], a=3))
    assert scores["article"]["RR@10"] == 1
    ideal = 1 + 1 / math.log2(3)
    assert scores["passage"] == pytest.approx(
        {"nDCG@10": 1 / math.log2(3) / ideal, "RR@10": 1 / 2, "R@5": 1 / 2, "R@10": 1 / 2, "R@50": 1 / 2}
        | {"Success@1": 0, "Success@5": 1, "Success@10": 1, "AP": 1 / 2 / 2}
    )


def test_deep_measures_are_of_the_longer_list_and_the_others_of_the_shorter():
    shallow, deep = hits("a", "b"), hits("b", "c", "d")
    scores = score_ranking(shallow, deep, gold(b=1, d=1))["article"]
    assert {"R@50": scores["R@50"], "AP": scores["AP"]} == pytest.approx({"R@50": 1, "AP": (1 + 2 / 3) / 2})
    assert (scores["RR@10"], scores["R@10"], scores["Success@1"]) == (1 / 2, 1 / 2, 0)
    # Each measure changes with its own list alone.
    only_deep = score_ranking((), deep, gold(b=1, d=1))["article"]
    assert {name for name, value in only_deep.items() if value} == DEEP_MEASURES
    only_shallow = score_ranking(shallow, (), gold(b=1, d=1))["article"]
    assert {name for name, value in only_shallow.items() if value} == set(MEASURES) - DEEP_MEASURES - {"Success@1"}


@pytest.mark.parametrize("level", ["article", "passage"])
def test_a_perfect_ranking_scores_1_an_empty_one_0_and_a_shuffled_one_between(level):
    relevant = ["r", "s", "t"]
    found = gold(relevant, r=3, s=2, t=1)
    rest = [chr(code) for code in range(ord("a"), ord("m"))]
    perfect = hits(*relevant, *rest)
    assert score_ranking(perfect, perfect, found)[level] == dict.fromkeys(MEASURES, 1.0)
    assert score_ranking((), (), found)[level] == dict.fromkeys(MEASURES, 0.0)
    assert score_ranking(hits(*rest), hits(*rest), found)[level] == dict.fromkeys(MEASURES, 0.0)
    names = [*relevant, *rest]
    totals = dict.fromkeys(MEASURES, 0.0)
    draw = random.Random(3)
    for _ in range(200):
        draw.shuffle(names)
        for name, value in score_ranking(hits(*names[:6]), hits(*names[:9]), found)[level].items():
            assert 0 <= value <= 1
            totals[name] += value / 200
    assert all(0 < mean < 1 for mean in totals.values())


def test_a_question_without_a_result_scores_0_in_what_it_is_scored_for():
    zeros = dict.fromkeys(MEASURES, 0.0)
    assert no_ranking(gold(a=1)) == {"article": zeros}
    assert no_ranking(gold(["a1"], a=1)) == {"article": zeros, "passage": zeros}


def test_a_quote_that_no_passage_overlaps_scores_0_and_does_not_vanish():
    found = score_ranking(hits("a1"), hits("a1"), Gold(SPANS, frozenset(), {"a": 1}))
    assert found["passage"] == dict.fromkeys(MEASURES, 0.0)
    assert found["article"]["AP"] == 1


def test_articles_rank_by_their_best_passage():
    assert rank_articles(hits("b1", "a1", "b2", "c1", "a2")) == ["b", "a", "c"]


def test_rates_are_0_or_1():
    found = score_ranking(hits("x", "a"), hits("x", "a"), gold(a=1, b=1))["article"]
    assert {found[name] for name in RATE_MEASURES} == {0.0, 1.0}
    assert set(MEASURES) >= RATE_MEASURES | DEEP_MEASURES
