"""Run the built-in studies and write docs/studies.md: each one's question, command, time, answer.

Every number on that page comes from here. Trials that FOLDER holds are not trained again.

Run: python docs/build_studies.py [FOLDER]   (`make studies`; minutes from nothing)
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from actscope.study import Study, StudyResult
from actscope.study.compare import compare
from actscope.study.executors import SHELF as EXECUTORS
from actscope.study.file import builtin_text, builtins
from actscope.study.run import run
from actscope.study.summary import Problem, best_table, cell_means, in_short, label_of, problems

PAGE = Path(__file__).parent / "studies.md"
HEAD = """# Studies that come with the package

Six grids of trainings that answer what the seed documents leave open. Each is a TOML file in
`src/actscope/study/builtin`, with at least 20 seeds for each cell;
copy one to change it. This page is written by `make studies`; no number on it is typed by hand.

In every table a number is the mean test accuracy in percent over the seeds, with a 95 % bootstrap
interval where there is room, of the cell that **trained** best among those that are free to vary
(the test set plays no part in that choice). "n/20 fail" counts trials that diverged or did no
better than a straight line. Intervals are over seeds of weights and orders; the points are one
draw.

```sh
actscope study --builtin rescue --dry-run   # cells, trials, time, memory
actscope study --builtin rescue             # trains; the same command goes on after Ctrl-C
actscope report rescue-study                # everything on one page
actscope query rescue-study "SELECT * FROM cells ORDER BY test_accuracy DESC"
```

Where the work is done, with the same rows to the bit: `--executor` takes one of

{executors}
"""
Rows = list[Sequence[str]]


def head() -> str:
    """What stands above the studies."""
    known = "\n".join(f"- `{one.name}`: {one.summary}" for one in EXECUTORS)
    return HEAD.replace("{executors}", known).strip()


def part(problem: Problem, **settings: Any) -> Problem:
    """The trials of a problem that have these settings; a list stands for any of its values."""
    trials = problem.trials
    for name, value in settings.items():
        trials = trials[trials[name].isin(value if isinstance(value, list) else [value])]
    varying = tuple(s for s in problem.varying if trials[s].nunique() > 1)
    cells = cell_means(trials)
    return Problem(problem.label, trials, cells, problem.score, problem.floor, varying)


def best(problem: Problem, interval: bool = True) -> str:
    """The best cell's accuracy, its interval and its failures; a dash if there is no cell."""
    if problem.trials.empty:
        return "–"
    row = best_table(problem, ("optimiser",)).sort_values("score").iloc[-1]
    if problem.cells.optimiser.nunique() > 1:  # one cell of all, by training
        top = problem.cells.sort_values(["right", "lost"], ascending=[False, True]).iloc[0]
        row = best_table(part(problem, cell=top.cell), ("activation",)).iloc[0]
    words = f"{100 * row.score:.1f}"
    if interval and row.low == row.low and row.high > row.low:
        words += f" ({100 * row.low:.1f}–{100 * row.high:.1f})"
    fails = round(row.failure_rate * row.trials)
    return f"{words}, {fails}/{row.trials} fail" if fails else words


