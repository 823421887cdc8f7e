"""Paired intervals and p-values against published examples, hand-worked ones and scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.paired import EXACT_UNITS, holm, paired_difference, permutation_p

SEED = 7

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Heights of crossed less self-fertilised maize, 15 pairs, in eighths of an inch (Darwin 1876; Fisher 1935, § 21)."""


def scipy_p(differences, resamples=np.inf):
    from scipy.stats import permutation_test

    zeros = np.zeros(len(differences))
    found = permutation_test(
        (np.asarray(differences, float), zeros),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(1),
    )
    return float(found.pvalue)


@pytest.mark.parametrize(
    ("sums", "p"),
    [
        # ±1 ±2 ±3: only +6 and -6 of the 8 totals are as far from 0 as 6.
        ([1, 2, 3], 2 / 8),
        # 4: the totals +++ (6) and -++ (4) are at least as far from 0, and so are their mirrors.
        ([-1, 2, 3], 4 / 8),
        # 0: every total is at least as far.
        ([1, 2, -3], 1.0),
        ([5], 1.0),
        ([0.2, 0.2], 2 / 4),
        # Zeros have no sign to flip.
        ([0, 0, 1, 0, 2, 3], 2 / 8),
        # Fisher's: 835 totals above 314 and 28 equal to it, and as many below -314, of 2^15.
        (DARWIN, 2 * 863 / 2**15),
        # Ten questions of which nine got right: the sign test, (1 + 10) / 2^10 on either side.
        ([1] * 9 + [-1], 2 * 11 / 2**10),
    ],
)
def test_exact_p_values_by_hand(sums, p):
    assert permutation_p(sums, seed=SEED) == p


def test_totals_that_are_equal_but_for_rounding_count_as_equal():
    # 0.1 + 0.2 + 0.3 - 0.6 is 5.6e-17, and so on in every order: all 8 totals of ±0.6 and the like must pair up.
    assert permutation_p([0.1, 0.2, 0.3], seed=SEED) == permutation_p([1, 2, 3], seed=SEED)
    assert permutation_p([0.1, 0.2, -0.3], seed=SEED) == 1.0
    assert permutation_p([100_000.1, 200_000.2, -300_000.3], seed=SEED) == 1.0


@pytest.mark.parametrize("size", [4, 7, 11])
def test_exact_p_values_against_scipy(size):
    differences = np.random.default_rng(size).normal(0.4, 1, size)
    assert permutation_p(differences, seed=SEED) == pytest.approx(scipy_p(differences))


def test_random_p_values_against_scipy_and_the_normal_distribution():
    differences = np.random.default_rng(5).normal(0.2, 1, 80)
    p = permutation_p(differences, seed=SEED)
    # Standard error of a p-value of 0.1 from 10,000 patterns: 0.003.
    assert p == pytest.approx(scipy_p(differences, 10_000), abs=0.012)
    z = abs(differences.sum()) / math.sqrt((differences**2).sum())
    assert p == pytest.approx(math.erfc(z / math.sqrt(2)), abs=0.015)


def test_random_and_exact_p_values_agree_where_one_takes_over_from_the_other():
    # 21 questions flipped, 16 of them to the better: twice the binomial tail, which has no other solution.
    sums = [1] * 16 + [-1] * (EXACT_UNITS + 1 - 16)
    tail = sum(math.comb(21, k) for k in range(16, 22)) / 2**21
    assert len(sums) > EXACT_UNITS
    assert permutation_p(sums, seed=SEED) == pytest.approx(2 * tail, abs=0.006)


def test_the_smallest_p_value_counts_the_pattern_seen():
    assert permutation_p([1.0] * 60, seed=SEED) == 1 / 10_001


@given(st.lists(st.floats(-1, 1), max_size=30))
def test_a_p_value_is_a_probability_and_the_same_for_b_against_a(sums):
    p = permutation_p(sums, seed=SEED)
    assert 0 < p <= 1
    assert permutation_p([-value for value in reversed(sums)], seed=SEED) == pytest.approx(p)


def test_p_values_are_uniform_where_there_is_no_difference():
    generator = np.random.default_rng(11)
    # Skewed scores of two systems that are alike; 25 questions take the random patterns, 12 the exact ones.
    for questions in (12, 25):
        p = np.array(
            [permutation_p(b - a, seed=run) for run, (a, b) in enumerate(generator.beta(0.3, 1, (600, 2, questions)))]
        )
        # Standard error of a share of 5% of 600: 0.9%.
        assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.025)
        assert (p <= 0.5).mean() == pytest.approx(0.5, abs=0.06)


def test_clusters_keep_the_level_where_single_questions_would_not():
    generator = np.random.default_rng(12)
    clusters = [f"article {number // 10}" for number in range(120)]
    together, apart = [], []
    for run in range(200):
        # Ten questions of an article share what a system makes of it; over articles there is no difference.
        b = np.repeat(generator.normal(0, 1, 12), 10) + generator.normal(0, 0.3, 120)
        together.append(paired_difference(np.zeros(120), b, clusters=clusters, seed=SEED).p)
        if run < 40:
            apart.append(paired_difference(np.zeros(120), b, seed=SEED).p)
    assert (np.array(together) <= 0.05).mean() == pytest.approx(0.05, abs=0.04)
    assert (np.array(apart) <= 0.05).mean() > 0.3


def test_the_interval_against_the_bootstrap_written_out():
    a, b = np.random.default_rng(1).normal(0.5, 0.3, (2, 80))
    found = paired_difference(a, b, seed=SEED)
    drawn = np.random.default_rng(2).integers(0, 80, (10_000, 80))
    low, high = np.quantile(b[drawn].mean(axis=1) - a[drawn].mean(axis=1), [0.025, 0.975])
    # Percentiles widened for 80 units by 1.5%, and two bootstraps of 10,000 differ by a tenth of an error (0.047).
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.006)


