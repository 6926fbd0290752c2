"""The page's parts joined into one module and one style sheet, for the server and for notebooks."""

from __future__ import annotations

import functools
import html
import importlib.resources
from typing import Any

from actscope.app.panels._lookup import in_order
from actscope.figures import colours

CORE = ("core", "chart", "controls")
PAGE = {  # beside the table of colours: light, dark
    "back": ("#F7F7F5", "#14171B"),
    "accent": ("#0072B2", "#56B4E9"),
    "on-accent": ("#FFFFFF", "#10151A"),
    "rule": ("#D5D9DE", "#3A424D"),
    "field": ("#87909B", "#7A8593"),  # borders of controls: 3:1 on the panel
    "alarm": ("#9A3B00", "#FFB38A"),
    "alarm-back": ("#FFF1E8", "#3A2418"),
}
NAMED = {
    "text": colours.TEXT,
    "muted": colours.MUTED,
    "panel": colours.PANEL,
    "grid": colours.GRID,
    "line": colours.LINE,
    "nothing": colours.NOTHING,
}


@functools.cache
def module() -> str:
    """The explorer's one ES module: every panel's part is a block, so that its names are its own.

    Example:
        >>> text = module()
        >>> text.count("definePanel(") > 1, "export default" in text
        (True, True)
    """
    parts = [_part(f"{name}.js") for name in CORE]
    for panel in in_order():
        parts += ["{", *_parts_of(panel.name, "js"), "}"]
    return "\n".join([*parts, _part("mount.js")])


@functools.cache
def style() -> str:
    """The style sheet: the colours as variables, and every rule nested under `.actscope`."""
    light, dark = _variables()
    return "\n".join(
        [
            f".actscope {{ color-scheme: light; {light} }}",
            f".actscope[data-theme=dark] {{ color-scheme: dark; {dark} }}",
            f"@media (prefers-color-scheme: dark) {{ .actscope:not([data-theme=light]) "
            f"{{ color-scheme: dark; {dark} }} }}",
            _part("style.css"),
            *(part for panel in in_order() for part in _parts_of(panel.name, "css")),
        ]
    )


def palette() -> dict[str, Any]:
    """The colours that the page draws with, by view, as the page is told them."""
    own = {name: {"light": light, "dark": dark} for name, (light, dark) in PAGE.items()}
    named = {n: {"light": c, "dark": colours.LIGHT_TO_DARK[c]} for n, c in NAMED.items()}
    return {
        **own,
        **named,
        "heat": list(colours.HEAT),
        "classes": list(colours.CLASSES),
        "boundary": colours.BOUNDARY,
    }


def page() -> str:
    """The HTML page that holds the module."""
    icon = html.escape(f"data:image/svg+xml,{_ICON}")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="What an activation function does to a network, to try out.">
<title>actscope explorer</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="explorer.css">
<link rel="stylesheet" href="page.css">
</head>
<body>
<div class="actscope" data-actscope-page></div>
<noscript>The explorer draws with JavaScript; switch it on for this page.</noscript>
<script type="module" src="explorer.js"></script>
</body>
</html>
"""


def page_style() -> str:
    """What the page needs around the explorer: the background behind it."""
    light, dark = PAGE["back"]
    return (
        f"html {{ background: {light}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ html {{ background: {dark}; }} }}\n"
        f"html[data-theme=light] {{ background: {light}; }}\n"
        f"html[data-theme=dark] {{ background: {dark}; }}\n"
        "body { margin: 0; }\n"
    )


_ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 12h6l8-9' "
    "fill='none' stroke='%23D55E00' stroke-width='2.5'/%3E%3C/svg%3E"
)


def _variables() -> tuple[str, str]:
    """The colours as CSS variables, for the light and for the dark view."""
    entries = {k: v for k, v in palette().items() if isinstance(v, dict)}
    views = (" ".join(f"--as-{k}: {v[t]};" for k, v in entries.items()) for t in ("light", "dark"))
    return next(views), next(views)


def _part(name: str) -> str:
    return (importlib.resources.files("actscope.app") / "page" / name).read_text("utf8")


def _parts_of(panel: str, kind: str) -> list[str]:
    """A panel's parts: playground.js, playground_planes.js, …; all of them are one block."""
    page = importlib.resources.files("actscope.app") / "page"
    names = sorted(entry.name for entry in page.iterdir())
    own = [n for n in names if n == f"{panel}.{kind}" or n.startswith(f"{panel}_")]
    return [_part(name) for name in own if name.endswith(f".{kind}")]


def hello() -> dict[str, Any]:
    """What every page is told first: the tabs and the colours."""
    tabs = [{"name": p.name, "label": p.label, "lead": p.lead} for p in in_order()]
    return {"panels": tabs, "colours": palette()}
