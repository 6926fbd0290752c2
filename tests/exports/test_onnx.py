"""Exported files, run with ONNX Runtime, against the engine's plain NumPy twin."""

import json
import random
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actscope
from actscope.activations import activation
from actscope.errors import BadSpec, InputError, MissingExtra, OutputError
from actscope.exports import onnx_file

X = np.random.default_rng(1).standard_normal((50, 3))


def run(path, x, dtype="float32"):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.asarray(x, dtype=dtype)})[0]


def alone(phi, x):
    """An activation by itself, and the operators it became."""
    content = onnx_file.alone(phi, x.dtype.name)
    y = onnx_file.session_of(content).run(None, {"x": x})[0]
    return y, [node.op_type for node in onnx.load_from_string(content).graph.node[:-1]]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-12)])
def test_every_activation_by_itself(phi, dtype, tolerance):
    x = (np.linspace(-8.0, 8.0, 801) + 0.0037).astype(dtype)
    expected = phi(x.astype(np.float64))
    found, operators = alone(phi, x)
    assert found.dtype == x.dtype
    near = np.abs(expected) < 1e3
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    scale = max(1.0, np.abs(expected[near]).max())
    assert np.abs(found - expected)[near].max() <= tolerance * scale
    if phi.onnx is not None and dtype == "float32":
        assert operators == [phi.onnx.operator]


def test_a_slope_by_itself(phi):
    x = (np.linspace(-8.0, 8.0, 801) + 0.0037).astype(np.float64)
    [found] = onnx_file.session_of(onnx_file.alone(phi, "float64", slope=True)).run(None, {"x": x})
    expected = phi.slope_at(x)
    near = np.isfinite(expected) & (np.abs(expected) < 1e3)
    np.testing.assert_allclose(found[near], expected[near], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", ["softplus", "mish", "silu", "gelu", "log_sigmoid", "tanhshrink",
                                  "x*tanh(softplus(x))", "log(1 + exp(x))", "x*sigmoid(2*x)",
                                  "(exp(x) - exp(-x))/(exp(x) + exp(-x))", "celu"])  # fmt: skip
def test_large_arguments_neither_overflow_nor_lose_digits(text, dtype):
    phi = activation(text)
    size = np.geomspace(1.0, 1e30, 61)
    x = np.concatenate([-size[::-1], size]).astype(dtype)
    expected = phi(x)
    assert np.isfinite(expected).all()
    found, _ = alone(phi, x)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-13)])
@pytest.mark.parametrize("hidden", [(1,), (7,), (3, 3), (5, 5, 5, 4)])
@pytest.mark.parametrize("outputs", [1, 4])
def test_every_shape(
    tmp_path, norm, residual, dtype, tolerance, hidden, outputs, close, logits, random_weights
):
    phis = ["gelu", "x*sigmoid(1.7*x)", "leaky_relu(slope=0.2)", "tanh"][: len(hidden)]
    net = actscope.Net(3, hidden, outputs, phis, norm=norm, residual=residual)
    weights = random_weights(net)
    path = actscope.export(net, tmp_path / "a.onnx", weights=weights, dtype=dtype)
    expected = logits(net, weights, X)
    found = run(path, X, dtype)
    assert found.shape == (50, outputs) and found.dtype == dtype
    close(found, expected, tolerance)
    for rows in (0, 1, 2):  # the batch is free
        assert run(path, X[:rows], dtype).shape == (rows, outputs)


@pytest.mark.parametrize(
    ("data", "loss", "y"),
    [("bce", "bce", [0, 1]), ("classes", "cross_entropy", [0, 1, 2]), ("line", "mse", None)],
)
def test_trained_networks(tmp_path, data, loss, y, close, logits):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 3))
    labels = x.sum(axis=1) if y is None else rng.choice(y, 120)
    net = actscope.Net(3, (8, 8), 3 if data == "classes" else 1, ("silu", "mish"))
    training = actscope.Training(loss=loss, lr=0.05, epochs=20)
    result = actscope.train(net, (x, labels), training, seeds=range(3))
    for i in range(3):
        path = actscope.export(result, tmp_path / "a.onnx", network=i)
        close(run(path, x), logits(net, result.weights(i), x), 1e-6)
    about = json.loads(onnx.load(path).metadata_props[0].value)
    assert about["activations"] == ["silu", "mish"] and about["seed"] == 2
    assert about["training"]["loss"] == loss and about["training"]["lr"] == 0.05


def test_outputs_as_probabilities(tmp_path, close, logits, random_weights):
    net = actscope.Net(3, (6,), 4)
    z = logits(net, weights := random_weights(net), X)
    for name in ("softmax", "log_softmax", "sigmoid"):
        path = actscope.export(net, tmp_path / "a.onnx", weights=weights, output=name)
        close(run(path, X), activation(name)(z), 1e-6)


def test_an_untrained_network_is_the_one_that_training_starts_from(tmp_path, close, logits):
    net = actscope.Net(3, (6, 6), 1, "tanh", norm=True)
    still = actscope.Training(lr=0.0, epochs=1, dtype="float64")
    result = actscope.train(net, (X, X[:, 0] > 0), still, seeds=[5], init="orthogonal")
    path = actscope.export(net, tmp_path / "a.onnx", seed=5, init="orthogonal", dtype="float64")
    close(run(path, X, "float64"), logits(net, result.weights(0), X), 1e-13)


