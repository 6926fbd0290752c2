"""`cost` as a whole: tables, figure, page, formats; nothing about how long anything took."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

import actscope
from actscope.activations import activation
from actscope.costs import cost
from actscope.costs.latency import RUNTIMES, time_networks
from actscope.costs.quantised import accuracy, int8, kept
from actscope.errors import BadSpec, InputError, MissingExtra, UnknownName
from actscope.exports.onnx_file import serialised, session_of
from actscope.exports.source import network_of


def test_one_row_an_activation_and_relu_is_there(found):
    assert found.names == ("relu", "tanh", "0*x + 1") or found.names == ("relu", "tanh", "1")
    table = found.table.set_index("activation")
    assert len(table) == 3
    assert set(found.chosen) == {"relu", "tanh"}
    assert (table["size, tuned"] == "> 4").sum() == 1  # a constant learns nothing
    assert np.isnan(table.parameters.iloc[2])
    for name in ("relu", "tanh"):
        size = found.chosen[name]
        assert (size.accuracies >= 0.8).mean() >= 0.8
        assert table.parameters[name] == size.cell.net().parameters
        assert table["size, tuned"][name].startswith(f"2 × {size.cell.width}")


def test_every_time_stands_beside_relus(found):
    times = found.deployed
    assert len(times) == 2 * 4 * 2
    assert set(zip(times.runtime, times.format, strict=True)) == {
        RUNTIMES[r] for r in ("onnx", "onnx-int8", "torch", "torch-bf16")
    }
    assert (times.us_low <= times.us).all() and (times.us <= times.us_high).all()
    assert (times.over_relu_low <= times.over_relu).all()
    assert (times[times.activation == "relu"].over_relu == 1.0).all()
    np.testing.assert_allclose(times.points_per_second, times.batch / times.us * 1e6)


def test_accuracy_after_smaller_formats(found):
    frame = found.accuracy_kept
    assert set(zip(frame.activation, frame.format, strict=True)) == {
        (name, kind) for name in ("relu", "tanh") for kind in ("bfloat16", "int8")
    }
    np.testing.assert_allclose(frame.lost, frame.float32 - frame.accuracy, atol=1e-12)
    assert (frame.lost.abs() < 0.2).all()
    # float32 is what the engine found for the same seeds
    size = found.chosen["tanh"]
    reached = size.accuracies[size.accuracies >= 0.8][:8]
    np.testing.assert_allclose(found.kept["tanh"]["float32"], reached)


def test_the_frontier_has_every_width_that_was_tried(found):
    widths = {(r.activation, w) for r in found.rows if r.settings == "tuned" for w in r.found.tried}
    assert set(zip(found.frontier.activation, found.frontier.width, strict=True)) == widths
    assert found.frontier.chosen.sum() == 2
    figure = found.plot()
    assert {line.get_label() for line in figure.axes[0].lines} >= {"relu", "tanh"}


def test_everything_as_json_and_html(found):
    held = json.loads(found.to_json())
    assert held["setup"]["target"] == "0.8" or held["setup"]["target"] == 0.8
    assert len(held["table"]) == 3 and len(held["deployed"]) == 16
    assert "tanh" in found._repr_html_()
    assert repr(found) == "Cost(3 activations, 2 reach 0.8 on moons)"


def test_a_target_that_nobody_reaches(nobody):
    assert nobody.chosen == {} and nobody.deployed.empty and nobody.accuracy_kept.empty
    [row] = nobody.table.to_dict("records")
    assert row["size, tuned"] == row["size, article settings"] == "> 2"
    assert row["seeds that reach it"] == 0.0 and row["high"] > 0.0
    assert nobody.plot() is not None
    assert json.loads(nobody.to_json())["table"][0]["parameters"] is None


def test_the_page(found, nobody):
    from actscope.report.cost import cost_files

    for one in (found, nobody):
        files = cost_files(one, "actscope cost")
        page = files["index.html"].decode()
        assert "Cost at equal accuracy" in page and "https://" not in page
        assert set(files) >= {"cost.json", "table.csv", "frontier.png", "frontier.svg"}
    assert len(pd.read_csv(__import__("io").BytesIO(cost_files(found, "")["sizes.csv"]))) == 6


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("phi", ["relu", "x*sigmoid(1.7*x)", "mish"])
def test_int8_is_int8_and_near(outputs, phi):
    net = actscope.Net(2, (16, 16), outputs, phi)
    network = network_of(net, init="lecun")
    x = np.random.default_rng(0).standard_normal((400, 2)).astype(np.float32)
    content = serialised(network)
    small = int8(content, x)
    import onnx

    graph = onnx.load_from_string(small).graph
    assert {"QuantizeLinear", "DequantizeLinear"} <= {n.op_type for n in graph.node}
    kinds = {t.data_type for t in graph.initializer if t.dims and max(t.dims) == 16}
    assert onnx.TensorProto.INT8 in kinds and onnx.TensorProto.FLOAT not in kinds
    exact = session_of(content).run(None, {"x": x})[0]
    found = session_of(small).run(None, {"x": x})[0]
    error = np.abs(found - exact).max() / np.abs(exact).max()
    assert 0.0 < error < 0.2


def test_accuracy_counts_a_nan_as_wrong():
    out = np.array([[0.3], [-0.2], [np.nan], [0.0]])
    assert accuracy(out, np.array([1, 0, 1, 1])) == 0.75
    many = np.array([[0.1, 0.9], [np.nan, 1.0]])
    assert accuracy(many, np.array([1, 1])) == 0.5


def test_bfloat16_has_eight_bits():
    net = actscope.Net(2, (4,), 1, "identity")
    network = network_of(net, init="lecun")
    x = np.random.default_rng(0).standard_normal((64, 2))
    y = (x[:, 0] > 0).astype(int)
    found = kept([network], x, x, y, ["bfloat16"])
    assert set(found) == {"float32", "bfloat16"} and found["bfloat16"].shape == (1,)
    from actscope.costs.quantised import _outputs

    exact = _outputs(network, "float32", x, x.astype(np.float32))
    rough = _outputs(network, "bfloat16", x, x.astype(np.float32))
    error = np.abs(rough - exact).max() / np.abs(exact).max()
    assert 1e-4 < error < 0.05


def test_a_compiler_that_is_not_there_is_said(monkeypatch):
    from actscope.probe import running

    def broken(module):
        raise RuntimeError("No working C++ compiler found\nlong text")

    monkeypatch.setattr(running, "compiled", broken)
    network = network_of(actscope.Net(2))
    timed = time_networks(
        {"relu": network}, np.zeros((4, 2)), "relu", runtimes=["onnx", "compiled"], batches=[2],
        rounds=2,
    )  # fmt: skip
    assert set(timed.taken) == {("relu", "onnx", 2)}
    [note] = timed.notes
    assert "C++ compiler" in note and note.endswith("No working C++ compiler found")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"runtimes": ["onx"]}, UnknownName, "did you mean 'onnx'"),
        ({"runtimes": []}, BadSpec, "runtimes"),
        ({"batches": [0]}, BadSpec, "batches = 0"),
        ({"target": 2}, BadSpec, "target = 2"),
        ({"data": "sine"}, InputError, "regression"),
        ({"activations": ["softmax"]}, InputError, "acts on whole vectors"),
        ({"activations": ["rellu"]}, UnknownName, "did you mean 'relu'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(settings, error, words):
    def trials(cells, seeds):
        raise AssertionError("trained")

    with pytest.raises(error, match=words):
        cost(settings.pop("activations", ["relu"]), trials=trials, **settings)


@pytest.mark.parametrize(("package", "extra"), [("onnxruntime", "onnx"), ("torch", "torch")])
def test_a_missing_extra_is_named(monkeypatch, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"needs {package}, .*actscope\[{extra}\]"):
        cost(["relu"])


def test_expressions_are_activations_too():
    phi = activation("x*sigmoid(1.7*x)")
    found = cost(
        [phi], target=0.6, lr=[0.5], init=["lecun"], epochs=10, most=2, runtimes=["onnx"],
        batches=[1], rounds=2, trials=lambda cells, seeds: np.ones((len(cells), len(seeds))),
    )  # fmt: skip
    assert found.names == ("relu", "x*sigmoid(1.7*x)")
    assert found.smallest(phi.key, "tuned").found.width == 1


def test_cautions_and_the_straight_line(found, nobody):
    falls = cost(
        ["relu"], target=0.9, lr=[0.1, 1.0], init=["he"], most=8, runtimes=["onnx"], batches=[1],
        rounds=2, epochs=5,
        trials=lambda cells, seeds: np.array(
            [[0.95 if c.width == 2 else 0.1 * c.lr] * len(seeds) for c in cells]
        ),
    )  # fmt: skip
    said = "\n".join(falls.cautions)
    assert "relu, tuned, depth 2: width 2 reaches it, 4 does not" in said
    assert "its best lr, 0.1, is the smallest of the grid" in said
    assert falls.table["size, tuned"][0] == "2 × 2 *"
    assert "so it reaches the target too" in found.floor and "Bayes 0.98" in found.floor
    assert "so it reaches" not in nobody.floor
