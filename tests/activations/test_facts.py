"""Every fact on a record, against numbers."""

import re

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from scipy import integrate, stats

from actscope.activations import SHELF, Activation
from actscope.activations._expression import parse

SWEEP = np.unique(np.concatenate([np.linspace(-40, 40, 80_001), np.linspace(-1, 1, 20_001)]))


def away_from(kinks: tuple[float, ...], x: np.ndarray, distance: float) -> np.ndarray:
    """The points of x at least this far from every kink."""
    return x[np.all([np.abs(x - k) > distance for k in kinks], axis=0)] if kinks else x


def jump(function, points: np.ndarray, *values: float) -> np.ndarray:
    """How much a function changes from just left to just right of each point."""
    step = 1e-9 * np.maximum(1.0, np.abs(points))
    return np.abs(function(points + step, *values) - function(points - step, *values))


def test_the_slope_is_the_derivative(one):
    """Central differences of f, away from kinks."""
    x = away_from(one.kinks, np.linspace(-9.0, 9.0, 401) + 0.0123, 1e-3)
    h = 1e-5
    numeric = (one(x + h) - one(x - h)) / (2 * h)
    np.testing.assert_allclose(one.slope_at(x), numeric, rtol=2e-6, atol=2e-8)


def test_kinks_are_kinks(one):
    assert list(one.kinks) == sorted(set(one.kinks))
    kinks = np.array(one.kinks, dtype=float)
    jumps = np.maximum(jump(one.f, kinks, *one.values), jump(one.df, kinks, *one.values))
    assert (jumps > 1e-6).all(), jumps


def test_there_are_no_other_kinks(one):
    """Cells of a sweep are halved, keeping the half that changes more: only a jump survives."""
    far = 2.0 * max(map(abs, one.kinks), default=1.0)
    edges = np.concatenate([np.linspace(-20, 20, 2001) + 1e-4, np.linspace(-far, far, 500) + 1e-5])
    for function in (one.f, one.df):
        left, right = edges[:-1], edges[1:]
        for _ in range(36):
            middle = 0.5 * (left + right)
            low, mid, high = (function(v, *one.values) for v in (left, middle, right))
            first = np.abs(mid - low) > np.abs(high - mid)
            left, right = np.where(first, left, middle), np.where(first, middle, right)
        jumps = np.abs(function(right, *one.values) - function(left, *one.values)) > 1e-7
        for at in left[jumps]:
            assert np.min(np.abs(np.array(one.kinks) - at), initial=np.inf) < 1e-6, at


def test_range_holds_every_value(one):
    y = np.concatenate([one(SWEEP), one(np.array([-1e4, 1e4]))])
    low, high = one.range.low, one.range.high
    assert (y >= low - 4e-16 * abs(low) if np.isfinite(low) else y > low).all()
    assert (y <= high + 4e-16 * abs(high) if np.isfinite(high) else y < high).all()


@pytest.mark.parametrize("end", ["low", "high"])
def test_range_ends_are_reached_or_approached(one, end, exact):
    bound = getattr(one.range, end)
    sign = 1.0 if end == "high" else -1.0
    if np.isinf(bound):
        assert (one(np.array([-np.inf, np.inf])) == bound).any()
        assert not getattr(one.range, f"{end}_attained")
        return
    y = sign * np.concatenate([one(SWEEP), one(np.array([-1e12, 1e12]))])
    assert np.max(y) == pytest.approx(sign * bound, rel=1e-6, abs=1e-7)
    value = exact(one, "f")
    if getattr(one.range, f"{end}_attained"):  # there is a summit: no climb on either side of it
        top = float(SWEEP[np.argmax(y[: len(SWEEP)])])
        assert all(sign * (value(top) - value(top + d)) >= 0 for d in (-0.3, 0.3))
    else:  # no exact value equals it
        values = [value(x) for x in np.linspace(-25, 25, 41)]
        assert all(v < bound if end == "high" else v > bound for v in values)


def test_zero_centred(one):
    """E[f(z)] by adaptive quadrature, split at the kinks."""
    edges = [-14.0, *(k for k in one.kinks if abs(k) < 14), 0.0, 14.0]
    mean = sum(
        integrate.quad(lambda z: float(one(z)) * stats.norm.pdf(z), a, b, epsabs=1e-13)[0]
        for a, b in zip(sorted(edges), sorted(edges)[1:], strict=False)
    )
    assert (abs(mean) < 1e-11) == one.zero_centred, mean


