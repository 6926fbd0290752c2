"""One self-contained HTML page of sections with text, figures and tables.

The page loads nothing: figures stand in it as SVG, their colours as variables, so that the same
figure is drawn for a light and for a dark page. Any report is a `Page`.
"""

from __future__ import annotations

import base64
import importlib.resources
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actscope.figures.colours import LIGHT_TO_DARK
from actscope.figures.sheet import render

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAMES_AND_COLOURS = re.compile(
    r'(\bid="|href="#|url\(#)|(?<=[ :])('
    + "|".join(colour.lower() for colour in LIGHT_TO_DARK)
    + r')(?=[;"])'
)
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """A table: numbers are shown with four significant digits and stand to the right.

    Attributes:
        columns: their names.
        rows: one cell for each column; None and NaN are shown as a dash.
        caption: what it shows.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    @staticmethod
    def of(frame: pd.DataFrame, caption: str = "") -> Table:
        """The table of a pandas DataFrame, its index first."""
        flat = frame.reset_index() if frame.index.name is not None else frame
        rows = tuple(tuple(row) for row in flat.itertuples(index=False, name=None))
        return Table(tuple(map(str, flat.columns)), rows, caption)


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Attributes:
        name: what its file would be called; letters, digits and underscores.
        svg: the figure as `figures.sheet.render` gives it.
        words: what it shows, for those who read and for those who cannot see it.
    """

    name: str
    svg: bytes
    words: str

    @staticmethod
    def of(figure: Figure, name: str, words: str) -> Picture:
        """The picture of a matplotlib figure."""
        return Picture(name, render(figure, "svg"), words)


@dataclass(frozen=True)
class Section:
    """A part of the page: a title, paragraphs of plain text, pictures, tables, listings."""

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    listings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Download:
    """A file that the page carries in itself."""

    name: str
    kind: str
    content: bytes

    @property
    def address(self) -> str:
        """The file as a data: address."""
        return f"data:{self.kind};base64,{base64.b64encode(self.content).decode()}"


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        title: of the page.
        lead: one or two sentences: what was found.
        sections: in order.
        downloads: files that the page carries.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    downloads: tuple[Download, ...] = ()


def render_page(page: Page) -> bytes:
    """The page as the bytes of an HTML file, self-contained.

    Example:
        >>> text = render_page(Page("A report", "Found: nothing.", (Section("Why"),))).decode()
        >>> "<h1>A report</h1>" in text, "https://" in text
        (True, False)
    """
    import jinja2

    source = importlib.resources.files("actscope.report").joinpath("page.html.j2").read_text("utf8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(cell=show_cell, number=_is_number, slug=_slug)
    dark = {_variable(light): shade for light, shade in LIGHT_TO_DARK.items()}
    template = environment.from_string(source)
    return template.render(page=page, dark=dark, inline_svg=_safe(inline_svg)).encode()


def show_cell(cell: Cell) -> str:
    """A cell as it is shown: floats with four significant digits, nothing as a dash.

    Example:
        >>> [show_cell(c) for c in (0.28745, 12345.678, 1e-9, 7, None, float("nan"), "yes", True)]
        ['0.2874', '12350', '1e-09', '7', '–', '–', 'yes', 'yes']
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        short = f"{cell:.4g}"
        return f"{float(short):.0f}" if "e+" in short and abs(cell) < 1e7 else short
    return str(cell)


def inline_svg(picture: Picture, position: int) -> str:
    """A picture's SVG for use inside a page.

    Its ids get a prefix of their own, its colours become variables with the light colour as the
    fallback, and it scales with the page.

    Args:
        picture: the figure.
        position: its place among the page's pictures; makes the ids distinct.
    """
    text = picture.svg.decode("utf8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # one pass: ids and what refers to them get the prefix, colours become variables
    text = NAMES_AND_COLOURS.sub(lambda found: _inlined(found, f"f{position}-"), text)
    width = re.search(r'<svg[^>]*? width="([\d.]+)pt"', text)
    wide = f' style="max-width: {float(width[1]) * 4 / 3:.0f}px"' if width else ""
    text = re.sub(r'(<svg[^>]*?) width="[\d.]+pt"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[\d.]+pt"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg aria-hidden="true" focusable="false"{wide}', 1)


def _inlined(found: re.Match[str], prefix: str) -> str:
    before, colour = found[1], found[2]
    return f"{before}{prefix}" if before else f"var({_variable(colour)}, {colour})"


def _variable(colour: str) -> str:
    """The CSS variable of a colour of the light page."""
    return f"--as-{colour[1:].lower()}"


def _safe(function: Any) -> Any:
    """A template function whose result is markup and is not escaped."""
    from markupsafe import Markup

    return lambda *args: Markup(function(*args))


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _slug(title: str) -> str:
    """A title as an address: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
