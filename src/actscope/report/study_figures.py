"""The figures of a study's page: which cells, panels and settings each one shows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.figures.study.curves import CurvePanel, Series, curves
from actscope.figures.study.heat import heat_maps
from actscope.figures.study.layers import LayerPanel, by_format, layer_traces
from actscope.report.page import Cell, Picture, Section, Table
from actscope.study.result import StudyResult
from actscope.study.summary import Problem, bands, best, crossing, label_of, layers
from actscope.study.traces import ACCURACY

if TYPE_CHECKING:
    import pandas as pd

MOST_PANELS, MOST_LINES, MOST_METRICS, MOST_COLUMNS = 12, 8, 4, 4
# what the columns of the first heat map are, where the depth does not vary
INSTEAD = (
    "width", "init", "lr", "epochs", "optimiser", "norm", "residual", "batch", "weight_decay",
    "dtype",
)  # fmt: skip
HEAT_LINE = (
    "In a square: the score, and how many trials failed; orange better than a straight line, blue "
    "not."
)


def crossing_sections(posed: Sequence[Problem]) -> list[Section]:
    """Heat maps: activation × depth (or what varies instead), and learning rate × init."""
    sections = []
    shown = [p for p in posed if p.varying][:MOST_PANELS]
    if shown:
        across = _first(shown[0])
        panels = [crossing(p, ("activation",), (across,), p.label) for p in shown]
        what = _scores(shown)
        figure = heat_maps(panels, f"{what} by activation and {across}", HEAT_LINE, across)
        words = (
            f"{what} on each problem, by activation and {across}. Each square is the cell that "
            "trained best among all that have its activation and column; the test set plays no "
            f"part in that choice. {_colours(shown)}"
        )
        sections.append(
            Section(f"Activation × {across}", pictures=(Picture.of(figure, "scores", words),))
        )
    rates = _rates(shown)
    if rates is not None:
        sections.append(rates)
    return sections


def _first(problem: Problem) -> str:
    """The setting that the first heat map has as columns."""
    if "depth" in problem.varying:
        return "depth"
    return next((s for s in INSTEAD if s in problem.varying), "depth")


def _scores(posed: Sequence[Problem]) -> str:
    """What the squares hold, in words."""
    kinds = {p.regression for p in posed}
    return {
        frozenset({True}): "Test loss",
        frozenset({False}): "Test accuracy in percent",
    }.get(frozenset(kinds), "Test accuracy in percent, or test loss")


def _colours(posed: Sequence[Problem]) -> str:
    floors = ", ".join(
        f"{p.label} {p.floor:.3g}" if p.regression else f"{p.label} {p.floor:.1%}"
        for p in posed
        if p.floor == p.floor
    )
    told = f" (a straight line has: {floors})" if floors else ""
    return f"Orange is better than a straight line, blue is not{told}; hatched has no score."


def _rates(posed: Sequence[Problem]) -> Section | None:
    """Learning rate (and optimiser) against activation and init, a panel for each depth."""
    rates, inits = (any(s in p.varying for p in posed) for s in ("lr", "init"))
    if not posed or not (rates or inits):
        return None
    across = ("optimiser", "lr") if rates else ("init",)
    down = ("activation", "init") if rates else ("activation",)
    if across == ("init",) and _first(posed[0]) == "init":
        return None  # that is the first heat map
    deep = [len(p.values("depth")) for p in posed]
    by_depth = sum(deep) <= MOST_PANELS and max(deep) > 1
    panels = []
    for problem in posed:
        if not by_depth:
            panels.append(crossing(problem, down, across, problem.label))
            continue
        for depth in problem.values("depth"):
            part = _only(problem, "depth", depth)
            title = f"{depth} hidden layer{'s' if depth > 1 else ''}"
            title = title if len(posed) == 1 else f"{problem.label}, {title}"
            panels.append(crossing(part, down, across, title))
    name = "learning rate" if rates else "init"
    what = _scores(posed)
    title = f"{what} by {name}" + (" and init" if rates and inits else "")
    kept = [s for s in across if any(s in p.varying for p in posed)]
    figure = heat_maps(panels[:MOST_PANELS], title, HEAT_LINE, ", ".join(kept))
    words = (
        f"{what} by {' and '.join(down)} against {' and '.join(across)}"
        f"{', one panel for each depth' if by_depth else ''}; each square the cell that trained "
        f"best of the rest. {_colours(posed)}"
    )
    heading = "Learning rate and init" if rates and inits else name.capitalize()
    return Section(heading, pictures=(Picture.of(figure, "rates", words),))


def _only(problem: Problem, setting: str, value: Any) -> Problem:
    """The part of a problem that has a value; other settings count as varying if they did."""
    cells = problem.cells[problem.cells[setting] == value]
    trials = problem.trials[problem.trials[setting] == value]
    varying = tuple(s for s in problem.varying if s != setting)
    return Problem(problem.label, trials, cells, problem.score, problem.floor, varying)


def _lines(problem: Problem) -> pd.DataFrame:
    """The best cell of each activation, at most so many as a figure can hold."""
    chosen = best(problem.cells, ("activation",))
    chosen = chosen.sort_values("score", ascending=problem.regression, kind="stable")
    kept: pd.DataFrame = chosen.head(MOST_LINES)
    return kept


def _depths(problem: Problem, most: int) -> list[int]:
    """Some depths: the first, the last and what lies between, as many as fit."""
    found = problem.values("depth")
    at = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
    return [found[i] for i in at]


def curve_section(result: StudyResult, posed: Sequence[Problem]) -> Section | None:
    """Loss and accuracy by epoch, with bands."""
    if not result.study.curve:
        return None
    parts = [
        (_titled(p, depth, len(posed) > 1), _only(p, "depth", depth))
        for p in posed
        for depth in (_depths(p, 3) if len(posed) == 1 else _depths(p, 1))
    ][:6]
    if len(posed) > 1:  # one panel a problem: the best of all depths
        parts = [(p.label, p) for p in posed][:6]
    chosen = [(title, part, _lines(part)) for title, part in parts]
    drawn = bands(result, [c for _, _, lines in chosen for c in lines.cell])
    panels = []
    for title, part, lines in chosen:
        series = []
        for row in lines.itertuples(index=False):
            mine = drawn[drawn.cell == row.cell]
            if len(mine):
                label = label_of(row)
                series.append(_series(str(row.activation), label, mine))
        if series:
            panels.append(CurvePanel(title, tuple(series), part.floor))
    if not panels:
        return None
    line = "mean over the seeds with its 95 % band; the cell of each activation that trained best"
    figure = curves(panels, "Training, epoch by epoch", line)
    words = (
        "Training loss (the mean of each epoch's batches) and test accuracy by epoch: mean over "
        "the seeds and its 95 % bootstrap band, for the cell of each activation that trained best. "
        "A line that ends in a dot had fewer epochs. Dotted: a straight line's accuracy. Trials "
        "whose loss is no number are left out of the mean from there on."
    )
    return Section("Curves", pictures=(Picture.of(figure, "curves", words),))


def _titled(problem: Problem, depth: int, several: bool) -> str:
    words = f"{depth} hidden layer{'s' if depth > 1 else ''}"
    return f"{problem.label}, {words}" if several else words


def _series(name: str, label: str, mine: pd.DataFrame) -> Series:
    loss, right = (
        mine[[n, f"{n}_low", f"{n}_high"]].to_numpy(dtype=float).T for n in ("loss", "accuracy")
    )
    return Series(name, label, mine.epoch.to_numpy(dtype=float), loss, right)


def layer_section(result: StudyResult, posed: Sequence[Problem]) -> Section | None:
    """Layer traces, where they are stored: before and after training, at the largest depth."""
    wanted = result.study.trace
    metrics = [m for m in wanted.metrics if m != ACCURACY][:MOST_METRICS] if wanted else []
    if not wanted or not metrics:
        return None
    problem = posed[0]
    deep = _only(problem, "depth", problem.values("depth")[-1])
    formats = len(wanted.formats) > 1
    rows = _format_rows(result, deep, metrics) if formats else _init_rows(result, deep, metrics)
    if not rows:
        return None
    depth = deep.values("depth")[0]
    line = "median over the seeds and middle half" + ("" if formats else "; thin: before training")
    figure = layer_traces(rows, f"Layer by layer, {depth} hidden layers", line)
    what = (
        "one line a number format, before and after training from each init"
        if formats
        else "one line an activation; the thin line is the same cell before training"
    )
    words = (
        f"Layer traces at {depth} hidden layers on {problem.label}, layer 0 being the input: "
        f"median over the seeds and the middle half, {what}. Each is the cell that trained best "
        "of those that have its activation and column."
    )
    return Section("Layer by layer", pictures=(Picture.of(figure, "layers", words),))


def _init_rows(
    result: StudyResult, deep: Problem, metrics: Sequence[str]
) -> list[list[LayerPanel]]:
    """One row a metric, one column an init."""
    inits = deep.values("init")[:MOST_COLUMNS]
    parts = {str(i): _lines(_only(deep, "init", i)) for i in inits}
    seen = layers(result, [c for lines in parts.values() for c in lines.cell])
    if seen.empty:
        return []
    last = seen.groupby("cell").epoch.transform("max")
    found = []
    for metric in metrics:
        mine = seen[seen.metric == metric]
        panels = []
        for init, lines in parts.items():
            after: dict[str, Any] = {}
            before: dict[str, Any] = {}
            for row in lines.itertuples(index=False):
                name = label_of(row)
                cell = mine[mine.cell == row.cell]
                if len(cell):
                    after[name] = _three(cell[cell.epoch == last[cell.index]])
                    before[name] = _three(cell[cell.epoch == 0])
            x = np.arange(max((v.shape[1] for v in after.values()), default=0), dtype=float)
            if after:
                title = f"init {init}"
                panels.append(LayerPanel(title, metric.replace("_", " "), x, after, before))
        if panels:
            found.append(panels)
    return found if len({len(r) for r in found}) == 1 else []


def _format_rows(
    result: StudyResult, deep: Problem, metrics: Sequence[str]
) -> list[list[LayerPanel]]:
    """One column an activation, one line a format; rows: metric, init, before and after."""
    found = []
    names = deep.values("activation")[:MOST_COLUMNS]
    for metric, init in itertools.product(metrics[:2], deep.values("init")[:2]):
        lines = _lines(_only(deep, "init", init)).set_index("activation")
        lines = lines.loc[[n for n in names if n in lines.index]].reset_index()
        seen = layers(result, lines.cell)
        seen = seen[seen.metric == metric]
        for epoch, words in ((0, "before training"), (None, "after")):
            panels = []
            for row in lines.itertuples(index=False):
                mine = seen[seen.cell == row.cell]
                mine = mine[mine.epoch == (mine.epoch.max() if epoch is None else epoch)]
                kinds = [k for k in result.study.trace.formats if k in set(mine.format)]
                drawn = {k: _three(mine[mine.format == k]) for k in kinds}
                if drawn:
                    x = np.arange(next(iter(drawn.values())).shape[1], dtype=float)
                    named = f"{metric.replace('_', ' ')}\n{words}, {init}"
                    panels.append(LayerPanel(label_of(row), named, x, drawn, {}))
            if panels:
                found.append(panels)
    return found if len({len(r) for r in found}) == 1 else []


def _three(rows: pd.DataFrame) -> Any:
    """(3, layers): median and quartiles, by layer."""
    return rows.sort_values("layer")[["value", "low", "high"]].to_numpy(dtype=float).T


def format_section(result: StudyResult, posed: Sequence[Problem]) -> Section | None:
    """Accuracy of the trained networks in each number format, by depth."""
    wanted = result.study.trace
    if not wanted or ACCURACY not in wanted.metrics or len(wanted.formats) < 2:
        return None
    problem, panels, rows = posed[0], list[list[LayerPanel]](), list[tuple[Cell, ...]]()
    for init in problem.values("init")[:3]:
        drawn = []
        for depth in _depths(problem, 3):
            part = _only(_only(problem, "init", init), "depth", depth)
            title = f"init {init}, {depth} hidden layer{'s' if depth > 1 else ''}"
            lines = _formats(result, part)
            x = np.arange(len(wanted.formats), dtype=float)
            drawn.append(
                LayerPanel(title, "test accuracy", x, lines, {}, wanted.formats, problem.floor)
            )
            rows += [
                (name, str(init), str(depth), *(_percent(v) for v in three[0]))
                for name, three in lines.items()
            ]
        panels.append(drawn)
    if not rows:
        return None
    line = "median over the seeds and middle half; weights and every layer's output rounded"
    figure = by_format(panels, "Accuracy in each number format", line)
    words = (
        f"Test accuracy on {problem.label} of the trained networks run in each number format: "
        "weights and every layer's output rounded; median over the seeds and the middle half, for "
        "the cell of each activation that trained best with the panel's init and depth. "
        "Dotted: a straight line's accuracy."
    )
    table = Table(
        ("activation", "init", "depth", *wanted.formats), tuple(rows), "Median test accuracy, %"
    )
    return Section("Number formats", pictures=(Picture.of(figure, "formats", words),),
                   tables=(table,))  # fmt: skip


def _formats(result: StudyResult, part: Problem) -> dict[str, Any]:
    """(3, formats) accuracies of the best cell of each activation, at the end of training."""
    wanted = result.study.trace.formats
    lines = _lines(part)
    seen = layers(result, lines.cell)
    seen = seen[seen.metric == ACCURACY]
    seen = seen[seen.epoch == seen.groupby("cell").epoch.transform("max")]
    found = {}
    for row in lines.itertuples(index=False):
        mine = seen[seen.cell == row.cell].set_index("format")
        there = [[mine[c].get(k, np.nan) for k in wanted] for c in ("value", "low", "high")]
        if len(mine):
            found[label_of(row)] = np.array(there, dtype=float)
    return found


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f}"
