"""The cells that the predictor is judged on: what was seen of each, and how it trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actscope.searches.ground import TASKS, study_of
from actscope.searches.signals import signals
from actscope.study.cell import Cell

if TYPE_CHECKING:
    import pandas as pd

FILE = "signals.csv"


def measured(
    folder: Path,
    tasks: Sequence[str] = TASKS,
    progress: Callable[[str], object] = lambda words: None,
) -> pd.DataFrame:
    """Train what is not stored, look at what was not looked at, and put both side by side.

    Args:
        folder: where the studies and what was seen are kept; a second call trains nothing.
        tasks: data sets.
        progress: called with words.

    Returns:
        One row a cell: id (index), task, activation, depth, init, lr; the signals; chi_1, the
        activation's |ln χ₁| at its gain; accuracy (mean test accuracy over the seeds) and
        accuracies (by seed); work and work_seen (multiply-adds of training one network, and of
        looking at it).
    """
    import pandas as pd

    parts = []
    for task in tasks:
        study, home = study_of(task), folder / task
        progress(f"training {task}")
        trials = study.run(home).table()
        progress(f"looking at {task}")
        seen = _seen(study.plan().cells, home / FILE)
        groups = trials.sort_values("seed").groupby("cell").test_accuracy
        scores = groups.apply(lambda g: g.fillna(0.0).to_numpy(dtype=float))
        found = seen.assign(task=task, accuracies=scores, accuracy=scores.map(np.mean))
        parts.append(found)
    return pd.concat(parts)


def _seen(cells: Sequence[Cell], file: Path) -> pd.DataFrame:
    """The signals of cells, kept in a file."""
    import pandas as pd

    if file.exists():
        known = pd.read_csv(file, index_col="id")
        if list(known.index) == [c.id for c in cells]:
            return known
    rows = [
        {
            "id": c.id, "activation": c.activation, "depth": c.depth, "init": c.init, "lr": c.lr,
            **signals(c).values, "chi_1": chi_1(c.activation),
            "work": training_work(c), "work_seen": seeing_work(c),
        }
        for c in cells
    ]  # fmt: skip
    table = pd.DataFrame(rows).set_index("id")
    new = file.with_suffix(".new")
    table.to_csv(new)
    new.replace(file)
    return table


def chi_1(activation: str) -> float:
    """|ln χ₁| of an activation at its fixed-point gain, the plainest of all predictors."""
    from actscope.activations._lookup import elementwise
    from actscope.maths.meanfield import mean_field

    phi = elementwise(activation)
    return abs(math.log(mean_field(phi, phi.slope_at, phi.kinks).chi_1))


def _products(cell: Cell) -> int:
    """Multiply-adds of one point on its way forward."""
    net = cell.net()
    return sum(i * o for i, o in itertools.pairwise(net.sizes))


def training_work(cell: Cell) -> float:
    """Multiply-adds of training one network: forward, and twice as many backward."""
    from actscope.searches.signals import data_of

    return 3.0 * _products(cell) * len(data_of(cell).y) * cell.epochs


def seeing_work(cell: Cell) -> float:
    """Multiply-adds of looking at one untrained network, every signal counted.

    With N points, n of them trained on, widths k: N forward passes and 2.5 N backward (one way back
    for the kernel, another with its weight gradients for the norms); N²·Σ(k_in + k_out)/2 for the
    symmetric Grams; 4.5 n³ for the kernel's eigenvectors (Golub & Van Loan's 9 n³ operations);
    2 n² for each output and moment of the flow, then 2 n² and N n; 6 N k² for the decomposition of
    the last layer and 2 N k² for its two probes.
    """
    from actscope.searches.flow import MOMENTS
    from actscope.searches.signals import data_of, shown

    net = cell.net()
    points = shown(len(data_of(cell).y))
    n, k = points // 2, net.hidden[-1]
    passes = 3.5 * points * _products(cell)
    grams = points**2 * sum(i + o for i, o in itertools.pairwise(net.sizes)) / 2
    flow = 4.5 * n**3 + (2.0 * (MOMENTS + 1) * n**2 + points * n) * net.outputs
    return float(passes + grams + flow + 8.0 * points * k**2)