def test_a_study_of_one_cell_is_trained_as_the_study_trains_it(tmp_path):
    spec = {"activation": "x*sigmoid(2*x)", "width": 6, "epochs": 30, "seeds": [4], "lr": 0.2}
    study = actscope.Study(**spec)
    row = study.run(tmp_path / "study").table().iloc[0]
    file = tmp_path / "spec.toml"
    file.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in spec.items()))
    from actscope.study.points import split

    cell = study.plan().cells[0]
    points = split(cell.data, cell.points, cell.test_share, cell.data_seed)
    for source in (study, spec, file, str(file)):
        path = actscope.export(source, tmp_path / "a.onnx", seed=4)
        right = (run(path, points.x_test)[:, 0] >= 0) == points.y_test
        assert right.mean() == row.test_accuracy
    with pytest.raises(BadSpec, match="2 cells"):
        actscope.export(actscope.Study(lr=[0.1, 1.0]), tmp_path / "b.onnx")


def test_what_cannot_be_exported_leaves_the_old_file(tmp_path, random_weights):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"old")
    net = actscope.Net(3)
    x = np.full((8, 3), 10.0)
    explosive = actscope.Training(loss="mse", lr=1e6, epochs=30)
    lost = actscope.train(net, (x, np.arange(8.0)), explosive)
    assert lost.diverged_at[0] > 0
    for source, kept, words in [
        (lost, {}, "network 0 diverged in epoch"),
        (net, {"weights": random_weights(actscope.Net(2))}, r"weights.W has shapes \[\(2, 8\)"),
        (3.0, {}, "cannot make a network of a float: expected a Net"),
        (net, {"output": "sofmax"}, "did you mean 'softmax'"),
        (net, {"dtype": "float16"}, "dtype = 'float16'"),
        (net, {"seed": -1}, "seed = -1"),
    ]:
        with pytest.raises(InputError, match=words):
            actscope.export(source, path, **kept)
    with pytest.raises(OutputError, match="there is no folder"):
        actscope.export(net, tmp_path / "none" / "a.onnx")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_formula_that_is_not_the_function_is_seen(tmp_path, monkeypatch):
    """The file is run before it gets its name: a wrong table of operators does not pass."""
    from actscope.exports import nodes

    monkeypatch.setitem(nodes.TABLE, "sigmoid", lambda x: x.graph.add("Tanh", x))
    with pytest.raises(InputError, match="is not written: run with ONNX Runtime its outputs"):
        actscope.export(actscope.Net(2, activations="silu"), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


UNARY = ["exp", "expm1", "log", "log1p", "tanh", "sinh", "cosh", "sech", "sin", "cos", "sqrt",
         "erf", "ndtr", "npdf", "abs", "sign", "square", "sigmoid", "softplus", "relu", "silu",
         "mish", "gelu", "relu6", "elu", "-"]  # fmt: skip
NUMBERS = st.sampled_from(["0.1", "0.5", "1", "1.7", "2", "3", "pi", "e"])


def _larger(inner):
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(UNARY), inner),
        st.builds("({}) {} ({})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "-1", "0.5", "1.3"])),
        st.builds(
            "where({} {} {}, {}, {})".format, inner, st.sampled_from(["<", ">=", "!="]), inner,
            inner, inner,
        ),
    )  # fmt: skip


TEXTS = st.recursive(st.just("x") | st.just("x") | NUMBERS, _larger, max_leaves=6)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(TEXTS)
def test_expressions_that_nobody_thought_of(text):
    try:
        phi = activation(text)
    except InputError:
        return
    draw = random.Random(text)
    x = np.array([draw.uniform(-6.0, 6.0) for _ in range(40)]).astype(np.float64)
    with np.errstate(all="ignore"):
        expected = phi(x)
        nudged = [phi(x * (1.0 + 4 * np.finfo(np.float64).eps * s)) for s in (-1.0, 1.0)]
    moved = np.max([np.abs(n - expected) for n in nudged], axis=0)
    found, _ = alone(phi, x)
    # where rounding x already moves the value, or it is next to a switch, nothing is said
    sure = np.isfinite(expected) & (np.abs(expected) < 1e6) & (moved < 1e-11)
    assert np.isfinite(found[sure]).all(), text
    allowed = 1e-9 * (1.0 + np.abs(expected[sure]))
    assert (np.abs(found - expected)[sure] <= allowed).all(), text


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"needs {package}, .*actscope\[onnx\]"):
        actscope.export(actscope.Net(2), tmp_path / "a.onnx")


@pytest.mark.parametrize("name", ["selu", "elu", "tanh", "sin"])
def test_deep_networks_that_magnify_rounding_are_written_too(tmp_path, name, logits):
    net = actscope.Net(5, (8,) * 32, 3, name)
    x = np.random.default_rng(0).standard_normal((200, 5))
    path = actscope.export(net, tmp_path / "a.onnx", seed=1, init="gain")
    from actscope.exports.source import network_of

    expected = logits(net, network_of(net, seed=1, init="gain").weights, x)
    assert np.abs(run(path, x) - expected).max() <= 1e-3 * np.abs(expected).max()
    path = actscope.export(net, tmp_path / "b.onnx", seed=1, init="gain", dtype="float64")
    weights = network_of(net, seed=1, init="gain", dtype="float64").weights
    expected = logits(net, weights, x)
    assert np.abs(run(path, x, "float64") - expected).max() <= 1e-11 * np.abs(expected).max()
