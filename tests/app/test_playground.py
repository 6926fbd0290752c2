"""The playground's Python: its numbers are the library's, whatever way they were come to."""

import math

import numpy as np
import pytest

from actscope import Net, Training, reproduce, trace, train
from actscope.app.panels.playground import RECORD
from actscope.app.playground import Playground
from actscope.app.playground_points import points_of
from actscope.app.playground_setup import Data, past_of, rates_of, setup_of
from actscope.app.request import Request
from actscope.errors import ActscopeError, InputError
from actscope.study import Study

SMALL = {"depth": 3, "width": 6, "lr": 0.1, "seed": 0, "draws": "actscope", "atA": 0, "atB": 0}


def drawn(stream, most=2000):
    """All frames until it rests, merged: what the page would know."""
    known = {"sides": [{}, {}], "frames": 0}
    for _ in range(most):
        frame = stream.frame()
        if frame is None:
            return known
        known["frames"] += 1
        for i, side in enumerate(frame.pop("sides", [])):
            known["sides"][i] |= side
        for i, reader in enumerate(frame.pop("fidelity", [])):
            known["sides"][i]["fidelity"] = reader
        known |= frame
    raise AssertionError("it never rests")


def opened(**args):
    stream = Playground(Request({**SMALL, **args}))
    return stream, drawn(stream)


def tell(stream, word, **args):
    stream.tell(word, Request(args))
    return drawn(stream)


def library(side, epochs, seeds=0, **changes):
    """The same network by `train`: net, data and result."""
    p = points_of(setup_of(Request(SMALL)).data, False)
    net = Net(2, (6,) * 3, activations=changes.pop("phi", ["relu", "sigmoid"][side]))
    training = Training(lr=0.1, epochs=epochs, dtype="float64", **changes)
    return net, p, train(net, p, training, seeds=seeds, loss_every=1, snapshots=range(epochs))


@pytest.fixture(scope="module")
def trained():
    """Both sides after 37 epochs, played five epochs a frame."""
    stream, known = opened(until=37, speed=5)
    return stream, {**known, **tell(stream, "play")}


def test_it_starts_as_the_article_ended():
    stream = Playground(Request())
    known = drawn(stream)
    article = reproduce(["relu", "sigmoid"])
    for run, side, outcome in zip(
        [s.run for s in stream.sides], known["sides"], article.outcomes, strict=True
    ):
        np.testing.assert_allclose(run.loss[0], outcome.losses, rtol=0, atol=1e-12)
        assert side["now"][0, 3] == outcome.test_accuracy
        spread = side["layers"]["spread"][0, 1:]
        test = [h.std() for h in outcome.network.hidden(outcome.data.x_train)]
        np.testing.assert_allclose(spread, test, rtol=1e-9)
    assert known["words"][0].startswith("After 800 epochs ReLU gets 96 %")
    assert "79 %" in known["words"][0]
    assert "Sigmoid does no better" in known["words"][1]


@pytest.mark.parametrize("side", [0, 1])
def test_losses_and_scores_are_those_of_train(trained, side):
    stream, known = trained
    run = stream.sides[side].run
    _, _, expected = library(side, 37)
    np.testing.assert_array_equal(run.loss, expected.loss)
    now = known["sides"][side]["now"][0]
    names = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
    np.testing.assert_array_equal(now[:4], [getattr(expected, n)[0, -1] for n in names])
    assert now[4] == expected.loss[0, -1]
    for epoch in (1, 17, 36):
        np.testing.assert_array_equal(
            run.scores(epoch)[0], [getattr(expected, n)[0, epoch - 1] for n in names]
        )


