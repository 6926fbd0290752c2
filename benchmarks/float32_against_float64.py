"""What float32 changes: 1,000 article-size networks trained twice, the same seeds and orders.

Run: python benchmarks/float32_against_float64.py [networks]

Final losses are compared pair by pair and as distributions (Kolmogorov-Smirnov; the Wilcoxon
test asks whether the differences lean to one side). Where a unit sits on a kink, the last bit of
float32 can decide whether it is on: 3 ReLU pairs in 1,000 part by more than 1e-4, the widest by
6e-4. Smooth activations stay within 2e-6; what the Wilcoxon test sees there is a lean of 5e-9.
"""

import sys

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, wilcoxon
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from actscope.engine.api import train
from actscope.engine.spec import Net, Training


def moons():
    """The article's training and test points."""
    x, y = make_moons(n_samples=400, noise=0.18, random_state=42)
    x = StandardScaler().fit_transform(x)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, random_state=42)
    return x, y, x_test, y_test


def compare(activation, networks):
    """One row: how the final training losses of the two precisions differ."""
    runs = [
        train(Net(2, activations=activation), moons(), Training(dtype=dtype), seeds=range(networks))
        for dtype in ("float32", "float64")
    ]
    single, double = (run.train_loss[:, -1].astype(float) for run in runs)
    size = np.abs(single - double)
    return {
        "activation": activation,
        "median loss, float32": np.median(single),
        "median loss, float64": np.median(double),
        "mean difference": (single - double).mean(),
        "median |difference|": np.median(size),
        "99 % |difference|": np.quantile(size, 0.99),
        "largest": size.max(),
        "pairs within 1e-4": (size < 1e-4).mean(),
        "KS p": ks_2samp(single, double, method="asymp").pvalue,
        "Wilcoxon p": wilcoxon(single, double).pvalue,
        "diverged": " and ".join(str(int((run.diverged_at >= 0).sum())) for run in runs),
    }


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rows = [compare(name, count) for name in ("relu", "sigmoid", "tanh", "gelu")]
    table = pd.DataFrame(rows).set_index("activation").T
    print(f"{count} networks 2-8-8-1, 800 epochs, final loss over the training set")
    print(table.to_string(float_format="{:.3g}".format))
