"""Write a study as one HTML page: scores, curves, layers, comparisons, and how to repeat it."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    study: Annotated[str, typer.Argument(help="The study's folder, or an fsspec URL of one.")],
    out: Annotated[
        str | None, typer.Option(help="Folder of the page; NAME-report by default.")
    ] = None,
) -> None:
    """Write a study as one HTML page: scores, curves, layers, comparisons, and how to repeat it.

    The page has heat maps of the score by activation and depth and by learning rate and init, the
    best cell of each activation with intervals and failure rates, curves with bands, layer traces
    where the study stored them, paired comparisons, and the whole study as TOML. It loads nothing
    from elsewhere. Beside it lie its tables as CSV. A study that is not finished has a page too,
    which says so.

    Examples: actscope report rescue-study · actscope report rescue-study --out page
    """
    from actscope.report.study import study_report
    from actscope.study.result import StudyResult

    result = StudyResult(study)
    folder = out if out is not None else f"{result.name.replace(' ', '-')}-report"
    typer.echo(f"The study on one page: {study_report(result, folder)}")
