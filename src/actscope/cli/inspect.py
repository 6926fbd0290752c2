"""Find what the activations of a PyTorch model do, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    tokens: Annotated[int, typer.Option(help="Random whole numbers below this.")] = 0,
    labels: Annotated[str, typer.Option(help="A .npy, .npz or .pt file.")] = "",
    loss: Annotated[str, typer.Option(help="cross_entropy, bce, bce_with_logits or mse.")] = "",
    select: Annotated[str, typer.Option(help="Codes or names of rules, by commas.")] = "",
    ignore: Annotated[str, typer.Option(help="The same, left out: ACT101,ACT3@conv*.")] = "",
    threshold: Annotated[
        list[str] | None, typer.Option(help="dead_units.fraction=0.1; may be repeated.")
    ] = None,
    units: Annotated[int | None, typer.Option(help="The dimension of the units.")] = None,
    rows: Annotated[int, typer.Option(help="Rows kept for spectra.")] = 512,
    train: Annotated[bool, typer.Option("--train", help="In train mode, not eval.")] = False,
    form: Annotated[str, typer.Option("--format", help="table, json, sarif, html, csv.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Write there instead.")] = None,
    fail_on: Annotated[
        str, typer.Option(help="Exit with 1 at a finding: info, warning, error, or codes.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of random data and of weights drawn anew.")] = 0,
) -> None:
    """Find what the activations of a PyTorch model do, and what is wrong with them.

    Rules and thresholds may stand in pyproject.toml, in the table tool.actscope.inspect.

    Example: actscope inspect mymodels:resnet --data batch.npz --loss cross_entropy --fail-on error
    """
    from actscope.errors import InputError, MissingExtra

    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", "torch") from None
    from actscope.probe.findings import fails
    from actscope.probe.load import load_data, load_labels, load_model
    from actscope.probe.survey import inspect

    if form not in FORMATS:
        raise InputError(f"format {form!r}: expected one of {', '.join(FORMATS)}")
    settings = _settings(select, ignore, threshold or [])
    failing = _list(fail_on)
    fails([], failing)  # a misspelt code is said before the work
    torch.manual_seed(seed)
    net = load_model(model)
    if not isinstance(net, torch.fx.GraphModule):  # an exported program has the mode it was made in
        net.train(train)
    batch, own = load_data(data, shape, tokens, seed)
    report = inspect(
        net,
        batch,
        load_labels(labels) if labels else own,
        loss or None,
        units=units,
        rows=rows,
        select=settings.select,
        ignore=settings.ignore,
        thresholds=settings.thresholds,
        seed=seed,
    )
    _show(report, form, out, model)
    if fails(report.findings, failing):
        raise typer.Exit(1)


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


def _show(report: Report, form: str, out: Path | None, model: str) -> None:
    """Print the report, or write it to a file that is there whole or not at all."""
    import json

    from actscope import __version__
    from actscope.probe.findings import sarif
    from actscope.report.files import write_files
    from actscope.report.inspection import inspection_page

    if form == "table" and out is None:
        report.print()
        return
    if form == "sarif":
        module = model.partition(":")[0]
        uri = "" if Path(model).exists() else module.replace(".", "/") + ".py"
        text = json.dumps(sarif(report.findings, __version__, uri), indent=1, ensure_ascii=False)
    else:
        writers: dict[str, Callable[[], str]] = {
            "table": lambda: report.summary(160),
            "json": report.to_json,
            "csv": lambda: str(report.table.to_csv()),
            "html": lambda: inspection_page(report).decode(),
        }
        text = writers[form]()
    if out is None:
        typer.echo(text)
        return
    write_files(out.parent, {out.name: text.encode()})
    typer.echo(f"{out}: {len(report.findings)} findings")
