"""How typical a run is, as a section of its page and as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from actscope.article.seeds import SeedStudy
from actscope.figures.seeds import seed_distributions
from actscope.figures.sheet import render
from actscope.report.page import Picture, Section, Table

TITLE = "How typical this seed is"


def seed_report(studies: Sequence[SeedStudy], seed: int) -> tuple[Section, dict[str, bytes]]:
    """The section and the files of a study over seeds.

    Args:
        studies: one for each activation of the run.
        seed: of the run that is marked.

    Returns:
        The section, and files by name: the figure as PNG and SVG, and one row for every seed.
    """
    figure = seed_distributions(studies, f"seed {seed}")
    files = {f"seeds.{kind}": render(figure, kind) for kind in ("png", "svg")}
    files["seeds.csv"] = _csv(studies)
    words = (
        f"Last loss and test accuracy of {studies[0].count} networks for each activation; the "
        f"line is the run of seed {seed}."
    )
    text = (
        "The same experiment from other seeds, on the same data. They are draws of the engine's "
        f"own generator, so its seed {seed} is not the one marked. A percentile is the share of "
        "networks below the marked value, ties counted half. Intervals are 95 %: bootstrap over "
        "seeds for the median loss and the mean accuracy, Wilson for the share of networks that "
        "are at least as accurate.",
    )
    picture = Picture("seeds", files["seeds.svg"], words)
    return Section(TITLE, text, (picture,), (seed_rows(studies),)), files


def seed_rows(studies: Sequence[SeedStudy]) -> Table:
    """The studies as a table that reads downwards: one column an activation."""
    rows = [study.row() for study in studies]
    names = [name for name in rows[0] if name != "activation"]
    columns = ("number", *(str(row["activation"]) for row in rows))
    return Table(columns, tuple((name, *(row[name] for row in rows)) for name in names))


def _csv(studies: Sequence[SeedStudy]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("activation", "seed", "last_loss", "test_accuracy"))
    for study in studies:
        for seed, numbers in enumerate(zip(study.losses, study.accuracies, strict=True)):
            writer.writerow((study.outcome.key, seed, *(repr(float(n)) for n in numbers)))
    return text.getvalue().encode()
