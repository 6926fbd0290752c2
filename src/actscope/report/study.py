"""A study as one page: scores, curves, layers, comparisons, and all that is needed to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.errors import InputError
from actscope.guests import need
from actscope.report.files import ready_folder, write_files
from actscope.report.page import Cell, Download, Page, Section, Table, render_page
from actscope.report.study_figures import (
    crossing_sections,
    curve_section,
    format_section,
    layer_section,
)
from actscope.study.compare import compare
from actscope.study.file import builtin, builtins, dumps
from actscope.study.remote import local_folder
from actscope.study.result import StudyResult
from actscope.study.summary import TRIED, Problem, best_table, in_short, label_of, problems

if TYPE_CHECKING:
    import pandas as pd

PAGE = "index.html"
MOST_ACTIVATIONS = 12  # that are compared in pairs
MOST_PAIRS = 400
MOST_SENTENCES = 20
MOST_IN_LEAD = 6
LARGEST_TRIALS = 1_500_000  # bytes of CSV that the page carries
KIND = "text/csv"


def study_report(study: StudyResult | str | Path, out: str | Path) -> Path:
    """Write a study's page, its tables beside it.

    Args:
        study: a result, or the folder of a study, or an fsspec URL of one.
        out: folder for `index.html`, the CSV files and the study's TOML file.

    Returns:
        The page's path.

    Raises:
        InputError: there is no such study, or it has no trial yet.
        OutputError: the folder cannot be written to, or is a URL.
        MissingExtra: DuckDB or PyArrow is not installed.

    Example:
        >>> import actscope, tempfile
        >>> result = actscope.Study(lr=[0.05, 0.5], epochs=20, seeds=6).run()
        >>> actscope.study_report(result, tempfile.mkdtemp()).name
        'index.html'

    Source: own, docs/studies.md.
    """
    result = study if isinstance(study, StudyResult) else StudyResult(study)
    need("study")
    folder = ready_folder(local_folder(out, "a report"))
    write_files(folder, study_files(result))
    return folder / PAGE


def study_files(result: StudyResult) -> dict[str, bytes]:
    """Every file of a study's report, by name: the page, tables as CSV, the study as TOML.

    Raises:
        InputError: no trial is stored.
    """
    trials = result.table()
    if trials.empty:
        raise InputError(f"{result.where} holds no trial yet: run the study first")
    posed = problems(result)
    tables = [best_table(p) for p in posed]
    pairs = [comparisons(p) for p in posed]
    data = {
        "best.csv": _joined(posed, tables),
        "comparisons.csv": _joined(posed, pairs),
        "cells.csv": _joined(posed, [p.cells for p in posed]),
        "trials.csv": trials.to_csv(index=False).encode(),
        f"{result.name.replace(' ', '-')}.toml": dumps(result.study).encode(),
    }
    sections = [
        _best_section(posed, tables),
        *crossing_sections(posed),
        curve_section(result, posed),
        layer_section(result, posed),
        format_section(result, posed),
        _pairs_section(posed, pairs),
        _spec_section(result),
        _run_section(result),
    ]
    shown = {k: v for k, v in data.items() if v and len(v) <= LARGEST_TRIALS}
    downloads = tuple(
        Download(name, KIND if name.endswith("csv") else "application/toml", content)
        for name, content in shown.items()
    )
    page = Page(
        f"Study: {result.name}",
        lead(result, trials, posed, tables, pairs),
        tuple(s for s in sections if s is not None),
        downloads,
    )
    return {PAGE: render_page(page), **{k: v for k, v in data.items() if v}}


def lead(
    result: StudyResult,
    trials: pd.DataFrame,
    posed: Sequence[Problem],
    tables: Sequence[pd.DataFrame],
    pairs: Sequence[pd.DataFrame],
) -> str:
    """How much there is, how much failed, how far scores reach; ranks are for the tests to say."""
    planned, seeds = result.planned, trials.groupby("cell").size()
    each = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    words = [
        f"{trials.cell.nunique():,} cells, {each} seeds each, {len(trials):,} trials; "
        f"{int(trials.failed.sum()):,} no better than a straight line, "
        f"{int(trials.diverged_at.notna().sum()):,} of them diverged, "
        f"{int(trials.error.notna().sum()):,} ended in an error."
    ]
    if len(trials) < planned:
        words.insert(0, f"Not finished: {len(trials):,} of {planned:,} trials are stored.")
    for problem, table, frame in list(zip(posed, tables, pairs, strict=True))[:MOST_IN_LEAD]:
        words.append(_in_short(problem, table, frame))
    return " ".join(words)


def _in_short(problem: Problem, table: pd.DataFrame, frame: pd.DataFrame) -> str:
    """The range of the best cells' scores, and how many pairs differ."""
    scores = [v for v in table.score if v == v]
    if not scores:
        return f"On {problem.label} no trial has a score."
    unit = "" if problem.regression else " %"
    ends = dict.fromkeys(_share(problem, v) + unit for v in (min(scores), max(scores)))
    what = "test loss" if problem.regression else "test accuracy"
    best = f"the best cell{'s of the activations have' if len(table) > 1 else ' has'} a {what} of"
    told = f"; {int(frame.told.sum())} of {len(frame)} pairs are told apart" if len(frame) else ""
    return f"On {problem.label} {best} {' to '.join(ends)}{told}."