@pytest.mark.parametrize("side", [0, 1])
def test_numbers_by_layer_are_those_of_trace(trained, side):
    _, known = trained
    net, p, expected = library(side, 37)
    kinds = ("float64", "float32", "bfloat16", "float16", "fp8_e4m3", "int8")
    found = trace(
        expected.weights(0), (p.x, p.y, p.distances), net=net, formats=kinds,
        metrics=["gradient_ratio", "spread", "dead_fraction", "saturated_fraction",
                 "distance_fidelity"],
    ).values  # fmt: skip
    shown = known["sides"][side]
    for name, values in shown["layers"].items():
        np.testing.assert_allclose(values[0, 1:], found[name, "float64"][0, 1:], rtol=1e-12)
    reader = shown["fidelity"]
    assert reader["metric"] == "distance_fidelity"
    assert reader["epoch"] == 37
    for k, kind in enumerate(kinds):
        np.testing.assert_allclose(
            reader["values"][k, 0], found["distance_fidelity", kind][0], rtol=1e-9
        )


def test_the_plane_is_the_networks_answer(trained):
    stream, known = trained
    for side, shown in zip(stream.sides, known["sides"], strict=True):
        size, box = shown["plane"]["size"], known["setting"]["extent"]
        x, y = (
            box[2 * i] + (np.arange(size) + 0.5) / size * (box[2 * i + 1] - box[2 * i])
            for i in (0, 1)
        )
        at = np.array([[x[7], y[3]], [x[90], y[60]]])
        p = 1.0 / (1.0 + np.exp(-side.run.session.predict(at)[0, :, 0]))
        np.testing.assert_array_equal(
            [shown["plane"]["map"][3, 7], shown["plane"]["map"][60, 90]], np.rint(254 * p)
        )


def test_the_signal_is_the_points(trained):
    stream, _ = trained
    known = tell(stream, "look", layer=1, point=[0.3, -0.7])
    _, _, expected = library(1, 37)
    w, h, sizes = expected.weights(0), np.array([0.3, -0.7]), [0.5]
    for W, b in zip(w.W[:-1], w.b[:-1], strict=True):
        z = h @ W + b
        h = 1.0 / (1.0 + np.exp(-z))
        sizes += [np.abs(z).mean(), np.abs(h).mean()]
    sizes.append(abs(float((h @ w.W[-1] + w.b[-1])[0])))
    shown = known["sides"][1]["signal"]
    np.testing.assert_allclose(shown["magnitude"][0], sizes, rtol=1e-9)
    assert shown["stages"] == ["x", "z₁", "h₁", "z₂", "h₂", "z₃", "h₃", "logit"]
    assert math.isclose(
        shown["said"][1], 1.0 / (1.0 + math.exp(-float((h @ w.W[-1] + w.b[-1])[0])))
    )


def test_hidden_spaces_are_turned_towards_what_was_drawn_before(trained):
    """Units are the outputs themselves; the principal plane keeps all the variance it can."""
    stream, _ = trained
    _, p, expected = library(0, 37)
    w = expected.weights(0)
    h = np.maximum(p.x @ w.W[0] + w.b[0], 0.0)
    units = tell(stream, "look", layer=1, mode="units", unitX=2, unitY=5)["sides"][0]["hidden"]
    np.testing.assert_allclose(units["places"], h[:, [1, 4]], rtol=1e-5)
    plane = tell(stream, "look", layer=1, mode="pca")["sides"][0]["hidden"]
    s = np.linalg.svd(h - h.mean(axis=0), compute_uv=False)
    assert math.isclose(plane["kept"], (s[:2] ** 2).sum() / (s**2).sum(), rel_tol=1e-9)
    before = plane["places"]
    tell(stream, "rewind", epoch=36)
    after = tell(stream, "look", layer=1, mode="pca")["sides"][0]["hidden"]["places"]
    apart = np.abs(after - before).max()
    assert 0.0 < apart < 0.2 * np.abs(before).max()
    tell(stream, "rewind", epoch=37)


