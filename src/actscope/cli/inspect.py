"""Find what the activations of a PyTorch model do, and what is wrong with them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actscope.cli._complete import one_of, some_of

if TYPE_CHECKING:
    from actscope.probe.findings import Settings
    from actscope.probe.report import Report

FORMATS = ("table", "json", "sarif", "html", "csv")


def command(
    model: Annotated[
        str,
        typer.Argument(
            help="pkg.module:factory (this imports and runs the file), a TorchScript or .pt2 file, "
            "or a Hugging Face folder."
        ),
    ],
    data: Annotated[
        str, typer.Option(help="A .npz, .npy, .pt or .safetensors file, or random.")
    ] = "random",
    shape: Annotated[str, typer.Option(help="Of random data: 32x3x64x64.")] = "",
    tokens: Annotated[int, typer.Option(help="Random whole numbers below this.", min=0)] = 0,
    labels: Annotated[str, typer.Option(help="A .npy, .npz or .pt file.")] = "",
    loss: Annotated[str, typer.Option(help="cross_entropy, bce, bce_with_logits or mse.")] = "",
    select: Annotated[str, typer.Option(help="Codes or names of rules, by commas.")] = "",
    ignore: Annotated[str, typer.Option(help="The same, left out: ACT101,ACT3@conv*.")] = "",
    threshold: Annotated[
        list[str] | None, typer.Option(help="dead_units.fraction=0.1; may be repeated.")
    ] = None,
    units: Annotated[int | None, typer.Option(help="The dimension of the units.")] = None,
    rows: Annotated[int, typer.Option(help="Rows kept for spectra.")] = 512,
    train_mode: Annotated[
        bool, typer.Option("--train-mode", help="Look at it in train mode, not eval.")
    ] = False,
    swaps: Annotated[
        str,
        typer.Option(
            "--try",
            autocompletion=some_of("activations"),
            help="Activations to swap in and measure: gelu,silu(beta=1.7),x*sigmoid(1.7*x).",
        ),
    ] = "",
    at: Annotated[
        str,
        typer.Option(
            autocompletion=one_of("activations"),
            help="What is swapped out: a name or a site; what most sites have.",
        ),
    ] = "",
    reinit: Annotated[
        str, typer.Option(help="Weights of swapped models: critical (drawn anew) or keep.")
    ] = "critical",
    train: Annotated[
        str, typer.Option(help="pkg.module:function of (model, batches, steps), to train swaps.")
    ] = "",
    steps: Annotated[int, typer.Option(help="Steps handed to --train.", min=0)] = 0,
    seeds: Annotated[int, typer.Option(help="Seeds per swap; intervals from 2 on.", min=1)] = 1,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="table, json, sarif, html, csv; what the name of --out ends in, or table.",
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write there instead.")] = None,
    fail_on: Annotated[
        str, typer.Option(help="Exit with 1 at a finding: info, warning, error, or codes.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of random data and of weights drawn anew.")] = 0,
) -> None:
    """Find what the activations of a PyTorch model do, and what is wrong with them.

    Rules and thresholds may stand in pyproject.toml, in the table tool.actscope.inspect. With
    --try, copies of the model with other activations are measured on the same data, and with
    --train and --steps also after training.

    Examples: actscope inspect mymodels:resnet --data batch.npz --loss cross_entropy --fail-on error
    · actscope inspect mymodels:resnet --data batch.npz --loss cross_entropy --try gelu,leaky_relu
    --train mymodels:fine_tune --steps 100 --seeds 3
    """
    from actscope.errors import InputError
    from actscope.guests import need

    need("torch")
    import torch

    from actscope.probe.findings import fails
    from actscope.probe.load import load_model, running
    from actscope.probe.reading import load_data, load_labels
    from actscope.probe.survey import inspect
    from actscope.report.files import ready_folder

    form = form or _form_of(out)
    if form not in FORMATS:
        raise InputError(f"format {form!r}: expected one of {', '.join(FORMATS)}")
    if out is not None:
        ready_folder(out.parent)
    settings = _settings(select, ignore, threshold or [])
    failing = _list(fail_on)
    fails([], failing)  # a misspelt code is said before the work
    with contextlib.redirect_stdout(sys.stderr):  # what the user's own code prints
        swapping = _swapping(swaps, at, reinit, train, steps, seeds)
        torch.manual_seed(seed)
        net = load_model(model)
        exported = isinstance(net, torch.fx.GraphModule)  # it has the mode it was made in
        if not exported:
            net.train(train_mode)
        batch, own = load_data(data, shape, tokens, seed)
        given = load_labels(labels) if labels else own
        same: dict[str, Any] = {
            "units": units,
            "rows": rows,
            "select": settings.select,
            "ignore": settings.ignore,
            "thresholds": settings.thresholds,
        }
        with running(model, batch):
            report = inspect(net, batch, given, loss or None, **same, seed=seed)
            if swapping is not None:
                report = _try(report, net, (batch, given, loss or None), swapping, seed, same)
    _show(report, form, out, model)
    if fails(report.findings, failing):
        raise typer.Exit(1)


@dataclass(frozen=True)
class Swapping:
    """What --try and the options that go with it ask for."""

    names: tuple[str, ...]
    at: str
    reinit: str | None
    train: Any
    steps: int
    seeds: int


def _swapping(
    swaps: str, at: str, reinit: str, train: str, steps: int, seeds: int
) -> Swapping | None:
    """What is asked for; None without --try."""
    from actscope.cli._shared import split_names
    from actscope.errors import InputError
    from actscope.probe.load import load_function

    if not swaps:
        given = {"--at": at, "--train": train, "--steps": steps, "--seeds": seeds > 1}
        alone = next((name for name, value in given.items() if value), None)
        if alone:
            raise InputError(f"{alone} goes with --try: name activations to swap in, as in gelu")
        return None
    if reinit not in ("critical", "keep"):
        raise InputError(f"reinit {reinit!r}: expected critical or keep")
    if steps and not train:
        raise InputError("--steps needs --train pkg.module:function, of (model, batches, steps)")
    function = load_function(train) if train else None
    chosen = None if reinit == "keep" else reinit
    return Swapping(tuple(split_names(swaps)), at, chosen, function, steps, seeds)


def _try(
    report: Report, net: Any, data: tuple[Any, Any, Any], asked: Swapping, seed: int, same: Any
) -> Report:
    """The report with what the swaps gave."""
    import dataclasses

    from actscope.cli._shared import progress_bar
    from actscope.probe.trying import try_swaps

    batch, labels, loss = data
    with progress_bar("swaps tried", (len(asked.names) + 1) * asked.seeds) as step:
        found = try_swaps(
            net,
            batch,
            asked.names,
            labels,
            loss,
            train=asked.train,
            steps=asked.steps,
            seeds=range(seed, seed + asked.seeds),
            at=asked.at,
            reinit=asked.reinit,
            progress=step,
            **same,
        )
    return dataclasses.replace(report, tried=found)


def _list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _settings(select: str, ignore: str, threshold: list[str]) -> Settings:
    """What pyproject.toml says, with what the command line says over it."""
    from actscope.errors import InputError
    from actscope.probe.findings import Settings, settings_from

    there = settings_from()
    given = dict(there.thresholds or {})
    for text in threshold:
        name, _, value = text.partition("=")
        try:
            given[name.strip()] = float(value)
        except ValueError:
            raise InputError(
                f"threshold {text!r}: expected rule.threshold=number, as in dead_units.fraction=0.1"
            ) from None
    return Settings(_list(select) or there.select, _list(ignore) or there.ignore, given)


def _form_of(out: Path | None) -> str:
    """The format that a file's name says; a table for any other."""
    ending = out.suffix.lstrip(".").lower() if out is not None else ""
    return {"htm": "html"}.get(ending, ending if ending in FORMATS else "table")


def _show(report: Report, form: str, out: Path | None, model: str) -> None:
    """Print the report, or write it to a file that is there whole or not at all."""
    from actscope.probe.findings import counted
    from actscope.probe.origins import origin_of_name
    from actscope.report.files import write_files
    from actscope.report.inspection import inspection_page

    if form == "table" and out is None:
        report.print()
        return
    writers: dict[str, Callable[[], str]] = {
        "table": lambda: report.summary(160),
        "json": report.to_json,
        "csv": lambda: str(report.table.to_csv()),
        "html": lambda: inspection_page(report).decode(),
        "sarif": lambda: report.to_sarif(model, origin_of_name(model)),
    }
    text = writers[form]()
    if out is None:
        typer.echo(text)
        return
    write_files(out.parent, {out.name: text.encode()})
    typer.echo(f"{out}: {counted(len(report.findings), 'finding')}")