def score_in_words(problem: Problem, row: Any) -> str:
    """A score with its interval: "96.9 % (96.5 to 97.2)"."""
    if row.score != row.score:
        return "–"
    if problem.regression:
        tail = f" ({row.low:.3g} to {row.high:.3g})" if row.low == row.low else ""
        return f"{row.score:.3g}{tail}"
    tail = f" ({100 * row.low:.1f} to {100 * row.high:.1f})" if row.low == row.low else ""
    return f"{100 * row.score:.1f} %{tail}"


def _best_section(posed: Sequence[Problem], tables: Sequence[pd.DataFrame]) -> Section:
    shown = []
    for problem, table in zip(posed, tables, strict=True):
        settings = [s for s in problem.varying if s != "activation"]
        score = "test loss" if problem.regression else "test accuracy"
        rows: list[tuple[Cell, ...]] = []
        for row in table.itertuples(index=False):
            rate = f"{row.failure_rate:.0%} ({row.failure_low:.0%} to {row.failure_high:.0%})"
            rows.append(
                (
                    label_of(row),
                    *(_plain(getattr(row, s)) for s in settings),
                    score_in_words(problem, row),
                    rate,
                    f"{row.trials}",
                    f"{row.tried}",
                    f"{row.failed_of_all:.0%}",
                )
            )
        columns = ("activation", *settings, f"{score} (95 %)", "failures (95 %)", "seeds")
        columns += ("cells tried", "failures in all of them")
        floor = "" if problem.floor != problem.floor else (
            f"; a straight line has {problem.floor:.3g}" if problem.regression
            else f"; a straight line has {problem.floor:.1%}"
        )  # fmt: skip
        shown.append(Table(columns, tuple(rows), f"{problem.label}{floor}"))
    text = (
        "For each activation the cell that trained best: highest mean training accuracy (for a "
        "regression lowest mean training loss). The test set plays no part in that choice. "
        "Intervals of scores: bootstrap over seeds; of failure rates: Wilson. A failure is a trial "
        "that diverged, ended in an error, or did no better than a linear model on the same data. "
        "An activation with more cells tried had more chances.",
    )
    return Section("Best of each activation", text, tables=tuple(shown))


def _plain(value: Any) -> Cell:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return value
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def comparisons(problem: Problem) -> pd.DataFrame:
    """Paired tests between the activations on one problem, each at the cell that trained best.

    Depths are kept apart. With one activation alone, the first other setting that varies is
    compared instead. Empty if nothing varies, or no two values share the rest.
    """
    import pandas as pd

    axis = next((s for s in problem.varying if s != "seed"), None)
    if axis is None:
        return pd.DataFrame()
    trials, values = problem.trials, problem.values(axis)
    short = {key: in_short(*key) for key in zip(trials.activation, trials.depth, strict=True)}
    trials = trials.assign(
        activation=[short[key] for key in zip(trials.activation, trials.depth, strict=True)]
    )
    if len(values) > MOST_ACTIVATIONS:
        order = ["right", "lost"]
        ranked = problem.cells.sort_values(order, ascending=[False, True], kind="stable").cell
        first = trials.drop_duplicates("cell").set_index("cell").loc[ranked, axis]
        trials = trials[trials[axis].isin(list(dict.fromkeys(first))[:MOST_ACTIVATIONS])]
    chosen = [s for s in TRIED if s not in (axis, "depth")]
    count = min(len(values), MOST_ACTIVATIONS)
    pairs = count * (count - 1) // 2 * max(1, len(problem.values("depth")))
    if pairs > MOST_PAIRS and axis != "depth":
        chosen.append("depth")
    score = "test_loss" if problem.regression else "test_accuracy"
    try:
        return compare(trials, axis, score, best_over=chosen)
    except InputError:  # no two values share the other settings
        return pd.DataFrame()


