"""What confidence is worth, against numbers worked by hand and definitions written out."""

import math
from itertools import pairwise, permutations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.selective import (
    aurc,
    auroc,
    calibration_bins,
    coverage_at_risk,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from eval.types import CurvePoint, ReliabilityBin

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0]), max_size=12)
ANSWERS = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=6)


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_in_order(positive, negative):
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative]
    if not pairs:
        assert auroc(positive, negative) is None
    else:
        assert auroc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_curve_by_hand():
    # Ten questions, five answered. Sure 0.9: right. 0.8: two, one wrong. 0.3: two, both wrong.
    points = risk_coverage([0.3, 0.8, 0.9, 0.8, 0.3], [True, True, False, False, True], 10)
    assert points == (CurvePoint(0.1, 0.0, 0.9), CurvePoint(0.3, pytest.approx(1 / 3), 0.8), CurvePoint(0.5, 0.6, 0.3))
    assert risk_coverage([], [], 10) == ()


def test_area_by_hand():
    # In order right, wrong, right: risks 0/1, 1/2, 1/3.
    assert aurc([0.9, 0.8, 0.7], [False, True, False]) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    # The order of the arguments is not that of the confidences: wrong, right, right.
    assert aurc([0.7, 0.9, 0.8], [False, True, False]) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    # All equal: every prefix has the risk of all.
    assert aurc([0.5] * 4, [True, False, False, False]) == pytest.approx(1 / 4)
    assert aurc([0.9, 0.8], [False, False]) == 0.0
    assert aurc([0.9, 0.8], [True, True]) == 1.0
    assert aurc([], []) is None


@given(ANSWERS)
def test_area_is_the_mean_over_all_orders_of_equal_confidences(answers):
    means = []
    for order in permutations(answers):
        if all(first[0] >= second[0] for first, second in pairwise(order)):
            risks = [fmean(wrong for _, wrong in order[:k]) for k in range(1, len(order) + 1)]
            means.append(fmean(risks))
    assert aurc([sure for sure, _ in answers], [wrong for _, wrong in answers]) == pytest.approx(fmean(means))


def test_coverage_at_a_risk_by_hand():
    sure = [0.99] * 19 + [0.9]
    # One wrong of twenty is 5%; the wrong one among the surest 19 is more.
    assert coverage_at_risk(sure, [False] * 19 + [True], 40) == 20 / 40
    assert coverage_at_risk(sure, [True] + [False] * 19, 40) == 20 / 40
    assert coverage_at_risk(sure, [True] + [False] * 18 + [True], 40) == 0.0
    # No threshold cuts between equal confidences: with the wrong one, the right ones of 0.5 go too.
    assert coverage_at_risk([0.9, 0.5, 0.5], [False, False, True], 3) == pytest.approx(1 / 3)
    # The curve may rise above the risk and come back.
    assert coverage_at_risk([0.9, 0.8, 0.7, 0.6], [True, False, False, False], 4, risk=0.25) == 1.0
    assert coverage_at_risk([0.9], [True], 4) == 0.0
    assert coverage_at_risk([], [], 4) == 0.0


@given(ANSWERS)
def test_coverage_at_a_risk_is_the_last_such_point_of_the_curve(answers):
    sure, wrong = [answer[0] for answer in answers], [answer[1] for answer in answers]
    allowed = [point.coverage for point in risk_coverage(sure, wrong, 9) if point.risk <= 0.5]
    assert coverage_at_risk(sure, wrong, 9, risk=0.5) == pytest.approx(max(allowed, default=0.0))


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


def test_reliability_by_hand():
    bins = reliability([0.85, 0.9, 0.2, 0.6], [True, False, False, True])
    assert bins == (
        ReliabilityBin(0.1, 0.2, 1, 0.2, 0.0),
        ReliabilityBin(0.5, 0.6, 1, 0.6, 1.0),
        ReliabilityBin(0.8, 0.9, 2, pytest.approx(0.875), 0.5),
    )
    assert reliability([], []) == ()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20))
def test_the_bins_add_up_to_the_calibration_error(answers):
    sure, right = [answer[0] for answer in answers], [answer[1] for answer in answers]
    gaps = [found.n * abs(found.accuracy - found.confidence) for found in reliability(sure, right)]
    assert expected_calibration_error(sure, right) == pytest.approx(math.fsum(gaps) / len(answers))
