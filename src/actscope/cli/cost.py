"""Measure what activations cost: at equal accuracy, by themselves, or in your PyTorch model."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actscope.cli._complete import one_of, some_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from actscope.costs.cost import Cost
    from actscope.costs.elementwise import Elementwise
    from actscope.costs.model import ModelCost


def command(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A PyTorch model, pkg.module:factory (this imports and runs the file)."
        ),
    ] = None,
    elementwise: Annotated[
        bool, typer.Option("--elementwise", help="Time an element of each activation and slope.")
    ] = False,
    activations: Annotated[
        str | None,
        typer.Option(
            autocompletion=some_of("activations"),
            help="Names or expressions, with commas; with a model: put in.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            autocompletion=one_of("datasets"),
            help="A data set (moons); with a model a .npz, .npy, .pt file or random.",
        ),
    ] = None,
    target: Annotated[float, typer.Option(help="Test accuracy to reach.")] = 0.96,
    share: Annotated[float, typer.Option(help="Of the seeds that have to reach it.")] = 0.8,
    seeds: Annotated[int, typer.Option(help="Networks that judge a size, at least 48.")] = 48,
    tries: Annotated[int, typer.Option(help="Networks that choose lr and init.")] = 16,
    lr_grid: Annotated[str | None, typer.Option(help="Learning rates, with commas.")] = None,
    init_grid: Annotated[
        str | None, typer.Option(autocompletion=some_of("inits"), help="Inits, with commas.")
    ] = None,
    depth: Annotated[str, typer.Option(help="Numbers of hidden layers, with commas.")] = "2",
    max_width: Annotated[int, typer.Option(help="The largest width that is tried.")] = 64,
    epochs: Annotated[int, typer.Option(help="Passes over the training points.")] = 800,
    batch: Annotated[int, typer.Option(help="Points in a training step.")] = 64,
    optimiser: Annotated[str, typer.Option(help="sgd, momentum, adam or adamw.")] = "sgd",
    norm: Annotated[bool, typer.Option("--norm", help="With layer norm.")] = False,
    residual: Annotated[
        bool, typer.Option("--residual", help="With residual connections.")
    ] = False,
    points: Annotated[int | None, typer.Option(help="Training points.")] = None,
    tests: Annotated[int | None, typer.Option(help="Test points.")] = None,
    runtimes: Annotated[
        str | None,
        typer.Option(help="onnx, onnx-int8, torch, torch-bf16, compiled, compiled-bf16."),
    ] = None,
    batches: Annotated[
        str, typer.Option(help="Batch sizes at which latency is measured, with commas.")
    ] = "1,256,100000",
    rounds: Annotated[int, typer.Option(help="Measurements of each time.")] = 21,
    elements: Annotated[
        str | None, typer.Option(help="With --elementwise: how many numbers, with commas.")
    ] = None,
    shape: Annotated[str, typer.Option(help="With a model: of random data, 32x3x64x64.")] = "",
    tokens: Annotated[int, typer.Option(help="With a model: random whole numbers below this.")] = 0,
    seed: Annotated[int, typer.Option(help="With a model: of its weights and random data.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for a page; a search that was stopped goes on from there."),
    ] = None,
) -> None:
    """Measure what activations cost: at equal accuracy, by themselves, or in your PyTorch model.

    At equal accuracy: for each activation the smallest width, by bisection, at which 80 % of 48
    seeds reach the target, at its own best learning rate and init and with the article's
    settings; then the work counted, latency in ONNX Runtime and PyTorch beside ReLU's network,
    and accuracy and speed in bfloat16 and int8. With --elementwise: nanoseconds an element beside
    the machine's copy. With a model: the share of its activations, and what each swap changes.

    Exit code: 0; 2 for input that cannot be used; 130 after Ctrl-C.

    Examples: actscope cost --activations relu,gelu,silu --data moons --target 0.96 --out page ·
    actscope cost --elementwise --elements 1e3,1e6 · actscope cost mymodels:net --shape 32x3x64x64
    """
    from actscope.errors import InputError
    from actscope.report.files import ready_folder, write_files

    if model is not None and elementwise:
        raise InputError("a model and --elementwise are two questions: ask one at a time")
    folder = None if out is None else ready_folder(out)
    names = None if activations is None else _split(activations)
    given = {} if names is None else {"activations": names}
    found: Any
    with _shown() as say:
        if elementwise:
            found = _elementwise(given, elements, rounds, say)
        elif model is not None:
            found = _model(model, names, data or "random", (shape, tokens, seed), rounds, say)
        else:
            found = _search(
                given, data, target, runtimes, batches, rounds, folder, say,
                share=share, seeds=seeds, tries=tries, depths=_wholes("--depth", depth),
                most=max_width, epochs=epochs, batch=batch, optimiser=optimiser, norm=norm,
                residual=residual, points=points, tests=tests,
                **({} if lr_grid is None else {"lr": _numbers("--lr-grid", lr_grid)}),
                **({} if init_grid is None else {"init": tuple(_split(init_grid))}),
            )  # fmt: skip
    if json:
        typer.echo(found.to_json())
    else:
        _show(found)
    if folder is not None:
        from actscope.report import cost as report

        again = shlex.join(["actscope", *sys.argv[1:]])
        make: Callable[[Any, str], dict[str, bytes]] = report.cost_files
        if elementwise or model is not None:
            make = report.elementwise_files if elementwise else report.model_files
        write_files(folder, make(found, again))
        typer.echo(f"Everything on one page: {folder / 'index.html'}", err=json)


def _search(
    given: dict[str, Any],
    data: str | None,
    target: float,
    runtimes: str | None,
    batches: str,
    rounds: int,
    folder: Path | None,
    say: Callable[[str], object],
    **settings: Any,
) -> Cost:
    from actscope.costs.cost import cost

    chosen: dict[str, Any] = {} if runtimes is None else {"runtimes": _split(runtimes)}
    return cost(
        **given, **chosen, data=data or "moons", target=target,
        batches=_wholes("--batches", batches), rounds=rounds, folder=folder, progress=say,
        **settings,
    )  # fmt: skip


def _elementwise(
    given: dict[str, Any], elements: str | None, rounds: int, say: Callable[[str], object]
) -> Elementwise:
    from actscope.costs.elementwise import elementwise

    sizes: dict[str, Any] = (
        {} if elements is None else {"elements": _wholes("--elements", elements)}
    )
    return elementwise(**given, **sizes, rounds=min(rounds, 9), progress=say)


def _model(
    text: str,
    names: list[str] | None,
    data: str,
    random: tuple[str, int, int],
    rounds: int,
    say: Callable[[str], object],
) -> ModelCost:
    from actscope.costs.model import OTHERS, swaps
    from actscope.exports.torch_module import torch_factory

    torch_factory()
    from actscope.probe.reading import load_data
    from actscope.probe.running import model_of

    shape, tokens, seed = random
    net = model_of(text, seed)
    batch, _ = load_data(data, shape, tokens, seed)
    return swaps(net, batch, to=names or OTHERS, rounds=max(rounds, 2), progress=say)


def _split(text: str) -> list[str]:
    from actscope.cli._shared import split_names

    return split_names(text)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    from actscope.errors import InputError

    try:
        return tuple(float(word) for word in _split(text))
    except ValueError:
        raise InputError(f"{option}: {text!r}: expected numbers with commas, as in 0.1,1") from None


def _wholes(option: str, text: str) -> tuple[int, ...]:
    from actscope.errors import InputError

    values = _numbers(option, text)
    if not all(v.is_integer() and abs(v) < 1e15 for v in values):
        raise InputError(f"{option}: {text!r}: expected whole numbers with commas, as in 1,256")
    return tuple(int(v) for v in values)


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[str], object]]:
    """A live line on stderr that says what is going on; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting", spinner="dots") as status:
        yield lambda words: status.update(words.replace("[", r"\["))