def _pairs_section(posed: Sequence[Problem], pairs: Sequence[pd.DataFrame]) -> Section | None:
    if all(frame.empty for frame in pairs):
        return None
    shown, text = [], []
    for problem, frame in zip(posed, pairs, strict=True):
        if frame.empty:
            continue
        told = frame[frame.told]
        text += _sentences(problem, frame, told)
        rows = tuple(
            (
                str(row["a"]),
                str(row["b"]),
                *((str(row["depth"]),) if "depth" in frame else ()),
                _share(problem, row["mean_a"]),
                _share(problem, row["mean_b"]),
                f"{_share(problem, row['difference'], '+')} "
                f"({_share(problem, row['low'], '+')} to {_share(problem, row['high'], '+')})"
                if row["difference"] == row["difference"]
                else "–",
                float(row["p_holm"]),
                f"{row['pairs']}",
                "yes" if row["told"] else "no",
            )
            for row in frame.to_dict("records")
        )
        unit = "" if problem.regression else ", points of a percent"
        columns: tuple[str, ...] = ("a", "b", *(("depth",) if "depth" in frame else ()))
        columns += ("mean of a", "mean of b", f"a − b (95 %){unit}", "p (Holm)")
        columns += ("seeds", "told apart")
        shown.append(Table(columns, rows, f"{problem.label}: {len(frame)} pairs"))
    head = (
        "Each activation at the cell that trained best, pair by pair on the same seeds: mean "
        "difference with its bootstrap interval, permutation test, p corrected by Holm for all "
        "pairs of the table. Two are told apart only if the corrected p is below 0.05 and the "
        "interval leaves out 0; everything else is not decided by this study. Seeds are of weights "
        "and orders: the points are drawn once for each problem, so nothing here says how another "
        "draw of points would come out."
    )
    return Section("Pairs", (head, *text), tables=tuple(shown))


def _sentences(problem: Problem, frame: pd.DataFrame, told: pd.DataFrame) -> list[str]:
    """What may be said, in words."""
    first = f"On {problem.label}, {len(told)} of {len(frame)} pairs are told apart."
    words = []
    for row in told.head(MOST_SENTENCES).to_dict("records"):
        where = f"At depth {row['depth']}, " if "depth" in frame else ""
        words.append(f"{where}{row['says']}.")
    if len(told) > MOST_SENTENCES:
        words.append(f"The other {len(told) - MOST_SENTENCES} are in the table.")
    return [" ".join((first, *words))]


def _share(problem: Problem, value: float, sign: str = "") -> str:
    if value != value:
        return "–"
    return f"{value:{sign}.3g}" if problem.regression else f"{100 * value:{sign}.1f}"


def _joined(posed: Sequence[Problem], tables: Sequence[pd.DataFrame]) -> bytes:
    """Tables of all problems as one CSV; nothing if all are empty."""
    import pandas as pd

    parts = [t.assign(problem=p.label) for p, t in zip(posed, tables, strict=True) if not t.empty]
    return pd.concat(parts).to_csv(index=False).encode() if parts else b""


def _spec_section(result: StudyResult) -> Section:
    name = f"{result.name.replace(' ', '-')}.toml"
    shipped = [b for b in builtins() if builtin(b) == result.study]
    again = f"actscope study {f'--builtin {shipped[0]}' if shipped else shlex.quote(name)}"
    text = (
        f"The whole study. Save it as {name} (it is among the files below) and run: {again}. "
        "Ids of trials follow from their content, so trials that are stored are not trained again.",
    )
    return Section("Run it again", text, listings=(dumps(result.study),))


def _run_section(result: StudyResult) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for run in result.runs:
        machine = run.get("machine") or {}
        rows.append(
            (
                str(run["began"]),
                "stopped" if run.get("ended") is None else f"{run['seconds']:.1f}",
                str(run.get("trained", "–")),
                str(run.get("executor", "–")),
                f"{machine.get('processor', '–')}, {machine.get('cores', '–')} cores",
                str(machine.get("system", "–")),
                (run.get("commit") or "–")[:12],
                ", ".join(f"{k} {v}" for k, v in run.get("versions", {}).items()),
            )
        )
    columns = ("began", "seconds", "trained", "executor", "processor", "system", "commit")
    text = (
        f"This page: actscope report {shlex.quote(str(result.where))}. Questions in SQL: "
        f'actscope query {shlex.quote(str(result.where))} "SELECT * FROM cells".',
    )
    return Section("How it was run", text, tables=(Table((*columns, "versions"), tuple(rows)),))