def table(heads: Iterable[str], rows: Rows) -> str:
    """A table in Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def sentences(
    frame: pd.DataFrame, keep: Callable[[dict[str, Any]], bool] = lambda row: True
) -> str:
    """What the paired tests say, one sentence a line; depths first where there are several."""
    said = []
    for row in frame.to_dict("records"):
        if keep(row):
            where = f"depth {row['depth']}: " if "depth" in frame else ""
            said.append(f"- {where}{row['says']}.")
    return "\n".join(said)


def rescue(result: StudyResult) -> str:
    """One change after another."""
    [problem] = problems(result)
    article = {"init": "article", "optimiser": "sgd", "lr": 0.05, "epochs": 800, "norm": False}
    longest = int(problem.cells.epochs.max())
    free = {k: v for k, v in article.items() if k != "lr"}
    steps: list[tuple[str, dict[str, Any], str | None]] = [
        ("the article's recipe", article, None),
        (f"{longest:,} epochs", {**article, "epochs": longest}, None),
        ("learning rate", free, None),
        ("Adam, its learning rate", {**free, "optimiser": "adam"}, None),
        ("centred critical init", {**article, "init": "critical"}, None),
        ("tanh re-parametrisation", {**article, "init": "tanh_equivalent"}, None),
        ("layer normalisation", {**article, "norm": True}, None),
        ("4σ(x)−2", article, "4*sigmoid(x)-2"),
        ("tanh re-parametrisation and learning rate", {**free, "init": "tanh_equivalent"}, None),
        ("critical init and learning rate", {**free, "init": "critical"}, None),
        ("everything", {}, None),
    ]
    rows: Rows = []
    for words, settings, instead in steps:
        row = [words]
        for depth in (2, 6):
            mine = {**settings, "depth": depth}
            row.append(best(part(problem, activation=instead or "sigmoid", **mine)))
            row.append(best(part(problem, activation="relu", **mine), interval=False))
        rows.append(row)
    heads = ("changed", "sigmoid, 2 layers", "ReLU, 2", "sigmoid, 6 layers", "ReLU, 6")
    two = part(problem, activation=["sigmoid", "relu"]).trials
    chosen = ("lr", "optimiser", "epochs", "init", "norm")
    alone = part(problem, activation=["sigmoid", "relu"], **article).trials
    return (
        table(heads, rows)
        + "\n\nWith the article's recipe, on the same seeds:\n\n"
        + sentences(compare(alone))
        + "\n\nWith everything free, each at the cell that trained best:\n\n"
        + sentences(compare(two, best_over=chosen))
    )


def depth(result: StudyResult) -> str:
    """Init by depth, the learning rate free."""
    [problem] = problems(result)
    deep = problem.values("depth")
    rows: Rows = []
    for name in problem.values("activation"):
        for init in problem.values("init"):
            cells = (part(problem, activation=name, init=init, depth=d) for d in deep)
            rows.append([name, init, *(short(c) for c in cells)])
    return (
        "Mean test accuracy, best learning rate; **bold** where at least 19 of 20 seeds beat a "
        "straight line.\n\n" + table(("activation", "init", *(f"{d}" for d in deep)), rows)
    )


def short(problem: Problem) -> str:
    """An accuracy alone, bold where nearly every seed beats a straight line."""
    if problem.trials.empty:
        return "–"
    row = best_table(problem, ("activation",)).iloc[0]
    words = f"{100 * row.score:.1f}"
    return f"**{words}**" if row.failure_rate <= 0.05 else words


def architecture(result: StudyResult) -> str:
    """For each data set and recipe: in how many shapes the sigmoid is told apart from ReLU."""
    rows: Rows = []
    for problem in problems(result):
        for words, settings in (
            ("the article's", {"init": "article"}),
            ("tuned", {"init": "critical"}),
        ):
            mine = part(problem, activation=["sigmoid", "relu"], **settings)
            frame = compare(mine.trials, best_over=["lr"])
            ahead = np.where(frame.a == "relu", frame.difference, -frame.difference)
            worse, better = (int((frame.told & (s * ahead > 0)).sum()) for s in (1, -1))
            rows.append(
                [
                    problem.label,
                    f"{100 * problem.floor:.1f}",
                    words,
                    str(worse),
                    str(len(frame) - worse - better),
                    str(better),
                    f"{100 * float(np.mean(ahead)):+.1f}",
                    *(
                        best(part(problem, activation=name, **settings), interval=False)
                        for name in problem.values("activation")
                    ),
                ]
            )
        names = problem.values("activation")
    heads = ("data", "straight line", "recipe", "sigmoid lower", "not told apart", "sigmoid higher")
    heads += ("ReLU − sigmoid, mean", *(f"best {name}" for name in names))
    return (
        "Shapes are depth × width, 8 for each data set. A shape counts where the corrected test "
        "and the interval both say so.\n\n" + table(heads, rows)
    )


def precision(result: StudyResult) -> str:
    """What formats leave of the last layer's distance fidelity, and of the accuracy."""
    [problem] = problems(result)
    deepest = problem.values("depth")[-1]
    formats = result.study.trace.formats
    seen = result.query(
        "SELECT cell, epoch = 0 AS before, metric, format, median(value) AS value FROM traces "
        "WHERE NOT isnan(value) AND (metric = 'test_accuracy' OR layer = "
        f"{deepest}) GROUP BY ALL"
    )
    blocks = []
    for metric, before, words in (
        ("distance_fidelity", True, "Distance fidelity (R²) of the last layer, untrained"),
        ("distance_fidelity", False, "The same after training"),
        ("test_accuracy", False, "Test accuracy in percent after training"),
    ):
        rows: Rows = []
        for name in problem.values("activation"):
            for init in problem.values("init"):
                mine = part(problem, activation=name, init=init, depth=deepest)
                cell = best_table(mine, ("activation",)).iloc[0].cell
                here = seen[(seen.cell == cell) & (seen.metric == metric)]
                there = here[here.before == before].set_index("format").value
                scale, form = (100, ".1f") if metric == "test_accuracy" else (1, ".2f")
                values = (scale * float(there.get(k, np.nan)) for k in formats)
                rows.append([name, init, *("–" if v != v else f"{v:{form}}" for v in values)])
        blocks.append(
            f"{words}, {deepest} hidden layers, medians over the seeds:\n\n"
            + table(("activation", "init", *formats), rows)
        )
    return "\n\n".join(blocks)


