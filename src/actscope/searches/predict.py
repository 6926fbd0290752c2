"""`predict`: scores cells without training them, from their first mini-batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.engine.checks import whole
from actscope.errors import ActscopeError, InputError
from actscope.searches.combination import Combination, shipped, values_of
from actscope.searches.signals import NETWORKS, SIGNALS, signals
from actscope.study.cell import Cell
from actscope.study.plan import Study

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = (
    "activation", "depth", "width", "init", "optimiser", "lr", "epochs", "data", "norm", "residual",
)  # fmt: skip
MOST = 10_000  # cells


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """What is to be expected of cells.

    Attributes:
        study: the grid.
        table: one row a cell, the best score first: the settings; score, low, high (the place
            among all cells of its task, 0 to 1, and where 80 % of unseen cells of that score
            lay); the signals; seconds; error (why it could not be looked at); cell.
    """

    study: Study
    table: pd.DataFrame

    def __repr__(self) -> str:
        return f"Prediction({len(self.table)} cells)"

    def _repr_html_(self) -> str:
        varied = [c for c in SETTINGS if self.table[c].nunique() > 1]
        shown = self.table[[*varied, "score", "low", "high", *SIGNALS]]
        return str(shown.to_html(index=False, float_format="{:.3g}".format))


def predict(
    study: Study | Mapping[str, Any] | str | Path,
    *,
    networks: int = NETWORKS,
    progress: Callable[[int], object] = lambda cells: None,
) -> Prediction:
    """Score every cell of a study without training any.

    For each cell a few networks are drawn, and seen: where a kernel gradient flow with the
    training's own budget would take them, whether the learning rate fits, how gradients and
    geometry come through. One score combines it; see docs/predictor.md for how far to trust it.

    Args:
        study: a Study, its fields as a mapping, or its TOML file. Its seeds are not looked at.
        networks: drawn for each cell, 1 to 1000.
        progress: called with the number of cells done since the last call.

    Returns:
        A Prediction; `.table` has one row a cell.

    Raises:
        InputError: it is no study, a regression, or has too many cells.
        BadSpec: a field that cannot be; the message names it.

    Example:
        >>> grid = {"activation": ["tanh", "sigmoid"], "depth": 8, "points": 400}
        >>> predict(grid).table.activation.tolist()
        ['tanh', 'sigmoid']

    Source: Jacot, Gabriel & Hongler 2018, Neural tangent kernel; the combination is own,
    docs/predictor.md.
    """
    whole("networks", networks, 1, 1000)
    asked = _study(study)
    cells = asked.plan().cells
    if len(cells) > MOST:
        raise InputError(f"{len(cells):,} cells: expected at most {MOST:,}; shorten a list")
    for law in asked.laws():
        if not law.classes:
            raise InputError(
                f"{law.name} is a regression: the predictor was fitted on classifications; train "
                "it with actscope study"
            )
    rule = shipped()
    rows: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor() as pool:
        waiting = {pool.submit(row_of, cell, networks, rule): cell for cell in cells}
        try:
            for done in as_completed(waiting):
                rows[waiting[done].id] = done.result()
                progress(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return Prediction(asked, _sorted([rows[cell.id] for cell in cells]))


def _study(given: Any) -> Study:
    """A Study, from what people hand in."""
    if isinstance(given, Study):
        return given
    if isinstance(given, Mapping):
        return Study(**given)
    if isinstance(given, (str, Path)):
        from actscope.study.file import load

        return load(given)
    raise InputError(
        f"cannot predict a {type(given).__name__}: expected a Study, a mapping of its fields, or "
        "its TOML file"
    )


def row_of(cell: Cell, networks: int, rule: Combination) -> dict[str, Any]:
    """One cell's row; an init that does not apply is a row with its error."""
    row: dict[str, Any] = {
        name: cell.data.label if name == "data" else getattr(cell, name) for name in SETTINGS
    }
    began = time.perf_counter()
    try:
        seen = signals(cell, range(networks)).values
    except ActscopeError as error:
        nothing = dict.fromkeys(("score", "low", "high", *SIGNALS), float("nan"))
        return row | nothing | {"seconds": 0.0, "error": str(error), "cell": cell.id}
    score = float(rule.score(values_of(seen, cell.depth, rule.names)[None])[0])
    low, high = rule.interval(score)
    return row | {
        "score": min(max(score, 0.0), 1.0), "low": low, "high": high, **seen,
        "seconds": time.perf_counter() - began, "error": None, "cell": cell.id,
    }  # fmt: skip


def _sorted(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows, the best score first; those without one last."""
    import pandas as pd

    table = pd.DataFrame(rows)
    return table.sort_values("score", ascending=False, kind="stable", na_position="last",
                             ignore_index=True)  # fmt: skip