def test_going_back_gives_the_same_weights():
    stream, _ = opened(until=50)
    tell(stream, "play")
    run = stream.sides[0].run
    _, _, expected = library(0, 80)
    kept = run.loss.copy()
    assert [run.epoch, *run.stored[-2:]] == [50, 49, 50]
    known = tell(stream, "rewind", epoch=20)
    assert [s["epoch"] for s in known["sides"]] == [20, 20]
    assert known["sides"][0]["known"] == 50  # what came after is still drawn
    for mine, its in zip(run.weights.arrays(), expected.weights(0, 20).arrays(), strict=True):
        np.testing.assert_array_equal(mine[0], its)
    known = tell(stream, "step")
    assert [s["epoch"] for s in known["sides"]] == [21, 21]
    assert known["sides"][0]["known"] == 21
    tell(stream, "change", **{**SMALL, "until": 50})
    tell(stream, "play")
    np.testing.assert_array_equal(run.loss, kept)


def test_a_rate_that_changes_does_not_reset_and_the_address_restores_it():
    stream, _ = opened(until=20)
    tell(stream, "play")
    known = tell(stream, "change", **{**SMALL, "lr": 0.3, "until": 35})
    assert [s["epoch"] for s in known["sides"]] == [20, 20]
    known = tell(stream, "play")
    runs = [side.run for side in stream.sides]
    assert known["rates"][0] == ["0:0.1:sgd:64:0.0", "20:0.3:sgd:64:0.0"]
    again = Playground(
        Request({**SMALL, "lr": 0.3, "atA": 35, "atB": 35, "pastA": known["rates"][0],
                 "pastB": known["rates"][1]})
    )  # fmt: skip
    drawn(again)
    for run, other in zip(runs, [side.run for side in again.sides], strict=True):
        np.testing.assert_array_equal(run.loss, other.loss)
        assert other.rates.lr == 0.3
    tell(stream, "rewind", epoch=10)  # before the change: what is set now holds from here on
    known = tell(stream, "step")
    assert known["rates"][0] == ["0:0.1:sgd:64:0.0", "10:0.3:sgd:64:0.0"]


def test_one_layers_activation_resets_that_side_alone():
    stream, _ = opened(until=15)
    tell(stream, "play")
    first = stream.sides[0].run
    known = tell(stream, "change", **{**SMALL, "b": ["sigmoid", "tanh", "sigmoid"]})
    assert [s["epoch"] for s in known["sides"]] == [15, 0]
    assert stream.sides[0].run is first
    assert known["setting"]["styles"][1]["label"] == "Sigmoid / Tanh / Sigmoid"
    known = tell(stream, "step")
    assert [s["epoch"] for s in known["sides"]] == [16, 1]
    known = tell(
        stream, "change", **{**SMALL, "b": ["sigmoid", "tanh", "sigmoid"], "depth": 3, "width": 5}
    )
    assert [s["epoch"] for s in known["sides"]] == [0, 0]


def test_64_seeds_are_64_networks_of_train():
    stream, _ = opened(many=True, until=12, speed=12)
    known = tell(stream, "play")
    for side in (0, 1):
        _, _, expected = library(side, 12, seeds=range(64))
        run = stream.sides[side].run
        np.testing.assert_array_equal(run.loss, expected.loss)
        shown = known["sides"][side]
        assert shown["loss"].shape[0] == 3
        ranked = np.sort(expected.test_accuracy[:, -1])
        assert shown["now"][1, 3] == ranked[31]
        assert (shown["now"][0] <= shown["now"][2]).all()
        assert shown["fidelity"]["of"] == 64
    assert "median of 64" in known["words"][0]


def test_divergence_is_an_outcome_with_a_sentence():
    stream, _ = opened(depth=6, width=16, lr=1e6, until=30)
    known = tell(stream, "play")
    assert known["sides"][0]["diverged"] == 1
    assert (known["sides"][0]["plane"]["map"] == 255).all()
    assert known["banner"].startswith("ReLU has held no numbers any more since epoch")
    assert "Sigmoid has been thrown out: a loss of" in known["banner"]
    assert "Lower the learning rate from 1e+06 to 0.1 or less" in known["banner"]
    assert "gives no numbers any more" in known["words"][0]
    assert tell(stream, "rewind", epoch=0)["banner"] == ""
    known = tell(stream, "change", **{**SMALL, "depth": 6, "width": 16, "lr": 0.05})
    assert tell(stream, "play")["banner"] == ""


