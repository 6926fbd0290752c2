"""Search for the network, activation by activation, that does best on a data set."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actscope.cli._complete import one_of, some_of

if TYPE_CHECKING:
    from actscope.searches.drive import Moment
    from actscope.searches.result import SearchResult

CTRL_C = 130


def command(
    data: Annotated[
        str, typer.Argument(autocompletion=one_of("datasets"), help="A data set.")
    ] = "moons",
    depth: Annotated[int, typer.Option(help="Hidden layers.")] = 4,
    width: Annotated[int, typer.Option(help="Units in each.")] = 16,
    activations: Annotated[
        str,
        typer.Option(
            autocompletion=some_of("activations"),
            help="What a layer may have, with commas; a built-in dozen by default.",
        ),
    ] = "",
    inits: Annotated[
        str, typer.Option(autocompletion=some_of("inits"), help="Inits, with commas.")
    ] = "article,critical,orthogonal",
    norm: Annotated[str, typer.Option(help="Layer normalisation: yes, no or both.")] = "both",
    residual: Annotated[str, typer.Option(help="Skip connections: yes, no or both.")] = "both",
    grammar: Annotated[
        bool, typer.Option(help="Whether a candidate may have one expression of the grammar too.")
    ] = True,
    hybrid: Annotated[
        bool, typer.Option(help="An activation for every layer, or one for all of them.")
    ] = True,
    sampler: Annotated[
        str, typer.Option(help="tpe, random, or nsga2 for accuracy × latency × bits.")
    ] = "tpe",
    trials: Annotated[int, typer.Option(help="Candidates.")] = 96,
    together: Annotated[int, typer.Option(help="Candidates of a batch.")] = 32,
    optimiser: Annotated[str, typer.Option(help="sgd, momentum, adam or adamw.")] = "sgd",
    lrs: Annotated[
        str, typer.Option(help="Learning rates that each is tried at, with commas.")
    ] = "",
    epochs: Annotated[int, typer.Option(help="Epochs of a whole training.")] = 100,
    points: Annotated[str, typer.Option(help='How many points; or "all".')] = "1000",
    seeds: Annotated[int, typer.Option(help="Networks for each candidate and rate.")] = 8,
    finalists: Annotated[int, typer.Option(help="Candidates that are ranked and tested.")] = 5,
    final_seeds: Annotated[int, typer.Option(help="Networks for each of those.")] = 20,
    rungs: Annotated[int, typer.Option(help="Rungs of the successive halving.")] = 3,
    baseline: Annotated[
        str,
        typer.Option(
            autocompletion=one_of("activations"),
            help="An activation whose plain network is tested too; or none.",
        ),
    ] = "relu",
    seed: Annotated[int, typer.Option(help="Of the sampler.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the search; DATA-search by default.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="Address of another database than the folder's SQLite.")
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            autocompletion=one_of("study.executors"), help="Where candidates are trained."
        ),
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="Address of a cluster, for executors that have one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Candidates at once; as many as cores by default.")
    ] = None,
) -> None:
    """Search for the network, activation by activation, that does best on a data set.

    Candidates come from Optuna in batches; each is trained at every learning rate from several
    seeds at once, and rung by rung the better half goes on. The best are ranked on fresh seeds and
    only then tested. The folder holds the search (the same command goes on after Ctrl-C or a
    kill), a page, and best.toml, which actscope study, actscope.export and actscope.to_torch take.

    Exit code: 0; 2 for input that cannot be used; 130 after Ctrl-C.

    Examples: actscope search moons --depth 16 --width 8 · actscope search digits --sampler nsga2
    --trials 200 --out digits
    """
    from actscope.cli._shared import split_names
    from actscope.guests import need
    from actscope.report.files import ready_folder, write_files
    from actscope.report.search import search_files
    from actscope.searches.drive import search
    from actscope.searches.space import PALETTE

    settings: dict[str, Any] = {
        "depth": depth, "width": width,
        "activations": tuple(split_names(activations)) if activations else PALETTE,
        "inits": split_names(inits), "norm": _flags("--norm", norm),
        "residual": _flags("--residual", residual), "grammar": grammar, "hybrid": hybrid,
        "sampler": sampler, "trials": trials, "together": together, "optimiser": optimiser,
        "lrs": _numbers(lrs), "epochs": epochs, "points": _points(points), "seeds": seeds,
        "finalists": finalists, "final_seeds": final_seeds, "rungs": rungs,
        "baseline": None if baseline == "none" else baseline, "seed": seed,
    }  # fmt: skip
    need("search", "study")
    folder = ready_folder(out if out is not None else Path(f"{data}-search"))
    with _shown() as show:
        try:
            result = search(
                data, **settings, out=folder, storage=storage, executor=executor,
                workers=workers, address=address, progress=show,
            )  # fmt: skip
        except KeyboardInterrupt:
            typer.echo(
                f"stopped: what is finished is in {folder}; to go on, give the same command again",
                err=True,
            )
            os._exit(CTRL_C)  # candidates in flight are dropped, not waited for
    say(result)
    write_files(folder, search_files(result, _again(data, settings)))
    typer.echo(f"\n{result.says()}\nEverything on one page: {folder / 'index.html'}")
    typer.echo(f"The best network: actscope study {folder / 'best.toml'}")


def _flags(name: str, text: str) -> tuple[bool, ...]:
    from actscope.errors import BadSpec

    known = {"yes": (True,), "no": (False,), "both": (False, True)}
    if text not in known:
        raise BadSpec(name, text, "yes, no or both")
    return known[text]


def _numbers(text: str) -> tuple[float, ...]:
    from actscope.cli._shared import split_names
    from actscope.errors import BadSpec

    try:
        return tuple(float(part) for part in split_names(text)) if text else ()
    except ValueError:
        raise BadSpec("--lrs", text, "numbers with commas, as in 0.01,0.1,1") from None


def _points(text: str) -> int | str:
    from actscope.errors import BadSpec

    if text == "all":
        return text
    try:
        return int(text)
    except ValueError:
        raise BadSpec("--points", text, 'a whole number, or "all"') from None


def _again(data: str, settings: dict[str, object]) -> str:
    """The command line of these settings, those at their defaults left out."""
    import inspect
    import shlex

    defaults = inspect.signature(command).parameters
    words = ["actscope", "search", shlex.quote(data)]
    for name, value in settings.items():
        text = _text(name, value)
        if text is None or text == str(defaults[name].default):
            continue
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        else:
            words += [option, shlex.quote(text)]
    return " ".join(words)


def _text(name: str, value: object) -> str | None:
    """A setting as it is typed; None where it is the built-in choice."""
    from actscope.searches.space import PALETTE

    if name in ("norm", "residual") and isinstance(value, tuple):
        return "both" if len(value) == 2 else "yes" if value[0] else "no"
    if value is None:
        return "none"
    if isinstance(value, (tuple, list)):
        return None if not value or value == PALETTE else ",".join(map(str, value))
    return str(value)


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[Moment], object] | None]:
    """A live line on stderr; nothing where that is no terminal."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
        live.update(Text("measuring activations, compiling …"))
        yield lambda now: live.update(Text(line(now), no_wrap=True, overflow="ellipsis"))