def hybrid(result: StudyResult) -> str:
    """Placements, from the article's init and from the best."""
    [problem] = problems(result)
    rows: Rows = []
    seen = problem.cells.drop_duplicates(["depth", "activation"])
    for row in seen.sort_values("depth", kind="stable").itertuples():
        mine = {"activation": row.activation, "depth": row.depth}
        rows.append(
            [
                str(row.depth),
                label_of(row),
                best(part(problem, init="article", lr=0.05, **mine)),
                best(part(problem, init="article", **mine)),
                best(part(problem, init="critical", **mine)),
            ]
        )
    short = {c: in_short(a, d) for c, a, d in problem.cells[["cell", "activation", "depth"]].values}
    trials = problem.trials.assign(activation=problem.trials.cell.map(short))
    frame = compare(trials[trials.init == "article"], best_over=["lr"])
    heads = ("layers", "from input to output", "article init, lr 0.05", "article init, best lr")
    told = f"{int(frame.told.sum())} of {len(frame)}"
    against = sentences(frame, lambda r: r["told"] and "sigmoid" in (r["a"], r["b"]))
    return (
        table((*heads, "critical init, best lr"), rows)
        + f"\n\nWith the article's init and the best rate {told} pairs of one depth are told "
        "apart; those with a pure sigmoid network:\n\n" + (against or "- none.")
    )


def init(result: StudyResult) -> str:
    """Activation by init, at both depths, the learning rate free."""
    [problem] = problems(result)
    rows: Rows = []
    for rule in problem.values("init"):
        row = [rule]
        for deep in problem.values("depth"):
            for name in problem.values("activation"):
                row.append(short(part(problem, activation=name, init=rule, depth=deep)))
        rows.append(row)
    heads = [f"{n}, {d}" for d in problem.values("depth") for n in problem.values("activation")]
    return (
        "Mean test accuracy by activation and hidden layers, best learning rate; **bold** where at "
        "least 19 of 20 seeds beat a straight line.\n\n" + table(("init", *heads), rows)
    )


ANSWERS = {
    "rescue": rescue,
    "depth": depth,
    "architecture": architecture,
    "precision": precision,
    "hybrid": hybrid,
    "init": init,
}


def section(name: str, folder: Path) -> str:
    """One study: trained as far as needed, and what it found."""
    study = Study.builtin(name)
    result = run(study, folder / name)
    comment = builtin_text(name).partition("\n\nactivation")[0].partition("\n\nwidth")[0]
    lines = [line.removeprefix("#").strip() for line in comment.splitlines()]
    title, *rest = "\n".join(lines).strip().split("\n\n")
    plan, ran = study.plan(), [r for r in result.runs if r.get("trained")]
    seconds = sum(r.get("processor_seconds", 0.0) for r in ran)
    took = f"{seconds:,.0f} s of processor time, about {seconds / 2:,.0f} s on two idle cores"
    return "\n\n".join(
        (
            f"## {name}: {title}",
            *rest,
            f"`actscope study --builtin {name}` · {len(plan.cells):,} cells, {plan.trials:,} "
            f"trials, {took} ({ran[-1]['machine']['processor']}).",
            ANSWERS[name](result),
        )
    )


def main(folder: Path) -> None:
    """Write the page."""
    assert set(ANSWERS) == set(builtins())
    parts = [head(), *(section(name, folder) for name in ANSWERS)]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
