"""Train a grid of networks that a TOML file describes; what is stored is not trained again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actscope.cli._complete import builtin_study, one_of

if TYPE_CHECKING:
    from actscope.study.plan import Study
    from actscope.study.progress import Progress
    from actscope.study.result import StudyResult

CTRL_C = 130


def command(
    file: Annotated[Path | None, typer.Argument(help="The study: a TOML file.")] = None,
    builtin: Annotated[
        str | None,
        typer.Option(
            autocompletion=builtin_study,
            help="A study that comes with the package, instead of a file: architecture, depth, "
            "hybrid, init, precision, rescue.",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of the study; NAME-study by default.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Count cells and trials, estimate time and memory; no run."),
    ] = False,
    executor: Annotated[
        str, typer.Option(autocompletion=one_of("study.executors"), help="Where the work is done.")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="Address of a cluster, for executors that have one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Chunks of work at once; as many as cores by default.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume",
            help="Go on with a folder that holds trials; --no-resume refuses such a folder.",
        ),
    ] = True,
    retry_errors: Annotated[
        bool,
        typer.Option("--retry-errors", help="Train stored trials that ended in an error again."),
    ] = False,
) -> None:
    """Train a grid of networks that a TOML file describes.

    Every key of the file takes a value or a list: activation, depth, width, init, optimiser, lr,
    epochs, batch, weight_decay, data, noise, points, data_seed, norm, residual, dtype, seeds; one
    value: test_share, curve, name; and a table "trace" with metrics, every, formats, points,
    hand_on, weights. Each table of an array "grid" says some of the lists anew: the study is
    their union.
    Trials that the folder holds are not trained again, so the same command goes on after Ctrl-C,
    a kill or a full disk, and trains only what is new after the file has grown. A trial that
    fails is stored with its error; --retry-errors trains such trials again.

    Exit code: 0; 2 for input that cannot be used; 130 after Ctrl-C.

    Examples: actscope study mine.toml · actscope study mine.toml --dry-run ·
    actscope study --builtin rescue · actscope report rescue-study
    """
    from actscope.errors import InputError
    from actscope.guests import need
    from actscope.study.remote import writable
    from actscope.study.run import run

    need("study")
    study = _asked(file, builtin)
    folder = out if out is not None else f"{study.name.replace(' ', '-')}-study"
    if dry_run:
        _say_plan(study, executor, address, workers)
        return
    if not resume and writable(folder).files():
        raise InputError(f"{folder} holds trials: name a new --out, or leave out --no-resume")
    with _shown() as show:
        try:
            result = run(study, folder, executor, workers, address, show, _say_damage, retry_errors)
        except KeyboardInterrupt as stopped:
            typer.echo(
                f"{str(stopped) or 'stopped'}\nto go on, give the same command again", err=True
            )
            if not str(stopped):  # the second Ctrl-C: chunks in flight are dropped, not waited for
                os._exit(CTRL_C)
            raise typer.Exit(CTRL_C) from None
    _say_result(result, study)


def _asked(file: Path | None, builtin: str | None) -> Study:
    """The study of a file, or the one that comes with the package."""
    from actscope.errors import InputError
    from actscope.study.file import builtin as shipped
    from actscope.study.file import builtins, load

    if (file is None) == (builtin is None):
        given = "neither" if file is None else "both"
        raise InputError(
            f"expected a TOML file, or --builtin with one of {', '.join(builtins())}; got {given}"
        )
    return load(file) if file is not None else shipped(str(builtin))


def _say_damage(damage: Any) -> None:
    typer.echo(f"damaged, set aside, its trials are trained anew: {damage}", err=True)


def _say_plan(study: Study, executor: str, address: str | None, workers: int | None) -> None:
    """What a run would do."""
    from actscope.study.estimate import estimate
    from actscope.study.executors._lookup import executor as find

    plan = study.plan()
    count = workers or find(executor).workers(address)
    guess = estimate(plan, count)
    lines = [
        f"{study.name}: {len(plan.cells):,} cells, {plan.trials:,} trials",
        f"time, about: {duration(guess.seconds)} with {count} workers",
        f"memory, about: {guess.memory / 1e6:,.0f} MB",
        f"disk, about: {max(guess.disk / 1e6, 0.1):,.1f} MB",
    ]
    typer.echo("\n".join(lines))


def duration(seconds: float) -> str:
    """A time in words: "40 s", "3 min", "2.5 h"."""
    if seconds != seconds:
        return "–"
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[Progress], object] | None]:
    """A live line on stderr; nothing where that is no terminal."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
        live.update(Text("compiling, training the first networks …"))
        yield lambda now: live.update(Text(line(now), no_wrap=True, overflow="ellipsis"))


def line(now: Progress) -> str:
    """A moment of a run on one line."""
    parts = [
        f"{now.cells_done:,}/{now.cells:,} cells",
        f"{now.trials_done:,}/{now.trials:,} trials",
        f"{now.rate:,.0f} trials/s",
        f"{duration(now.left)} left",
    ]
    if now.errors:
        parts.append(f"{now.errors:,} errors")
    if now.best:
        parts.append(f"best: {now.best}: {now.best_score:.4g}")
    return " · ".join(parts)


def _say_result(result: StudyResult, study: Study) -> None:
    """What is stored, and what to ask it."""
    counts = result.query(
        "SELECT count(*) AS trials, count(error) AS errors, count(diverged_at) AS diverged, "
        "coalesce(sum(failed::INT), 0)::INT AS failed, count(DISTINCT cell) AS cells FROM trials"
    ).iloc[0]
    typer.echo(
        f"{result.name}: {counts.cells:,} cells, {counts.trials:,} trials; {counts.failed:,} no "
        f"better than a straight line, {counts.diverged:,} diverged, {counts.errors:,} errors"
    )
    if counts.errors:
        first = result.query("SELECT error FROM trials WHERE error IS NOT NULL LIMIT 1").error[0]
        typer.echo(f"first error: {first}\nto try these again: the same command, --retry-errors")
    typer.echo(f"stored in {result.folder}; ask it: actscope query {result.folder} "
               '"SELECT * FROM cells"')  # fmt: skip
