"""Draw value and slope of any activations, one panel each, as PNG or SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actscope.cli._complete import one_of

DEFAULT_OUT = Path("activations.png")


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=one_of("activations"),
            help="Catalogue names or typed expressions; all of the catalogue if none.",
        ),
    ] = None,
    span: Annotated[float, typer.Option(help="Half the width of the x axis.")] = 5.0,
    out: Annotated[Path, typer.Option(help="The picture: a .png or .svg file.")] = DEFAULT_OUT,
) -> None:
    """Draw value and slope of any activations, one panel each.

    Examples: actscope plot relu gelu silu · actscope plot "x*tanh(log(1+exp(x)))" mish --out m.svg
    """
    from actscope.activations._lookup import SHELF, elementwise
    from actscope.errors import OutputError
    from actscope.report.files import ready_folder, write_files

    kind = out.suffix[1:].lower()
    if kind not in ("png", "svg"):
        raise OutputError(f"--out {out}: expected a name that ends in .png or .svg")
    found = [elementwise(name) for name in names] if names else list(SHELF)
    folder = ready_folder(out.parent)
    from actscope.figures.activations import activation_grid
    from actscope.figures.sheet import render

    write_files(folder, {out.name: render(activation_grid(found, span), kind)})
    count = f"{len(found)} activations" if len(found) > 1 else found[0].label
    typer.echo(f"{count}: {folder / out.name}")
