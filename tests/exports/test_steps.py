"""The steps of an activation against its own compiled function."""

import numpy as np

from actscope.activations._steps import trees

X = np.concatenate([np.linspace(-6.0, 6.0, 241) + 0.0123, [-700.0, -40.0, 40.0, 700.0]])


def test_the_steps_compute_the_activation_and_its_slope(phi):
    with np.errstate(all="ignore"):
        f, df = trees(phi).f(X), trees(phi).df(X)
    value, slope = phi(X), phi.slope_at(X)
    known = np.isfinite(value)
    np.testing.assert_allclose(f[known], value[known], rtol=1e-11, atol=1e-13)
    known &= np.isfinite(slope)
    np.testing.assert_allclose(df[known], slope[known], rtol=1e-10, atol=1e-12)


def test_the_type_and_nan_are_kept(phi):
    x = np.array([np.nan, 0.5], dtype=np.float32)
    with np.errstate(all="ignore"):
        y = trees(phi).f(x)
    assert y.dtype == np.float32 and y.shape == (2,) and np.isnan(y[0])


def test_what_libraries_have_is_one_step():
    from actscope.activations import activation

    assert [s[0] for s in trees(activation("silu")).f.steps] == ["x", "sigmoid", "*"]
    assert [s[0] for s in trees(activation("1/(1 + exp(-x))")).f.steps] == ["x", "sigmoid"]
    assert [s[0] for s in trees(activation("log(1 + exp(x))")).f.steps] == ["x", "softplus"]
