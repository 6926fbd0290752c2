"""The article's experiment as files: figures, a page with everything, the numbers."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from actscope.article.comparison import RULE, TOLERANCE, Comparison, published
from actscope.article.result import ArticleResult, finite
from actscope.figures.article import FIGURES
from actscope.figures.sheet import render
from actscope.report.page import Cell, Download, Page, Picture, Section, Table, render_page

PAGE = "index.html"
PACKAGES = ("actscope", "numpy", "matplotlib")

LOOSE = (
    "Where a number of the published run does not match, the article's own script gives the "
    "measured number too: the text is looser than the run."
)
OTHER_RUN = "The article's numbers are those of its own settings and seed 42."
WORDS = {
    "data_set": "The data: circles are class 0, triangles class 1; outlined points are held back "
    "for testing; the two ringed points are those that the signal trace follows.",
    "loss_curves": "The mean mini-batch loss of every epoch, named at the line's end with its "
    "last value.",
    "decision_boundaries": "The probability that each network gives class 1, over the plane; "
    "the dark line is where it is one half.",
    "signal_trace": "The mean magnitude of the signal before and after each activation, for one "
    "point of each class, on a logarithmic axis.",
    "hidden_space": "The outputs of the first two units of both hidden layers for the test "
    "points, and the spread of all units of the layer.",
}


def reproduction_files(
    result: ArticleResult,
    comparison: Comparison,
    command: str,
    done: Callable[[], object] | None = None,
    more: Sequence[Section] = (),
) -> dict[str, bytes]:
    """Every file of a run, by name: five figures as PNG and SVG, the page, the numbers.

    Args:
        result: the run.
        comparison: the run beside the article.
        command: the command line that gives this run again; stands on the page.
        done: called after each figure.
        more: sections that the page gets beside the standard ones.
    """
    files: dict[str, bytes] = {}
    pictures = {}
    for name, draw in FIGURES.items():
        figure = draw(result)
        files[f"{name}.png"] = render(figure, "png")
        files[f"{name}.svg"] = render(figure, "svg")
        pictures[name] = Picture(name, files[f"{name}.svg"], WORDS[name])
        if done is not None:
            done()
    data = {
        "numbers.csv": _numbers_csv(result),
        "losses.csv": _losses_csv(result),
        "numbers.json": _numbers_json(result, comparison, command),
    }
    kinds = {"csv": "text/csv", "json": "application/json"}
    downloads = tuple(
        Download(name, kinds[name.rpartition(".")[2]], content) for name, content in data.items()
    )
    sections = (
        _claims_section(comparison),
        *_figure_sections(pictures),
        *more,
        _numbers_section(result),
        _run_section(result, command),
    )
    page = Page("The two-moons experiment", lead(result, comparison), sections, downloads)
    return {PAGE: render_page(page), **files, **data}


def lead(result: ArticleResult, comparison: Comparison) -> str:
    """What was found, in a sentence or two that follow from the numbers."""
    return f"{accuracies(result)} {verdict(comparison)}"


def accuracies(result: ArticleResult) -> str:
    """How well each network does in the end, in a sentence."""
    parts = [
        f"{o.label} {o.test_accuracy:.0%} (loss {o.losses[-1]:.3g})"
        if o.diverged_at is None
        else f"{o.label} diverged at epoch {o.diverged_at}"
        for o in result.outcomes
    ]
    return f"Test accuracy after {result.setup.epochs} epochs: {', '.join(parts)}."


def verdict(comparison: Comparison) -> str:
    """Whether the run is the published one, in a sentence."""
    if comparison.reproduced is None:
        return "Not the published run, so there is no number of its script to hold it against."
    if comparison.reproduced:
        return (
            f"All {comparison.checked} numbers of the article's own script are met to "
            f"{TOLERANCE:g} (largest difference {comparison.worst:.0e})."
        )
    return (
        f"{len(comparison.differing)} of {comparison.checked} numbers of the article's own "
        f"script are not met to {TOLERANCE:g} (largest difference {comparison.worst:.0e})."
    )


def _claims_section(comparison: Comparison) -> Section:
    rows = tuple(
        (row.claim.claim, row.claim.printed, row.measured, row.matches, row.claim.note)
        for row in comparison.rows
    )
    table = Table(("claim", "article", "measured", "matches", "note"), rows)
    if not rows:
        nothing = ("The article prints no number about these activations.",)
        return Section("The article and this run", nothing)
    words = (
        f"What the article prints, beside what was measured. {RULE}",
        LOOSE if comparison.checked else OTHER_RUN,
    )
    return Section("The article and this run", words, tables=(table,))


def _figure_sections(pictures: dict[str, Picture]) -> list[Section]:
    titles = {
        "data_set": "Data",
        "loss_curves": "Training loss",
        "decision_boundaries": "Decision boundaries",
        "signal_trace": "Signal trace",
        "hidden_space": "Hidden space",
    }
    return [Section(titles[name], pictures=(picture,)) for name, picture in pictures.items()]


def _numbers_section(result: ArticleResult) -> Section:
    by_name: dict[str, dict[str, float]] = {}
    for n in result.numbers():
        name = n.quantity if n.place == "end" else f"{n.quantity}, {n.place}"
        by_name.setdefault(name, {})[n.activation] = n.value
    rows: tuple[tuple[Cell, ...], ...] = tuple((n, *by_name[n].values()) for n in by_name)
    table = Table(("number", *(o.label for o in result.outcomes)), rows)
    text = (
        "Loss: mean of an epoch's mini-batch losses, each before its own step. Spread: standard "
        "deviation of a hidden layer over all test points and units. Signal: mean magnitude at a "
        "stage for the followed point. Four digits here; all of them in the files below.",
    )
    return Section("Every number", text, tables=(table,))


def _run_section(result: ArticleResult, command: str) -> Section:
    settings = tuple((k.replace("_", " "), str(v)) for k, v in asdict(result.setup).items())
    about = (
        ("command", command),
        ("article", published()["title"]),
        ("python", platform.python_version()),
        *((name, version(name)) for name in PACKAGES),
        ("platform", platform.platform()),
    )
    tables = (
        Table(("what", "value"), about, "What ran"),
        Table(("setting", "value"), settings, "Settings: seed is the networks' seed"),
    )
    text = (
        "Network 2-8-8-1 with a sigmoid at the output; weights are normal with variance 2/fan-in "
        "for the ReLU family and 1/fan-in for the rest; plain gradient descent on the binary "
        "cross-entropy. All networks start from the same draws and see the same order of points.",
    )
    return Section("How it was run", text, tables=tables)


def _numbers_csv(result: ArticleResult) -> bytes:
    rows = [(n.activation, n.quantity, n.place, repr(n.value)) for n in result.numbers()]
    return _csv([("activation", "quantity", "place", "value"), *rows])


def _losses_csv(result: ArticleResult) -> bytes:
    columns = [[repr(float(v)) for v in o.losses] for o in result.outcomes]
    rows = zip(range(1, result.setup.epochs + 1), *columns, strict=True)
    return _csv([("epoch", *(o.key for o in result.outcomes)), *rows])


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _numbers_json(result: ArticleResult, comparison: Comparison, command: str) -> bytes:
    content = {
        "command": command,
        "setup": asdict(result.setup),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "platform": platform.platform(),
        },
        "numbers": [{**n._asdict(), "value": finite(n.value)} for n in result.numbers()],
        "claims": [
            {
                "claim": row.claim.claim,
                "article": row.claim.printed,
                "measured": finite(row.measured),
                "matches": row.matches,
            }
            for row in comparison.rows
        ],
        "reproduced": comparison.reproduced,
        "numbers_checked": comparison.checked,
        "largest_difference": finite(comparison.worst),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()
