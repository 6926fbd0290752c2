"""Rows: what the engine says, whatever the chunk; a failure is one row."""

import dataclasses

import numpy as np
import pytest
from ml_dtypes import bfloat16

from actscope.activations import activation
from actscope.engine import Net, Training, Weights
from actscope.engine.api import train
from actscope.engine.starts import draw
from actscope.engine.trace import trace
from actscope.inits import init
from actscope.study import Study
from actscope.study.points import split
from actscope.study.work import Chunk, accuracy_in, run_chunk


def chunk_of(study):
    plan = study.plan()
    return Chunk(tuple((cell, tuple(plan.seeds)) for cell in plan.cells))


def points(cell):
    return split(cell.data, cell.points, cell.test_share, cell.data_seed)


@pytest.mark.parametrize("data", ["moons", {"name": "blobs", "classes": 3}, "sine"])
def test_a_row_is_what_train_gives(data, study):
    made = study(data=data, epochs=60, lr=[0.05, 0.3], points=400)
    rows = run_chunk(chunk_of(made)).to_pandas()
    cell = made.plan().cells[3]  # tanh, lr 0.3
    s = points(cell)
    loss = {"moons": "bce", "sine": "mse"}.get(data if isinstance(data, str) else "")
    net = Net(s.x.shape[1], (4, 4), s.law.classes if s.law.classes > 2 else 1, "tanh")
    training = Training(loss=loss or "cross_entropy", lr=0.3, epochs=60)
    direct = train(net, (s.x, s.y, s.x_test, s.y_test), training, seeds=range(6), loss_every=15)
    mine = rows[rows.cell == cell.id].sort_values("seed")
    np.testing.assert_array_equal(mine.test_loss, direct.test_loss[:, -1])
    np.testing.assert_array_equal(mine.loss, direct.loss[:, -1])
    for i, curve in enumerate(mine.curve):
        assert [p["epoch"] for p in curve] == [15, 30, 45, 60]
        np.testing.assert_array_equal([p["loss"] for p in curve], direct.loss[i, 14::15])
    if data == "sine":
        assert mine.test_accuracy.isna().all()
        np.testing.assert_array_equal(mine.failed, mine.test_loss >= s.linear)
    else:
        np.testing.assert_allclose(mine.test_accuracy, direct.test_accuracy[:, -1], rtol=1e-6)
        right = mine.test_accuracy * len(s.y_test)
        np.testing.assert_array_equal(right, np.rint(right))
        np.testing.assert_array_equal(mine.failed, mine.test_accuracy <= s.linear)
    assert rows.failed.any() or data != "moons"
    assert rows.failed.all() == (data != "moons" and data != "sine")  # blobs: a line is the best


def test_rows_do_not_depend_on_neighbours_or_threads(study):
    chunk = chunk_of(study(trace={"metrics": ["spread"]}))
    together = run_chunk(chunk, threads=2)
    alone = [
        run_chunk(Chunk(((cell, (seed,)),)), threads=1).to_pylist()[0]
        for cell, seeds in chunk.parts
        for seed in seeds
    ]
    assert together.to_pylist() == alone
    assert list(chunk.ids()) == together.column("id").to_pylist()
    assert chunk.trials == len(together)


def test_a_trial_that_fails_is_one_row_with_its_error():
    study = Study(
        activation=["relu", "sigmoid"], init="tanh_equivalent", seeds=3, epochs=5, points=80
    )
    rows = run_chunk(chunk_of(study)).to_pandas()
    bad, good = rows[rows.activation == "relu"], rows[rows.activation == "sigmoid"]
    assert bad.error.str.contains("tanh_equivalent").all()
    assert bad.failed.all()
    assert bad[["loss", "test_accuracy", "linear_floor"]].isna().all(axis=None)
    assert good.error.isna().all()
    assert good.test_accuracy.notna().all()
    assert len(rows) == 6


def test_only_the_trial_that_fails_fails(monkeypatch, study):
    """A failure that depends on the seed leaves the block's other trials as they are."""
    from actscope.inits import init

    he = init("he")

    def rule(sizes, activations, rng, data):
        drawn = he.rule(sizes, activations, rng, data)
        if drawn[0][0][0, 0] > 0:
            raise RuntimeError("a first weight\nabove 0")
        return drawn

    chunk = chunk_of(study(init="he", seeds=20, activation="relu", lr=0.05))
    before = run_chunk(chunk).to_pandas()
    monkeypatch.setattr(
        "actscope.engine.api.find_init", lambda name: dataclasses.replace(he, rule=rule)
    )
    after = run_chunk(chunk).to_pandas()
    lost = after.error.notna()
    assert 0 < lost.sum() < 20
    assert set(after.error[lost]) == {"RuntimeError: a first weight above 0"}
    assert after[~lost].test_loss.equals(before[~lost].test_loss)


def test_a_network_that_diverges_is_an_outcome(study):
    rows = run_chunk(chunk_of(study(activation="relu", lr=1e30, seeds=4))).to_pandas()
    assert rows.diverged_at.notna().all()
    assert rows.failed.all()
    assert rows.error.isna().all()