def line(now: Moment) -> str:
    """A moment of a search on one line."""
    parts = [
        now.stage, f"{now.done:,}/{now.trials:,} candidates", f"{now.networks:,} networks trained",
    ]  # fmt: skip
    if now.best:
        parts.append(f"best: {now.best}: {now.score:.4g}")
    return " · ".join(parts)


def say(result: SearchResult) -> None:
    """The ranking in the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("network", overflow="fold", ratio=1)
    word = "test" if result.setup.law.classes else "test loss"
    for name in ("lr", "validation", word, "fail", "p", "ns", "bits"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.ranking.to_dict("records"):
        middle = row.get("test_accuracy", row.get("test_loss"))
        table.add_row(
            "base" if row["place"] == 0 else str(row["place"]),
            row["label"],
            f"{row['lr']:g}",
            f"{row['score']:.4f}",
            f"{middle:.4f} ±{(row['test_high'] - row['test_low']) / 2:.3f}",
            f"{row['test_failures']}/{row['seeds']}",
            "–" if row["p"] != row["p"] else f"{row['p']:.2g}",
            f"{row['latency_ns']:.0f}",
            f"{row['bits']:g}",
        )
    console = Console(highlight=False, markup=False)
    console.print(table)
    setup = result.setup
    console.print(
        f"{len(result.candidates)} candidates on {setup.law.key}, depth {setup.space.depth}, width "
        f"{setup.width}. Validation chose; test and fail are on {setup.final_seeds} other seeds; "
        "p: against base on the same seeds. ns: a point, estimated. Bits: mantissa that keeps 95 % "
        "of what was learnt.",
        style="dim",
    )