def test_the_interval_over_clusters_by_hand():
    # Two clusters, means 1 (one question) and 0 (three): a resample has both, twice the first or twice the second, so
    # its mean over questions is 1/4, 1 or 0.
    found = paired_difference([0, 0, 0, 0], [1, 0, 0, 0], clusters=["a", "b", "b", "b"], seed=SEED)
    assert (found.difference, found.low, found.high, found.p) == (0.25, 0.0, 1.0, 1.0)


def test_questions_that_repeat_each_other_make_an_interval_no_narrower():
    values = np.random.default_rng(6).normal(0, 1, 30)
    once = paired_difference(np.zeros(30), values, seed=SEED)
    labels = [number for number in range(30) for _ in range(10)]
    clustered = paired_difference(np.zeros(300), np.repeat(values, 10), clusters=labels, seed=SEED)
    assert (clustered.low, clustered.high) == pytest.approx((once.low, once.high))
    apart = paired_difference(np.zeros(300), np.repeat(values, 10), seed=SEED)
    # Ten times as many questions, an interval of about a third (1 over the root of 10).
    assert apart.high - apart.low < 0.4 * (once.high - once.low)


@pytest.mark.parametrize("clusters", [["a"], ["a", "a"]])
def test_an_interval_needs_two_units(clusters):
    found = paired_difference([0.0] * len(clusters), [1.0] * len(clusters), clusters=clusters, seed=SEED)
    assert (found.low, found.high, found.p, found.n) == (None, None, 1.0, len(clusters))


def test_intervals_hold_the_true_difference_as_often_as_they_say():
    generator = np.random.default_rng(13)
    held = 0
    for _ in range(120):
        a, b = generator.exponential(1, (2, 60)) * [[1], [2]]
        found = paired_difference(a, b, seed=SEED)
        held += found.low <= 1 <= found.high
    # Standard error of a share of 95% of 120: 2%; differences so skewed cost another 1 to 2%.
    assert 0.89 <= held / 120 <= 0.99


def test_questions_without_a_cluster_stand_alone():
    a, b = [0.0] * 6, [0.1, 0.2, 0.3, -0.1, 0.5, 0.6]
    alone = paired_difference(a, b, seed=SEED)
    assert paired_difference(a, b, clusters=[None] * 6, seed=SEED) == alone
    named = paired_difference(a, b, clusters=["a", "b", "c", "d", "e", "f"], seed=SEED)
    assert (named.p, named.low, named.high) == pytest.approx((alone.p, alone.low, alone.high))
    # A cluster that is called like a number is not taken for the question of that number.
    mixed = paired_difference(a, b, clusters=["1", None, "1", None, None, None], seed=SEED)
    # Units 0.4, 0.2, -0.1, 0.5, 0.6: of 32 totals, 1.6 is reached by two patterns (all, and all but -0.1 flipped).
    assert mixed.p == 2 * 2 / 32


def test_means_difference_and_wins():
    found = paired_difference([0.0, 1.0, 0.5, 0.5], [1.0, 0.0, 1.0, 0.5], seed=SEED)
    assert (found.n, found.a, found.b, found.difference) == (4, 0.5, 0.625, 0.125)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    lower = paired_difference([0.0, 1.0, 0.5, 0.5], [1.0, 0.0, 1.0, 0.5], seed=SEED, higher_is_better=False)
    assert (lower.wins, lower.ties, lower.losses, lower.difference) == (1, 1, 2, 0.125)
    neither = paired_difference([0.0, 1.0, 0.5, 0.5], [1.0, 0.0, 1.0, 0.5], seed=SEED, higher_is_better=None)
    assert (neither.wins, neither.ties, neither.losses) == (None, 1, None)
    assert paired_difference([0.3], [0.1 + 0.2], seed=SEED).ties == 1


def test_equal_systems_differ_by_nothing():
    found = paired_difference([0.1, 0.7, 1.0], [0.1, 0.7, 1.0], seed=SEED)
    assert (found.difference, found.low, found.high, found.p, found.ties) == (0.0, 0.0, 0.0, 1.0, 3)


def test_the_same_seed_gives_the_same_result_and_another_one_nearly_so():
    a, b = np.random.default_rng(3).random((2, 200))
    assert paired_difference(a, b, seed=1) == paired_difference(a, b, seed=1)
    assert paired_difference(a, b, seed=1).low != paired_difference(a, b, seed=2).low
    assert paired_difference(a, b, seed=1).low == pytest.approx(paired_difference(a, b, seed=2).low, abs=0.005)


def test_more_units_than_fit_one_chunk():
    sums = np.random.default_rng(4).normal(0.01, 1, 3_000)
    z = abs(sums.mean()) / sums.std() * math.sqrt(3_000)
    assert permutation_p(sums, seed=SEED) == pytest.approx(math.erfc(z / math.sqrt(2)), abs=0.015)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        # 4 · 0.005, 3 · 0.01, 2 · 0.03, and 0.04 not below the one before it.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.6, 0.4], [1.0, 1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values, adjusted):
    assert holm(p_values) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_against_its_step_down_definition(p_values):
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    for level in (0.01, 0.05, 0.3):
        # Reject from the smallest p on, while it is at most the level over the number of those left.
        rejected, left = set(), len(p_values)
        for index in sorted(range(len(p_values)), key=lambda i: p_values[i]):
            if left * p_values[index] > level:
                break
            rejected.add(index)
            left -= 1
        assert {index for index, q in enumerate(adjusted) if q <= level} == rejected
