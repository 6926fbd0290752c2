"""Show one activation: formula, derivative, range, readings, source, and its curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from actscope.cli._complete import one_of

if TYPE_CHECKING:
    from rich.console import Console

    from actscope.activations._base import Activation
    from actscope.activations.vectors._base import VectorActivation

DEFAULT_POINTS = (-3.0, -1.0, 0.0, 1.0, 3.0)
VECTORS_SHOWN = ([2.0, 1.0, 0.5, 0.1], [1000.0, 999.0, 0.0])  # of a vector activation


def command(
    name: Annotated[
        str,
        typer.Argument(
            autocompletion=one_of("activations", "activations.vectors"),
            help="A catalogue name or a typed expression.",
        ),
    ],
    at: Annotated[
        list[float] | None, typer.Option("--at", "-x", help="A point to read off; repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter, as slope=0.1; repeatable.")
    ] = None,
    span: Annotated[float, typer.Option(min=1e-6, max=1e6, help="Draw from −span to span.")] = 5.0,
) -> None:
    """Show one activation: formula, derivative, range, readings, source, and its curves.

    Examples: actscope show gelu · actscope show leaky_relu --set slope=0.1 -x -2 ·
    actscope show "x*sigmoid(1.7*x)"
    """
    from rich.console import Console

    from actscope.activations._lookup import activation
    from actscope.activations.vectors._base import VectorActivation

    one = activation(name, **_settings(set_ or []))
    console = Console()
    if isinstance(one, VectorActivation):
        _vector(console, one, at)
    else:
        _elementwise(console, one, at or list(DEFAULT_POINTS), span)


def _settings(pairs: list[str]) -> dict[str, float]:
    """{"slope": 0.1} from ["slope=0.1"]."""
    from actscope.errors import BadParameter

    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        try:
            settings[key.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise BadParameter(f"--set {pair!r}: expected NAME=NUMBER, such as slope=0.1")
    return settings


def _elementwise(console: Console, one: Activation, points: list[float], span: float) -> None:
    """Print the facts, the readings and the curves of an elementwise activation."""
    import numpy as np
    from rich import box
    from rich.table import Table

    from actscope.activations._table import facts, readings
    from actscope.cli._draw import chart

    _facts(console, one.label, facts(one))
    table = Table("x", "value", "slope", "slope left | right", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in readings(one, points).itertuples(index=False):
        x, value, slope, left, right = map(float, row)
        sides = f"{left:.6g} | {right:.6g}" if x in one.kinks and left != right else ""
        table.add_row(f"{x:g}", f"{value:.6g}", f"{slope:.6g}", sides)
    console.print(table, highlight=False)
    line = np.linspace(-span, span, 1001)
    console.print(chart(line, {"bold cyan": one(line), "magenta": one.slope_at(line)}))
    console.print(
        Text.assemble(" " * 11, ("⣿", "bold cyan"), " value   ", ("⣿", "magenta"), " slope")
    )


def _vector(console: Console, one: VectorActivation, at: list[float] | None) -> None:
    """Print the facts of a vector activation, both its forms side by side, and its Jacobian."""
    from rich import box
    from rich.table import Table

    facts = {"formula": one.formula, "derivative": one.derivative, "range": str(one.range)}
    _facts(console, one.label, {**facts, "use case": one.use_case, "source": one.source})
    for logits in [at] if at else VECTORS_SHOWN:
        table = Table("logit", "naive", "stable", "Jacobian", box=box.SIMPLE_HEAD, pad_edge=False)
        rows = one.compare(logits).itertuples(index=False)
        for row, slopes in zip(rows, one.jacobian_at(logits), strict=True):
            table.add_row(*(f"{v:.6g}" for v in row), "  ".join(f"{s:8.4f}" for s in slopes))
        console.print(table, highlight=False)
    console.print("The naive form overflows near 709; actscope never uses it.", style="dim")


def _facts(console: Console, label: str, facts: Mapping[str, str | bool]) -> None:
    """Print a label and the facts under it, one a line, but for empty ones and names."""
    from rich.table import Table

    console.print(label, style="bold", highlight=False)
    grid = Table.grid(padding=(0, 2))
    for fact, value in facts.items():
        if fact not in ("name", "label") and value != "":
            shown = ("yes" if value else "no") if isinstance(value, bool) else value
            grid.add_row(fact.replace("_", " "), Text(shown))
    console.print(grid, highlight=False)
