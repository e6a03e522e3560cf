import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.simulate_significance import Design, rates
from hf_hybrid.metrics.significance import ClusterSums, cluster_sums, holm, paired_difference


def one_cell(values) -> ClusterSums:
    """One query in each cluster, one cell."""
    values = np.asarray(values, dtype=float)
    return ClusterSums(values[:, None], np.ones((len(values), 1)))


def compare(a, b, **options):
    return paired_difference([one_cell(a)], [one_cell(b)], np.ones((1, 1)), **options)


def test_sums_leave_out_what_is_not_defined():
    values = np.array([[0.5, np.nan], [0.25, 1.0], [1.0, 2.0]])
    added = cluster_sums(values, np.array([0, 0, 1]), np.array([30, 30, 10]), 2)
    assert added.sums.tolist() == [[0, 0, 1, 2], [0.75, 1, 0, 0]]
    assert added.counts.tolist() == [[0, 0, 1, 1], [2, 1, 0, 0]]


def test_the_figure_is_the_mean_of_cells_not_of_queries():
    values = np.array([[1.0], [1.0], [1.0], [0.0]])
    added = cluster_sums(values, np.array([0, 0, 0, 1]), np.arange(4), 2)
    zero = cluster_sums(np.zeros((4, 1)), np.array([0, 0, 0, 1]), np.arange(4), 2)
    found = paired_difference([zero], [added], np.full((2, 1), 0.5), resamples=100)
    assert found.difference[0] == 0.5 and found.b[0] == 0.5 and found.a[0] == 0


def test_interval_and_error_agree_with_the_t_test_on_normal_differences():
    difference = np.random.default_rng(0).normal(0.2, 1, 200)
    found = compare(np.zeros(200), difference, resamples=20_000)
    reference = stats.ttest_1samp(difference, 0)
    low, high = found.interval()
    assert found.standard_error[0] == pytest.approx(difference.std(ddof=1) / 200**0.5, rel=0.02)
    assert [low[0], high[0]] == pytest.approx(list(reference.confidence_interval()), abs=0.01)
    assert found.p_value[0] == pytest.approx(reference.pvalue, abs=0.01)


def test_the_permutation_p_value_is_the_share_of_sign_patterns():
    # Differences 1, 2, 3: of 8 sign patterns, only all plus and all minus reach 6.
    found = compare([0, 0, 0], [1, 2, 3], resamples=20_000)
    assert found.p_value[0] == pytest.approx(2 / 8, abs=0.01)


def test_nothing_differs():
    found = compare([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], resamples=200)
    low, high = found.interval()
    assert found.p_value[0] == 1 and low[0] == high[0] == 0
    assert found.equivalent(0.01)[0] == pytest.approx(1 / 201)


def test_a_clear_loss_is_neither_not_worse_nor_equivalent():
    generator = np.random.default_rng(2)
    loss = generator.normal(-0.05, 0.02, 100)
    found = compare(np.zeros(100), loss, resamples=999)
    assert found.not_worse(0.01)[0] > 0.99 and found.not_better(0.01)[0] == pytest.approx(0.001)
    assert found.not_worse(0.1)[0] == found.equivalent(0.1)[0] == pytest.approx(0.001)