def test_monotonic(one):
    y = one(SWEEP)
    fall = np.max(np.maximum.accumulate(y) - y)
    assert (fall <= 8 * np.spacing(np.max(np.abs(y)))) == one.monotonic, fall
    if not one.monotonic:
        assert fall > 1e-4


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_torch_twin(one, kind):
    """Value and gradient, at the kinks too."""
    if one.torch is None:
        pytest.skip("PyTorch has no such function")
    x = np.concatenate([np.linspace(-30, 30, 241), np.array(one.kinks), [0.0]]).astype(kind)
    leaf = torch.tensor(x, requires_grad=True)
    y = one.torch(torch, leaf, *one.values)
    y.sum().backward()
    close = {"rtol": 1e-10, "atol": 1e-13} if kind is np.float64 else {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(one(x), y.detach().numpy(), **close)
    if one.name == "hard_sigmoid":  # whose slope is 1/6 to float32 in PyTorch's float64 too
        close["rtol"] = max(close["rtol"], 3e-8)
    np.testing.assert_allclose(one.slope_at(x), leaf.grad.numpy(), **close)


def test_only_these_have_no_torch_twin():
    assert [a.name for a in SHELF if a.torch is None] == []


def onnx_value(one: Activation, x: np.ndarray) -> np.ndarray:
    """What the ONNX reference evaluator gives for the record's operator at opset 20."""
    helper = onnx.helper
    constants = {f"c{i}": np.float32(v) for i, v in enumerate(one.onnx.inputs(*one.values))}
    node = helper.make_node(
        one.onnx.operator, ["x", *constants], ["y"], **one.onnx.attributes(*one.values)
    )
    values = [onnx.numpy_helper.from_array(np.array(v), k) for k, v in constants.items()]
    shape = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [None]) for n in ("x", "y")]
    graph = helper.make_graph([node], "one", shape[:1], shape[1:], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    onnx.checker.check_model(model)
    with np.errstate(over="ignore"):  # its Celu computes the branch that it then drops
        return ReferenceEvaluator(model).run(None, {"x": x})[0]


def test_onnx_twin(one):
    if one.onnx is None:
        pytest.skip("ONNX has no such operator at opset 20")
    x = np.concatenate([np.linspace(-20, 20, 161), np.array(one.kinks)]).astype(np.float32)
    np.testing.assert_allclose(one(x), onnx_value(one, x), rtol=2e-5, atol=2e-6)


def test_operators_that_opset_20_has_are_named(record):
    """A record without an ONNX operator has a name that no operator of opset 20 has."""
    known = {
        s.name.lower() for s in onnx.defs.get_all_schemas_with_history() if s.since_version <= 20
    }
    if record.name.replace("_", "") in known:
        assert record.onnx is not None


def test_the_texts_say_what_the_functions_do(record):
    """Formula and derivative go through the parser of typed expressions; its facts agree too."""
    settings = dict(record.settings)
    x = away_from(record.kinks, np.linspace(-6, 6, 121) + 0.011, 1e-3)
    typed = parse(record.formula, settings)
    np.testing.assert_allclose(typed(x), record(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(typed.slope_at(x), record.slope_at(x), rtol=1e-11, atol=1e-13)
    slope = parse(record.derivative, settings)
    np.testing.assert_allclose(slope(x), record.slope_at(x), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(typed.kinks, record.kinks, atol=1e-12)
    assert (typed.zero_centred, typed.monotonic) == (record.zero_centred, record.monotonic)
    found, told = typed.range, record.range
    assert found.low == pytest.approx(told.low, rel=1e-12)
    assert found.high == pytest.approx(told.high, rel=1e-12)
    assert (found.low_attained, found.high_attained) == (told.low_attained, told.high_attained)


def test_every_fact_is_given(record):
    assert record.label and record.use_case
    assert re.search(r"\b(19|20)\d\d\b", record.source), "the source has a year"
    assert record.values == tuple(p.default for p in record.params)
    assert all(p.default in p.allowed and p.meaning for p in record.params)
    assert record.rule is None or record.rule.holds(*record.values)
    assert record.key == record.name
    names = set(re.findall(r"[a-z_]\w*", f"{record.formula} {record.derivative}"))
    assert {p.name for p in record.params} <= names, "the texts name every parameter"


def test_labels_differ():
    labels = [a.label for a in SHELF]
    assert len(set(labels)) == len(labels)
