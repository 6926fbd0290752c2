"""Show one activation: formula, derivative, range, readings, source, and its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from actscope.activations._base import Activation

DEFAULT_POINTS = (-3.0, -1.0, 0.0, 1.0, 3.0)


def command(
    name: Annotated[str, typer.Argument(help="A catalogue name or a typed expression.")],
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

    one = activation(name, **_settings(set_ or []))
    console = Console()
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

    console.print(one.label, style="bold", highlight=False)
    grid = Table.grid(padding=(0, 2))
    for fact, value in facts(one).items():
        if fact not in ("name", "label") and value != "":
            shown = ("yes" if value else "no") if isinstance(value, bool) else value
            grid.add_row(fact.replace("_", " "), Text(shown))
    console.print(grid, highlight=False)
    table = Table("x", "value", "slope", "slope left | right", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in readings(one, points).itertuples(index=False):
        kinked = row.slope_left != row.slope_right and row.x in one.kink_points
        sides = f"{row.slope_left:.6g} | {row.slope_right:.6g}" if kinked else ""
        table.add_row(f"{row.x:g}", f"{row.value:.6g}", f"{row.slope:.6g}", sides)
    console.print(table, highlight=False)
    x = np.linspace(-span, span, 1001)
    console.print(chart(x, {"bold cyan": one(x), "magenta": one.slope_at(x)}))
    console.print(
        Text.assemble(" " * 11, ("⣿", "bold cyan"), " value   ", ("⣿", "magenta"), " slope")
    )
