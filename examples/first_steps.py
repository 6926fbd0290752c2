"""An activation of your own: its facts, whether it trains, beside ReLU.

Run: python examples/first_steps.py
"""

import numpy as np

import actscope
from actscope.datasets import dataset

mine = actscope.activation("x*sigmoid(1.7*x)")
print(f"{mine.formula}: range {mine.range}, slope at 0 {mine.slope_at(0.0):.2f}")

x, y = dataset("moons").draw(600, np.random.default_rng(0))
data = (x[:300], y[:300], x[300:], y[300:])
for activation in (mine, "relu"):
    net = actscope.Net(2, hidden=(8,) * 6, activations=activation)
    result = actscope.train(net, data, actscope.Training(epochs=200), seeds=range(64))
    low, middle, high = np.quantile(result.test_accuracy[:, -1], (0.1, 0.5, 0.9))
    print(f"{net.activations[0].key}: accuracy {middle:.2f} ({low:.2f} to {high:.2f}), 64 seeds")
