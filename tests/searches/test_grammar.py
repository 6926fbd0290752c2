"""Every sentence of the grammar is a usable activation, and says itself exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.activations import activation
from actscope.errors import BadSpec
from actscope.maths import special
from actscope.searches.grammar import JOIN, SCALES, UNARY, Sentence

X = np.array([-4.1, -2.03, -0.71, -0.013, 0.017, 0.53, 1.9, 3.7])
SENTENCES = st.builds(
    Sentence,
    st.sampled_from(sorted(UNARY)),
    st.sampled_from(sorted(UNARY)),
    st.sampled_from(SCALES),
    st.sampled_from(sorted(JOIN)),
)
# written down anew, so that a slip in the grammar's texts shows
TWINS = {
    "identity": lambda u: u,
    "relu": lambda u: np.maximum(u, 0.0),
    "tanh": np.tanh,
    "sigmoid": lambda u: 1.0 / (1.0 + np.exp(-u)),
    "softplus": lambda u: np.log1p(np.exp(u)),
    "sin": np.sin,
    "erf": special.erf,
    "abs": np.abs,
    "bell": lambda u: np.exp(-u * u),
    "softsign": lambda u: u / (1.0 + np.abs(u)),
}
JOINS = {
    "times": np.multiply, "plus": np.add, "minus": np.subtract, "max": np.maximum,
    "min": np.minimum,
}  # fmt: skip


def test_the_twins_know_the_whole_grammar():
    assert (set(TWINS), set(JOINS)) == (set(UNARY), set(JOIN))


@given(SENTENCES)
@settings(max_examples=60, deadline=None)
def test_a_sentence_is_the_function_that_it_says(s):
    phi = activation(s.text)
    expected = JOINS[s.join](TWINS[s.left](X), TWINS[s.right](s.scale * X))
    np.testing.assert_allclose(phi(X), expected, rtol=1e-9, atol=1e-12)


@given(SENTENCES)
@settings(max_examples=40, deadline=None)
def test_its_slope_is_its_slope(s):
    phi, step = activation(s.text), 1e-6
    away = X[[min((abs(x - k) for k in phi.kinks), default=1.0) > 1e-3 for x in X]]
    numerical = (phi(away + step) - phi(away - step)) / (2 * step)
    np.testing.assert_allclose(phi.slope_at(away), numerical, rtol=1e-5, atol=1e-7)


@given(SENTENCES)
@settings(max_examples=30, deadline=None)
def test_it_is_finite_far_away_and_in_float32(s):
    phi = activation(s.text)
    far = np.array([-1e4, -80.0, 0.0, 80.0, 1e4])
    for kind in (np.float32, np.float64):
        assert np.isfinite(phi(far.astype(kind))).all()
        assert np.isfinite(phi.slope_at(far.astype(kind))).all()


@pytest.mark.parametrize(("part", "value"), [("left", "relux"), ("scale", 2.5), ("join", "over")])
def test_other_parts_are_refused(part, value):
    parts = {"left": "tanh", "right": "tanh", "scale": 1.0, "join": "plus"} | {part: value}
    with pytest.raises(BadSpec, match=part):
        Sentence(**parts)