def _show(found: Any) -> None:
    """The result in the terminal."""
    from rich.console import Console

    from actscope.costs.cost import Cost
    from actscope.costs.elementwise import Elementwise

    console = Console(highlight=False, markup=False)
    if isinstance(found, Cost):
        _show_cost(console, found)
    elif isinstance(found, Elementwise):
        _show_elementwise(console, found)
    else:
        _show_model(console, found)


def _grid(
    console: Console, head: Sequence[str], rows: Sequence[Sequence[str]], pad: int = 1
) -> None:
    """A table: words to the left, numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, pad, 0, 0))
    for i, words in enumerate(head):
        table.add_column(words, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _show_cost(console: Console, found: Cost) -> None:
    from actscope.figures.labels import shorten
    from actscope.report.cost import read_me

    whole = found.table
    head = [
        "",
        "tuned",
        "article",
        "lr",
        "init",
        "seeds, 95 %",
        "param.",
        "mult.",
        "calls",
        "bytes",
    ]
    rows = []
    for row in whole.to_dict("records"):
        seeds = (
            f"{row['seeds that reach it']:.0%} [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"
        )
        work = (_whole(row[k]) for k in ("parameters", "multiply-adds", "calls", "bytes"))
        sizes = row["size, tuned"], row["size, article settings"]
        name = shorten(row["activation"], 13)
        rows.append([name, *sizes, f"{row['lr']:g}", row["init"], seeds, *work])
    _grid(console, head, rows, pad=0)
    console.print(read_me(found) + " Mult.: multiply-adds of a point; calls: of the activation, "
                  "for a point; bytes: moved at batch 1.\n", style="dim")  # fmt: skip
    if not found.deployed.empty:
        _show_times(console, found.deployed)
    if not found.accuracy_kept.empty:
        _show_kept(console, found)
    for caution in found.cautions:
        console.print(caution)
    console.print(found.floor)


def _show_times(console: Console, deployed: pd.DataFrame) -> None:
    """One section a runtime: latency by batch, and under it the ratio to ReLU's network."""
    from rich import box
    from rich.table import Table

    from actscope.figures.labels import shorten

    batches = list(dict.fromkeys(deployed.batch))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("µs; × ReLU's [95 %]")
    for batch in batches:
        table.add_column(f"batch {batch:,}", justify="right", no_wrap=True)
    for runtime in dict.fromkeys(zip(deployed.runtime, deployed.format, strict=True)):
        table.add_row(" ".join(runtime), style="bold")
        here = deployed[(deployed.runtime == runtime[0]) & (deployed.format == runtime[1])]
        for name, part in here.groupby("activation", sort=False):
            mine = part.set_index("batch")
            table.add_row(shorten(f"  {name}", 22), *(_time(mine.loc[b]) for b in batches))
        table.add_section()
    console.print(table)


