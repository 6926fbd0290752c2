"""What may be said of a study: no more than its seeds allow."""

import numpy as np
import pandas as pd
import pytest

from actscope.errors import InputError, UnknownName
from actscope.maths.statistics import bootstrap, holm, paired_permutation, wilson
from actscope.study import StudyResult
from actscope.study.compare import cell_table, compare
from actscope.study.schema import CELL

FIXED = {
    "depth": 2, "width": 8, "init": "he", "optimiser": "sgd", "lr": 0.1, "epochs": 10,
    "batch": 64, "weight_decay": 0.0, "data": "moons", "points": 400, "test_share": 0.25,
    "data_seed": 0, "norm": False, "residual": False, "dtype": "float32", "noise": 0.18,
}  # fmt: skip


def trials(cells, seeds=20, **columns):
    """Rows of a made-up study: `cells` maps (activation, lr) to (seeds,) accuracies."""
    rows = []
    for (activation, lr), accuracy in cells.items():
        for seed in range(seeds):
            rows.append(
                FIXED
                | {
                    "activation": activation,
                    "lr": lr,
                    "cell": f"{activation}{lr}",
                    "seed": seed,
                    "test_accuracy": accuracy[seed],
                    "train_accuracy": accuracy[seed],
                    "train_loss": 0.5,
                    "test_loss": 0.5,
                    "loss": 0.5,
                    "diverged_at": None,
                    "linear_floor": 0.85,
                    "failed": bool(accuracy[seed] <= 0.85),
                    "error": None,
                }
                | {k: v.get((activation, lr), v[None])[seed] for k, v in columns.items()}
            )
    return pd.DataFrame(rows)


def noisy(mean, spread=0.02, seed=0, n=20):
    return mean + spread * np.random.default_rng(seed).standard_normal(n)


