"""The search over a grid with accuracies that are given, and its memory."""

import json

import numpy as np
import pytest

from actscope.costs.setup import ARTICLE, FIRST_TRY, TUNED, Setup
from actscope.costs.sizes import Trainer, level_of, search
from actscope.errors import BadSpec, InputError, UnknownName
from actscope.maths.statistics import wilson

SETUP = Setup(lr=(0.1, 1.0), init=("gain", "he"), depths=(1, 2), most=32, target=0.9)


class Fake:
    """Accuracies by a formula of width and seed; the best lr and init differ by activation."""

    def __init__(self, need, seed_noise=0.0):
        self.need, self.noise, self.asked = need, seed_noise, []

    def __call__(self, cells, seeds):
        self.asked.append((cells[0].width, seeds))
        return np.array([[self.one(c, s) for s in seeds] for c in cells])

    def one(self, cell, seed):
        need = self.need[cell.activation]
        need += 3 * (cell.lr != 1.0) + 5 * (cell.init != "he")
        good = cell.width * cell.depth >= need
        lucky = np.random.default_rng(seed).random() < self.noise
        return 0.95 if good and not lucky else 0.5


def test_each_activation_gets_its_own_best_setting_and_smallest_width():
    rows = search(["relu", "tanh"], SETUP, Fake({"relu": 7, "tanh": 12}))
    found = {(r.activation, r.settings, r.depth): r.found.width for r in rows}
    assert found == {
        ("relu", TUNED, 1): 7, ("relu", TUNED, 2): 4,
        ("tanh", TUNED, 1): 12, ("tanh", TUNED, 2): 6,
        ("relu", ARTICLE, 1): 15, ("relu", ARTICLE, 2): 8,
        ("tanh", ARTICLE, 1): 20, ("tanh", ARTICLE, 2): 10,
    }  # fmt: skip
    tuned = [r.size.cell for r in rows if r.settings == TUNED]
    assert {(c.lr, c.init) for c in tuned} == {(1.0, "he")}
    fixed = [r.size.cell for r in rows if r.settings == ARTICLE]
    assert {(c.lr, c.init, c.epochs, c.optimiser) for c in fixed} == {(0.05, "article", 800, "sgd")}


def test_what_chooses_does_not_judge():
    fake = Fake({"relu": 7})
    [row, *_] = search(["relu"], SETUP, fake)
    first, second = fake.asked[:2]
    assert first[1] == range(FIRST_TRY, FIRST_TRY + 16) and second[1] == range(48)
    assert len(row.sizes[8].accuracies) == 48


@pytest.mark.parametrize(("noise", "reached"), [(0.1, True), (0.5, False)])
def test_a_share_of_the_seeds_may_fail(noise, reached):
    [row, *_] = search(["relu"], SETUP, Fake({"relu": 1}, noise))
    size = row.best
    good = int((size.accuracies >= 0.9).sum())
    assert size.rate == wilson(good, 48)
    assert (size.level >= 0.9) == (good >= 0.8 * 48) == reached
    assert (row.size is not None) == reached


def test_never_reached_is_a_row_with_what_came_nearest():
    rows = search(["relu"], SETUP, Fake({"relu": 1000}))
    assert all(r.size is None and r.found.width is None for r in rows)
    assert list(rows[0].sizes) == [1, 2, 4, 8, 16, 32]
    assert rows[0].best.level == 0.5


def test_an_init_that_does_not_apply_is_left_out():
    def trials(cells, seeds):
        return np.array([[np.nan if c.init == "he" else 1.0] * len(seeds) for c in cells])

    [row, *_] = search(["relu"], SETUP, trials)
    assert row.size.left_out == ("he",) and row.size.cell.init == "gain"
    with pytest.raises(InputError, match="none of the inits gain, he applies to relu"):
        search(["relu"], SETUP, lambda cells, seeds: np.full((len(cells), len(seeds)), np.nan))


def test_the_level_is_what_the_share_reaches():
    accuracies = np.arange(10) / 10.0
    assert level_of(accuracies, 0.8) == 0.2
    assert level_of(accuracies, 1.0) == 0.0
    assert level_of(accuracies, 0.01) == 0.9
    for n in (48, 50, 97):
        draw = np.random.default_rng(n).random(n)
        level = level_of(draw, 0.8)
        assert (draw >= level).mean() >= 0.8 > (draw > level).mean()


def test_training_is_the_engines_and_is_remembered(tmp_path):
    setup = Setup(lr=(0.5,), init=("he", "gain"), epochs=30, points=100, tests=50)
    cells = setup.cells("relu", TUNED, 1, 4)
    seeds = range(3)
    found = Trainer(tmp_path)(cells, seeds)
    from actscope.study import Study

    spec = {"activation": "relu", "depth": 1, "width": 4, "lr": 0.5, "epochs": 30, "curve": 0}
    rows = Study(**spec, init=["he", "gain"], points=150, test_share=1 / 3, seeds=3).run().table()
    for init, line in zip(("he", "gain"), found, strict=True):
        same = rows[rows.init == init].sort_values("seed").test_accuracy
        np.testing.assert_array_equal(line, same)
    again = Trainer(tmp_path)  # nothing is trained: the file has it
    held = json.loads((tmp_path / "accuracies.json").read_text())
    assert set(held) == {c.id for c in cells}
    np.testing.assert_array_equal(again(cells, seeds), found)
    (tmp_path / "accuracies.json").write_text("[]")
    with pytest.raises(InputError, match="does not hold the accuracies"):
        Trainer(tmp_path)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"target": 1.2}, BadSpec, "target = 1.2: expected a test accuracy above 0, at most 1"),
        ({"target": 0.0}, BadSpec, "target = 0.0"),
        ({"seeds": 20}, BadSpec, "seeds = 20"),
        ({"lr": ()}, BadSpec, r"lr = \(\)"),
        ({"depths": (0,)}, BadSpec, "depths = 0"),
        ({"most": 1000}, BadSpec, "most = 1000"),
        ({"share": 2}, BadSpec, "share = 2"),
    ],
)
def test_settings_that_cannot_be(settings, error, words):
    with pytest.raises(error, match=words):
        Setup(**settings)


def test_data_that_cannot_be():
    with pytest.raises(UnknownName, match="did you mean 'moons'"):
        Setup(data="mons").law()
    with pytest.raises(InputError, match="sine is a regression"):
        Setup(data="sine").law()
    with pytest.raises(InputError, match=r"0\.99 is more than any classifier .* moons"):
        Setup(target=0.99).law()
    with pytest.raises(BadSpec, match="its 1797"):
        Setup(data="digits", points=1500, tests=1000).split()


def test_points():
    data = Setup().split()
    assert (len(data.y), len(data.y_test)) == (300, 1000)
    digits = Setup(data="digits").split()
    assert (len(digits.y), len(digits.y_test)) == (1348, 449)
    small = Setup(data="breast_cancer", points=100, tests=50).split()
    assert (len(small.y), len(small.y_test)) == (100, 50)