def _time(row: Any) -> str:
    text = f"{row.us:,.3g}" if row.us < 1000 else f"{row.us:,.0f}"
    if row.over_relu != row.over_relu or row.over_relu_low == row.over_relu_high == 1.0:
        return text
    ends = f"[{row.over_relu_low:.2f}, {row.over_relu_high:.2f}]"
    return f"{text}\n×{row.over_relu:.2f} {ends}"


def _show_kept(console: Console, found: Cost) -> None:
    """Accuracy before and after bfloat16 and int8."""
    from actscope.figures.labels import shorten

    rows = [
        [shorten(r["activation"], 18), r["format"], f"{r['networks']}", f"{r['float32']:.2%}",
         f"{r['accuracy']:.2%}",
         f"{100 * r['lost']:.2f} [{100 * r['lost_low']:.2f}, {100 * r['lost_high']:.2f}]"]
        for r in found.accuracy_kept.to_dict("records")
    ]  # fmt: skip
    _grid(console, ["", "format", "networks", "float32", "after", "lost, points of %"], rows)


def _show_elementwise(console: Console, found: Elementwise) -> None:
    """Ns an element by size; memory-bound ones are marked."""
    from actscope.costs.elementwise import FREE
    from actscope.figures.labels import shorten

    table = found.table
    sizes = list(found.copy)
    rows = [["copy (8 bytes an element)", "", *(f"{8 / found.copy[n].value:.2f}  " for n in sizes)]]
    for (library, what, name), part in table.groupby(["library", "what", "activation"], sort=False):
        mine = part.set_index("elements")
        cells = [_element(mine.loc[n]) for n in sizes]
        rows.append([f"{library}, {what}", shorten(str(name), 18), *cells])
    _grid(console, ["ns an element", "", *(f"{n:.0e}  ".replace("+0", "") for n in sizes)], rows)
    console.print(
        f"*: bound by memory: at most {FREE:g} times as long as copying as many bytes; free in a "
        "fused operation.",
        style="dim",
    )
    for note in found.notes:
        console.print(note)


def _element(row: Any) -> str:
    return f"{row.ns:.2f} {'*' if row.memory_bound else ' '}"


def _show_model(console: Console, found: ModelCost) -> None:
    from actscope.figures.labels import shorten

    console.print(
        f"{found.model}: a forward pass takes {1e3 * found.seconds.value:.3g} ms on one thread. "
        f"Its activations take {found.share:.0%} of it and move "
        f"{found.activation_bytes / 1e6:,.3g} of {found.total_bytes / 1e6:,.3g} MB "
        f"({found.traffic_share:.0%}).\n"
    )
    held = [[shorten(h.name, 30), f"{h.sites}", f"{h.share:.1%}"] for h in found.held]
    _grid(console, ["activation", "sites", "share of the time"], held)
    rows = [
        [shorten(r["old"], 30), shorten(r["new"], 30), f"{r['time']:.3f}",
         f"[{r['low']:.3f}, {r['high']:.3f}]"]
        for r in found.table.to_dict("records")
    ]  # fmt: skip
    _grid(console, ["swapped", "for", "forward time ×", "95 % interval"], rows)
    for note in found.notes:
        console.print(note)


def _whole(value: float) -> str:
    return "–" if value != value else f"{value:,.0f}"
