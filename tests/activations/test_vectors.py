"""Softmax and log-softmax: the stable form holds, the naive one fails where it must."""

import mpmath
import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx.reference import ReferenceEvaluator

from actscope.activations import VECTORS
from actscope.errors import InputError

VECTOR = list(VECTORS)
each = pytest.mark.parametrize("soft", VECTOR, ids=lambda a: a.name)
TYPES = (np.float64, np.float32)


def exact(name: str, x: np.ndarray) -> list[mpmath.mpf]:
    """The formula in many digits."""
    with mpmath.workprec(3200):
        e = [mpmath.exp(mpmath.mpf(float(v))) for v in x]
        total = mpmath.fsum(e)
        return [v / total if name == "softmax" else mpmath.log(v / total) for v in e]


@each
@pytest.mark.parametrize("kind", TYPES)
def test_against_many_digits(soft, kind):
    """Relative, though a softmax of a difference d inherits d's own rounding."""
    rng = np.random.default_rng(1)
    for scale in (1e-8, 1.0, 20.0, 300.0 if kind is np.float64 else 40.0):
        for n in (1, 2, 5, 40):
            x = (scale * rng.normal(size=n) + rng.normal()).astype(kind)
            got, want = soft(x), np.array([float(v) for v in exact(soft.name, x)])
            spread = 1.0 + np.ptp(x)
            np.testing.assert_allclose(
                got, want, rtol=4 * spread * np.finfo(kind).eps, atol=np.finfo(kind).tiny
            )
            assert got.dtype == kind


@each
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=6),
        elements=st.floats(-1e4, 1e4),
    )
)
def test_torch_twin(soft, x):
    twin = soft.torch(torch, torch.tensor(x)).numpy()
    np.testing.assert_allclose(soft(x), twin, rtol=1e-12, atol=1e-15)


@each
def test_jacobian(soft):
    """Against PyTorch's autograd and against central differences of f."""
    x = np.random.default_rng(2).normal(size=(2, 3, 5)) * 3
    jacobian = soft.jacobian_at(x)
    assert jacobian.shape == (2, 3, 5, 5)
    h = 1e-6
    for j in range(5):
        step = h * (np.arange(5) == j)
        numeric = (soft(x + step) - soft(x - step)) / (2 * h)
        np.testing.assert_allclose(jacobian[..., j], numeric, atol=1e-9)
    for vector, own in zip(x.reshape(-1, 5), jacobian.reshape(-1, 5, 5), strict=True):
        twin = torch.autograd.functional.jacobian(
            lambda v: soft.torch(torch, v), torch.tensor(vector)
        )
        np.testing.assert_allclose(own, twin.numpy(), rtol=1e-10, atol=1e-15)


@each
def test_jacobian_of_a_nearly_certain_class(soft):
    """1 − p keeps its digits where p rounds to 1."""
    j = soft.jacobian_at([60.0, 0.0, -1.0])
    rest = np.exp(-60.0) + np.exp(-61.0)
    np.testing.assert_allclose(j[0, 0], rest, rtol=1e-13)
    np.testing.assert_allclose(j @ np.ones(3), 0.0, atol=1e-16)  # a shift changes nothing


@each
def test_the_naive_form_agrees_where_it_can(soft):
    x = np.random.default_rng(3).normal(size=(4, 6))
    np.testing.assert_allclose(soft.naive(x), soft(x), rtol=1e-12)
    np.testing.assert_allclose(soft.naive_jacobian(x), soft.jacobian_at(x), atol=1e-14)


@each
def test_the_naive_form_overflows_at_1000(soft):
    """The catalogue shows it, without a warning, in a table."""
    logits = [1000.0, 999.0, 0.0]
    with np.errstate(all="raise"):
        table = soft.compare(logits)
    assert list(table.columns) == ["logit", "naive", "stable"]
    assert table["naive"].isna().any()
    np.testing.assert_allclose(table["stable"], [float(v) for v in exact(soft.name, logits)])
    with np.errstate(all="ignore"):
        assert np.isnan(soft.naive_jacobian(np.array(logits))).any()
    assert np.isfinite(soft.jacobian_at(logits)).all()
    float32 = soft.compare(np.array([100.0, 99.0], dtype=np.float32))
    assert float32["naive"].isna().all() and float32["stable"].notna().all()


def test_log_of_naive_softmax_loses_small_probabilities():
    table = VECTORS.get("log_softmax").compare([0.0, -800.0])
    assert table["naive"].iloc[1] == -np.inf and table["stable"].iloc[1] == -800.0


@each
def test_onnx_twin(soft):
    helper = onnx.helper
    node = helper.make_node(soft.onnx.operator, ["x"], ["y"], **soft.onnx.attributes())
    info = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [None, None]) for n in "xy"]
    graph = helper.make_graph([node], "one", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    onnx.checker.check_model(model)
    x = np.random.default_rng(4).normal(size=(3, 5)).astype(np.float32) * 5
    np.testing.assert_allclose(
        soft(x), ReferenceEvaluator(model).run(None, {"x": x})[0], rtol=1e-5, atol=1e-6
    )


@each
@pytest.mark.parametrize("kind", TYPES)
def test_infinities_and_nan(soft, kind):
    """As PyTorch: −∞ is a logit that is masked out; +∞ and NaN spoil their own vector only."""
    inf, nan = np.inf, np.nan
    x = np.array([[0, -inf, 1], [inf, 0, 1], [nan, 0, 1], [-inf] * 3, [1, 2, 3]], dtype=kind)
    with np.errstate(all="raise"):
        got = soft(x)
    np.testing.assert_allclose(got, soft.torch(torch, torch.tensor(x)).numpy(), rtol=1e-6)
    assert got.dtype == kind
    assert np.isfinite(soft.jacobian_at(x)[0] if soft.name == "softmax" else got[4]).all()


@each
def test_range(soft):
    y = soft(np.random.default_rng(5).normal(size=(200, 4)) * 20)
    assert (y >= soft.range.low).all() and (y <= soft.range.high).all()
    far = soft([-300.0, 0.0, 300.0])
    assert far.max() == pytest.approx(soft.range.high, abs=1e-9)
    assert far.min() == pytest.approx(max(soft.range.low, -600.0), abs=1e-9)


@each
def test_bad_input(soft):
    for wrong in (1.0, np.zeros((3, 0))):
        with pytest.raises(InputError, match="expected vectors of at least one logit"):
            soft(wrong)
    with pytest.raises(InputError, match="expected one vector"):
        soft.compare(np.zeros((2, 2)))
    with pytest.raises(InputError, match="expected real numbers"):
        soft(["a", "b"])


@each
def test_every_fact_is_given(soft):
    assert soft.label and soft.use_case and soft.formula and soft.derivative
    assert any(c.isdigit() for c in soft.source)
