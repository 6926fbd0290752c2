"""Predictions: what a score is made of, what it says of easy cases, what is shipped."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from actscope.cli._group import app
from actscope.engine.spec import Training
from actscope.errors import InputError
from actscope.searches.combination import Combination, fit, shipped
from actscope.searches.judge import auc, ceiling, judged, kendall, spearman
from actscope.searches.predict import predict
from actscope.searches.signals import SIGNALS, budget, signals
from actscope.study import Study

GRID = {"activation": ["tanh", "sigmoid"], "depth": 8, "points": 300, "epochs": 60, "lr": 0.1}


@pytest.fixture(scope="session")
def found():
    return predict(GRID)


def test_deep_sigmoids_are_scored_below_deep_tanhs(found):
    assert found.table.activation.tolist() == ["tanh", "sigmoid"]
    tanh, sigmoid = found.table.to_dict("records")
    assert tanh["ntk_accuracy"] > sigmoid["ntk_accuracy"] + 0.1
    assert tanh["gradient_min"] > sigmoid["gradient_min"] + 1.0
    assert tanh["low"] <= tanh["score"] <= tanh["high"]


def test_the_same_grid_gives_the_same_prediction(found):
    pd.testing.assert_frame_equal(
        predict(GRID).table.drop(columns="seconds"), found.table.drop(columns="seconds")
    )


def test_the_test_set_plays_no_part(monkeypatch):
    import dataclasses

    from actscope.searches import signals as module

    cell = Study(**GRID).plan().cells[0]
    before, real = signals(cell).values, module.data_of

    def without(cell):
        return dataclasses.replace(real(cell), x_test=np.empty((0, 2)), y_test=np.empty(0))

    monkeypatch.setattr(module, "data_of", without)
    assert signals(cell).values == before


def test_an_init_that_does_not_apply_is_a_row_with_its_error():
    table = predict({"activation": ["sign(x)", "relu"], "init": "critical", "points": 100}).table
    assert table.activation.tolist()[0] == "relu"
    assert "critical" in table.error[1]
    assert np.isnan(table.score[1])


def test_an_exploding_network_has_signals_that_are_numbers():
    cell = Study(activation="x**9", depth=12, points=100, init="he").plan().cells[0]
    seen = signals(cell).values
    assert all(
        np.isfinite(v) for n, v in seen.items() if not n.endswith(("fidelity", "probe_accuracy"))
    )
    assert seen["ntk_accuracy"] == 0.0


@pytest.mark.parametrize("given", [3, {"data": "sine"}])
def test_what_cannot_be_predicted_is_refused(given):
    with pytest.raises(InputError):
        predict(given)


def test_momentum_and_adam_have_more_time():
    plain = Training(lr=0.1, epochs=10, batch=10)
    assert budget(plain, 95, np.ones(1)) == pytest.approx(0.1 * 100)
    carried = Training(optimiser="momentum", lr=0.1, epochs=10, batch=10)
    assert budget(carried, 95, np.ones(1)) == pytest.approx(0.1 * 100 / 0.1)
    adam = Training(optimiser="adam", lr=0.1, epochs=10, batch=10)
    np.testing.assert_allclose(budget(adam, 95, np.array([0.01])), [1000.0])


def test_a_combination_finds_what_made_the_truth_and_comes_back_from_json():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((400, 3))
    place = 0.5 + 0.1 * values[:, 0] + 0.1 * np.maximum(values[:, 1], 0) * 1.0
    made = fit(values[:300], place[:300], ("a", "b", "c"))
    score = made.score(values[300:])
    assert spearman(score, place[300:]) > 0.9
    plain = json.loads(made.to_json())
    again = Combination(**{
        k: tuple(tuple(i) if isinstance(i, list) else i for i in v) if isinstance(v, list) else v
        for k, v in plain.items()
    })  # fmt: skip
    np.testing.assert_allclose(again.score(values), made.score(values), atol=1e-4)


def test_what_is_shipped_is_small_and_whole():
    rule = shipped()
    assert set(rule.names) <= {*SIGNALS, "depth"}
    k = len(rule.names)
    assert len(rule.coefficients) == k * (1 + len(rule.knots)) + k * (k - 1) // 2
    for score in (0.0, 0.5, 1.0):
        low, high = rule.interval(score)
        assert 0.0 <= low < high <= 1.0


def test_ranks_by_hand():
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert (spearman(a, b), kendall(a, b)) == pytest.approx((0.8, 2 / 3))
    assert auc(a, np.array([0.0, 0.0, 1.0, 1.0])) == 1.0
    assert auc(-a, np.array([0.0, 0.0, 1.0, 1.0])) == 0.0
    assert np.isnan(spearman(a, np.ones(4)))


def test_judging_and_the_ceiling():
    rng = np.random.default_rng(0)
    truth = np.tile(np.linspace(0.0, 1.0, 60), 2)
    seeds = truth[:, None] + 0.05 * rng.standard_normal((120, 8))
    frame = pd.DataFrame({"task": ["a"] * 60 + ["b"] * 60, "accuracy": seeds.mean(1),
                          "accuracies": list(seeds)})  # fmt: skip
    table = judged(frame, {"truth": truth, "noise": rng.standard_normal(120)})
    whole = table[table.part == "all"].set_index("predictor")
    assert whole.spearman["truth"] > 0.98
    assert whole.spearman_low["noise"] < 0 < whole.spearman_high["noise"] + 0.2
    limits = ceiling(frame)
    assert limits["all"] == pytest.approx(whole.spearman["truth"], abs=0.02)
    assert limits["top third"] < limits["all"]


def test_the_command(tmp_path):
    file = tmp_path / "all.csv"
    words = ["predict", "--activations", "relu,tanh", "--points", "200", "--inits", "he"]
    done = CliRunner().invoke(app, [*words, "--csv", str(file)])
    assert done.exit_code == 0, done.output
    assert "score" in done.stdout
    assert len(pd.read_csv(file)) == 2
    plain = CliRunner().invoke(app, [*words, "--json"])
    assert len(json.loads(plain.stdout)) == 2
    wrong = CliRunner().invoke(app, ["predict", "--depth", "two"])
    assert (wrong.exit_code, "--depth" in wrong.stderr) == (2, True)