@pytest.mark.parametrize("data", ["circles", "spirals", "xor", "blobs", "digits"])
def test_every_data_set_is_that_of_a_study(data):
    points = points_of(Data(data, noise=0.1, points=200, seed=3), False)
    assert len(points.x) == 150
    assert points.x.shape[1] == 2
    if data == "digits":
        assert points.classes == 10
        assert points.loss == "cross_entropy"
        assert 0.2 < points.kept < 0.35
        assert points.distances is None
        return
    study = Study(data={"name": data, "noise": 0.1}, points=200, data_seed=3, seeds=1, epochs=1)
    assert points.linear == study.run().table().linear_floor[0]
    assert points.distances.shape == (150,)


CSV = "width,height,kind\n" + "".join(
    f"{i % 7 + 0.1 * (i % 3)},{i % 5},{'cat' if i % 2 else 'dog'}\n" for i in range(60)
)


def test_the_users_table():
    points = points_of(Data("table", table=CSV), False)
    assert points.names == ("cat", "dog")
    assert len(points.x) + len(points.x_test) == 60
    wide = "\n".join(f"{i},{i * i % 11},{i % 4},{i % 3}" for i in range(50))
    points = points_of(Data("table", table=wide), False)
    assert points.names == ("0", "1", "2")
    assert points.axes[0].startswith("principal direction 1 of 3 columns")
    stream, _ = opened(data="table", table=CSV, until=5)
    assert [s["epoch"] for s in tell(stream, "play")["sides"]] == [5, 5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "choose a CSV file"),
        ("1,2\n3,oops\n", "2 points: expected at least 20"),
        ("1,2,a\n" * 25 + "1,x,a\n", "your data, line 26, column '2': 'x' is not a finite number"),
        ("1,2,3\n1,2\n", "your data, line 2: 2 cells: expected 3"),
        ("1,2,a\n" * 3000, "3,001 lines: expected at most 2,000 points"),
        ("1,2,a\n" * 30, "holds 1 class: expected 2 to 10"),
        ("".join(f"1,2,{i / 7}\n" for i in range(60)), "numbers that are no classes"),
        ("".join(f"1,2,{i}\n" for i in range(60)), "holds 60 classes: expected 2 to 10"),
        ("\n".join(",".join(["1"] * 70) + f",{i % 2}" for i in range(30)), "70 columns beside"),
    ],
)
def test_a_table_that_cannot_be_gets_one_sentence(text, words):
    with pytest.raises(InputError, match=r"^your data") as caught:
        points_of(Data("table", table=text), False)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"depth": 21}, "depth = 21: expected a whole number from 1 to 20"),
        ({"width": 65}, "width = 65"),
        ({"points": 10_000}, "points = 10000"),
        ({"lr": -1}, "lr = -1"),
        ({"optimiser": "lion"}, "optimiser = 'lion'"),
        ({"a": ["relu", "tanh"]}, "a = '2 activations': expected one, or 3"),
        ({"a": ["__import__('os')"]}, "activation: "),
        ({"initA": "zeros"}, "initA"),
        ({"table": "x" * 1_000_001, "data": "table"}, "table"),
        ({"seed": -1}, "seed"),
        ({"pastA": ["0:0.1"]}, "pastA"),
        ({"pastA": ["5:0.1:sgd:64:0"]}, "pastA = '5': expected epochs that rise from 0"),
        ({"depth": 20, "width": 64, "many": True}, "fewer layers, units, points or seeds"),
        ({"initA": "tanh_equivalent", "a": ["relu"]}, "init 'tanh_equivalent'"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_nothing_changes(args, words):
    with pytest.raises(ActscopeError) as caught:
        opened(**args)
    assert words in str(caught.value)
    stream, _ = opened()
    if "pastA" not in args:
        with pytest.raises(ActscopeError):
            stream.tell("change", Request({**SMALL, **args}))
        assert tell(stream, "step")["sides"][0]["epoch"] == 1


def test_the_bounds_are_said():
    stream, _ = opened(until=20)
    with pytest.raises(InputError, match="expected one of play, pause, step"):
        stream.tell("jump", Request())
    run = stream.sides[0].run
    for _ in range(99):
        run.advance(1)
        run.change(rates_of(Request({"lr": 0.1 + run.epoch / 1000})))
    with pytest.raises(InputError, match="the rates changed 100 times"):
        run.change(rates_of(Request({"lr": 0.5})))
    assert (
        len(past_of(Request({"pastA": [f"{i}:0.1:sgd:64:0" for i in range(100)]}), "a", run.rates))
        == 100
    )


def test_stored_steps_are_bounded_and_spread_out():
    stream, _ = opened(until=1000, speed=200)
    tell(stream, "play")
    stored = stream.sides[0].run.stored
    assert len(stored) <= 200
    assert stored[0] == 0
    assert len(set(np.diff(stored))) == 1
    tell(stream, "rewind", epoch=999)
    assert stream.sides[0].run.epoch == max(e for e in stored if e <= 999)


def test_the_menus_and_the_still_picture():
    options = RECORD.questions["options"](Request())
    assert next(one["name"] for one in options["data"]) == "moons"
    assert {one["name"] for one in options["inits"]} >= {"article", "he", "xavier"}
    figure = RECORD.picture(Request({"atA": "20", "atB": "20", "depth": "2", "many": "0"}))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["ReLU", "Sigmoid", "Loss"]


def test_what_is_out_of_sight_waits_for_a_pause():
    stream, known = opened(until=50)
    stream.tell("play", Request({"away": ["hidden", "layers"]}))
    frame = stream.frame()
    for side in frame["sides"]:
        assert "plane" in side
        assert not {"hidden", "signal", "layers", "fidelity"} & side.keys()
    known = drawn(stream)
    assert all({"hidden", "signal", "layers", "fidelity"} <= side.keys() for side in known["sides"])
    stream, _ = opened(until=50)
    stream.tell("play", Request({"away": ["planes"]}))
    assert not any("plane" in side for side in stream.frame()["sides"])
    assert all("plane" in side for side in drawn(stream)["sides"])


def test_the_page_is_told_what_it_does_not_know_after_going_back_too():
    """Put together as the page does it, the pieces are the losses and the scores."""
    stream = Playground(Request({**SMALL, "until": 60, "speed": 7}))
    loss, scored = np.empty(0), {}

    def rest():
        nonlocal loss, scored
        while (frame := stream.frame()) is not None:
            if "sides" in frame:
                side = frame["sides"][0]
                loss = np.concatenate([loss[: side["start"]], side["loss"][0]])
                scored = {e: v for e, v in scored.items() if e <= side["scored_after"]}
                scored |= dict(zip(side["scored"].tolist(), side["scores"][:, 0], strict=True))

    rest()
    rates = {**SMALL, "lr": 0.4, "until": 40, "speed": 7}
    for word, args in [
        ("play", {}), ("rewind", {"epoch": 23}), ("change", rates), ("step", {}), ("play", {}),
        ("change", {**rates, "a": ["tanh"]}), ("step", {}),
    ]:  # fmt: skip
        stream.tell(word, Request(args))
        rest()
        run = stream.sides[0].run
        np.testing.assert_array_equal(loss, run.loss[0])
        assert sorted(scored) == run.scored
        for epoch, values in scored.items():
            np.testing.assert_array_equal(values, run.scores(epoch)[0])
