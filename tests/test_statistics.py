"""Intervals against published values, independent computations, and how often they hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import statistics
from eval.resampling import cluster_codes, draws
from eval.selective import aurc, auroc, coverage_at_risk
from eval.statistics import (
    auroc_figure,
    calibration_figure,
    mean,
    means,
    quantile,
    rate,
    rate_of,
    rate_of_counts,
    selective_figures,
)
from eval.types import UNDEFINED, Figure

UNIT = st.floats(0, 1, allow_nan=False)
COUNTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from("abcd")), min_size=1, max_size=12)


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
    assert rate([], []) == UNDEFINED


def test_clusters_of_one_are_no_clusters():
    flags = [True, False, True, True, True]
    assert rate(flags, [None] * 5) == rate(flags, list("abcde")) == rate(flags)
    values = [0.1, 0.7, 0.4, 0.9, 0.3]
    assert mean(values, [None] * 5) == mean(values, list("abcde")) == mean(values)


def test_effective_size_by_hand():
    # Four clusters of five, all true or all false: three clusters true, share 0.75, deviations 5 · 0.25 three times and
    # -5 · 0.75. Variance 4/3 · (3 · 1.5625 + 14.0625) / 400 = 0.0625; of independent things 0.1875 / 19. The design
    # effect is 6.3333, and Student's t is 3.1824 with 3 degrees of freedom, 2.0930 with 19.
    flags = [True] * 15 + [False] * 5
    clusters = [letter for letter in "abcd" for _ in range(5)]
    effective = 20 / (0.0625 / (0.1875 / 19)) * (2.0930 / 3.1824) ** 2
    figure = rate(flags, clusters)
    for end in (figure.low, figure.high):
        assert (0.75 - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / effective, rel=3e-3)
    assert figure.n == 20


def test_a_share_of_one_counts_each_cluster_once():
    clusters = [letter for letter in "abcd" for _ in range(5)]
    assert rate([True] * 20, clusters) == Figure(1.0, rate_of(4, 4).low, 1.0, 20)
    assert rate([False] * 20, clusters) == Figure(0.0, 0.0, rate_of(0, 4).high, 20)


def test_one_cluster_says_nothing_about_others():
    assert rate([True, False, True], ["a"] * 3) == Figure(2 / 3, 0.0, 1.0, 3)
    assert mean([0.2, 0.4, 0.9], ["a"] * 3) == Figure(0.5, None, None, 3)
    assert calibration_figure([0.9, 0.8], [True, True], ["a"] * 2) == Figure(pytest.approx(0.15), 0.0, 1.0, 2)


@given(COUNTS)
def test_a_clustered_rate_is_never_surer_than_an_unclustered_one(groups):
    successes, totals = [first for first, _, _ in groups], [first + second for first, second, _ in groups]
    labels = [label for _, _, label in groups]
    figure, plain = rate_of_counts(successes, totals, labels), rate_of(sum(successes), sum(totals))
    assert (figure.value, figure.n) == (plain.value, plain.n)
    if figure.n:
        assert 0 <= figure.low <= plain.low + 1e-12
        assert plain.high - 1e-12 <= figure.high <= 1


def test_things_of_one_group_are_a_cluster():
    assert rate_of_counts([2, 0, 3], [2, 2, 4]) == rate_of_counts([2, 0, 3], [2, 2, 4], ["a", "b", "c"])
    assert rate_of_counts([2, 0, 3, 0], [2, 2, 4, 0]) == rate_of_counts([2, 0, 3], [2, 2, 4])
    assert rate_of_counts([1, 0, 1], [1, 1, 1]) == rate_of(2, 3)
    assert rate_of_counts([0], [0]) == rate_of_counts([], []) == UNDEFINED


def test_student_t_against_tables():
    # Fisher & Yates: 97.5% points.
    table = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042, 120: 1.980}
    for freedom, value in table.items():
        assert statistics._t(freedom) == pytest.approx(value, abs=0.004)


def test_mean_against_the_bootstrap_written_out():
    values = np.random.default_rng(1).normal(0.5, 0.2, 80)
    figure = mean(values)
    drawn = np.random.default_rng(2).integers(0, 80, (10_000, 80))
    # Hesterberg's levels for 80 values: the normal's at 1.9905 · √(80/79).
    tail = 0.5 * math.erfc(1.9905 * math.sqrt(80 / 79) / math.sqrt(2))
    low, high = np.quantile(values[drawn].mean(axis=1), [tail, 1 - tail])
    assert figure.value == pytest.approx(values.mean())
    # Two bootstraps of 10,000 differ by less than a tenth of a standard error (0.022).
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=0.002)
    assert mean(values) == figure


def test_mean_of_clusters_against_the_bootstrap_written_out():
    generator = np.random.default_rng(4)
    sizes = generator.integers(1, 9, 40)
    clusters = np.repeat(np.arange(40), sizes)
    values = generator.normal(0, 1, 40)[clusters] + generator.normal(0, 0.3, len(clusters))
    drawn = generator.integers(0, 40, (10_000, 40))
    sums = np.bincount(clusters, values)
    resampled = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = 0.5 * math.erfc(2.0227 * math.sqrt(40 / 39) / math.sqrt(2))
    figure = mean(values.tolist(), clusters.tolist())
    error = resampled.std()
    assert (figure.low, figure.high) == pytest.approx(tuple(np.quantile(resampled, [tail, 1 - tail])), abs=error / 8)
    plain = mean(values.tolist())
    assert figure.value == plain.value
    assert figure.high - figure.low > 1.5 * (plain.high - plain.low)


def test_the_mean_of_drawn_clusters_is_over_their_own_sizes():
    # Drawn twice, the cluster of nine ones has the mean 1 and the single zero 0; not 18 / 10 and -0.8.
    figure = mean([1.0] * 9 + [0.0], ["a"] * 9 + ["b"])
    assert (figure.low, figure.high) == (pytest.approx(0.0), pytest.approx(1.0))


def test_the_seed_decides_the_draws():
    values = np.random.default_rng(6).random(30).tolist()
    assert mean(values, seed=1) == mean(values, seed=1) != mean(values, seed=2)
    assert mean(values) == mean(values, seed=statistics.SEED)


def test_columns_together_are_as_one_by_one():
    columns = np.random.default_rng(7).random((3, 25)).tolist()
    clusters = [index // 4 for index in range(25)]
    together = means(columns, clusters)
    for figure, column in zip(together, columns, strict=True):
        alone = mean(column, clusters)
        assert (figure.value, figure.low, figure.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert means([[], []]) == [UNDEFINED, UNDEFINED]


def test_mean_of_equal_values_of_one_and_of_none():
    assert mean([0.3, 0.3, 0.3]) == Figure(pytest.approx(0.3), pytest.approx(0.3), pytest.approx(0.3), 3)
    assert mean([4]) == Figure(4.0, None, None, 1)
    assert mean([]) == UNDEFINED


def test_mean_of_more_values_than_are_kept_at_once():
    values = np.arange(4_000) / 4_000
    figure = mean(values)
    error = values.std() / math.sqrt(4_000)
    assert figure.low == pytest.approx(values.mean() - 1.96 * error, abs=error / 10)
    assert figure.high == pytest.approx(values.mean() + 1.96 * error, abs=error / 10)


def test_draws_are_counts_of_as_many_units():
    for units, width in ((7, None), (7, 500_000), (5_000, None)):
        tables = list(draws(units, 200, 3, width=width))
        table = np.concatenate(tables)
        assert table.shape == (200, units)
        assert (table.sum(axis=1) == units).all()
        assert max(len(part) for part in tables) * max(units, width or 0) <= 1_000_000
        # Each unit is drawn once on average: the standard error of 200 rows is below 0.08.
        assert table.mean() == 1
        assert table[:, 0].mean() == pytest.approx(1, abs=0.4)


def test_labels_become_numbers_and_none_stands_alone():
    assert cluster_codes(["b", None, "a", "b", None], 5).tolist() == [0, 1, 2, 0, 3]
    assert cluster_codes(None, 3).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="2 clusters for 3 values"):
        cluster_codes(["a", "b"], 3)


def test_auroc_interval_against_the_bootstrap_written_out():
    generator = np.random.default_rng(3)
    positive, negative = generator.random(30).round(1), generator.random(20).round(1) * 0.8
    clusters = ([index % 9 for index in range(30)], [index % 11 for index in range(20)])
    for labels, units in ((None, 50), (clusters, 11)):
        codes = np.arange(50) if labels is None else np.array([*clusters[0], *clusters[1]])
        areas = []
        for _ in range(4_000):
            counts = np.bincount(generator.integers(0, units, units), minlength=units)[codes]
            area = auroc(np.repeat(positive, counts[:30]), np.repeat(negative, counts[30:]))
            areas += [] if area is None else [area]
        figure = auroc_figure(list(positive), list(negative), labels)
        assert figure.value == pytest.approx(auroc(positive, negative))
        freedom = 2.0096 * math.sqrt(50 / 49) if labels is None else 2.2281 * math.sqrt(11 / 10)
        tail = 0.5 * math.erfc(freedom / math.sqrt(2))
        assert (figure.low, figure.high) == pytest.approx(tuple(np.quantile(areas, [tail, 1 - tail])), abs=0.02)
        assert figure.n == 50


def test_auroc_of_perfect_separation_and_of_one_side():
    assert auroc_figure([0.9, 0.8], [0.1]) == Figure(1.0, 1.0, 1.0, 3)
    assert auroc_figure([0.9], []) == UNDEFINED
    assert auroc_figure([0.9, 0.8], [0.1], (["a", "a"], ["a"])) == Figure(1.0, 0.0, 1.0, 3)


@given(st.lists(st.tuples(UNIT, st.booleans(), st.sampled_from(["a", "b", None])), min_size=1, max_size=15))
def test_calibration_interval_holds_its_lower_end(answers):
    sure, right, clusters = zip(*answers, strict=True)
    for labels in (None, clusters):
        figure = calibration_figure(sure, right, labels)
        assert 0 <= figure.low <= figure.value <= figure.high <= 1 + 1e-9
        assert figure.n == len(answers)


def test_calibration_that_is_perfect_and_that_is_absent():
    assert calibration_figure([1.0, 1.0, 0.0], [True, True, False]) == Figure(0.0, 0.0, 0.0, 3)
    assert calibration_figure([], []) == UNDEFINED


def test_selective_intervals_against_the_bootstrap_written_out():
    generator = np.random.default_rng(8)
    sure = [round(float(value), 1) if value > 0.2 else None for value in generator.random(60)]
    wrong = [bool(flag) for flag in generator.random(60) < 0.1]
    for labels, units in ((None, 60), ([index // 3 for index in range(60)], 20)):
        codes = np.arange(60) if labels is None else np.array(labels)
        areas, covered = [], []
        for _ in range(3_000):
            counts = np.bincount(generator.integers(0, units, units), minlength=units)[codes]
            chosen = [index for index in np.repeat(np.arange(60), counts).tolist() if sure[index] is not None]
            given, failed = [sure[index] for index in chosen], [wrong[index] for index in chosen]
            areas.append(aurc(given, failed))
            covered.append(coverage_at_risk(given, failed, counts.sum()))
        area, coverage = selective_figures(sure, wrong, labels)
        chosen = [index for index in range(60) if sure[index] is not None]
        assert area.value == aurc([sure[index] for index in chosen], [wrong[index] for index in chosen])
        assert (area.n, coverage.n) == (len(chosen), 60)
        tail = 0.5 * math.erfc((2.001 * math.sqrt(60 / 59) if labels is None else 2.093 * math.sqrt(20 / 19)) / 2**0.5)
        assert (area.low, area.high) == pytest.approx(tuple(np.quantile(areas, [tail, 1 - tail])), abs=0.02)
        assert (coverage.low, coverage.high) == pytest.approx(tuple(np.quantile(covered, [tail, 1 - tail])), abs=0.06)


def test_selective_figures_of_nothing_and_of_no_answer():
    assert selective_figures([], []) == (UNDEFINED, UNDEFINED)
    area, coverage = selective_figures([None, None], [False, False])
    assert area == UNDEFINED
    assert coverage == rate_of(0, 2)


def test_selective_figures_of_what_is_always_right():
    area, coverage = selective_figures([0.9, 0.8, None, 0.9], [False] * 4)
    assert (area.value, area.low, area.high) == (0.0, 0.0, 0.0)
    assert coverage.value == 0.75
    assert coverage.low <= 0.75 <= coverage.high <= 1.0


def test_clustered_intervals_hold_the_truth_where_others_do_not():
    # 300 samples of 30 clusters of ten answers, right with the cluster's own probability (mean 0.7, correlation 0.25
    # within clusters). The standard error of a coverage of 95% is 1.3 points.
    generator = np.random.default_rng(11)
    held, plain_held = 0, 0
    clusters = np.repeat(np.arange(30), 10).tolist()
    for probabilities in generator.beta(0.7 * 3, 0.3 * 3, (300, 30)):
        flags = (generator.random(300) < np.repeat(probabilities, 10)).tolist()
        figure, plain = rate(flags, clusters), rate(flags)
        held += figure.low <= 0.7 <= figure.high
        plain_held += plain.low <= 0.7 <= plain.high
    assert held >= 0.91 * 300
    assert plain_held <= 0.80 * 300


def test_quantiles_by_nearest_rank():
    # 1..100: p50 is the 50th value; 50 ± 1.96 √25 = 40.2 and 59.8, so the 41st and the 60th.
    assert quantile(range(1, 101), 0.5) == Figure(50, 41, 60, 100)
    # 95 ± 1.96 √4.75 = 90.7 and 99.3.
    assert quantile(range(100, 0, -1), 0.95) == Figure(95, 91, 100, 100)
    assert quantile([7.5], 0.95) == Figure(7.5, 7.5, 7.5, 1)
    assert quantile([], 0.5) == UNDEFINED
