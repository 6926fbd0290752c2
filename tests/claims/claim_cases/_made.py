"""Samples made by hand."""

import numpy as np

from actscope.claims import Outcome

H, O, F, Q = Outcome.HOLDS, Outcome.ONLY, Outcome.FAILS, Outcome.OPEN


def about(value, width=0.001, n=20):
    """A sample of mean and median `value`, spread evenly over ± width."""
    return value + width * np.linspace(-1.0, 1.0, n)


def flags(share, n=200):
    """n flags of which a share is true."""
    return np.arange(n) < round(share * n)