def test_draws_depend_on_the_seed_only():
    values = np.random.default_rng(3).normal(size=50)
    first, again, other = (compare(np.zeros(50), values, resamples=1200, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.draws, again.draws) and not np.array_equal(first.draws, other.draws)
    assert np.array_equal(compare(np.zeros(50), values, resamples=600, seed=1).draws[:500], first.draws[:500])


def test_a_cell_missing_from_a_resample_keeps_its_value():
    # The only query of the second cell is in one of three clusters: most resamples lack it.
    sums = ClusterSums(np.array([[1.0, 0], [1.0, 0], [1.0, 1.0]]), np.array([[1.0, 0], [1, 0], [1, 1]]))
    zero = ClusterSums(np.zeros((3, 2)), sums.counts)
    found = paired_difference([zero], [sums], np.full((2, 1), 0.5), resamples=300)
    assert np.isfinite(found.draws).all() and np.allclose(found.draws, 0)


def seeds_of(means, values):
    return [one_cell(values + mean) for mean in means]


def test_few_seeds_widen_the_interval_and_lower_the_degrees():
    values = np.random.default_rng(4).normal(0, 0.01, 100)
    one = compare(np.zeros(100), values + 0.02, resamples=2000)
    several = paired_difference(
        seeds_of([-0.03, 0.0, 0.03], np.zeros(100)),
        seeds_of([0.0, 0.01, 0.05], values),
        np.ones((1, 1)),
        resamples=2000,
    )
    assert several.difference[0] == pytest.approx(one.difference[0])
    assert several.degrees[0] < 10 < one.degrees[0]
    # Variance of the difference: both sides' seeds and the paragraphs.
    expected = np.var([-0.03, 0, 0.03], ddof=1) / 3 + np.var([0, 0.01, 0.05], ddof=1) / 3 + values.var() / 100
    assert several.standard_error[0] == pytest.approx(expected**0.5, rel=0.05)
    assert one.p_value[0] < 0.01 < 0.2 < several.p_value[0]
    assert several.equivalent(0.01)[0] > 0.05


def test_paired_seeds_cancel_what_they_share():
    values = np.random.default_rng(5).normal(0, 0.01, 100)
    sides = seeds_of([-0.1, 0, 0.1], np.zeros(100)), seeds_of([-0.09, 0.01, 0.11], values)
    apart, paired = (
        paired_difference(*sides, np.ones((1, 1)), resamples=1000, paired_seeds=flag) for flag in (False, True)
    )
    assert paired.standard_error[0] < 0.1 * apart.standard_error[0]
    with pytest.raises(ValueError, match="seeds cannot be paired: 2 in A, 3 in B"):
        paired_difference(sides[0][:2], sides[1], np.ones((1, 1)), resamples=100, paired_seeds=True)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="not of the same queries"):
        paired_difference([one_cell([1, 2])], [one_cell([1, 2, 3])], np.ones((1, 1)))
    with pytest.raises(ValueError, match="two clusters"):
        compare([1.0], [2.0])


def test_holm_by_hand():
    # Sorted .01 .02 .03 .5: 4 * .01, 3 * .02, 2 * .03, 1 * .5.
    assert np.allclose(
        holm(np.array([0.03, np.nan, 0.01, 0.5, 0.02])), [0.06, np.nan, 0.04, 0.5, 0.06], equal_nan=True
    )
    assert holm(np.array([0.4, 0.6])).tolist() == [0.8, 0.8] and holm(np.array([])).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_plain_and_bonferroni_and_keeps_the_order(values):
    plain = np.array(values)
    adjusted = holm(plain)
    assert (adjusted >= plain).all() and (adjusted <= np.minimum(plain * len(plain), 1) + 1e-12).all()
    order = np.argsort(plain, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_simulated_coverage_and_errors_are_nominal_only_with_clusters():
    design = Design(clusters=60, languages=2)
    clustered = rates(design, trials=300, resamples=400)
    # 300 trials: the rate of a 5 % event lies within .05 +- .04 with a probability above 99.8 %.
    assert 0.91 <= clustered["coverage"] <= 0.99
    assert 0.01 <= clustered["false_alarm"] <= 0.09 and clustered["false_not_worse"] <= 0.09
    naive = rates(design, trials=150, clustered=False, resamples=200)
    assert naive["false_alarm"] > 0.15 and naive["coverage"] < 0.85


def test_simulated_seeds_need_several_files():
    design = Design(clusters=60, languages=1, of_seed=0.02)
    ignored, counted = (rates(design, trials=150, seeds=seeds, resamples=200) for seeds in (1, 3))
    assert ignored["false_alarm"] > 0.15
    assert counted["false_alarm"] <= 0.11 and counted["coverage"] >= 0.89
