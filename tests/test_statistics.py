"""Intervals against published values and an independent computation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.statistics import auroc_figure, calibration_figure, mean, quantile, rate, rate_of
from eval.types import UNDEFINED, Figure

UNIT = st.floats(0, 1, allow_nan=False)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_against_newcombe_1998_table_1(successes, n, low, high):
    figure = rate_of(successes, n)
    assert (figure.value, figure.n) == (successes / n, n)
    assert (round(figure.low, 4), round(figure.high, 4)) == (low, high)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_mirrors_holds_its_value_and_solves_its_equation(successes, failures):
    n = successes + failures
    figure, mirrored = rate_of(successes, n), rate_of(failures, n)
    if n == 0:
        assert figure == UNDEFINED
        return
    assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert figure.low == pytest.approx(1 - mirrored.high, abs=1e-12)
    for end in (figure.low, figure.high):
        # The interval's ends are the p that solve (share - p)² = z² p (1 - p) / n.
        assert (figure.value - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / n, abs=1e-6)


def test_rate_counts_what_is_true():
    assert rate([True, False, True, True]) == rate_of(3, 4)
    assert rate([]) == Figure(None, None, None, 0)


def test_mean_against_the_bootstrap_written_out():
    values = np.random.default_rng(1).normal(0.5, 0.2, 80)
    figure = mean(values)
    draws = np.random.default_rng(2).integers(0, 80, (10_000, 80))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    assert figure.value == pytest.approx(values.mean())
    # Two bootstraps of 10,000 differ by less than a tenth of a standard error (0.022).
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=0.002)
    assert mean(values) == figure


def test_mean_of_equal_values_of_one_and_of_none():
    assert mean([0.3, 0.3, 0.3]) == Figure(pytest.approx(0.3), pytest.approx(0.3), pytest.approx(0.3), 3)
    assert mean([4]) == Figure(4.0, 4.0, 4.0, 1)
    assert mean([]) == UNDEFINED


def test_mean_of_more_values_than_fit_one_chunk():
    values = np.arange(3_000) / 3_000
    figure = mean(values)
    error = values.std() / math.sqrt(3_000)
    assert figure.low == pytest.approx(values.mean() - 1.96 * error, abs=error / 10)
    assert figure.high == pytest.approx(values.mean() + 1.96 * error, abs=error / 10)


def test_auroc_interval_against_the_bootstrap_written_out():
    generator = np.random.default_rng(3)
    positive, negative = generator.random(30).round(1), generator.random(20).round(1) * 0.8
    pairs = np.sign(positive[:, None] - negative[None, :]) / 2 + 0.5
    areas = []
    for _ in range(4_000):
        drawn = pairs[generator.integers(0, 30, 30)][:, generator.integers(0, 20, 20)]
        areas.append(drawn.mean())
    figure = auroc_figure(list(positive), list(negative))
    assert figure.value == pytest.approx(pairs.mean())
    assert (figure.low, figure.high) == pytest.approx(tuple(np.quantile(areas, [0.025, 0.975])), abs=0.015)
    assert figure.n == 50


def test_auroc_of_perfect_separation_and_of_one_side():
    assert auroc_figure([0.9, 0.8], [0.1]) == Figure(1.0, 1.0, 1.0, 3)
    assert auroc_figure([0.9], []) == UNDEFINED


@given(st.lists(st.tuples(UNIT, st.booleans()), min_size=1, max_size=15))
def test_calibration_interval_holds_its_lower_end(pairs):
    figure = calibration_figure([confidence for confidence, _ in pairs], [correct for _, correct in pairs])
    assert 0 <= figure.low <= figure.value <= 1 + 1e-9
    assert figure.low <= figure.high <= 1 + 1e-9
    assert figure.n == len(pairs)


def test_calibration_that_is_perfect_and_that_is_absent():
    assert calibration_figure([1.0, 1.0, 0.0], [True, True, False]) == Figure(0.0, 0.0, 0.0, 3)
    assert calibration_figure([], []) == UNDEFINED


def test_quantiles_by_nearest_rank():
    # 1..100: p50 is the 50th value; 50 ± 1.96 √25 = 40.2 and 59.8, so the 41st and the 60th.
    assert quantile(range(1, 101), 0.5) == Figure(50, 41, 60, 100)
    # 95 ± 1.96 √4.75 = 90.7 and 99.3.
    assert quantile(range(100, 0, -1), 0.95) == Figure(95, 91, 100, 100)
    assert quantile([7.5], 0.95) == Figure(7.5, 7.5, 7.5, 1)
    assert quantile([], 0.5) == UNDEFINED