def test_a_cell_has_its_mean_its_failures_and_their_intervals():
    values = noisy(0.86)
    row = cell_table(trials({("relu", 0.1): values})).iloc[0]
    expected = bootstrap(values, rng=0, resamples=2000)
    assert (row.accuracy, row.accuracy_low, row.accuracy_high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    failed = int((values <= 0.85).sum())
    rate = wilson(failed, 20)
    assert 0 < failed < 20
    assert (row.failures, row.failure_low, row.failure_high) == (failed, rate.low, rate.high)
    assert set(CELL) <= set(row.index)


def test_a_cell_of_one_trial_has_no_interval():
    row = cell_table(trials({("relu", 0.1): [0.9]}, seeds=1)).iloc[0]
    assert row.accuracy == 0.9
    assert np.isnan(row.accuracy_low)


def test_a_clear_difference_is_stated_with_its_interval():
    a, b = noisy(0.95), noisy(0.90, seed=1)
    row = compare(trials({("relu", 0.1): a, ("tanh", 0.1): b})).iloc[0]
    test = paired_permutation(a, b, rng=0)
    assert (row.difference, row.p, row.pairs) == pytest.approx((np.mean(a - b), test.p, 20))
    ends = bootstrap(a - b, rng=0)
    assert (row.low, row.high) == pytest.approx((ends.low, ends.high))
    assert row.says.startswith("relu has a higher test accuracy than tanh, by 0.0")
    assert "on 20 seeds" in row.says
    swapped = compare(trials({("tanh", 0.1): b, ("relu", 0.1): a})).iloc[0]
    assert swapped.says == row.says
    assert swapped.difference == -row.difference


def test_of_no_difference_nothing_is_stated():
    said = [
        compare(
            trials(
                {("relu", 0.1): noisy(0.9, seed=2 * i), ("tanh", 0.1): noisy(0.9, seed=2 * i + 1)}
            ),
            resamples=999,
        ).says[0]
        for i in range(40)
    ]
    wrong = [s for s in said if not s.startswith("no difference")]
    assert len(wrong) <= 6  # 5 % of 40 are 2; more than 6 happen once in 300


def test_few_seeds_say_nothing_however_large_the_difference():
    row = compare(trials({("relu", 0.1): [1.0] * 5, ("tanh", 0.1): [0.5] * 5}, seeds=5)).iloc[0]
    assert row.says == "5 pairs are too few to tell relu from tanh"


def test_p_values_are_corrected_for_all_rows():
    """One comparison that alone would pass no longer does among many."""
    a, z = noisy(0.9, seed=5), noisy(0, 1, seed=6)
    z = (z - z.mean()) / z.std(ddof=1)
    b = a - 0.015 * (z + 2.6 / 20**0.5)  # t = 2.6, p about 0.02
    alone = compare(trials({("relu", 0.1): a, ("tanh", 0.1): b})).iloc[0]
    assert alone.p < 0.05
    assert "higher" in alone.says
    others = {(f"x{i}", 0.1): noisy(0.9, seed=10 + i) for i in range(6)}
    table = compare(trials({("relu", 0.1): a, ("tanh", 0.1): b} | others))
    np.testing.assert_allclose(table.p_holm, holm(table.p))
    row = table[(table.a == "relu") & (table.b == "tanh")].iloc[0]
    assert row.p == alone.p
    assert row.says.startswith("no difference")


def test_each_setting_is_compared_with_itself():
    means = {("relu", 0.1): 0.95, ("tanh", 0.1): 0.8, ("relu", 0.5): 0.8, ("tanh", 0.5): 0.95}
    cells = {key: noisy(mean, seed=i) for i, (key, mean) in enumerate(means.items())}
    table = compare(trials(cells)).set_index("lr")
    assert table.says[0.1].startswith("relu has a higher")
    assert table.says[0.5].startswith("tanh has a higher")


def test_the_best_setting_is_chosen_by_training_not_by_testing():
    cells = {("relu", lr): noisy(m, seed=3) for lr, m in ((0.1, 0.9), (0.5, 0.99))}
    cells |= {("tanh", 0.1): noisy(0.95, seed=4), ("tanh", 0.5): noisy(0.5, seed=5)}
    flat = dict.fromkeys(cells, np.full(20, 0.5))
    train = {**flat, ("relu", 0.1): np.full(20, 0.99), ("tanh", 0.1): np.full(20, 0.9), None: None}
    table = compare(trials(cells, train_accuracy=train), best_over=["lr"])
    assert len(table) == 1
    assert table.mean_a[0] == pytest.approx(cells["relu", 0.1].mean())  # though 0.5 tests better
    assert table.says[0].startswith("tanh has a higher")


def test_a_seed_without_a_score_is_counted_out_loud():
    a, b = noisy(0.95), noisy(0.90, seed=1)
    a[3] = np.nan
    row = compare(trials({("relu", 0.1): a, ("tanh", 0.1): b})).iloc[0]
    assert (row.pairs, row.left_out) == (19, 1)
    assert row.says.endswith("; 1 of 20 seeds had no finite score")


def test_what_cannot_be_compared():
    one = trials({("relu", 0.1): noisy(0.9)})
    with pytest.raises(InputError, match="only one value of 'activation'"):
        compare(one)
    with pytest.raises(UnknownName, match="did you mean 'activation'"):
        compare(one, "activations")
    with pytest.raises(UnknownName, match="did you mean 'test_accuracy'"):
        compare(one, score="accuracy")
    with pytest.raises(InputError, match="compared and chosen"):
        compare(one, "lr", best_over=["lr"])


def test_a_stored_study_is_compared_on_its_own_seeds(stored):
    result = StudyResult(stored)
    table, rows = result.compare("lr", "test_loss"), result.table()
    assert list(table.activation) == ["relu", "tanh"]
    for row in table.to_dict("records"):
        mine = rows[rows.activation == row["activation"]].pivot(
            index="seed", columns="lr", values="test_loss"
        )
        assert row["difference"] == pytest.approx((mine[row["a"]] - mine[row["b"]]).mean())
        assert row["pairs"] == 6
    assert len(result.cells()) == 4