def test_traces_are_those_of_trace_on_the_trained_weights(study):
    asked = {"metrics": ["cka", "distance_fidelity", "far_near_resolution"], "every": 8}
    made = study(activation="tanh", lr=0.5, seeds=3, trace=asked | {"formats": ["float64", "int8"]})
    cell = made.plan().cells[0]
    rows = run_chunk(chunk_of(made)).to_pylist()
    s = points(cell)
    direct = train(
        cell.net(),
        (s.x, s.y, s.x_test, s.y_test),
        cell.training(),
        seeds=range(3),
        snapshots=[0, 8],
    )
    assert sorted({p["epoch"] for p in rows[0]["trace"]}) == [0, 8, 16, 20]
    for seed, epoch in ((0, 0), (2, 8), (1, 20)):
        seen = trace(
            direct.weights(seed, epoch),
            (s.x, s.y, s.law.boundary(s.x)),
            ["cka", "distance_fidelity"],
            net=cell.net(),
            formats=("float64", "int8"),
        )
        for (name, kind), values in seen.values.items():
            mine = [
                p["value"]
                for p in rows[seed]["trace"]
                if (p["epoch"], p["metric"], p["format"]) == (epoch, name, kind)
            ]
            np.testing.assert_allclose(mine, values[0], rtol=1e-9)
    assert any(p["metric"] == "far_near_resolution" for p in rows[0]["trace"])


def by_hand(w, phi, x, cast):
    """One network in a format, layer by layer, one product after the other in float64."""
    h = cast(x)
    for l, (W, b) in enumerate(zip(w.W, w.b, strict=True)):
        h = h @ cast(W) + cast(b)
        if l < len(w.W) - 1:
            h = cast(phi(h))
    return h


def test_accuracy_in_bfloat16_rounds_weights_and_layers(study):
    cell = study(activation="sigmoid", depth=3, epochs=200, lr=1.0, points=400).plan().cells[0]
    s = points(cell)
    result = train(cell.net(), (s.x, s.y), cell.training(), seeds=range(4))
    weights = Weights(*(tuple(map(np.stack, zip(*p, strict=True))) for p in zip(
        *((w.W, w.b) for w in map(result.weights, range(4))), strict=True)))  # fmt: skip

    def cast(a):
        return np.asarray(a, dtype=np.float64).astype(bfloat16).astype(np.float64)

    phi = activation("sigmoid")
    for kind, rounding in (("bfloat16", cast), ("float64", np.asarray)):
        hand = [
            ((by_hand(result.weights(i), phi, s.x_test, rounding)[:, 0] >= 0) == s.y_test).mean()
            for i in range(4)
        ]
        np.testing.assert_allclose(accuracy_in(kind, cell.net(), weights, s), hand)


def test_accuracy_in_float64_is_the_engines_and_a_coarse_one_is_not():
    study = Study(
        data={"name": "blobs", "classes": 4},
        dtype="float64",
        depth=4,
        epochs=60,
        seeds=4,
        lr=0.1,
        trace={"metrics": ["test_accuracy"], "formats": ["float64", "fp8_e5m2", "int8"]},
    )
    rows = run_chunk(chunk_of(study)).to_pylist()
    at_end = [{p["format"]: p["value"] for p in r["trace"] if p["epoch"] == 60} for r in rows]
    for row, found in zip(rows, at_end, strict=True):
        assert found["float64"] == pytest.approx(row["test_accuracy"])
        assert {p["layer"] for p in row["trace"]} == {5}
    assert any(f["fp8_e5m2"] != f["float64"] for f in at_end)


def test_a_network_of_nan_is_never_right():
    cell = Study(seeds=2, width=4).plan().cells[0]
    s = points(cell)
    nan = Weights(
        tuple(np.full((2, i, o), np.nan) for i, o in ((2, 4), (4, 4), (4, 1))),
        tuple(np.zeros((2, o)) for o in (4, 4, 1)),
    )
    np.testing.assert_array_equal(accuracy_in("float64", cell.net(), nan, s), 0)


@pytest.mark.parametrize("hand_on", [False, True])
def test_rounded_weights_are_what_layers_are_measured_with(study, hand_on):
    """By hand: round every array of the start with ml_dtypes, walk, round the outputs."""
    asked = {"metrics": ["mean_magnitude"], "formats": ["float64", "bfloat16"], "points": 40}
    made = study(activation="tanh", lr=0.5, seeds=2, trace=asked | {"hand_on": hand_on})
    [cell] = made.plan().cells
    low = dataclasses.replace(cell, trace=dataclasses.replace(cell.trace, weights=True))
    assert low.id != cell.id
    data = split(cell.data, cell.points, cell.test_share, cell.data_seed)
    start = draw(cell.net(), init(cell.init), np.array([0, 1], dtype=np.uint64), data.x)

    def rounded(a):
        return a.astype(bfloat16).astype(np.float64)

    rows = run_chunk(Chunk(((low, (0, 1)),))).to_pylist()
    plain = run_chunk(Chunk(((cell, (0, 1)),))).to_pylist()
    for i, (row, other) in enumerate(zip(rows, plain, strict=True)):
        h = data.x[:40]  # the input is no layer's output, and is not rounded
        for layer, (w, b) in enumerate(zip(start.W[:-1], start.b[:-1], strict=True), 1):
            h = np.tanh(h @ rounded(w[i]) + rounded(b[i]))
            expected = np.abs(rounded(h)).mean()
            h = rounded(h) if hand_on else h
            for where, same in ((row, True), (other, False)):
                [value] = [
                    p["value"]
                    for p in where["trace"]
                    if (p["epoch"], p["layer"], p["format"]) == (0, layer, "bfloat16")
                ]
                assert bool(abs(value - expected) < 1e-12) == same
        exact = [[p for p in r["trace"] if p["format"] == "float64"] for r in (row, other)]
        assert exact[0] == exact[1]
