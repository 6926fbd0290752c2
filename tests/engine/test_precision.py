"""What float32 changes; benchmarks/float32_against_float64.py reports it for 1,000 networks."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from actscope.engine.api import train
from actscope.engine.spec import Net, Training


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_final_losses_agree_pair_by_pair_and_in_distribution(moons, activation):
    """200 article trainings, the same seeds and orders in both precisions."""
    net = Net(2, activations=activation)
    runs = [train(net, moons, Training(dtype=d), seeds=range(200)) for d in ("float32", "float64")]
    single, double = (run.train_loss[:, -1].astype(float) for run in runs)
    size = np.abs(single - double)
    assert np.median(size) < 1e-6
    assert np.quantile(size, 0.95) < 1e-4
    assert size.max() > 0.0  # they are two precisions, not one run twice
    assert ks_2samp(single, double, method="asymp").pvalue > 0.99
    assert single.std() > 1e3 * size.std()


def test_float32_is_what_comes_back(moons):
    result = train(Net(2), moons, Training(epochs=2), loss_every=1, trace_every=1)
    arrays = [result.loss, result.test_loss, result.gradient_norm, *result.weights(0).arrays()]
    assert {a.dtype for a in arrays} == {np.dtype("float32")}
